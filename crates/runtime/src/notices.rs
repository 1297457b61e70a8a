//! Operators are told by the channels that the settings name.

use std::sync::Arc;

use strongroom_core::{Clock, SystemClock};
use strongroom_notify::{ChannelStatus, Notice, Notifier, Severity, Topic};
use strongroom_outbound::host_name;

use crate::error::RunError;
use crate::settings::NoticesSection;

/// The notifier of the server of that name. Starts its tasks.
pub(crate) fn notifier(section: &NoticesSection, node: &str) -> Result<Notifier, RunError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Notifier::new(section.channels.clone(), node, section.timeout, &clock).map_err(RunError::Notices)
}

/// Sends a notice that says it is a test by every channel; tells how each of them did. Tries for half a minute.
pub async fn send_test_notice(section: &NoticesSection) -> Result<Vec<ChannelStatus>, RunError> {
    let notifier = notifier(section, &host_name())?;
    let at = SystemClock.now();
    let notice = Notice {
        id: format!("test/{at}"),
        topic: Topic::Test,
        severity: Severity::Info,
        at,
        summary: "This is a test: notices of this server arrive here.".to_owned(),
        facts: vec![("host", host_name())],
    };
    // The status has it too.
    notifier.deliver(&notice).await.ok();
    Ok(notifier.status())
}
