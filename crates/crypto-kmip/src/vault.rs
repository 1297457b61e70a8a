//! Payloads that the server keeps as objects.

use strongroom_core::Payload;
use strongroom_core::ports::{BackendError, PayloadKind};

use crate::client::Client;
use crate::error::KmipError;
use crate::form::Form;
use crate::protocol::{ObjectKind, Request, codes};

/// The objects of a server.
pub(crate) struct Vault<'a> {
    pub(crate) client: &'a Client,
}

impl Vault<'_> {
    /// Has the server keep a payload, as the object that fits it, and gives the reference by which it is fetched.
    pub(crate) async fn keep(&self, kind: &PayloadKind, payload: &Payload) -> Result<String, KmipError> {
        if let Some((form, object, bytes)) = Form::of(kind, payload) {
            match self.register(object, &bytes).await {
                Ok(uid) => return Ok(form.reference(&uid)),
                // What is in it, or kept as what, may not be to its liking; it is a secret all the same.
                Err(error) if error.reason().is_some() => {
                    tracing::debug!(%error, ?object, "kept as Secret Data instead");
                }
                Err(error) => return Err(error),
            }
        }
        self.register(ObjectKind::SecretData, payload.expose()).await
    }

    /// The payload that was kept under that reference.
    pub(crate) async fn fetch(&self, reference: &str) -> Result<Payload, BackendError> {
        let (uid, form) = read(reference)?;
        let request = match form.and_then(Form::format) {
            Some(format) => Request::GetAs(uid, format),
            None => Request::Get(uid),
        };
        let restore = |bytes: &[u8]| match form {
            Some(form) => form.restore(bytes).to_vec(),
            None => bytes.to_vec(),
        };
        Ok(self.client.ask(&request, |reply| Ok(Payload::new(restore(reply.object()?)))).await?)
    }

    /// Destroys what was kept under that reference; succeeds when there is nothing.
    pub(crate) async fn destroy(&self, reference: &str) -> Result<(), BackendError> {
        let (uid, _) = read(reference)?;
        match self.ask(Request::Destroy(uid)).await {
            Err(error) if is_in_use(&error) => {
                // Somebody has activated it; only what is out of use can be destroyed.
                gone_is_well(self.ask(Request::Revoke(uid)).await)?;
                Ok(gone_is_well(self.ask(Request::Destroy(uid)).await)?)
            }
            destroyed => Ok(gone_is_well(destroyed)?),
        }
    }

    async fn register(&self, object: ObjectKind, bytes: &[u8]) -> Result<String, KmipError> {
        self.client.ask(&Request::Register(object, bytes), |reply| reply.uid().map(str::to_owned)).await
    }

    async fn ask(&self, request: Request<'_>) -> Result<(), KmipError> {
        self.client.ask(&request, |_| Ok(())).await
    }
}

fn read(reference: &str) -> Result<(&str, Option<Form>), BackendError> {
    let unknown =
        || BackendError::UnknownFormat("a payload kept in the KMIP server in another form".to_owned());
    Form::read(reference).ok_or_else(unknown)
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
