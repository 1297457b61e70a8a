use strongroom_core::undo::UndoWindow;

use super::reader::Reader;

const SECONDS_A_DAY: u32 = 86_400;

/// What becomes of secrets that are deleted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeletionSection {
    /// For how long the operator can restore them.
    pub undo: UndoWindow,
}

pub(super) fn deletion(reader: &mut Reader) -> DeletionSection {
    const ALLOWED: &str = "a whole number of days from 0 to 3650";
    let days: u16 = reader.get("deletion.undo_days", 0, ALLOWED);
    if days > 3650 {
        reader.refuse("deletion.undo_days", format!("{days} is too much; give {ALLOWED}"));
    }
    DeletionSection { undo: UndoWindow { seconds: u32::from(days) * SECONDS_A_DAY } }
}
