use async_trait::async_trait;
use strongroom_outbound::{SetUpError, Syslog, SyslogAddress, SyslogSender};

use crate::channel::{Carrier, CarryError};
use crate::notice::{Notice, one_line};

/// Longest value of a parameter, in bytes.
const LONGEST_VALUE: usize = 512;

/// Sends a syslog message for each notice: its facts as structured data, the summary as text.
pub(crate) struct SyslogNotices {
    syslog: Syslog,
    sender: SyslogSender,
    node: String,
}

impl SyslogNotices {
    pub(crate) fn new(to: SyslogAddress, node: &str) -> Result<Self, SetUpError> {
        let (syslog, sender) = (Syslog::new(to)?, SyslogSender::of_this_process());
        Ok(Self { syslog, sender, node: node.to_owned() })
    }

    fn message(&self, notice: &Notice) -> Vec<u8> {
        let at = notice.at.to_string();
        let mut message = self.sender.message(notice.severity.number(), Some(&at), notice.topic.as_str());
        let own = [("node", &self.node), ("id", &notice.id)];
        for (name, value) in own.into_iter().chain(notice.facts.iter().map(|(name, value)| (*name, value))) {
            message.parameter(name, value, LONGEST_VALUE);
        }
        format!("{} {}", message.finish(), one_line(&notice.summary)).into_bytes()
    }
}

#[async_trait]
impl Carrier for SyslogNotices {
    async fn carry(&self, notice: &Notice) -> Result<(), CarryError> {
        Ok(self.syslog.send(&[self.message(notice)]).await?)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_core::Timestamp;

    use super::*;
    use crate::notice::{Severity, Topic};

    #[test]
    fn a_notice_is_one_message_on_one_line() {
        let to = SyslogAddress::Udp("127.0.0.1:1".to_owned());
        let notice = Notice {
            id: "a/1".to_owned(),
            topic: Topic::Alert,
            severity: Severity::Critical,
            at: Timestamp::from_micros(0).unwrap(),
            summary: "one\ntwo".to_owned(),
            facts: vec![("caller", "x\"\n<0>1 -".to_owned())],
        };
        let message = SyslogNotices::new(to, "n").unwrap().message(&notice);
        let message = String::from_utf8(message).unwrap();
        assert!(message.starts_with("<106>1 1970-01-01T00:00:00Z "), "{message}");
        let rest = r#" alert [strongroom@32473 node="n" id="a/1" caller="x\" <0>1 -"] one two"#;
        assert!(message.ends_with(rest), "{message}");
    }
}
