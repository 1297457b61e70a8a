//! What the client tells of servers that are well and of servers that are not.

use strongroom_crypto_kmip::inspect;
use strongroom_crypto_kmip::protocol::codes::State;
use strongroom_crypto_kmip::protocol::{ObjectKind, Request};

use crate::fixture::{client, master, now};
use crate::kmip_server::KmipServer;

#[tokio::test]
async fn a_server_tells_about_itself_and_its_keys() {
    let server = KmipServer::start();
    let client = client(&server);
    let masters = master(&client).await;
    let report = inspect(&client, &masters).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.endpoint, server.endpoint());
    assert!(report.vendor.as_deref().unwrap().contains("PyKMIP"), "{report:?}");
    assert!(report.certificates.server.unwrap() > now());

    let (_, object) = masters.newest().unwrap();
    client.ask(&Request::Revoke(&object.uid), |_| Ok(())).await.unwrap();
    let report = inspect(&client, &masters).await.unwrap();
    assert!(!report.is_sound());
    assert!(matches!(report.master_keys.first().unwrap().state, Ok(State(3))), "{report:?}");
}

#[tokio::test]
async fn objects_of_every_size_come_back() {
    let server = KmipServer::start();
    let client = client(&server);
    for bytes in [Vec::new(), b"swordfish".to_vec(), vec![9; 100_000]] {
        let request = Request::Register(ObjectKind::SecretData, &bytes, None);
        let uid = client.ask(&request, |reply| reply.uid().map(str::to_owned)).await.unwrap();
        let back = client.ask(&Request::Get(&uid), |reply| reply.object().map(<[u8]>::to_vec)).await;
        assert_eq!(back.unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_missing_object_is_told_apart() {
    let server = KmipServer::start();
    let error =
        client(&server).ask(&Request::Get("4711"), |reply| reply.object().map(drop)).await.unwrap_err();
    assert!(error.is_missing(), "{error:?}");
}
