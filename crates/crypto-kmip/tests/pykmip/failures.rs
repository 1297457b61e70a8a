//! Each way to fail is its own error, and what was wrong once is not used again.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use strongroom_core::Payload;
use strongroom_core::ProjectId;
use strongroom_core::ports::{BackendError, SecretBackend as _};
use strongroom_crypto_kmip::protocol::{Fault, ObjectKind, Request};
use strongroom_crypto_kmip::ttlv::DecodeError;
use strongroom_crypto_kmip::{Client, Custody, Endpoint, KmipError};
use tokio::time::{Instant, sleep};

use crate::fixture::{backend, client, master, now, settings};
use crate::kmip_server::{KmipServer, Validity};
use crate::liar::{self, Asked};

async fn register(client: &Client, bytes: &[u8]) -> String {
    let request = Request::Register(ObjectKind::SecretData, bytes, None);
    client.ask(&request, |reply| reply.uid().map(str::to_owned)).await.unwrap()
}

async fn get(client: &Client, uid: &str) -> Result<Vec<u8>, KmipError> {
    client.ask(&Request::Get(uid), |reply| reply.object().map(<[u8]>::to_vec)).await
}

/// Until it succeeds, which takes as long as the servers are left alone.
async fn get_soon(client: &Client, uid: &str) -> Vec<u8> {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        match get(client, uid).await {
            Ok(bytes) => return bytes,
            Err(error) => assert!(Instant::now() < deadline, "no recovery: {error:?}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_that_died_is_named_and_used_again_once_it_is_back() {
    let mut server = KmipServer::start();
    let client = client(&server);
    let uid = register(&client, b"one").await;
    server.kill();
    let first = get(&client, &uid).await.unwrap_err();
    assert!(matches!(first, KmipError::Unreachable { .. }), "{first:?}");
    let next = get(&client, &uid).await.unwrap_err();
    assert!(matches!(next, KmipError::Resting { .. } | KmipError::Unreachable { .. }), "{next:?}");
    server.run();
    assert_eq!(get_soon(&client, &uid).await, b"one");
    // A restart that nobody noticed fails no question that may be asked twice.
    server.kill();
    server.run();
    assert_eq!(get(&client, &uid).await.unwrap(), b"one");
}

/// A late answer is never taken for the next question's.
#[tokio::test]
async fn a_server_that_stalls_is_given_up_and_its_late_answer_is_never_read() {
    let server = KmipServer::start();
    let patient = client(&server);
    let (one, two) = (register(&patient, b"one").await, register(&patient, b"two").await);
    let mut hasty = settings(&server);
    hasty.answer_timeout = Duration::from_secs(2);
    hasty.connect_timeout = Duration::from_secs(2);
    let hasty = Client::new(hasty);
    assert_eq!(get_soon(&hasty, &one).await, b"one");
    server.halt();
    let error = get(&hasty, &one).await.unwrap_err();
    assert!(matches!(error, KmipError::TimedOut { what: "answer", .. }), "{error:?}");
    // A connection is taken by the system; the handshake is what hangs.
    let fresh = Client::new(settings_with(&server, Duration::from_millis(500)));
    let error = get(&fresh, &one).await.unwrap_err();
    assert!(matches!(error, KmipError::TimedOut { what: "shake hands", .. }), "{error:?}");
    server.go_on();
    for _ in 0..5 {
        assert_eq!(get_soon(&hasty, &two).await, b"two");
        assert_eq!(get_soon(&hasty, &one).await, b"one");
    }
}

fn settings_with(server: &KmipServer, connect: Duration) -> strongroom_crypto_kmip::ClientSettings {
    let mut settings = settings(server);
    settings.connect_timeout = connect;
    settings
}

#[tokio::test]
async fn certificates_that_expired_are_told_apart_and_a_renewed_one_is_used_at_once() {
    let server = KmipServer::start();
    let client = client(&server);
    server.renew_client(Validity::Expired);
    let error = get(&client, "1").await.unwrap_err();
    assert!(matches!(error, KmipError::OwnCertificateExpired { .. }), "{error:?}");
    server.renew_client(Validity::Good);
    let deadline = Instant::now() + Duration::from_mins(1);
    while !get(&client, "1").await.unwrap_err().is_missing() {
        assert!(Instant::now() < deadline, "no recovery");
        sleep(Duration::from_millis(20)).await;
    }

    let expired = KmipServer::start_with(Validity::Expired);
    let error = get(&Client::new(settings(&expired)), "1").await.unwrap_err();
    assert!(matches!(error, KmipError::ServerCertificateExpired { .. }), "{error:?}");

    // Another authority's server is not believed, nor one that speaks no TLS.
    let mut foreign = settings(&server);
    foreign.tls.ca = expired.ca();
    let error = get(&Client::new(foreign), "1").await.unwrap_err();
    assert!(matches!(error, KmipError::Handshake { .. }), "{error:?}");
}

#[tokio::test]
async fn a_key_file_that_others_may_read_is_refused() {
    let server = KmipServer::start();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o440);
    std::fs::set_permissions(server.key(), mode).unwrap();
    let error = get(&client(&server), "1").await.unwrap_err();
    let KmipError::TlsFile { path, reason } = error else { panic!("{error:?}") };
    assert_eq!(path, server.key());
    assert!(reason.contains("0440") && reason.contains("chmod 0400"), "{reason}");
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_is_down() {
    let server = KmipServer::start();
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut settings = settings(&server);
    settings.endpoints.insert(0, Endpoint::parse(&nobody.local_addr().unwrap().to_string()).unwrap());
    drop(nobody);
    let client = Client::new(settings);
    let uid = register(&client, b"one").await;
    assert_eq!(get(&client, &uid).await.unwrap(), b"one");
    assert_eq!(client.first_endpoint(), server.endpoint());
}

#[tokio::test]
async fn lies_are_not_believed() {
    type Lie = fn(&Asked) -> Vec<u8>;
    let server = KmipServer::start();
    let honest: Lie = |asked| asked.answer();
    let lies: [(&str, Lie); 9] = [
        ("another object", |asked| Asked { uid: "8".to_owned(), ..copy(asked) }.answer()),
        ("another request", |asked| Asked { batch_id: vec![9; 8], ..copy(asked) }.answer()),
        ("another operation", |asked| Asked { operation: 18, ..copy(asked) }.answer()),
        ("another version", |asked| asked.answer_in((1, 0), 1)),
        ("two answers", |asked| asked.answer_in((1, 4), 2)),
        ("cut short", |asked| asked.answer().into_iter().take(60).collect()),
        ("no answer", |_| Vec::new()),
        ("nonsense", |_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ("too long", |_| vec![0x42, 0x00, 0x7B, 0x01, 0x7F, 0xFF, 0xFF, 0xFF]),
    ];
    let ask = async |lie: Lie| {
        let address = liar::serve(server.another_server(), lie).await;
        let mut settings = settings(&server);
        settings.endpoints = vec![Endpoint::parse(&address.to_string()).unwrap()];
        get(&Client::new(settings), "7").await
    };
    assert_eq!(ask(honest).await.unwrap(), [7; 32]);
    for (what, lie) in lies {
        let error = ask(lie).await.expect_err(what);
        let told = error.to_string();
        let expected = match what {
            "cut short" => "ended its answer in the middle",
            "no answer" => "broke",
            "nonsense" => "unknown type",
            "too long" => "more than 1048576",
            "another object" => "about another object",
            "another request" => "another request of this connection",
            "another operation" => "about another operation",
            "another version" => "another version of the protocol",
            _ => "does not hold one answer",
        };
        assert!(told.contains(expected), "{what}: {told}");
    }
    let fault = Fault::Malformed(DecodeError::TooDeep);
    assert!(fault.to_string().contains("16 levels"), "{fault}");
}

fn copy(asked: &Asked) -> Asked {
    Asked { operation: asked.operation, batch_id: asked.batch_id.clone(), uid: asked.uid.clone() }
}

/// An object that was swapped for another behind the service's back, or is gone.
#[tokio::test]
async fn swapped_and_missing_objects_are_noticed() {
    let server = KmipServer::start();
    let client = client(&server);
    let backend = backend(&client, master(&client).await, Custody::Secrets);
    let key = backend.create_project_key(&ProjectId::new("p").unwrap(), 1, now()).await.unwrap();
    let sealed = backend.seal(&key, b"b", &Payload::new(b"one".to_vec())).await.unwrap();
    let other = backend.seal(&key, b"c", &Payload::new(b"two".to_vec())).await.unwrap();
    assert_eq!(backend.open(&key, b"b", &sealed).await.unwrap().expose(), b"one");
    let misplaced = backend.open(&key, b"b", &other).await;
    assert!(matches!(misplaced, Err(BackendError::Integrity)), "{misplaced:?}");

    // Somebody activated it: it has to be revoked before it can be destroyed.
    let uid = String::from_utf8(sealed.0.get(8..9).unwrap().to_vec()).unwrap();
    client.ask(&Request::Activate(&uid), |_| Ok(())).await.unwrap();
    backend.forget(&key, &sealed).await.unwrap();
    let gone = backend.open(&key, b"b", &sealed).await;
    assert!(matches!(gone, Err(BackendError::KeyMissing(_))), "{gone:?}");
}

/// Within the lease a project's key is used without the server; a revoked master key unwraps nothing.
#[tokio::test]
async fn a_master_key_out_of_use_is_refused_and_a_held_key_goes_on() {
    let server = KmipServer::start();
    let client = client(&server);
    let masters = master(&client).await;
    let used = backend(&client, masters.clone(), Custody::MasterKey);
    let key = used.create_project_key(&ProjectId::new("p").unwrap(), 1, now()).await.unwrap();
    let sealed = used.seal(&key, b"b", &Payload::new(b"one".to_vec())).await.unwrap();
    let uid = masters.newest().unwrap().1.uid.clone();
    client.ask(&Request::Revoke(&uid), |_| Ok(())).await.unwrap();
    assert_eq!(used.open(&key, b"b", &sealed).await.unwrap().expose(), b"one");
    let fresh = backend(&client, masters, Custody::MasterKey);
    let refused = fresh.open(&key, b"b", &sealed).await;
    assert!(matches!(refused, Err(BackendError::Denied(_))), "{refused:?}");
    assert!(matches!(fresh.health().await, Err(BackendError::Denied(_))));
}
