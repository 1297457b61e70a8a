//! Callers with signed tokens, alone and beside Keystone.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use strongroom_tests::{Client, Keystone, Server, eventually, outcomes};

/// Somebody who signs tokens and publishes the keys to check them by.
struct Issuer {
    url: String,
    signer: Signer,
    published: Arc<Mutex<Option<String>>>,
}

struct Signer {
    id: &'static str,
    pair: EcdsaKeyPair,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    fn new(id: &'static str) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self { id, pair: EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap() }
    }

    fn key_set(&self) -> String {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let key = json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": self.id, "x": encode(x), "y": encode(y)});
        json!({"keys": [key]}).to_string()
    }

    #[expect(clippy::disallowed_methods, reason = "the server goes by the same clock")]
    fn token(&self, project: &str, roles: &[&str], seconds: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let header = json!({"alg": "ES256", "kid": self.id});
        let claims = json!({
            "iss": "https://issuer.example",
            "aud": ["key-manager"],
            "exp": i64::try_from(now.as_secs()).unwrap() + seconds,
            "sub": "ada",
            "cloud": {"project": project},
            "realm_access": {"roles": roles},
        });
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", encode(signature))
    }
}

impl Issuer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let signer = Signer::new("first");
        let published = Arc::new(Mutex::new(Some(signer.key_set())));
        let shown = Arc::clone(&published);
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut head = [0; 4096];
                let read = stream.read(&mut head).unwrap_or(0);
                if let Some(body) = shown.lock().unwrap().as_ref().filter(|_| read > 0) {
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    );
                    stream.write_all((head + body).as_bytes()).ok();
                }
            }
        });
        Self { url, signer, published }
    }

    /// What is published in place of what was; `None`: no answer.
    fn publish(&self, keys: Option<String>) {
        *self.published.lock().unwrap() = keys;
    }

    fn settings<'a>(&'a self, sources: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("IDENTITY__SOURCES", sources),
            ("IDENTITY__JWT__ISSUER", "https://issuer.example"),
            ("IDENTITY__JWT__AUDIENCES", "[\"key-manager\"]"),
            ("IDENTITY__JWT__JWKS_URL", &self.url),
            ("IDENTITY__JWT__TIMEOUT_SECONDS", "20"),
            ("IDENTITY__JWT__PROJECT_CLAIM", "cloud.project"),
            ("IDENTITY__JWT__ROLES_CLAIM", "/realm_access/roles"),
        ]
    }
}

fn bearer(server: &Server, token: &str) -> Client {
    Client::new(&server.endpoint()).header("Authorization", &format!("Bearer {token}"))
}

fn store(client: &Client) -> String {
    client.create(&json!({"payload": "correct horse", "payload_content_type": "text/plain"}))
}

const MEMBER: &[&str] = &["member", "reader"];

/// Spec section 12.1, `allow_anonymous_access`.
#[test]
fn who_brings_nothing_is_nobody_where_that_is_allowed() {
    let issuer = Issuer::start();
    let mut settings = issuer.settings("[\"jwt\"]");
    settings.push(("IDENTITY__ALLOW_ANONYMOUS", "true"));
    let server = Server::start_with(&settings);
    let reference = store(&bearer(&server, &issuer.signer.token("p", MEMBER, 300)));
    let secret = format!("/v1/{}", reference.split_once("/v1/").unwrap().1);
    let nobody = Client::new(&server.endpoint());
    assert_eq!(nobody.get("/v1").status, 200);
    for path in ["/v1/secrets", "/v1/containers", "/v1/orders", "/v1/quotas", "/v1/project-quotas"] {
        assert_eq!(nobody.get(path).status, 403, "{path}");
    }
    for path in
        [secret.clone(), format!("{secret}/payload"), format!("{secret}/acl"), format!("{secret}/metadata")]
    {
        assert_eq!(nobody.get(&path).status, 403, "{path}");
    }
    let text = json!({"payload": "x", "payload_content_type": "text/plain"});
    assert_eq!(nobody.json("POST", "/v1/secrets", &text).status, 403);
    assert_eq!(nobody.delete(&secret).status, 403);
    // Something that is no credential is not nothing.
    assert_eq!(bearer(&server, "no token").get("/v1/secrets").status, 401);
}

#[test]
fn a_signed_token_names_user_project_and_roles() {
    let issuer = Issuer::start();
    let server = Server::start_with(&issuer.settings("[\"jwt\"]"));
    let client = bearer(&server, &issuer.signer.token("p", MEMBER, 300));
    let reference = store(&client);
    let read = client.payload(&reference, "text/plain");
    assert_eq!(read.text(), "correct horse");
    let records = server.records();
    let [record] = outcomes(&records, &read)[..] else { panic!("{records:?}") };
    let expected = json!({"user": "ada", "project": "p", "roles": MEMBER, "source": "jwt"});
    assert_eq!(record["caller"], expected);
    // Another project, and roles that may not.
    assert_eq!(bearer(&server, &issuer.signer.token("q", MEMBER, 300)).get(&reference).status, 403);
    let reader = bearer(&server, &issuer.signer.token("p", &["reader"], 300));
    assert_eq!(reader.payload(&reference, "text/plain").status, 403);
}

#[test]
fn what_is_no_token_for_us_is_refused_with_a_challenge() {
    let issuer = Issuer::start();
    let server = Server::start_with(&issuer.settings("[\"jwt\"]"));
    let good = issuer.signer.token("p", MEMBER, 300);
    let anonymous = Client::new(&server.endpoint());
    let unsigned = good.rsplit_once('.').unwrap().0.to_owned() + ".";
    for client in [
        anonymous.clone(),
        anonymous.header("X-Project-Id", "p"),
        // A credential of a source that is not in use is none.
        anonymous.header("X-Auth-Token", &good),
        anonymous.header("Authorization", "Basic YWRhOnNlY3JldA=="),
        anonymous.header("Authorization", "Bearer"),
        bearer(&server, ""),
        bearer(&server, "junk"),
        bearer(&server, &unsigned),
        bearer(&server, &issuer.signer.token("p", MEMBER, -300)),
        bearer(&server, &Signer::new("first").token("p", MEMBER, 300)),
        bearer(&server, &Signer::new("other").token("p", MEMBER, 300)),
    ] {
        let reply = client.get("/v1/secrets");
        assert_eq!(reply.status, 401, "{}", reply.text());
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(bearer(&server, &good).get("/v1/secrets").status, 200);
    assert!(!format!("{}{:?}", server.log(), server.records()).contains(&good[..60]));
}

#[test]
fn keys_are_replaced_and_an_issuer_that_is_silent_or_talks_nonsense_stops_nobody() {
    let issuer = Issuer::start();
    let server = Server::start_with(&issuer.settings("[\"jwt\"]"));
    let token = issuer.signer.token("p", MEMBER, 300);
    assert_eq!(bearer(&server, &token).get("/v1/secrets").status, 200);
    let next = Signer::new("next");
    let fresh = bearer(&server, &next.token("p", MEMBER, 300));
    for nonsense in [None, Some(String::new()), Some("{\"keys\": [".to_owned()), Some("[]".to_owned())] {
        issuer.publish(nonsense);
        assert_eq!(fresh.get("/v1/secrets").status, 401);
        assert_eq!(bearer(&server, &token).get("/v1/secrets").status, 200);
    }
    issuer.publish(Some(next.key_set()));
    eventually(|| fresh.get("/v1/secrets").status == 200);
    // What the issuer no longer publishes is no longer believed.
    assert_eq!(bearer(&server, &token).get("/v1/secrets").status, 401);
}

#[test]
fn without_any_key_the_answer_is_that_nobody_can_be_identified() {
    let issuer = Issuer::start();
    issuer.publish(None);
    let server = Server::start_with(&issuer.settings("[\"jwt\"]"));
    let client = bearer(&server, &issuer.signer.token("p", MEMBER, 300));
    assert_eq!(client.get("/v1/secrets").status, 503);
    issuer.publish(Some(issuer.signer.key_set()));
    eventually(|| client.get("/v1/secrets").status == 200);
}

#[test]
fn sources_stand_side_by_side_and_none_rescues_another() {
    let keystone = Keystone::shared();
    let project = keystone.project();
    let user = keystone.user(&project, &["member"]);
    let issuer = Issuer::start();
    let mut settings = issuer.settings("[\"keystone\", \"jwt\"]");
    let theirs = keystone.settings_at(&keystone.url());
    settings.extend(theirs.iter().skip(1).map(|(name, value)| (name.as_str(), value.as_str())));
    let server = Server::start_with(&settings);
    let (cloud, signed) = (keystone.token(&user, &project), issuer.signer.token(&project.id, MEMBER, 300));
    let with = |token: &str, bearer: &str| {
        let client = Client::new(&server.endpoint());
        let client = if token.is_empty() { client } else { client.header("X-Auth-Token", token) };
        if bearer.is_empty() { client } else { client.header("Authorization", &format!("Bearer {bearer}")) }
    };
    let reference = store(&with(&cloud, ""));
    let read = with("", &signed).payload(&reference, "text/plain");
    assert_eq!(read.text(), "correct horse");
    let sources: Vec<Value> =
        server.records().iter().map(|record| record["caller"]["source"].clone()).collect();
    assert!(sources.contains(&json!("keystone")) && sources.contains(&json!("jwt")), "{sources:?}");
    for (token, bearer, status) in [
        ("junk", "", 401),
        ("", "junk", 401),
        ("", "", 401),
        (cloud.as_str(), signed.as_str(), 400),
        ("junk", &signed, 400),
        (&cloud, "junk", 400),
    ] {
        assert_eq!(with(token, bearer).get("/v1/secrets").status, status);
    }
    let challenges: Vec<_> =
        with("", "").get("/v1/secrets").headers.get_all("www-authenticate").iter().cloned().collect();
    assert_eq!(challenges.len(), 2, "{challenges:?}");
}

#[test]
fn settings_that_can_t_be_used_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let issuer = Issuer::start();
    let keys = folder.path().join("keys.json");
    fs::write(&keys, "{\"keys\": [{\"kty\": \"oct\", \"k\": \"c2VjcmV0\"}]}").unwrap();
    let open = folder.path().join("password");
    fs::write(&open, "password").unwrap();
    let missing = folder.path().join("missing");
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let keystone = |password: String| {
        vec![
            ("IDENTITY__SOURCES", "[\"keystone\"]".to_owned()),
            ("IDENTITY__KEYSTONE__URL", "https://keystone.example".to_owned()),
            ("IDENTITY__KEYSTONE__USERNAME", "strongroom".to_owned()),
            ("IDENTITY__KEYSTONE__PROJECT_NAME", "service".to_owned()),
            ("IDENTITY__KEYSTONE__PASSWORD_FILE", password),
        ]
    };
    let mut file: Vec<_> =
        issuer.settings("[\"jwt\"]").into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    file.retain(|(name, _)| *name != "IDENTITY__JWT__JWKS_URL");
    file.push(("IDENTITY__JWT__JWKS_FILE", path(&keys)));
    let mixed = vec![("IDENTITY__SOURCES", "[\"unauthenticated\", \"jwt\"]".to_owned())];
    let plain = vec![
        ("IDENTITY__SOURCES", "[\"keystone\"]".to_owned()),
        ("IDENTITY__KEYSTONE__URL", "http://keystone.example".to_owned()),
    ];
    for (settings, code, told) in [
        (file, 1, "holds no public key"),
        (keystone(path(&missing)), 1, "can't be read"),
        (keystone(path(&open)), 1, "can be read by every user; run: chmod o="),
        (keystone(String::new()), 1, "identity.keystone.password_file"),
        (mixed, 2, "goes with no other source"),
        (plain, 2, "plain HTTP to another machine"),
    ] {
        let mut command = Server::command(&data);
        command.envs(settings.iter().map(|(name, value)| (format!("STRONGROOM_{name}"), value)));
        let Err(ended) = Server::try_start(command, &data) else { panic!("a start with {told}") };
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(told), "{ended:?}");
    }
}
