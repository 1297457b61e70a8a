use super::{Control, Examined, Severity, Site};
use crate::error::chain;

/// Days left of a certificate at which to think of the next, and at which to be alarmed.
const SOON: i64 = 30;
const NOW: i64 = 7;

pub(super) const CONTROLS: [Control; 3] = [
    Control {
        id: "NET-01",
        severity: Severity::High,
        title: "the API can be reached from the management network only",
        at_start: true,
        examine: address,
    },
    Control {
        id: "NET-02",
        severity: Severity::Critical,
        title: "off this machine the API speaks HTTPS only",
        at_start: true,
        examine: https,
    },
    Control {
        id: "NET-03",
        severity: Severity::High,
        title: "the TLS certificate is good for a while",
        at_start: true,
        examine: certificate,
    },
];

fn address(site: &Site<'_>) -> Examined {
    let listen = site.settings.listen;
    if site.is_local() {
        Examined::pass(format!("{listen} can be reached from this machine only"))
    } else if site.settings.edge.allowed.is_empty() {
        Examined::fail(
            format!("{listen} takes connections from anywhere"),
            "set edge.allowed_networks to the management network, such as [\"192.0.2.0/24\"]",
        )
    } else {
        Examined::pass(format!("{listen} takes connections from edge.allowed_networks only"))
    }
}

fn https(site: &Site<'_>) -> Examined {
    let settings = site.settings;
    if settings.tls.is_some() {
        Examined::pass("TLS, with tls.certificate")
    } else if site.is_local() {
        Examined::not_applicable("nothing leaves this machine but through a proxy in front of it")
    } else if settings.edge.proxies.networks.is_empty() {
        Examined::fail(format!("plain HTTP on {}", settings.listen), "set tls.certificate and tls.key")
    } else {
        Examined::pass("plain HTTP from the proxies in edge.proxies, which have to speak HTTPS to clients")
    }
}

fn certificate(site: &Site<'_>) -> Examined {
    const RENEW: &str = "renew the certificate, and put it in place of the files of tls.certificate and tls.key, which are read again";
    let Some(tls) = &site.settings.tls else { return Examined::not_applicable("TLS is not spoken here") };
    let until = match tls.good_until() {
        Ok(Some(until)) => until,
        Ok(None) => return Examined::fail("the certificate does not tell until when it is good", RENEW),
        Err(error) => return Examined::fail(chain(&error), "mend tls.certificate"),
    };
    let left = until.saturating_sub(site.now.as_micros() / 1_000_000).div_euclid(86_400);
    let evidence = format!("{left} days left");
    match left {
        ..0 => Examined::fail("it has ended", RENEW),
        0..NOW => Examined::fail(evidence, RENEW),
        NOW..SOON => Examined::warn(evidence, RENEW),
        SOON.. => Examined::pass(evidence),
    }
}
