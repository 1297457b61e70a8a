//! What a deployment has made in the server is found again, and nothing else is taken for it.

use strongroom_core::disposal::Owner;
use strongroom_core::ports::{PayloadKind, SecretBackend as _};
use strongroom_core::{OrderId, Payload, ProjectId, SecretId, SecretType};
use strongroom_crypto_kmip::protocol::{Mark, ObjectKind, Request};
use strongroom_crypto_kmip::{Client, Custody, KmipBackend};

use crate::fixture::{backend, client, master, now};
use crate::kmip_server::KmipServer;

async fn register(client: &Client, mark: Option<Mark<'_>>) -> String {
    let request = Request::Register(ObjectKind::SecretData, b"somebody else's", mark);
    client.ask(&request, |reply| reply.uid().map(str::to_owned)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn marked_objects_are_found_and_others_are_not() {
    let server = KmipServer::start();
    let client = client(&server);
    let masters = master(&client).await;
    let ours = backend(&client, masters.clone(), Custody::Secrets);
    let other = backend(&client, master(&client).await, Custody::Secrets);
    let project = ProjectId::new("project").unwrap();
    let (key, other_key) = (
        ours.create_project_key(&project, 1, now()).await.unwrap(),
        other.create_project_key(&project, 1, now()).await.unwrap(),
    );
    let payload = Payload::new(b"one".to_vec());
    let kind = |owner| PayloadKind { owner: Some(owner), ..PayloadKind::default() };
    let owners = [Owner::Secret(SecretId::random()), Owner::Order(OrderId::random())];
    let mut sealed = Vec::new();
    for owner in owners {
        sealed.push(ours.seal_as(&kind(owner), &key, b"b", &payload).await.unwrap());
    }
    other.seal_as(&kind(owners[0]), &other_key, b"b", &payload).await.unwrap();
    register(&client, None).await;
    let nonsense = register(&client, Some(Mark { deployment: "1", purpose: "a backup" })).await;

    let named: Vec<_> = sealed.iter().map(|sealed| KmipBackend::object_of(sealed).unwrap()).collect();
    let found = ours.marked().await.unwrap();
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), [named[0], named[1], nonsense.as_str()]);
    for (uid, owner) in named.iter().zip(owners) {
        let made = ours.made(uid).await.unwrap().unwrap();
        assert_eq!((made.uid.as_str(), made.owner), (*uid, owner));
        assert!(made.made > now(), "{made:?}");
        assert_eq!(other.made(uid).await.unwrap(), None);
    }
    assert_eq!(ours.made(&nonsense).await.unwrap(), None);
    assert_eq!(ours.made("4711").await.unwrap(), None);

    // With another version of the master key it is the same deployment.
    let newer = masters.with_next(strongroom_crypto_kmip::create_master_key(&client, now()).await.unwrap());
    let newer = backend(&client, newer.unwrap(), Custody::Secrets);
    let third = newer.seal_as(&kind(owners[0]), &key, b"b", &payload).await.unwrap();
    assert_eq!(newer.marked().await.unwrap().len(), 4);
    assert_eq!(ours.marked().await.unwrap().len(), 3);

    // What condemns an object destroys that very one.
    let condemned = newer.condemned(&key, KmipBackend::object_of(&third).unwrap()).await.unwrap();
    newer.forget(&key, &condemned).await.unwrap();
    assert!(newer.open(&key, b"b", &third).await.is_err());
    assert!(newer.open(&key, b"b", &sealed[0]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_object_can_be_marked_and_more_than_one_answer_holds_them() {
    const MANY: usize = 260;
    let server = KmipServer::start();
    let client = client(&server);
    let ours = backend(&client, master(&client).await, Custody::Secrets);
    let key = ours.create_project_key(&ProjectId::new("project").unwrap(), 1, now()).await.unwrap();
    let request = |algorithm: &str, bits| strongroom_core::ports::KeyRequest {
        algorithm: algorithm.to_owned(),
        bits,
        mode: None,
    };
    let pair = ours.generate_pair(&request("ec", 256), None).await.unwrap();
    let certificate = Payload::new(std::fs::read(server.ca()).unwrap());
    let kind = |secret_type, said: Option<(&str, u16)>| PayloadKind {
        owner: Some(Owner::Secret(SecretId::random())),
        secret_type,
        algorithm: said.map(|(algorithm, _)| algorithm.to_owned()),
        bits: said.map(|(_, bits)| bits),
    };
    let ec = Some(("ec", 256));
    ours.seal_as(&kind(SecretType::Private, ec), &key, b"b", &pair.private).await.unwrap();
    ours.seal_as(&kind(SecretType::Public, ec), &key, b"b", &pair.public).await.unwrap();
    ours.seal_as(&kind(SecretType::Certificate, None), &key, b"b", &certificate).await.unwrap();
    let aes = kind(SecretType::Symmetric, Some(("aes", 256)));
    ours.seal_as(&aes, &key, b"b", &Payload::new(vec![1; 32])).await.unwrap();
    ours.seal_generated(&request("aes", 256), &aes, &key, b"b").await.unwrap();
    assert_eq!(ours.marked().await.unwrap().len(), 5);
    for uid in ours.marked().await.unwrap() {
        assert!(ours.made(&uid).await.unwrap().is_some(), "{uid}");
    }
    let opaque = kind(SecretType::Opaque, None);
    for _ in 5..MANY {
        ours.seal_as(&opaque, &key, b"b", &Payload::new(vec![1])).await.unwrap();
    }
    assert_eq!(ours.marked().await.unwrap().len(), MANY);
}
