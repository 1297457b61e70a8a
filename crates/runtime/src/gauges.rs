//! What can be asked of the parts of a running server at any time, without waiting and without keeping any of them
//! from closing.

use std::sync::Arc;

use strongroom_audit::{ForwarderStatus, Stats};
use strongroom_core::ports::AuditError;
use strongroom_crypto_pkcs11::TokenStatus;

type Gauge<T> = Arc<dyn Fn() -> T + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Gauges {
    /// What the journal has done.
    pub(crate) journal: Gauge<Stats>,
    /// Whether records are taken.
    pub(crate) gate: Gauge<Result<(), AuditError>>,
    /// How each forwarder does.
    pub(crate) forwarders: Gauge<Vec<ForwarderStatus>>,
    /// How each hardware token does.
    pub(crate) tokens: Gauge<Vec<TokenStatus>>,
}
