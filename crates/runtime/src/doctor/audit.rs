use strongroom_audit::Trust;

use super::{Control, Examined, Severity, Site};

pub(super) const CONTROLS: [Control; 2] = [
    Control {
        id: "AUD-01",
        severity: Severity::Critical,
        title: "the audit journal is as it was written",
        at_start: false,
        examine: intact,
    },
    Control {
        id: "AUD-02",
        severity: Severity::High,
        title: "audit records are forwarded to the SIEM as they are made",
        at_start: false,
        examine: forwarded,
    },
];

fn intact(site: &Site<'_>) -> Examined {
    match strongroom_audit::verify(&site.settings.audit.folder, &Trust::default()) {
        Ok(report) => match report.findings.first() {
            None => Examined::pass(format!("{} records, intact", report.records)),
            Some(first) => Examined::fail(first.to_string(), "strongroom-admin audit verify"),
        },
        Err(error) if !site.settings.storage.file.exists() => Examined::not_applicable(error.to_string()),
        Err(error) => Examined::fail(error.to_string(), "strongroom-admin audit verify"),
    }
}

/// How old the oldest record may be that was not forwarded, in seconds: enough for a receiver to be restarted.
const PATIENCE: i64 = 300;

fn forwarded(site: &Site<'_>) -> Examined {
    const ADD: &str = "add an [[audit.forwarders]] table to the settings";
    let section = &site.settings.audit;
    if section.forwarders.is_empty() {
        let evidence = "no forwarder is set: whoever takes this machine takes the only journal";
        return if site.is_local() { Examined::warn(evidence, ADD) } else { Examined::fail(evidence, ADD) };
    }
    let mut seen = Vec::new();
    for forwarder in &section.forwarders {
        let name = &forwarder.name;
        let mend = format!("look for the forwarder {name:?} in the server's log, and at its receiver");
        let backlog = match strongroom_audit::backlog(&section.folder, name) {
            Ok(Some(backlog)) => backlog,
            Ok(None) => return Examined::fail(format!("{name} has never run"), mend),
            Err(error) => return Examined::fail(format!("{name}: {error}"), mend),
        };
        let (waits, bytes) = (backlog.oldest, backlog.bytes);
        match waits {
            Some(at) if at.plus_seconds(PATIENCE) < site.now => {
                return Examined::fail(format!("{name} is {bytes} bytes behind, since {at}"), mend);
            }
            Some(at) => seen.push(format!("{name} is {bytes} bytes behind, since {at}")),
            None => seen.push(format!("{name} has sent everything")),
        }
    }
    Examined::pass(seen.join("; "))
}
