use serde::Serialize;
use strongroom_core::Timestamp;

/// How a channel does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChannelStatus {
    /// `webhook`, `syslog` or `email`.
    pub channel: &'static str,
    /// Notices that it has accepted since the start.
    pub delivered: u64,
    /// When it accepted one last.
    pub last_success: Option<Timestamp>,
    /// When it failed to last, and why.
    pub last_failure: Option<(Timestamp, String)>,
    /// Notices that wait to be sent.
    pub waiting: usize,
    /// Notices that were given up since the start: too many waited, or one for too long.
    pub dropped: u64,
}

impl ChannelStatus {
    pub(crate) fn new(channel: &'static str) -> Self {
        Self { channel, delivered: 0, last_success: None, last_failure: None, waiting: 0, dropped: 0 }
    }
}
