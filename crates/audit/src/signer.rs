use std::time::{Duration, Instant};

use strongroom_core::Timestamp;
use strongroom_core::ports::AuditError;

use crate::line::{Body, CHECKPOINT, Head};
use crate::public_key::PublicKey;
use crate::signing_key::SigningKey;
use crate::statement::Purpose;

/// Makes checkpoints, and knows when one is due.
pub(crate) struct Signer {
    key: SigningKey,
    every: Duration,
    /// Since when there have been records that no checkpoint covers.
    unsigned_since: Option<Instant>,
}

impl Signer {
    /// `signed` tells whether the journal ends in a checkpoint.
    pub(crate) fn new(key: SigningKey, every: Duration, signed: bool) -> Self {
        Self { key, every, unsigned_since: (!signed).then(Instant::now) }
    }

    /// The key that proves the checkpoints.
    pub(crate) fn key(&self) -> PublicKey {
        self.key.public()
    }

    /// There are records that no checkpoint covers.
    pub(crate) fn wrote(&mut self) {
        self.unsigned_since.get_or_insert_with(Instant::now);
    }

    /// All records are covered.
    pub(crate) fn signed(&mut self) {
        self.unsigned_since = None;
    }

    /// Whether there are records that no checkpoint covers.
    pub(crate) fn has_unsigned(&self) -> bool {
        self.unsigned_since.is_some()
    }

    /// Whether they have waited long enough.
    pub(crate) fn is_due(&self) -> bool {
        self.unsigned_since.is_some_and(|since| since.elapsed() >= self.every)
    }

    /// The record that vouches for all records up to where the journal stands.
    pub(crate) fn checkpoint(
        &self,
        node: &str,
        segment: u64,
        stands: Head,
        at: Timestamp,
    ) -> Result<Body, AuditError> {
        let statement = self.key.sign(Purpose::Checkpoint, node, segment, stands, at);
        Body::new(CHECKPOINT, &statement).map_err(|error| AuditError { reason: error.to_string() })
    }
}
