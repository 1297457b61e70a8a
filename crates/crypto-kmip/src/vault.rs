//! Payloads that the server keeps as objects.

use strongroom_core::Payload;
use strongroom_core::ports::{BackendError, KeyRequest, PayloadKind};

use crate::client::Client;
use crate::error::KmipError;
use crate::form::Form;
use crate::made::KeyToMake;
use crate::protocol::{Mark, ObjectKind, Request, codes};

/// The objects of a server.
pub(crate) struct Vault<'a> {
    pub(crate) client: &'a Client,
}

impl Vault<'_> {
    /// Has the server keep a payload, as the object that fits it, and gives the reference by which it is fetched.
    pub(crate) async fn keep(
        &self,
        kind: &PayloadKind,
        mark: Option<Mark<'_>>,
        payload: &Payload,
    ) -> Result<String, KmipError> {
        if let Some((form, object, bytes)) = Form::of(kind, payload) {
            match self.register(object, &bytes, mark).await {
                Ok(uid) => return Ok(form.reference(&uid)),
                // What is in it, or kept as what, may not be to its liking; it is a secret all the same.
                Err(error) if error.reason().is_some() => {
                    tracing::debug!(%error, ?object, "kept as Secret Data instead");
                }
                Err(error) => return Err(error),
            }
        }
        match self.register(ObjectKind::SecretData, payload.expose(), mark).await {
            Err(error) if error.reason().is_some() && mark.is_some() => {
                tracing::warn!(%error, "kept without a mark; should it be left behind, no sweep finds it");
                self.register(ObjectKind::SecretData, payload.expose(), None).await
            }
            kept => kept,
        }
    }

    /// Has the server make a key, and gives its reference and the key. `None` when it makes no such key, or none
    /// that can be read.
    pub(crate) async fn make(
        &self,
        request: &KeyRequest,
        mark: Option<Mark<'_>>,
    ) -> Result<Option<(String, Payload)>, BackendError> {
        let Some(wanted) = KeyToMake::of(request) else { return Ok(None) };
        let create = Request::Create(wanted.kind, wanted.usage, mark);
        let uid = match self.client.ask(&create, |reply| reply.uid().map(str::to_owned)).await {
            Err(error) if error.reason().is_some() => {
                let KeyRequest { algorithm, bits, .. } = request;
                tracing::info!(%error, algorithm, bits, "the key is made here instead");
                return Ok(None);
            }
            made => made?,
        };
        let reference = Form::SYMMETRIC_KEY.reference(&uid);
        let fetched = self.fetch(&reference).await;
        match fetched {
            Ok(key) if wanted.is(&key) => Ok(Some((reference, key))),
            fetched => {
                // Nobody will ever ask for it.
                self.destroy(&reference).await?;
                let why = match fetched {
                    Ok(_) => "it is not of the kind asked for".to_owned(),
                    Err(BackendError::Denied(why)) => why,
                    Err(error) => return Err(error),
                };
                tracing::info!(
                    uid,
                    why,
                    "the key that the server made is of no use; it is made here instead"
                );
                Ok(None)
            }
        }
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

    async fn register(
        &self,
        object: ObjectKind,
        bytes: &[u8],
        mark: Option<Mark<'_>>,
    ) -> Result<String, KmipError> {
        self.client.ask(&Request::Register(object, bytes, mark), |reply| reply.uid().map(str::to_owned)).await
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
