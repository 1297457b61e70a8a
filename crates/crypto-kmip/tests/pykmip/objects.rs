//! Each type of secret is kept as the object that fits it, and comes back as it was.

use std::process::Command;

use strongroom_core::disposal::Owner;
use strongroom_core::ports::{GenerationError, KeyRequest, PayloadKind, SecretBackend as _};
use strongroom_core::{Payload, ProjectId, SecretId, SecretType};
use strongroom_crypto_kmip::protocol::Request;
use strongroom_crypto_kmip::{Custody, KmipBackend};

use crate::fixture::{backend, client, master, now};
use crate::kmip_server::KmipServer;

/// What the server has, by PyKMIP's own names, in the order of their making.
fn kept(server: &KmipServer) -> Vec<String> {
    let database = server.ca().with_file_name("objects.sqlite");
    let script = "import sqlite3, sys\n\
                  for row in sqlite3.connect(sys.argv[1]).execute('select class_type from managed_objects order by uid'):\n    \
                  print(row[0])";
    let told = Command::new("python3").args(["-c", script]).arg(database).output().unwrap();
    String::from_utf8(told.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_type_of_secret_has_its_object() {
    let server = KmipServer::start();
    let client = client(&server);
    let backend = backend(&client, master(&client).await, Custody::Secrets);
    let key = backend.create_project_key(&ProjectId::new("project").unwrap(), 1, now()).await.unwrap();
    let request = |algorithm: &str, bits| KeyRequest { algorithm: algorithm.to_owned(), bits, mode: None };
    let pair = backend.generate_pair(&request("ec", 256), None).await.unwrap();
    let passphrase = Payload::new(b"open sesame".to_vec());
    let locked = backend.generate_pair(&request("ec", 256), Some(&passphrase)).await.unwrap();
    let certificate = std::fs::read(server.ca()).unwrap();
    let text = |text: &[u8]| Payload::new(text.to_vec());

    let cases = [
        (SecretType::Symmetric, Some(("aes", 256)), text(&[7; 32]), "SymmetricKey"),
        (SecretType::Symmetric, Some(("hmacsha256", 512)), text(&[7; 64]), "SymmetricKey"),
        (SecretType::Symmetric, Some(("3des", 192)), text(&[7; 24]), "SymmetricKey"),
        (SecretType::Symmetric, Some(("aes", 256)), text(b"no key of that length"), "SecretData"),
        (SecretType::Private, Some(("ec", 256)), pair.private, "PrivateKey"),
        (SecretType::Public, Some(("ec", 256)), pair.public, "PublicKey"),
        (SecretType::Private, Some(("ec", 256)), locked.private, "SecretData"),
        (SecretType::Certificate, None, text(&certificate), "X509Certificate"),
        (SecretType::Certificate, None, text(b"a friend's word"), "SecretData"),
        (SecretType::Passphrase, None, text(b"swordfish"), "SecretData"),
        (SecretType::Opaque, None, text(b""), "SecretData"),
    ];
    let mut sealed = Vec::new();
    for (secret_type, said, payload, _) in &cases {
        let kind = PayloadKind {
            owner: None,
            secret_type: *secret_type,
            algorithm: said.map(|(algorithm, _)| algorithm.to_owned()),
            bits: said.map(|(_, bits)| bits),
        };
        sealed.push(backend.seal_as(&kind, &key, b"binding", payload).await.unwrap());
    }
    let expected: Vec<_> = cases.iter().map(|(.., object)| *object).collect();
    // The first is the master key.
    assert_eq!(kept(&server)[1..], expected);
    for ((secret_type, _, payload, _), sealed) in cases.iter().zip(&sealed) {
        let opened = backend.open(&key, b"binding", sealed).await.unwrap();
        assert_eq!(opened.expose(), payload.expose(), "{secret_type:?}");
        backend.forget(&key, sealed).await.unwrap();
    }
    assert_eq!(kept(&server), ["SymmetricKey"]);
}

/// What the server logged of keys that it has made or been given, in order.
fn made_or_given(server: &KmipServer) -> Vec<&'static str> {
    let log = server.log();
    let told = log.lines().filter_map(|line| {
        let known = ["Created a SymmetricKey", "Registered a SymmetricKey", "Registered a SecretData"];
        known.into_iter().find(|known| line.contains(known))
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_makes_the_keys_that_it_can_make() {
    let server = KmipServer::start();
    let client = client(&server);
    let backend = backend(&client, master(&client).await, Custody::Secrets);
    let key = backend.create_project_key(&ProjectId::new("project").unwrap(), 1, now()).await.unwrap();
    let mut made = made_or_given(&server);
    assert_eq!(made, ["Created a SymmetricKey"], "the master key");
    let (own, given) = ("Created a SymmetricKey", "Registered a SymmetricKey");
    for (algorithm, bits, length, by) in [
        ("aes", 128, 16, own),
        ("aes", 256, 32, own),
        // PyKMIP makes none of these.
        ("hmacsha256", 256, 32, given),
        ("3des", 192, 24, given),
        // The standard has no name for it.
        ("des", 64, 8, "Registered a SecretData"),
    ] {
        let request = KeyRequest { algorithm: algorithm.to_owned(), bits, mode: None };
        let kind = PayloadKind {
            owner: Some(Owner::Secret(SecretId::random())),
            secret_type: SecretType::Symmetric,
            algorithm: Some(algorithm.to_owned()),
            bits: Some(bits),
        };
        let (told, sealed) = backend.seal_generated(&request, &kind, &key, b"binding").await.unwrap();
        made.push(by);
        assert_eq!(made_or_given(&server), made, "{algorithm} {bits}");
        let first = backend.open(&key, b"binding", &sealed).await.unwrap();
        assert_eq!(first.len(), length, "{algorithm} {bits}");
        // They are the server's own bytes.
        let uid = KmipBackend::object_of(&sealed).unwrap();
        let kept = client.ask(&Request::Get(uid), |reply| reply.object().map(<[u8]>::to_vec)).await.unwrap();
        assert_eq!(kept, first.expose(), "{algorithm} {bits}");
        assert_eq!(kept, told.expose(), "{algorithm} {bits}");
        backend.forget(&key, &sealed).await.unwrap();
    }
    assert_eq!(kept(&server), ["SymmetricKey"]);
    let none = KeyRequest { algorithm: "aes".to_owned(), bits: 129, mode: None };
    let refused = backend.seal_generated(&none, &PayloadKind::default(), &key, b"binding").await;
    assert!(matches!(refused, Err(GenerationError::Length)), "{refused:?}");
    assert_eq!(made_or_given(&server), made, "nothing was asked of the server");
}
