use super::reader::Reader;

/// How rotations of keys are carried out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RotationSection {
    /// How much of its time a server spends on a rotation, in percent; the rest is left to requests.
    pub share_percent: u32,
}

pub(super) fn rotation(reader: &mut Reader) -> RotationSection {
    let share_percent = reader.get("rotation.share_percent", 1, "a whole number from 1 to 100");
    if !(1..=100).contains(&share_percent) {
        reader.refuse("rotation.share_percent", "is not from 1 to 100");
    }
    RotationSection { share_percent }
}
