//! Client certificates: what stands in one says who calls.

mod names;
mod pattern;
mod rule;

use async_trait::async_trait;
use strongroom_core::ports::{Authenticator, Credentials, IdentityError};
use strongroom_core::{Caller, Clock as _, SystemClock, Timestamp};
use x509_parser::prelude::{ASN1Time, FromDer as _, X509Certificate};

pub use self::rule::{CertificateRule, InvalidRule, RuleSettings};

use self::names::Names;
use crate::sources::Source;

/// Believes a client certificate that the TLS listener has verified against the authorities it trusts, by the
/// first rule that fits.
pub struct ClientCertificate {
    rules: Vec<CertificateRule>,
}

impl ClientCertificate {
    /// These rules, the first one first.
    pub fn new(rules: Vec<CertificateRule>) -> Self {
        Self { rules }
    }

    /// Whom a certificate stands for at that time. It was valid when the connection began, which may be long ago.
    fn judge(&self, der: &[u8], now: Timestamp) -> Option<Caller> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        let now = ASN1Time::from_timestamp(now.as_micros().div_euclid(1_000_000)).ok()?;
        if !rest.is_empty() || !certificate.validity().is_valid_at(now) {
            return None;
        }
        let names = Names::of(&certificate)?;
        self.rules.iter().find_map(|rule| rule.apply(&names))
    }
}

#[async_trait]
impl Authenticator for ClientCertificate {
    async fn authenticate(&self, credentials: &dyn Credentials) -> Result<Caller, IdentityError> {
        let der = credentials.client_certificate();
        der.and_then(|der| self.judge(der, SystemClock.now())).ok_or(IdentityError::Unauthenticated)
    }
}

impl Source for ClientCertificate {
    fn is_presented(&self, credentials: &dyn Credentials) -> Result<bool, IdentityError> {
        Ok(credentials.client_certificate().is_some())
    }

    fn is_token(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
