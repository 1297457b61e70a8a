use std::path::Path;

use async_trait::async_trait;
use http::HeaderName;
use ring::hmac;
use strongroom_core::{Clock as _, SystemClock};

use super::destination::TlsFiles;
use super::http_post::Post;
use super::receiver::{DeliveryError, Outgoing, Receiver, SetUpError};
use super::tls::read_secret;

/// Fewest bytes of a secret.
const SHORTEST_SECRET: usize = 16;

/// Posts lines of JSON, signed by HMAC-SHA256 (RFC 2104) over the time, a point and the body.
pub(super) struct Webhook {
    post: Post,
    key: hmac::Key,
    node: String,
}

impl Webhook {
    pub(super) fn new(url: &str, secret: &Path, tls: &TlsFiles, node: &str) -> Result<Self, SetUpError> {
        let content = read_secret(secret)?;
        let trimmed = content.trim_ascii();
        if trimmed.len() < SHORTEST_SECRET {
            return Err(SetUpError::Content {
                path: secret.to_owned(),
                wanted: "secret of 16 bytes or more",
            });
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, trimmed);
        Ok(Self { post: Post::new(url, tls)?, key, node: node.to_owned() })
    }

    /// Posts a body with its signature.
    pub(super) async fn send(&self, content_type: &str, body: Vec<u8>) -> Result<(), DeliveryError> {
        let seconds = (SystemClock.now().as_micros() / 1_000_000).to_string();
        let mut signing = hmac::Context::with_key(&self.key);
        signing.update(seconds.as_bytes());
        signing.update(b".");
        signing.update(&body);
        let signature = format!("sha256={}", hex::encode(signing.sign()));
        let headers = [
            (HeaderName::from_static("x-strongroom-node"), self.node.clone()),
            (HeaderName::from_static("x-strongroom-timestamp"), seconds),
            (HeaderName::from_static("x-strongroom-signature"), signature),
        ];
        self.post.send(content_type, &headers, body).await.map(drop)
    }
}

#[async_trait]
impl Receiver for Webhook {
    async fn deliver(&mut self, records: &[Outgoing]) -> Result<(), DeliveryError> {
        let mut body = Vec::new();
        for record in records {
            body.extend_from_slice(record.line.as_bytes());
            body.push(b'\n');
        }
        self.send("application/x-ndjson", body).await
    }
}
