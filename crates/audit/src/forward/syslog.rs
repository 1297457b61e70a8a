use async_trait::async_trait;
use strongroom_outbound::{SendError, SetUpError, Syslog, SyslogAddress};

use super::receiver::{Outgoing, Receiver};
use super::rfc5424::Formatter;

/// Sends records as syslog messages.
pub(super) struct SyslogRecords {
    syslog: Syslog,
    formatter: Formatter,
}

impl SyslogRecords {
    pub(super) fn new(to: SyslogAddress, node: &str, most: usize) -> Result<Self, SetUpError> {
        Ok(Self { syslog: Syslog::new(to)?, formatter: Formatter::new(node, most) })
    }
}

#[async_trait]
impl Receiver for SyslogRecords {
    async fn deliver(&mut self, records: &[Outgoing]) -> Result<(), SendError> {
        let messages: Vec<_> = records.iter().map(|record| self.formatter.message(record)).collect();
        self.syslog.send(&messages).await
    }
}
