use async_trait::async_trait;
use prost::Message as _;
use strongroom_core::{Clock as _, SystemClock, Timestamp};
use strongroom_outbound::{Post, SendError, SetUpError, TlsFiles};

use super::otlp_messages::{
    AnyValue, ExportRequest, ExportResponse, KeyValue, LogRecord, Resource, ResourceLogs, Scope, ScopeLogs,
    Severity,
};
use super::receiver::{Outgoing, Receiver};

/// Attributes of a log record and the fields they tell. Names are those of OpenTelemetry's semantic conventions
/// where there are any.
const ATTRIBUTES: [(&str, &[&str]); 12] = [
    ("user.id", &["caller", "user"]),
    ("client.address", &["origin", "address"]),
    ("strongroom.audit.hash", &["hash"]),
    ("strongroom.audit.phase", &["phase"]),
    ("strongroom.audit.action", &["action"]),
    ("strongroom.audit.target", &["target"]),
    ("strongroom.audit.outcome", &["outcome"]),
    ("strongroom.audit.reason", &["reason", "code"]),
    ("strongroom.audit.rule", &["reason", "rule"]),
    ("strongroom.audit.project", &["caller", "project"]),
    ("strongroom.audit.request_id", &["origin", "request_id"]),
    ("strongroom.audit.global_request_id", &["origin", "global_request_id"]),
];

/// Sends OpenTelemetry logs as protobuf over HTTP (OTLP specification 1.x).
pub(super) struct Otlp {
    post: Post,
    node: String,
}

impl Otlp {
    pub(super) fn new(url: &str, tls: &TlsFiles, node: &str) -> Result<Self, SetUpError> {
        Ok(Self { post: Post::new(url, tls)?, node: node.to_owned() })
    }

    fn request(&self, records: &[Outgoing], now: Timestamp) -> ExportRequest {
        let resource = Resource {
            attributes: vec![
                KeyValue::text("service.name", "strongroom"),
                KeyValue::text("service.instance.id", &self.node),
            ],
        };
        let scope =
            Scope { name: "strongroom.audit".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let log_records = records.iter().map(|record| log_record(record, now)).collect();
        let scope_logs = vec![ScopeLogs { scope: Some(scope), log_records }];
        ExportRequest { resource_logs: vec![ResourceLogs { resource: Some(resource), scope_logs }] }
    }
}

#[async_trait]
impl Receiver for Otlp {
    async fn deliver(&mut self, records: &[Outgoing]) -> Result<(), SendError> {
        let body = self.request(records, SystemClock.now()).encode_to_vec();
        let answer = self.post.send("application/x-protobuf", &[], body).await?;
        // By the specification what was rejected must not be sent again; the journal still has it.
        if let Ok(ExportResponse { partial_success: Some(partial) }) = ExportResponse::decode(answer)
            && partial.rejected_log_records > 0
        {
            let (rejected, reason) = (partial.rejected_log_records, partial.error_message);
            tracing::error!(rejected, reason, "the OTLP receiver rejects audit records");
        }
        Ok(())
    }
}

fn log_record(record: &Outgoing, now: Timestamp) -> LogRecord {
    let (severity, word) = match record.text(&["outcome"]) {
        "failed" => (Severity::Error, "ERROR"),
        "refused" => (Severity::Warn, "WARN"),
        _ => (Severity::Info, "INFO"),
    };
    let kind = Some(record.text(&["action"])).filter(|action| !action.is_empty());
    let mut attributes = vec![KeyValue::number("strongroom.audit.seq", record.seq())];
    let texts = ATTRIBUTES.iter().map(|(name, path)| (name, record.text(path)));
    attributes
        .extend(texts.filter(|(_, text)| !text.is_empty()).map(|(name, text)| KeyValue::text(name, text)));
    LogRecord {
        time_unix_nano: Timestamp::parse(record.text(&["at"])).map(nanoseconds).unwrap_or_default(),
        observed_time_unix_nano: nanoseconds(now),
        severity_number: severity.into(),
        severity_text: word.to_owned(),
        body: Some(AnyValue::text(&record.line)),
        attributes,
        event_name: format!("strongroom.audit.{}", kind.unwrap_or(record.text(&["kind"]))),
    }
}

fn nanoseconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_micros()).unwrap_or_default().saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_reads_back() {
        let fields = json!({
            "hash": "ab", "seq": 7, "kind": "event", "at": "2026-11-24T08:59:35.700332", "action": "secret.read",
            "outcome": "failed", "caller": {"user": "u"},
        });
        let records = [Outgoing::new(fields.to_string().as_bytes())];
        let tls = TlsFiles::default();
        let otlp = Otlp::new("http://127.0.0.1:4318/v1/logs", &tls, "n").unwrap();
        let request = otlp.request(&records, Timestamp::from_micros(5).unwrap());
        let read = ExportRequest::decode(request.encode_to_vec().as_slice()).unwrap();
        assert_eq!(read, request);
        let log = &read.resource_logs[0].scope_logs[0].log_records[0];
        assert_eq!((log.severity_number, log.event_name.as_str()), (17, "strongroom.audit.secret.read"));
        assert_eq!((log.time_unix_nano, log.observed_time_unix_nano), (1_795_510_775_700_332_000, 5000));
        assert!(log.attributes.contains(&KeyValue::text("user.id", "u")));
        assert_eq!(log.body, Some(AnyValue::text(&records[0].line)));
    }

    #[test]
    fn records_do_not_leave_this_machine_in_the_clear() {
        let tls = TlsFiles::default();
        for url in [
            "http://192.0.2.1/v1/logs",
            "collector/v1/logs",
            "ftp://127.0.0.1/",
            "https://u:p@c.example/",
            "",
        ] {
            assert!(matches!(Otlp::new(url, &tls, "n"), Err(SetUpError::Address { .. })), "{url}");
        }
        assert!(Otlp::new("http://[::1]:4318/v1/logs", &tls, "n").is_ok());
        assert!(matches!(Otlp::new("https://c.example/", &tls, "n"), Err(SetUpError::File { .. })));
    }
}
