//! Who asked for a rotation, which its report tells. What operators have done is noted by name, so this is known of
//! the latest rotation of each store.

use strongroom_core::UserId;
use strongroom_core::ports::{Milestone, StorageError, Writer};
use strongroom_core::rotation::Rotation;

/// Notes who asked, unless somebody else has asked for the same one before.
pub(super) fn note_asker(
    writer: &mut dyn Writer,
    rotation: &Rotation,
    asker: &UserId,
) -> Result<(), StorageError> {
    if who_asked(&writer.milestones()?, rotation).is_some() {
        return Ok(());
    }
    writer.put_milestone(&Milestone {
        name: name(rotation),
        at: rotation.created,
        detail: format!("{} {}", rotation.id, asker.as_str()),
    })
}

/// Who asked for it, if that is known.
pub(super) fn who_asked(milestones: &[Milestone], rotation: &Rotation) -> Option<String> {
    let name = name(rotation);
    let noted = milestones.iter().find(|noted| noted.name == name)?;
    let (id, asker) = noted.detail.split_once(' ')?;
    (id == rotation.id.to_string()).then(|| asker.to_owned())
}

fn name(rotation: &Rotation) -> String {
    format!("rotation-asked-{}", rotation.backend)
}
