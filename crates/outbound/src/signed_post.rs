use std::path::Path;

use http::HeaderName;
use ring::hmac;

use crate::error::{SendError, SetUpError};
use crate::post::Post;
use crate::secret::read_secret;
use crate::tls::TlsFiles;

/// Fewest bytes of a secret.
const SHORTEST_SECRET: usize = 16;

/// Posts bodies that are signed by HMAC-SHA256 (RFC 2104) over the time, a point and the body.
pub struct SignedPost {
    post: Post,
    key: hmac::Key,
    node: String,
}

impl SignedPost {
    /// To that URL, signed by the secret in that file; `node` tells which server it is from.
    pub fn new(url: &str, secret: &Path, tls: &TlsFiles, node: &str) -> Result<Self, SetUpError> {
        let post = Post::new(url, tls)?;
        let content = read_secret(secret)?;
        let trimmed = content.trim_ascii();
        if trimmed.len() < SHORTEST_SECRET {
            return Err(SetUpError::Content {
                path: secret.to_owned(),
                wanted: "secret of 16 bytes or more",
            });
        }
        Ok(Self { post, key: hmac::Key::new(hmac::HMAC_SHA256, trimmed), node: node.to_owned() })
    }

    /// Posts a body with its signature, made at `seconds` since 1970. Not cancel-safe in effect: the receiver may
    /// have it although the caller stopped waiting.
    pub async fn send(&self, content_type: &str, seconds: i64, body: Vec<u8>) -> Result<(), SendError> {
        let seconds = seconds.to_string();
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
