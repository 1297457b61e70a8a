//! Finding what a deployment has made in the server for payloads, whether or not anything names it still.

use std::collections::BTreeSet;

use strongroom_core::disposal::Owner;
use strongroom_core::ports::{BackendError, ProjectKey, Sealed};
use strongroom_core::{Payload, Timestamp};
use strongroom_crypto::Receipt;

use crate::backend::KmipBackend;
use crate::error::KmipError;
use crate::form::Form;
use crate::mark;
use crate::protocol::{Fault, Request, Window};

/// Objects named in one answer: far below what a message holds.
const AT_ONCE: i32 = 250;
const MICROS: i64 = 1_000_000;

/// An object that this deployment has made for a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeObject {
    /// Its identifier.
    pub uid: String,
    /// What it was made for.
    pub owner: Owner,
    /// When, as the server counts time.
    pub made: Timestamp,
}

impl KmipBackend {
    /// The identifiers of the objects that the server says to be this deployment's. What is made meanwhile may be
    /// among them or not, and what is destroyed meanwhile may hide others.
    pub async fn marked(&self) -> Result<BTreeSet<String>, BackendError> {
        let mut found = BTreeSet::new();
        for deployment in self.deployments() {
            let mut offset = 0;
            loop {
                let request = Request::LocateMade(&deployment, Window { offset, most: AT_ONCE });
                let located = |reply: &crate::protocol::Reply<'_>| {
                    Ok(reply.located().into_iter().map(str::to_owned).collect::<Vec<_>>())
                };
                let page = self.client().ask(&request, located).await?;
                let before = found.len();
                offset = offset.saturating_add(i32::try_from(page.len()).unwrap_or(AT_ONCE));
                found.extend(page);
                // The end, or a server that names the same ones for ever.
                if found.len() == before {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// What the server says of one of them; `None` when it is gone, or is not this deployment's after all.
    pub async fn made(&self, uid: &str) -> Result<Option<MadeObject>, BackendError> {
        let deployments = self.deployments();
        let read = |reply: &crate::protocol::Reply<'_>| {
            let Some(mark) = reply.mark().filter(|mark| deployments.contains(mark.deployment)) else {
                return Ok(None);
            };
            let made = reply.made().and_then(|seconds| seconds.checked_mul(MICROS));
            let made = made.and_then(Timestamp::from_micros);
            let made = made.ok_or(Fault::Wrong("it does not tell when the object was made"))?;
            let owner = mark::owner(mark.purpose);
            Ok(owner.map(|owner| MadeObject { uid: uid.to_owned(), owner, made }))
        };
        match self.client().ask(&Request::GetMark(uid), read).await {
            Err(error) if KmipError::is_missing(&error) => Ok(None),
            told => Ok(told?),
        }
    }

    /// What has [`forget`](strongroom_core::ports::SecretBackend::forget) destroy that object.
    pub async fn condemned(&self, key: &ProjectKey, uid: &str) -> Result<Sealed, BackendError> {
        let held = self.project_key(key).await?;
        held.receipt(key, b"strongroom sweep", uid, &Payload::new(Vec::new()))
    }

    /// Which object a sealed payload says to be kept as; `None` when it says none. Nothing is proved by it.
    pub fn object_of(sealed: &Sealed) -> Option<&str> {
        Receipt::claimed_reference(sealed).map(Form::uid)
    }
}
