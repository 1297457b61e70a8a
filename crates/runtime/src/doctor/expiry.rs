use strongroom_core::SecretType;
use strongroom_core::ports::TypeCount;
use strongroom_notify::Channel;

use super::{Control, Examined, Severity, Site};
use crate::error::chain;
use crate::expiry::{count_unread, list_endings};
use crate::rotation::look;

/// Days left of a certificate at which somebody should know of it.
const SOON: i64 = 30;
/// What is good for a time by its nature.
const TIME_BOUND: [SecretType; 2] = [SecretType::Certificate, SecretType::Passphrase];
const LIST: &str = "strongroom-admin expiry list --within 30d";

pub(super) const CONTROLS: [Control; 4] = [
    Control {
        id: "EXP-01",
        severity: Severity::Low,
        title: "certificates and passphrases have an end",
        at_start: false,
        examine: dated,
    },
    Control {
        id: "EXP-02",
        severity: Severity::High,
        title: "no certificate has ended, and none is about to end unnoticed",
        at_start: false,
        examine: certificates,
    },
    Control {
        id: "EXP-03",
        severity: Severity::Low,
        title: "every stored certificate was read",
        at_start: false,
        examine: read,
    },
    Control {
        id: "EXP-04",
        severity: Severity::Medium,
        title: "somebody is told before a secret or a certificate ends",
        at_start: false,
        examine: told,
    },
];

fn told(site: &Site<'_>) -> Examined {
    let windows = &site.settings.expiry.windows;
    let channels = &site.settings.notices.channels;
    if windows.default.is_empty() && windows.projects.values().all(Vec::is_empty) {
        Examined::warn("expiry.windows_days is empty", "set expiry.windows_days, such as [90, 30, 7, 1]")
    } else if channels.is_empty() {
        Examined::warn(
            "by the server's log only",
            "set a channel in notices, and try it: strongroom-admin notices test",
        )
    } else {
        let names: Vec<_> = channels.iter().map(Channel::name).collect();
        Examined::pass(format!("by {}", names.join(", ")))
    }
}

fn dated(site: &Site<'_>) -> Examined {
    let now = site.now;
    let counts = match look(site.settings, |reader| reader.count_types(now)) {
        Ok(counts) if counts.is_empty() => return Examined::not_applicable("there are no secrets"),
        Ok(counts) => counts,
        Err(error) => return Examined::not_applicable(chain(&error)),
    };
    let shares: Vec<_> = counts.iter().map(share).collect();
    let evidence = format!("without an end: {}", shares.join(", "));
    if counts.iter().any(|count| TIME_BOUND.contains(&count.secret_type) && count.ending < count.all) {
        Examined::warn(evidence, "have clients set `expiration` when they store them")
    } else {
        Examined::pass(evidence)
    }
}

fn share(count: &TypeCount) -> String {
    let TypeCount { secret_type, all, ending } = count;
    let without = all.saturating_sub(*ending);
    format!("{without} of {all} ({} %) {secret_type}", (without * 100).checked_div(*all).unwrap_or(0))
}

fn certificates(site: &Site<'_>) -> Examined {
    let found = match list_endings(site.settings, site.now.plus_seconds(SOON * 86_400), None) {
        Ok(found) => found,
        Err(error) => return Examined::not_applicable(chain(&error)),
    };
    let ending = found.iter().map(|(_, ending)| ending);
    let ending: Vec<_> = ending.filter(|ending| ending.certificate.is_some()).collect();
    let ended = ending.iter().filter(|ending| ending.ends <= site.now).count();
    let unnoticed =
        ending.iter().filter(|ending| ending.ends > site.now && !ending.is_acknowledged()).count();
    let evidence = format!(
        "{ended} have ended and are still stored; of those that end within {SOON} days, {unnoticed} are not acknowledged"
    );
    match (ended, unnoticed) {
        (0, 0) => Examined::pass(evidence),
        (0, _) => Examined::warn(
            evidence,
            format!("{LIST}, then renew them, or `strongroom-admin expiry ack SECRET`"),
        ),
        _ => Examined::fail(evidence, format!("{LIST}, then replace or delete those that have ended")),
    }
}

fn read(site: &Site<'_>) -> Examined {
    match count_unread(site.settings) {
        Ok(0) => Examined::pass("none is left to be read"),
        Ok(left) => Examined::warn(format!("{left} are still to be read"), "strongroom-admin expiry scan"),
        Err(error) => Examined::not_applicable(chain(&error)),
    }
}
