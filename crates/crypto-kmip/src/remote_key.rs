//! A master key that the server holds and uses.

use strongroom_core::ports::BackendError;
use strongroom_crypto::{RemoteBox, RemoteParts};

use crate::client::Client;
use crate::error::KmipError;
use crate::protocol::{Gcm, Request, codes};

/// What is tried out when it is in doubt whether a key can be used.
const KNOWN_TEXT: &[u8] = b"strongroom known answer";
const KNOWN_ASSOCIATED: &[u8] = b"strongroom known answer, associated";

/// One version of the master key.
pub(crate) struct RemoteKey<'a> {
    pub(crate) client: &'a Client,
    pub(crate) uid: String,
}

impl RemoteKey<'_> {
    /// Has the server seal `content` for that box, and gives the blob.
    pub(crate) async fn encrypt(&self, remote: &RemoteBox, content: &[u8]) -> Result<Vec<u8>, BackendError> {
        let nonce = RemoteBox::nonce()?;
        let (text, tag) = self.seal(&nonce, remote.associated(), content).await?;
        remote.blob(&RemoteParts { nonce: &nonce, text: &text, tag: &tag })
    }

    /// Has the server open a box, and lets `take` have the content.
    ///
    /// Servers don't agree on what to say of a wrong tag; some say that something failed. So a known text is
    /// tried then: when it comes back, the key and the server are well and the data is not.
    pub(crate) async fn decrypt<T>(
        &self,
        remote: &RemoteBox,
        parts: &RemoteParts<'_>,
        take: impl Fn(&[u8]) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        let gcm = Gcm {
            nonce: parts.nonce,
            associated: remote.associated(),
            text: parts.text,
            tag: Some(parts.tag),
        };
        let request = Request::Decrypt(&self.uid, gcm);
        match self.client.ask(&request, |reply| Ok(take(reply.data()?))).await {
            Ok(taken) => taken,
            Err(error) if is_doubtful(&error) => {
                self.prove().await?;
                Err(BackendError::Integrity)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Has the server encrypt and decrypt a known text.
    pub(crate) async fn prove(&self) -> Result<(), BackendError> {
        let nonce = RemoteBox::nonce()?;
        let (text, tag) = self.seal(&nonce, KNOWN_ASSOCIATED, KNOWN_TEXT).await?;
        let gcm = Gcm { nonce: &nonce, associated: KNOWN_ASSOCIATED, text: &text, tag: Some(&tag) };
        let request = Request::Decrypt(&self.uid, gcm);
        if self.client.ask(&request, |reply| Ok(reply.data()? == KNOWN_TEXT)).await? {
            Ok(())
        } else {
            Err(BackendError::Denied(
                "the KMIP server does not decrypt what it has just encrypted; do not use it".to_owned(),
            ))
        }
    }

    async fn seal(
        &self,
        nonce: &[u8],
        associated: &[u8],
        text: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), KmipError> {
        let request = Request::Encrypt(&self.uid, Gcm { nonce, associated, text, tag: None });
        self.client.ask(&request, |reply| Ok((reply.data()?.to_vec(), reply.tag()?.to_vec()))).await
    }
}

fn is_doubtful(error: &KmipError) -> bool {
    matches!(error.reason(), Some(codes::GENERAL_FAILURE | codes::CRYPTOGRAPHIC_FAILURE))
}
