//! What a payload says about itself when it is an X.509 certificate, or holds some.

mod forms;
mod name;

use std::fmt::Write as _;
use std::panic::catch_unwind;

use ring::digest::{SHA256, digest};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::time::Timestamp;

/// Largest payload that is looked at, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// Longest text that is kept of a name or number, in characters.
const MAX_TEXT: usize = 255;

/// What is kept of the certificate that ends first of those in a payload. All of it is what a certificate shows to
/// whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Until when it is good (`notAfter`, RFC 5280 section 4.1.2.5).
    pub ends: Timestamp,
    /// Whom it names; the first alternative name when the subject is empty.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its number, in hexadecimal.
    pub serial: String,
    /// SHA-256 of its DER form.
    pub fingerprint: [u8; 32],
}

impl Certificate {
    /// Looks for certificates in a payload: DER, PEM among other text, or PKCS#7 in either form (RFC 5652). Gives the
    /// one that ends first, and nothing when there is none. Bounded in time and memory by the payload's size, which
    /// is bounded too; never fails, whatever the bytes are.
    pub fn read(payload: &[u8]) -> Option<Self> {
        if payload.len() > MAX_BYTES {
            return None;
        }
        // The bytes are anybody's: a fault in a parser must not keep them from being stored.
        catch_unwind(|| {
            let mut first = None;
            forms::each(payload, |certificate, der| {
                first = [first.take(), Self::of(certificate, der)].into_iter().flatten().min_by_key(ends);
            });
            first
        })
        .unwrap_or(None)
    }

    /// The fingerprint in hexadecimal.
    pub fn fingerprint_hex(&self) -> String {
        hexadecimal(&self.fingerprint)
    }

    fn of(certificate: &X509Certificate<'_>, der: &[u8]) -> Option<Self> {
        let seconds = certificate.validity().not_after.timestamp();
        Some(Self {
            ends: Timestamp::from_micros(seconds.checked_mul(1_000_000)?)?,
            subject: brief(&name::subject(certificate)),
            issuer: brief(&certificate.issuer().to_string()),
            serial: brief(&hexadecimal(certificate.raw_serial())),
            fingerprint: digest(&SHA256, der).as_ref().try_into().ok()?,
        })
    }
}

fn ends(certificate: &Certificate) -> Timestamp {
    certificate.ends
}

/// Cut to what can be kept and shown anywhere.
fn brief(text: &str) -> String {
    let shown = |character: char| if character.is_control() { '\u{fffd}' } else { character };
    text.chars().take(MAX_TEXT).map(shown).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// The certificate at the front of these bytes, and what comes after it.
fn parse(der: &[u8]) -> Option<(&[u8], X509Certificate<'_>)> {
    X509Certificate::from_der(der).ok()
}

#[cfg(test)]
mod tests;
