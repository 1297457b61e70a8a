//! Signed tokens of an OpenID Connect provider or the like (`Authorization: Bearer`, RFC 6750 and RFC 7519).

mod algorithm;
mod claims;
mod jwks;
mod keys;
mod settings;
mod verifier;

use async_trait::async_trait;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::Value;
use strongroom_core::Caller;
use strongroom_core::ports::{Authenticator, Credentials, IdentityError};

pub use self::algorithm::SigningAlgorithm;
pub use self::claims::{ClaimPath, Claims, InvalidClaimPath};
pub use self::settings::{JwtSettings, KeySource};

use self::jwks::Jwks;
use self::keys::VerifyingKey;
use crate::error::SetupError;
use crate::sources::Source;

/// The attribute that carries the token.
const AUTHORIZATION: &str = "authorization";
/// Longest token in bytes.
const LONGEST_TOKEN: usize = 16 * 1024;
/// Most that the issuer's clock may differ from ours, in seconds.
const MOST_LEEWAY: u64 = 600;

/// Believes what an issuer has signed. Nobody is asked about a single token: one that the issuer has withdrawn is
/// let in until it expires.
pub struct SignedToken {
    issuer: String,
    validation: Validation,
    algorithms: Vec<SigningAlgorithm>,
    claims: Claims,
    keys: Jwks,
}

impl SignedToken {
    /// Keys in a file are read here, and those of a URL when the first token comes: the issuer may start later.
    pub fn new(settings: JwtSettings) -> Result<Self, SetupError> {
        verifier::install();
        let mut validation = Validation::default();
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&settings.audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = settings.leeway.as_secs().min(MOST_LEEWAY);
        Ok(Self {
            issuer: settings.issuer,
            validation,
            algorithms: settings.algorithms,
            claims: settings.claims,
            keys: Jwks::new(settings.keys)?,
        })
    }

    /// The claims of a token that one of these keys has signed and that is for us.
    fn verified(&self, token: &str, keys: &[VerifyingKey], algorithm: SigningAlgorithm) -> Option<Value> {
        // The library wants every algorithm it is given to be of the key's own family.
        let validation = Validation { algorithms: vec![algorithm.into()], ..self.validation.clone() };
        let claims =
            keys.iter().find_map(|key| decode::<Value>(token, key.decoding(), &validation).ok())?.claims;
        // The library would also take a list with the issuer among others.
        (claims.get("iss").and_then(Value::as_str) == Some(&self.issuer)).then_some(claims)
    }
}

#[async_trait]
impl Authenticator for SignedToken {
    async fn authenticate(&self, credentials: &dyn Credentials) -> Result<Caller, IdentityError> {
        const REFUSED: IdentityError = IdentityError::Unauthenticated;
        let token = bearer(credentials)?.filter(|token| token.len() <= LONGEST_TOKEN).ok_or(REFUSED)?;
        let header = decode_header(token).map_err(|_| REFUSED)?;
        let algorithm = SigningAlgorithm::of(header.alg).filter(|found| self.algorithms.contains(found));
        // What the header calls critical has to be understood (RFC 7515, section 4.1.11), and nothing is.
        let algorithm = algorithm.filter(|_| header.crit.is_none()).ok_or(REFUSED)?;
        let keys = self.keys.candidates(header.kid.as_deref(), algorithm).await?;
        let claims = self.verified(token, &keys, algorithm).ok_or(REFUSED)?;
        self.claims.caller(&claims).ok_or(REFUSED)
    }

    fn challenges(&self) -> Vec<String> {
        vec!["Bearer".to_owned()]
    }
}

impl Source for SignedToken {
    fn is_presented(&self, credentials: &dyn Credentials) -> Result<bool, IdentityError> {
        Ok(bearer(credentials)?.is_some())
    }
}

/// The token of a `Bearer` credential; of another scheme there is none.
fn bearer(credentials: &dyn Credentials) -> Result<Option<&str>, IdentityError> {
    let Some(text) = credentials.attribute(AUTHORIZATION)? else { return Ok(None) };
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    Ok(scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start_matches(' ')))
}

#[cfg(test)]
mod tests;
