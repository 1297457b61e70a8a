use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::algorithm::SigningAlgorithm;

/// Most keys of a set that are used. Each may be tried for a token that names none.
const MOST_KEYS: usize = 32;

/// The keys of a set that can verify tokens.
#[derive(Debug)]
pub(super) struct KeySet(Vec<VerifyingKey>);

/// A public key.
#[derive(Debug, Clone)]
pub(super) struct VerifyingKey {
    id: Option<String>,
    algorithms: Vec<SigningAlgorithm>,
    decoding: DecodingKey,
}

impl VerifyingKey {
    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    /// Only keys that were made to verify, and by no shared secret.
    fn new(key: Value) -> Option<Self> {
        use SigningAlgorithm as A;
        let jwk: Jwk = serde_json::from_value(key).ok()?;
        let fitting: &[A] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &[A::RS256, A::RS384, A::RS512, A::PS256, A::PS384, A::PS512],
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => &[A::ES256],
                EllipticCurve::P384 => &[A::ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[A::EdDSA],
            _ => return None,
        };
        let common = &jwk.common;
        let to_sign = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
        let to_verify =
            common.key_operations.as_ref().is_none_or(|uses| uses.contains(&KeyOperations::Verify));
        // What the key itself is for narrows down what its kind could do.
        let algorithms: Vec<_> = match common.key_algorithm {
            None => fitting.to_vec(),
            Some(named) => {
                let is_named = |fits: &A| KeyAlgorithm::from(Algorithm::from(*fits)) == named;
                fitting.iter().copied().filter(is_named).collect()
            }
        };
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        let usable = to_sign && to_verify && !algorithms.is_empty();
        usable.then_some(Self { id: jwk.common.key_id, algorithms, decoding })
    }
}

impl KeySet {
    /// Reads a JWK set and leaves out what is of no use here; `None` when nothing is left.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(bytes).ok()?;
        let keys: Vec<_> = set.keys.into_iter().filter_map(VerifyingKey::new).take(MOST_KEYS).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The keys that may have signed a token whose header says this.
    pub(super) fn candidates(&self, id: Option<&str>, algorithm: SigningAlgorithm) -> Vec<VerifyingKey> {
        let fits = |key: &&VerifyingKey| {
            key.algorithms.contains(&algorithm) && (id.is_none() || key.id.as_deref() == id)
        };
        self.0.iter().filter(fits).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn ed(more: &Value) -> Value {
        let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "a"});
        let fields = more.as_object().unwrap().clone();
        key.as_object_mut().unwrap().extend(fields);
        key
    }

    fn parse(keys: &Value) -> Option<KeySet> {
        KeySet::parse(json!({"keys": keys}).to_string().as_bytes())
    }

    #[test]
    fn a_key_is_found_by_its_id_and_algorithm() {
        let set =
            parse(&json!([ed(&json!({})), ed(&json!({"kid": "b", "use": "sig", "alg": "EdDSA"}))])).unwrap();
        let count = |id, algorithm| set.candidates(id, algorithm).len();
        assert_eq!(count(Some("a"), SigningAlgorithm::EdDSA), 1);
        assert_eq!(count(None, SigningAlgorithm::EdDSA), 2);
        assert_eq!(count(Some("c"), SigningAlgorithm::EdDSA), 0);
        assert_eq!(count(Some("a"), SigningAlgorithm::ES256), 0);
    }

    #[test]
    fn what_is_no_key_for_verifying_is_left_out() {
        for useless in [
            json!({"kty": "oct", "k": "c2VjcmV0", "kid": "a"}),
            json!({"kty": "oct", "k": "c2VjcmV0", "kid": "a", "alg": "HS256"}),
            json!({"kty": "EC", "crv": "P-521", "x": X, "y": X}),
            json!({"kty": "RSA", "n": "!", "e": "AQAB"}),
            json!({"kty": "RSA", "n": "AQAB"}),
            json!({"kty": "new"}),
            json!({}),
            json!("key"),
            ed(&json!({"use": "enc"})),
            ed(&json!({"key_ops": ["sign"]})),
            ed(&json!({"alg": "HS256"})),
            ed(&json!({"alg": "ES256"})),
            ed(&json!({"alg": "none"})),
            ed(&json!({"crv": "X25519"})),
            ed(&json!({"x": 7})),
        ] {
            assert!(parse(&json!([useless])).is_none(), "{useless}");
            // It does not spoil the others.
            assert_eq!(parse(&json!([useless, ed(&json!({}))])).unwrap().0.len(), 1);
        }
    }

    #[test]
    fn what_is_no_key_set_is_none() {
        for bytes in ["", "null", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": []}"#, r#"{"keys": [{"kty""#] {
            assert!(KeySet::parse(bytes.as_bytes()).is_none(), "{bytes}");
        }
        let many = json!(vec![ed(&json!({})); 1000]);
        assert_eq!(parse(&many).unwrap().0.len(), MOST_KEYS);
    }

    proptest! {
        #[test]
        fn garbage_is_no_key_set(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(KeySet::parse(&bytes).is_none());
        }

        #[test]
        fn a_set_that_is_cut_short_is_none(cut in 1_usize..60) {
            let text = json!({"keys": [ed(&json!({}))]}).to_string();
            prop_assert!(KeySet::parse(&text.as_bytes()[..text.len().saturating_sub(cut)]).is_none());
        }
    }
}
