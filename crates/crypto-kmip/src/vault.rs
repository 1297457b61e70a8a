//! Payloads that the server keeps as objects.

use strongroom_core::Payload;
use strongroom_core::ports::BackendError;

use crate::client::Client;
use crate::error::KmipError;
use crate::protocol::{Request, codes};

/// The objects of a server.
pub(crate) struct Vault<'a> {
    pub(crate) client: &'a Client,
}

impl Vault<'_> {
    /// Has the server keep a payload, and gives the object's identifier.
    pub(crate) async fn keep(&self, payload: &Payload) -> Result<String, KmipError> {
        let request = Request::Register(payload.expose());
        self.client.ask(&request, |reply| reply.uid().map(str::to_owned)).await
    }

    /// The payload that an object holds.
    pub(crate) async fn fetch(&self, uid: &str) -> Result<Payload, BackendError> {
        Ok(self.client.ask(&Request::Get(uid), |reply| Ok(Payload::new(reply.object()?.to_vec()))).await?)
    }

    /// Destroys an object; succeeds when there is none.
    pub(crate) async fn destroy(&self, uid: &str) -> Result<(), BackendError> {
        match self.ask(Request::Destroy(uid)).await {
            Err(error) if is_in_use(&error) => {
                // Somebody has activated it; only what is out of use can be destroyed.
                gone_is_well(self.ask(Request::Revoke(uid)).await)?;
                Ok(gone_is_well(self.ask(Request::Destroy(uid)).await)?)
            }
            destroyed => Ok(gone_is_well(destroyed)?),
        }
    }

    async fn ask(&self, request: Request<'_>) -> Result<(), KmipError> {
        self.client.ask(&request, |_| Ok(())).await
    }
}

fn gone_is_well(result: Result<(), KmipError>) -> Result<(), KmipError> {
    match result {
        Err(error) if error.is_missing() => Ok(()),
        other => other,
    }
}

fn is_in_use(error: &KmipError) -> bool {
    matches!(
        error.reason(),
        Some(codes::PERMISSION_DENIED | codes::ILLEGAL_OPERATION | codes::WRONG_LIFECYCLE_STATE)
    )
}
