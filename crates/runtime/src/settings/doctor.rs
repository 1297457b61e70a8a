use super::reader::Reader;
use crate::doctor::controls;

/// What a server does about the controls that it looks at before it serves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DoctorSection {
    /// Controls without which the server does not start; the others are told in its log.
    pub refuse_start: Vec<String>,
}

pub(super) fn doctor(reader: &mut Reader) -> DoctorSection {
    let allowed = "a list of controls, as `strongroom-admin doctor` names them";
    let refuse_start: Vec<String> = reader.get("doctor.refuse_start", Vec::new(), allowed);
    for id in &refuse_start {
        match controls().find(|control| control.id == id) {
            Some(control) if control.at_start => {}
            Some(_) => {
                reader.refuse("doctor.refuse_start", format!("{id} is not looked at when a server starts"));
            }
            None => reader.refuse("doctor.refuse_start", format!("there is no control {id}")),
        }
    }
    DoctorSection { refuse_start }
}
