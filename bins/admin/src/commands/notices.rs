use serde_json::json;
use strongroom_runtime::{Settings, send_test_notice};

use super::{CommandResult, Ended, row};
use crate::flags::Output;
use crate::print;

/// `notices test`.
pub(crate) fn test(settings: &Settings, output: Output) -> CommandResult {
    if settings.notices.channels.is_empty() {
        return Err("no channel is set: give notices.webhook, notices.syslog or notices.email".into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let channels = runtime.block_on(send_test_notice(&settings.notices))?;
    let mut rows = vec![row(["CHANNEL", "DELIVERED", "FAILURE"])];
    rows.extend(channels.iter().map(|channel| {
        let delivered = if channel.delivered > 0 { "yes" } else { "no" };
        let failure = channel.last_failure.as_ref().map_or("-", |(_, why)| why);
        row([channel.channel, delivered, failure])
    }));
    let all = channels.iter().all(|channel| channel.delivered > 0);
    print::result(output, &json!({"delivered": all, "channels": channels}), &rows)?;
    Ok(if all { Ended::Well } else { Ended::Unsound })
}
