use super::{Control, Examined, Severity, Site};

pub(super) const CONTROLS: [Control; 1] = [Control {
    id: "SBX-01",
    severity: Severity::High,
    title: "the server gives up what it does not need",
    at_start: true,
    examine: confined,
}];

fn confined(site: &Site<'_>) -> Examined {
    let section = &site.settings.sandbox;
    if !section.enabled {
        return Examined::fail("sandbox.enabled is false", "set sandbox.enabled to true");
    }
    // Whoever has taken the server over could replace programs there.
    let system = ["/", "/bin", "/boot", "/etc", "/home", "/lib", "/root", "/sbin", "/usr"];
    match section.writable.iter().find(|folder| system.iter().any(|wide| folder.as_os_str() == *wide)) {
        Some(wide) => Examined::warn(
            format!("sandbox.writable lets it write to all of {}", wide.display()),
            "name the folders that are written to, and none above them",
        ),
        None => Examined::pass(format!(
            "capabilities, files and calls; {} more folders to write to",
            section.writable.len()
        )),
    }
}
