use async_trait::async_trait;
use serde_json::Value;
use strongroom_outbound::SendError;

/// A record on its way out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// Its whole line in the journal, without the newline.
    pub(crate) line: String,
    /// The same, read.
    pub(crate) fields: Value,
}

impl Outgoing {
    /// Reads a line of the journal.
    pub(crate) fn new(line: &[u8]) -> Self {
        let line = String::from_utf8_lossy(line).into_owned();
        let fields = serde_json::from_str(&line).unwrap_or(Value::Null);
        Self { line, fields }
    }

    /// A text below these names; `""` when there is none.
    pub(crate) fn text(&self, path: &[&str]) -> &str {
        let found = path.iter().try_fold(&self.fields, |value, name| value.get(name));
        found.and_then(Value::as_str).unwrap_or_default()
    }

    /// Its number in the journal.
    pub(crate) fn seq(&self) -> u64 {
        self.fields.get("seq").and_then(Value::as_u64).unwrap_or_default()
    }
}

/// Somewhere that takes records.
#[async_trait]
pub(crate) trait Receiver: Send {
    /// Hands these over, in order. Returns only when the other side has them, as far as its protocol can tell;
    /// on an error, or when dropped early, all of them are handed over again.
    async fn deliver(&mut self, records: &[Outgoing]) -> Result<(), SendError>;
}
