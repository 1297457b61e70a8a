use super::{Control, Examined, Severity, Site};

pub(super) const CONTROLS: [Control; 2] = [
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
];

fn address(site: &Site<'_>) -> Examined {
    let listen = site.settings.listen;
    if is_local(site) {
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
    } else if is_local(site) {
        Examined::not_applicable("nothing leaves this machine but through a proxy in front of it")
    } else if settings.edge.proxies.networks.is_empty() {
        Examined::fail(format!("plain HTTP on {}", settings.listen), "set tls.certificate and tls.key")
    } else {
        Examined::pass("plain HTTP from the proxies in edge.proxies, which have to speak HTTPS to clients")
    }
}

fn is_local(site: &Site<'_>) -> bool {
    site.settings.listen.ip().to_canonical().is_loopback()
}
