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

fn forwarded(_: &Site<'_>) -> Examined {
    Examined::not_applicable("this version keeps records in the journal only; ship its files")
}
