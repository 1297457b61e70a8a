use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use strongroom_core::{Clock as _, ProjectId, Roles, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::endpoint::{Endpoint, PlainHttp};

const ISSUER: &str = "https://issuer.example";

/// Somebody who signs tokens, by a key on P-256.
struct Signer {
    id: &'static str,
    pair: EcdsaKeyPair,
}

impl Signer {
    fn new(id: &'static str) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self { id, pair: EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap() }
    }

    fn jwk(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "kid": self.id, "x": encode(x), "y": encode(y)})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", encode(signature))
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(&json!({"alg": "ES256", "typ": "JWT", "kid": self.id}), claims)
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn set(signers: &[&Signer]) -> String {
    json!({"keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>()}).to_string()
}

fn seconds() -> i64 {
    SystemClock.now().as_micros() / 1_000_000
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": "key-manager", "exp": seconds() + 300, "sub": "ada", "project": "p", "roles": ["member"]})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn settings(keys: KeySource) -> JwtSettings {
    JwtSettings {
        issuer: ISSUER.to_owned(),
        audiences: vec!["key-manager".to_owned(), "barbican".to_owned()],
        algorithms: vec![SigningAlgorithm::ES256, SigningAlgorithm::RS256, SigningAlgorithm::EdDSA],
        leeway: Duration::from_secs(30),
        keys,
        claims: Claims {
            user: ClaimPath::new("sub").unwrap(),
            project: Some(ClaimPath::new("project").unwrap()),
            roles: Some(ClaimPath::new("roles").unwrap()),
            default_project: None::<ProjectId>,
            default_roles: Roles::default(),
        },
    }
}

/// A file of keys in a folder that goes with it.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn source_of(text: &str) -> (tempfile::TempDir, SignedToken) {
    let (folder, path) = file(text);
    let keys = KeySource::File { path, refresh: Duration::from_mins(5) };
    (folder, SignedToken::new(settings(keys)).unwrap())
}

struct Request(Option<String>);

impl Credentials for Request {
    fn attribute(&self, name: &str) -> Result<Option<&str>, IdentityError> {
        Ok(self.0.as_deref().filter(|_| name == AUTHORIZATION))
    }

    fn source(&self) -> Option<std::net::IpAddr> {
        None
    }
}

async fn ask(source: &SignedToken, token: &str) -> Result<Caller, IdentityError> {
    source.authenticate(&Request(Some(format!("Bearer {token}")))).await
}

#[tokio::test]
async fn a_token_that_is_signed_for_us_names_its_caller() {
    let signer = Signer::new("a");
    let (_folder, source) = source_of(&set(&[&signer]));
    for good in [
        claims(),
        with("aud", json!(["other", "barbican"])),
        with("exp", json!(seconds() - 10)),
        with("nbf", json!(seconds() + 10)),
        with("exp", json!(1e12)),
    ] {
        let caller = ask(&source, &signer.token(&good)).await.unwrap();
        assert_eq!(caller.user.unwrap().as_str(), "ada");
        assert_eq!(caller.project.unwrap().as_str(), "p");
        assert_eq!(caller.roles.names(), ["member"]);
    }
    // The scheme's case does not matter, and a token need not name its key.
    let unnamed = signer.sign(&json!({"alg": "ES256"}), &claims());
    assert!(source.authenticate(&Request(Some(format!("bearer  {unnamed}")))).await.is_ok());
}

#[tokio::test]
async fn every_claim_that_does_not_fit_is_a_refusal() {
    let signer = Signer::new("a");
    let (_folder, source) = source_of(&set(&[&signer]));
    for bad in [
        with("iss", json!("https://issuer.example/")),
        with("iss", json!([ISSUER])),
        with("iss", json!([ISSUER, "https://evil.example"])),
        with("iss", json!(7)),
        without("iss"),
        with("aud", json!("other")),
        with("aud", json!([])),
        with("aud", json!({"key-manager": true})),
        with("aud", json!(null)),
        without("aud"),
        with("exp", json!(seconds() - 40)),
        with("exp", json!("never")),
        with("exp", json!(-1)),
        with("exp", json!(null)),
        without("exp"),
        with("nbf", json!(seconds() + 60)),
        with("nbf", json!("later")),
        without("sub"),
        without("project"),
        with("roles", json!(7)),
        json!([]),
        json!("claims"),
    ] {
        let verdict = ask(&source, &signer.token(&bad)).await;
        assert_eq!(verdict, Err(IdentityError::Unauthenticated), "{bad}");
    }
}

#[tokio::test]
async fn only_the_issuers_own_signature_counts() {
    let (signer, stranger) = (Signer::new("a"), Signer::new("a"));
    let (_folder, source) = source_of(&set(&[&signer]));
    let good = signer.token(&claims());
    let parts: Vec<_> = good.split('.').collect();
    let [header, body, signature] = parts[..] else { panic!("{good}") };
    let none = encode(json!({"alg": "none"}).to_string());
    let hmac = |key: &[u8]| {
        let header = encode(json!({"alg": "HS256", "kid": "a"}).to_string());
        let message = format!("{header}.{body}");
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
        format!("{message}.{}", encode(ring::hmac::sign(&key, message.as_bytes())))
    };
    let other = encode(with("roles", json!(["admin"])).to_string());
    let bad = [
        stranger.token(&claims()),
        stranger.sign(&json!({"alg": "ES256", "kid": "a", "jwk": stranger.jwk()}), &claims()),
        signer.sign(&json!({"alg": "ES256", "kid": "unknown"}), &claims()),
        signer.sign(&json!({"alg": "ES384", "kid": "a"}), &claims()),
        signer.sign(&json!({"alg": "RS256", "kid": "a"}), &claims()),
        signer.sign(&json!({"alg": "EdDSA", "kid": "a"}), &claims()),
        signer.sign(&json!({"alg": "ES256", "kid": "a", "crit": ["exp"]}), &claims()),
        signer.sign(&json!({"kid": "a"}), &claims()),
        hmac(signer.pair.public_key().as_ref()),
        hmac(b""),
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{header}.{other}.{signature}"),
        format!("{header}.{body}."),
        format!("{header}.{body}"),
        format!("{header}.{body}.{signature}."),
        format!("{header}.{body}.{signature}.{signature}"),
        format!("{good} {good}"),
        String::new(),
        "x".repeat(LONGEST_TOKEN + 1),
    ];
    for token in bad {
        assert_eq!(ask(&source, &token).await, Err(IdentityError::Unauthenticated), "{token}");
    }
    assert!(ask(&source, &good).await.is_ok());
}

#[tokio::test]
async fn other_schemes_are_no_bearer_token() {
    let (_folder, source) = source_of(&set(&[&Signer::new("a")]));
    for (text, is_ours) in [("Basic YTpi", false), ("Bearerx y", false), ("Bearer", true), ("BEARER x", true)]
    {
        assert_eq!(source.is_presented(&Request(Some(text.to_owned()))), Ok(is_ours), "{text}");
    }
    assert_eq!(source.is_presented(&Request(None)), Ok(false));
    assert_eq!(ask(&source, "").await, Err(IdentityError::Unauthenticated));
}

#[tokio::test]
async fn ed25519_works_too() {
    let pair =
        Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref())
            .unwrap();
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key())}]});
    let (_folder, source) = source_of(&keys.to_string());
    let message = format!("{}.{}", encode(json!({"alg": "EdDSA"}).to_string()), encode(claims().to_string()));
    let token = format!("{message}.{}", encode(pair.sign(message.as_bytes())));
    assert!(ask(&source, &token).await.is_ok());
}

/// The example of RFC 7515, appendix A.2, whose token has long expired.
#[test]
fn rsa_signatures_are_verified() {
    verifier::install();
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let message = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let keys =
        keys::KeySet::parse(json!({"keys": [{"kty": "RSA", "n": n, "e": "AQAB"}]}).to_string().as_bytes());
    let key = keys.unwrap().candidates(None, SigningAlgorithm::RS256).remove(0);
    let verify = |message: &str, algorithm| {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), key.decoding(), algorithm)
    };
    assert!(verify(message, jsonwebtoken::Algorithm::RS256).unwrap());
    assert!(!verify(message, jsonwebtoken::Algorithm::RS512).unwrap());
    assert!(!verify(message, jsonwebtoken::Algorithm::PS256).unwrap());
    assert!(!verify(&message.replacen('e', "f", 1), jsonwebtoken::Algorithm::RS256).unwrap());
    assert!(verify(message, jsonwebtoken::Algorithm::HS256).is_err());
    assert!(verify(message, jsonwebtoken::Algorithm::ES256).is_err());
}

#[test]
fn a_file_without_a_key_stops_the_start() {
    let (folder, path) = file("{\"keys\": []}");
    let keys = |path| settings(KeySource::File { path, refresh: Duration::from_mins(5) });
    assert!(matches!(SignedToken::new(keys(path)), Err(SetupError::NoKeys(_))));
    let missing = folder.path().join("missing");
    assert!(matches!(SignedToken::new(keys(missing)), Err(SetupError::File { .. })));
}

/// Whoever answers at a URL: the text at hand, as often as asked.
struct Issuer {
    url: String,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let (answer, asked) = (Arc::new(Mutex::new(answer)), Arc::new(AtomicUsize::new(0)));
        let issuer = Self { url, answer: Arc::clone(&answer), asked: Arc::clone(&asked) };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 4096];
                assert!(stream.read(&mut head).await.unwrap() > 0);
                asked.fetch_add(1, Ordering::SeqCst);
                let body = answer.lock().unwrap().clone();
                stream.write_all(body.as_bytes()).await.ok();
            }
        });
        issuer
    }

    fn source(&self) -> SignedToken {
        SignedToken::new(settings(KeySource::Url {
            url: Endpoint::new(&self.url, PlainHttp::Loopback).unwrap(),
            ca_file: None,
            request_timeout: Duration::from_secs(20),
            refresh: Duration::from_mins(5),
            stale: Duration::from_hours(1),
        }))
        .unwrap()
    }

    fn say(&self, answer: String) {
        *self.answer.lock().unwrap() = answer;
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn an_unknown_key_id_makes_the_keys_be_fetched_but_not_each_time() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let issuer = Issuer::start(ok(&set(&[&old]))).await;
    let source = issuer.source();
    assert!(ask(&source, &old.token(&claims())).await.is_ok());
    issuer.say(ok(&set(&[&new])));
    for _ in 0..20 {
        assert_eq!(ask(&source, &new.token(&claims())).await, Err(IdentityError::Unauthenticated));
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    assert!(ask(&source, &new.token(&claims())).await.is_ok());
    assert!(ask(&source, &old.token(&claims())).await.is_err());
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn keys_are_believed_for_a_bounded_time_while_nobody_answers() {
    let signer = Signer::new("a");
    let issuer = Issuer::start(ok(&set(&[&signer]))).await;
    let source = issuer.source();
    assert!(ask(&source, &signer.token(&claims())).await.is_ok());
    issuer.say(ok("{\"keys\": []}"));
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(59)).await;
    tokio::time::resume();
    assert!(ask(&source, &signer.token(&claims())).await.is_ok());
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(2)).await;
    tokio::time::resume();
    let verdict = ask(&source, &signer.token(&claims())).await;
    assert!(matches!(verdict, Err(IdentityError::Unavailable(_))), "{verdict:?}");
}

#[tokio::test]
async fn an_issuer_that_answers_nonsense_lets_nobody_in() {
    let signer = Signer::new("a");
    let keys = set(&[&signer]);
    for answer in [
        String::new(),
        "nonsense".to_owned(),
        ok(""),
        ok("[]"),
        ok(&keys[..keys.len() - 2]),
        ok(&keys).replace("200 OK", "404 Not Found"),
        ok(&keys).replace("200 OK", "302 Found\r\nLocation: http://127.0.0.1:1/"),
        ok(&keys).replacen("Content-Length: ", "Content-Length: 9", 1),
        ok(&format!("{keys}{}", " ".repeat(300_000))),
    ] {
        let issuer = Issuer::start(answer.clone()).await;
        let verdict = ask(&issuer.source(), &signer.token(&claims())).await;
        assert!(matches!(verdict, Err(IdentityError::Unavailable(_))), "{answer:.80}: {verdict:?}");
    }
}

proptest! {
    #[test]
    fn garbage_is_no_token(text in "\\PC{0,200}") {
        let (_folder, source) = source_of(&set(&[&Signer::new("a")]));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        prop_assert_eq!(runtime.block_on(ask(&source, &text)), Err(IdentityError::Unauthenticated));
    }

    #[test]
    fn no_byte_of_a_token_can_be_changed(at in 0_usize..400, to in "[A-Za-z0-9._-]") {
        let signer = Signer::new("a");
        let (_folder, source) = source_of(&set(&[&signer]));
        let good = signer.token(&claims());
        let at = at % good.len();
        let mut bad = good.clone();
        bad.replace_range(at..=at, &to);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let is_ok = runtime.block_on(ask(&source, &bad)).is_ok();
        prop_assert_eq!(is_ok, good == bad);
    }
}
