//! Every metric there is. The handbook's page is compared with this list, and nothing is measured that is not in it.

use crate::metric::{Kind, Metric};

/// Bounds of durations, as the semantic conventions advise for HTTP, with two below for what takes no time.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Bounds of what a backend in memory does within microseconds, and one elsewhere within seconds.
const FINE_SECONDS: &[f64] = &[
    0.000_01, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 5.0,
];

macro_rules! catalogue {
    ($($(#[doc = $description:literal])+ $constant:ident = ($name:literal, $kind:expr, $unit:literal, [$($attribute:literal),*]);)+) => {
        $(
            $(#[doc = $description])+
            pub const $constant: Metric = Metric {
                name: $name,
                kind: $kind,
                unit: $unit,
                attributes: &[$($attribute),*],
                description: concat!($($description),+).trim_ascii(),
            };
        )+
        /// Every metric, in the order of the handbook.
        pub const CATALOGUE: &[Metric] = &[$($constant),+];
    };
}

catalogue! {
    /// How long requests took from their head until their answer, and, as its count, how many there were.
    REQUEST_DURATION = ("http.server.request.duration", Kind::Histogram(SECONDS), "s",
        ["http.request.method", "http.response.status_code", "http.route"]);
    /// Requests being worked on, or waiting for their turn.
    ACTIVE_REQUESTS = ("http.server.active_requests", Kind::UpDown, "{request}", []);
    /// Acts that were refused, or failed, by the reason on record.
    REFUSALS = ("strongroom.refusals", Kind::Counter, "{refusal}", ["strongroom.outcome", "strongroom.reason"]);
    /// Connections that are open.
    CONNECTIONS = ("strongroom.edge.connections", Kind::UpDown, "{connection}", []);
    /// Connections that were accepted.
    ACCEPTED = ("strongroom.edge.accepted", Kind::Counter, "{connection}", []);
    /// Connections and requests that were turned away before anybody was identified; a failed TLS handshake is `tls-handshake`.
    TURNED_AWAY = ("strongroom.edge.refusals", Kind::Counter, "{refusal}", ["strongroom.reason"]);
    /// 1 while audit records are taken; 0 while the journal can't be written or a required forwarder lags too far, when every request is refused.
    JOURNAL_OPEN = ("strongroom.journal.open", Kind::Gauge, "{state}", []);
    /// Audit records made durable.
    JOURNAL_RECORDS = ("strongroom.journal.records", Kind::Counter, "{record}", []);
    /// How long making audit records durable took, and, as its count, how often that was done.
    JOURNAL_SYNC = ("strongroom.journal.sync.duration", Kind::Histogram(FINE_SECONDS), "s", []);
    /// The number of the journal's newest file.
    JOURNAL_SEGMENT = ("strongroom.journal.segment", Kind::Gauge, "{file}", []);
    /// The size of the journal's newest file.
    JOURNAL_SEGMENT_SIZE = ("strongroom.journal.segment.size", Kind::Gauge, "By", []);
    /// Outcomes of changes that wait in memory until the journal can be written.
    JOURNAL_OWED = ("strongroom.journal.owed", Kind::UpDown, "{record}", []);
    /// How long the oldest audit record has waited that a forwarder's receiver does not have.
    FORWARDER_LAG = ("strongroom.forwarder.lag", Kind::Measure, "s", ["strongroom.forwarder"]);
    /// Bytes of the journal that a forwarder's receiver does not have.
    FORWARDER_SPOOL = ("strongroom.forwarder.spool", Kind::Gauge, "By", ["strongroom.forwarder"]);
    /// Audit records that a forwarder has delivered.
    FORWARDER_DELIVERED = ("strongroom.forwarder.delivered", Kind::Counter, "{record}", ["strongroom.forwarder"]);
    /// 1 while a forwarder's deliveries succeed; 0 once the newest has failed.
    FORWARDER_UP = ("strongroom.forwarder.up", Kind::Gauge, "{state}", ["strongroom.forwarder"]);
    /// The time since a forwarder's last delivery; absent before the first.
    FORWARDER_LAST_SUCCESS = ("strongroom.forwarder.last_success.age", Kind::Measure, "s", ["strongroom.forwarder"]);
    /// Commits of the database; many changes share one.
    COMMITS = ("strongroom.storage.commits", Kind::Counter, "{commit}", []);
    /// Changes that were made by these commits.
    CHANGES = ("strongroom.storage.changes", Kind::Counter, "{change}", []);
    /// 1 while a secret store can seal and open.
    STORE_UP = ("strongroom.store.up", Kind::Gauge, "{state}", ["strongroom.store"]);
    /// How long a secret store took for what it was asked for.
    STORE_DURATION = ("strongroom.store.operation.duration", Kind::Histogram(FINE_SECONDS), "s",
        ["strongroom.outcome", "strongroom.store", "strongroom.store.operation"]);
    /// What a secret store has yet to destroy of secrets that were deleted.
    DISPOSALS = ("strongroom.store.disposals", Kind::UpDown, "{secret}", ["strongroom.store"]);
    /// 1 while a hardware token is at work.
    TOKEN_UP = ("strongroom.token.up", Kind::Gauge, "{state}", ["strongroom.token"]);
    /// The version of the master key that wraps new project keys.
    MASTER_KEY_VERSION = ("strongroom.master_key.version", Kind::Gauge, "{version}", ["strongroom.store"]);
    /// How old that version is, counted from when it was first met here.
    MASTER_KEY_AGE = ("strongroom.master_key.age", Kind::Measure, "s", ["strongroom.store"]);
    /// 1 while a rotation of keys, or a move between stores, is under way.
    ROTATION_OPEN = ("strongroom.rotation.open", Kind::Gauge, "{state}", ["strongroom.store"]);
    /// What part of its stage it has done, from 0 to 1.
    ROTATION_PROGRESS = ("strongroom.rotation.progress", Kind::Measure, "1", ["strongroom.store"]);
    /// Keys or secrets that the latest one could not open, or had to leave.
    ROTATION_FAILED = ("strongroom.rotation.failed", Kind::Gauge, "{object}", ["strongroom.store"]);
    /// The time since something was last done that is to be done regularly, such as `backup` or `master-key-backup`; absent before the first time.
    MILESTONE_AGE = ("strongroom.milestone.age", Kind::Measure, "s", ["strongroom.milestone"]);
    /// Secrets that end within so many days, by their expiration or a certificate in them.
    EXPIRING = ("strongroom.secrets.expiring", Kind::UpDown, "{secret}", ["strongroom.days"]);
    /// Orders that are not carried out yet.
    ORDERS = ("strongroom.orders.pending", Kind::UpDown, "{order}", []);
    /// How long the oldest of them has waited.
    ORDERS_AGE = ("strongroom.orders.oldest.age", Kind::Measure, "s", []);
    /// What the doctor found where it looks without taking time: 0 as it should be, 1 could be better, 2 not as it should be; absent where it does not apply.
    DOCTOR = ("strongroom.doctor.verdict", Kind::Gauge, "{verdict}", ["strongroom.control", "strongroom.severity"]);
    /// The time until the server's TLS certificate ends, 0 once it has; absent without TLS.
    CERTIFICATE_LEFT = ("strongroom.certificate.left", Kind::Measure, "s", []);
    /// The time since this server last looked at what the database and the stores tell; all that is counted there is as old.
    SURVEY_AGE = ("strongroom.survey.age", Kind::Measure, "s", []);
    /// Always 1, with the version of the program.
    BUILD = ("strongroom.build.info", Kind::Gauge, "{state}", ["service.version"]);
    /// Memory that the process holds (resident set).
    MEMORY = ("process.memory.usage", Kind::UpDown, "By", []);
    /// Files and connections that the process has open.
    DESCRIPTORS = ("process.unix.file_descriptor.count", Kind::UpDown, "{file_descriptor}", []);
    /// The time since the process was started.
    UPTIME = ("process.uptime", Kind::Measure, "s", []);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn names_are_those_of_the_conventions_and_none_is_used_twice() {
        let names: BTreeSet<_> = CATALOGUE.iter().map(Metric::prometheus_name).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        for metric in CATALOGUE {
            let sound = ["http.server.", "process.", "strongroom."];
            assert!(sound.iter().any(|prefix| metric.name.starts_with(prefix)), "{}", metric.name);
            assert!(metric.attributes.is_sorted(), "{}: attributes are looked up in order", metric.name);
        }
    }

    /// The row of a metric on the handbook's page.
    fn row(metric: &Metric) -> String {
        let code = |text: &&str| format!("`{text}`");
        let attributes: Vec<_> = metric.attributes.iter().map(code).collect();
        format!(
            "| `{}` | `{}` | {} | {} | {} |",
            metric.name,
            metric.prometheus_name(),
            metric.kind.as_str(),
            attributes.join(", "),
            metric.description
        )
    }

    fn handbook(file: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    #[test]
    fn the_handbook_lists_every_metric_as_it_is() {
        let page = handbook("src/metrics.md");
        let (_, table) = page.split_once("## Every metric").unwrap();
        let listed: Vec<_> =
            table.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
        let expected: Vec<_> = CATALOGUE.iter().map(row).collect();
        assert_eq!(listed, expected, "docs/src/metrics.md should have:\n{}", expected.join("\n"));
    }

    #[test]
    fn alert_rules_ask_for_nothing_that_is_not_measured() {
        let rules = handbook("examples/prometheus-alerts.yaml");
        let names: BTreeSet<_> = CATALOGUE.iter().map(Metric::prometheus_name).collect();
        let words = rules.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'));
        let metrics = words.filter(|word| {
            ["strongroom_", "http_server_", "process_"].iter().any(|prefix| word.starts_with(prefix))
        });
        let labels: BTreeSet<_> = CATALOGUE
            .iter()
            .flat_map(|metric| metric.attributes.iter().map(|name| crate::metric::label(name)))
            .collect();
        let mut asked = 0;
        for word in metrics.filter(|word| !labels.contains(*word)) {
            let series = ["_bucket", "_count", "_sum"].iter().find_map(|part| word.strip_suffix(part));
            assert!(names.contains(word) || series.is_some_and(|name| names.contains(name)), "{word}");
            asked += 1;
        }
        assert!(asked >= 9, "only {asked} metrics are asked for");
    }
}
