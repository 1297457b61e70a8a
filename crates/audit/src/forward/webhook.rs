use std::path::Path;

use async_trait::async_trait;
use strongroom_core::{Clock as _, SystemClock};
use strongroom_outbound::{SendError, SetUpError, SignedPost, TlsFiles};

use super::receiver::{Outgoing, Receiver};

/// Posts lines of JSON, signed.
pub(super) struct Webhook(SignedPost);

impl Webhook {
    pub(super) fn new(url: &str, secret: &Path, tls: &TlsFiles, node: &str) -> Result<Self, SetUpError> {
        SignedPost::new(url, secret, tls, node).map(Self)
    }
}

#[async_trait]
impl Receiver for Webhook {
    async fn deliver(&mut self, records: &[Outgoing]) -> Result<(), SendError> {
        let mut body = Vec::new();
        for record in records {
            body.extend_from_slice(record.line.as_bytes());
            body.push(b'\n');
        }
        self.0.send("application/x-ndjson", SystemClock.now().as_micros() / 1_000_000, body).await
    }
}
