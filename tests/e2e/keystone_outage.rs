//! A Keystone that is down, silent, or lies.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_tests::{Client, Keystone, Passage, Relay, Server, eventually, outcomes, write_private};

const PAYLOAD: &str = "correct horse";

fn client(server: &Server, token: &str) -> Client {
    Client::new(&server.endpoint()).header("X-Auth-Token", token)
}

fn store(client: &Client) -> String {
    client.create(&json!({"payload": PAYLOAD, "payload_content_type": "text/plain"}))
}

/// A server that reaches Keystone by a relay, with tokens of a member: one that it has seen, and two it has not.
struct Scene {
    relay: Relay,
    server: Server,
    seen: String,
    fresh: [String; 2],
}

fn scene(more: &[(&str, &str)]) -> Scene {
    let keystone = Keystone::shared();
    let project = keystone.project();
    let user = keystone.user(&project, &["member"]);
    let relay = Relay::to(&keystone.address());
    let settings = keystone.settings_at(&format!("http://{}/v3", relay.address()));
    let ours = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let server = Server::start_with(&ours.chain(more.iter().copied()).collect::<Vec<_>>());
    let token = || keystone.token(&user, &project);
    Scene { relay, server, seen: token(), fresh: [token(), token()] }
}

#[test]
fn while_keystone_is_down_known_tokens_go_on_and_others_are_told_at_once() {
    let Scene { relay, server, seen, fresh } = scene(&[]);
    let reference = store(&client(&server, &seen));
    relay.set(Passage::Refused);
    assert_eq!(client(&server, &seen).payload(&reference, "text/plain").text(), PAYLOAD);
    for _ in 0..5 {
        let reply = client(&server, &fresh[0]).get("/v1/secrets");
        assert_eq!(reply.status, 503, "{}", reply.text());
        assert_eq!(reply.header("www-authenticate"), None);
        let records = server.records();
        let [record] = outcomes(&records, &reply)[..] else { panic!("{records:?}") };
        assert_eq!(record["reason"]["code"], "identity-unavailable");
    }
    assert!(server.log().contains("the identity service can't be reached: Keystone: "), "{}", server.log());
    // After some failures in a row nobody even tries, except now and then.
    let (before, start) = (relay.accepted(), Instant::now());
    let asked = (0..200).filter(|_| client(&server, &fresh[1]).get("/v1/secrets").status == 503).count();
    let tries = u64::try_from(relay.accepted() - before).unwrap();
    assert_eq!(asked, 200);
    assert!(tries <= 2 + start.elapsed().as_secs(), "{tries} tries");
    relay.set(Passage::Open);
    eventually(|| client(&server, &fresh[0]).get("/v1/secrets").status == 200);
    assert_eq!(client(&server, &fresh[1]).get("/v1/secrets").status, 200);
}

#[test]
fn a_keystone_that_never_answers_holds_nobody_for_long() {
    let Scene { relay, server, seen, fresh } = scene(&[("IDENTITY__KEYSTONE__TIMEOUT_SECONDS", "2")]);
    // On a busy machine Keystone itself may take longer than that.
    eventually(|| client(&server, &seen).get("/v1/secrets").status == 200);
    relay.set(Passage::Silent);
    let start = Instant::now();
    thread::scope(|scope| {
        for number in 0..40 {
            let (server, token) = (&server, &fresh[number % 2]);
            scope.spawn(move || assert_eq!(client(server, token).get("/v1/secrets").status, 503));
        }
    });
    // Each waits for its own time at most, and not for that of all the others.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(client(&server, &seen).get("/v1/secrets").status, 200);
    relay.set(Passage::Open);
    eventually(|| client(&server, &fresh[0]).get("/v1/secrets").status == 200);
}

#[test]
fn a_keystone_that_is_killed_and_comes_back() {
    let mut keystone = Keystone::start(3600);
    let project = keystone.project();
    let user = keystone.user(&project, &["member"]);
    let server = keystone.server(&[]);
    let (seen, fresh) = (keystone.token(&user, &project), keystone.token(&user, &project));
    let reference = store(&client(&server, &seen));
    keystone.kill();
    assert_eq!(client(&server, &fresh).get("/v1/secrets").status, 503);
    assert_eq!(client(&server, &seen).payload(&reference, "text/plain").text(), PAYLOAD);
    keystone.resume();
    eventually(|| client(&server, &fresh).payload(&reference, "text/plain").status == 200);
}

/// Also that the service renews its own token, which ends as soon; and that the token of a service, and of
/// nobody else, makes an expired one good.
#[test]
fn a_token_is_refused_once_it_has_expired_whatever_is_remembered() {
    let keystone = Keystone::start(15);
    let project = keystone.project();
    let user = keystone.user(&project, &["member"]);
    let server = keystone.server(&[]);
    let token = keystone.token(&user, &project);
    let first = client(&server, &token).get("/v1/secrets").status;
    assert!(first == 200 || first == 401, "{first}");
    eventually(|| client(&server, &token).get("/v1/secrets").status == 401);
    eventually(|| client(&server, &keystone.token(&user, &project)).get("/v1/secrets").status == 200);

    let service = keystone.user(&project, &["service"]);
    let beside =
        |other: &str| client(&server, &token).header("X-Service-Token", other).get("/v1/secrets").status;
    eventually(|| beside(&keystone.token(&service, &project)) == 200);
    assert_eq!(beside(&keystone.token(&user, &project)), 401);
    assert_eq!(beside(&token), 401);
    assert_eq!(beside("gAAAAA"), 401);
    assert_eq!(client(&server, &token).get("/v1/secrets").status, 401);
}

#[test]
fn a_service_user_that_keystone_does_not_take_is_named_in_the_log() {
    let keystone = Keystone::shared();
    let project = keystone.project();
    let user = keystone.user(&project, &["member"]);
    // Its own tokens everybody may look at.
    let token = keystone.token(&keystone.user(&project, &["member"]), &project);
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    write_private(&password, "not the password\n");
    let password = password.to_str().unwrap();
    let without_role = [
        ("IDENTITY__KEYSTONE__USER_ID", user.id.as_str()),
        ("IDENTITY__KEYSTONE__PROJECT_ID", project.id.as_str()),
    ];
    let users_own = folder.path().join("users-own");
    write_private(&users_own, Keystone::USER_PASSWORD);
    let users_own = users_own.to_str().unwrap();
    let wrong_password = vec![("IDENTITY__KEYSTONE__PASSWORD_FILE", password)];
    let wrong_role = [&without_role[..], &[("IDENTITY__KEYSTONE__PASSWORD_FILE", users_own)]].concat();
    for (settings, told) in
        [(wrong_password, "check the user, its password"), (wrong_role, "give it the role service")]
    {
        let server = keystone.server(&settings);
        assert_eq!(client(&server, &token).get("/v1/secrets").status, 503);
        eventually(|| server.log().contains(told));
        assert!(
            !server.log().contains("not the password") && !server.log().contains(Keystone::USER_PASSWORD)
        );
    }
}

/// Answers every connection with the same bytes: to logins with the one answer, to all else with the other.
fn liar(login: Vec<u8>, other: Vec<u8>, drip: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v3", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 16 * 1024];
            let Ok(length) = stream.read(&mut head) else { continue };
            let answer = if head[..length].starts_with(b"POST") { login.clone() } else { other.clone() };
            thread::spawn(move || {
                if drip.is_zero() {
                    stream.write_all(&answer).ok();
                } else {
                    let sent = |byte: &u8| {
                        thread::sleep(drip);
                        stream.write_all(&[*byte]).is_ok()
                    };
                    answer.iter().all(sent);
                }
                // Closed with something unread, it would be reset, and the answer might be lost.
                stream.shutdown(Shutdown::Write).ok();
                stream.read_to_end(&mut Vec::new()).ok();
            });
        }
    });
    url
}

fn http(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nX-Subject-Token: own\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn token() -> Value {
    json!({"token": {
        "expires_at": "2999-01-01T00:00:00.000000Z",
        "user": {"id": "u"},
        "project": {"id": "p"},
        "roles": [{"name": "member"}, {"name": "reader"}],
    }})
}

#[test]
fn a_lying_keystone_opens_nothing_and_brings_nothing_down() {
    let keystone = Keystone::shared();
    let ask = |login: Vec<u8>, other: Vec<u8>, drip| {
        let settings = keystone.settings_at(&liar(login, other, drip));
        let ours = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let quick = [("IDENTITY__KEYSTONE__TIMEOUT_SECONDS", "2")];
        let server = Server::start_with(&ours.chain(quick).collect::<Vec<_>>());
        let status = client(&server, "sometoken").get("/v1/secrets").status;
        assert_eq!(server.client("p").get("/healthcheck").status, 200);
        assert!(server.stop().success());
        status
    };
    let good = || http("201 Created", &token().to_string());
    let said = |body: &str| http("200 OK", body);
    let whole = token().to_string();
    let with = |pointer: &str, value: Value| {
        let mut lie = token();
        *lie.pointer_mut(pointer).unwrap() = value;
        said(&lie.to_string())
    };
    let now = Duration::ZERO;
    // The liar tells the truth: the others fail for what they say.
    assert_eq!(ask(good(), said(&whole), now), 200);
    for (other, status) in [
        (said(&whole[..whole.len() - 3]), 503),
        (said(&format!("{whole}{}", " ".repeat(1 << 20))), 503),
        (http("200 OK", "").into_iter().chain(b"more".iter().copied()).collect(), 503),
        (said("[]"), 503),
        (said(&"[".repeat(100_000)), 503),
        (with("/token/user", json!("u")), 503),
        (with("/token/project/id", json!({"$ne": ""})), 503),
        (with("/token/expires_at", json!(0)), 503),
        (with("/token/expires_at", json!("2001-01-01T00:00:00Z")), 401),
        (with("/token/project", json!(null)), 401),
        (http("302 Found\r\nLocation: http://127.0.0.1:1/", ""), 503),
        (http("204 No Content", ""), 503),
        (http("404 Not Found", &whole), 401),
        (http("401 Unauthorized", &whole), 503),
        (http("403 Forbidden", &whole), 503),
        (http("500 Internal Server Error", &whole), 503),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{}".to_vec(), 503),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_vec(), 503),
        (vec![0; 100_000], 503),
        (Vec::new(), 503),
    ] {
        let told = String::from_utf8_lossy(&other[..other.len().min(200)]).into_owned();
        assert_eq!(ask(good(), other, now), status, "{told}");
    }
    assert_eq!(ask(good(), said(&whole), Duration::from_millis(100)), 503);
    for login in [http("200 OK", &whole), http("201 Created", "{}"), Vec::new()] {
        assert_eq!(ask(login, said(&whole), now), 503);
    }
}
