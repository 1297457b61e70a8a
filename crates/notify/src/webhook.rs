use std::path::Path;

use async_trait::async_trait;
use serde::Serialize;
use strongroom_core::{Clock as _, SystemClock};
use strongroom_outbound::{SetUpError, SignedPost, TlsFiles};

use crate::channel::{Carrier, CarryError};
use crate::notice::{Facts, Notice, Severity, Topic};

/// Posts a JSON object for each notice, signed.
pub(crate) struct Webhook {
    post: SignedPost,
    node: String,
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    topic: Topic,
    severity: Severity,
    at: String,
    node: &'a str,
    summary: &'a str,
    facts: Facts<'a>,
}

impl Webhook {
    pub(crate) fn new(url: &str, key: &Path, tls: &TlsFiles, node: &str) -> Result<Self, SetUpError> {
        Ok(Self { post: SignedPost::new(url, key, tls, node)?, node: node.to_owned() })
    }
}

#[async_trait]
impl Carrier for Webhook {
    async fn carry(&self, notice: &Notice) -> Result<(), CarryError> {
        let body = body(notice, &self.node)?;
        Ok(self.post.send("application/json", SystemClock.now().as_micros() / 1_000_000, body).await?)
    }
}

fn body(notice: &Notice, node: &str) -> serde_json::Result<Vec<u8>> {
    let Notice { id, topic, severity, at, summary, facts } = notice;
    serde_json::to_vec(&Body {
        id,
        topic: *topic,
        severity: *severity,
        at: format!("{at}Z"),
        node,
        summary,
        facts: Facts(facts),
    })
}

#[cfg(test)]
mod tests {
    use strongroom_core::Timestamp;

    use super::*;

    #[test]
    fn the_body_tells_all_in_order() {
        let notice = Notice {
            id: "a/1".to_owned(),
            topic: Topic::Alert,
            severity: Severity::Critical,
            at: Timestamp::from_micros(0).unwrap(),
            summary: "s \"x\"".to_owned(),
            facts: vec![("z", "1".to_owned()), ("a", "2\n".to_owned())],
        };
        assert_eq!(
            String::from_utf8(body(&notice, "n").unwrap()).unwrap(),
            r#"{"id":"a/1","topic":"alert","severity":"critical","at":"1970-01-01T00:00:00Z","node":"n","summary":"s \"x\"","facts":{"z":"1","a":"2\n"}}"#
        );
    }
}
