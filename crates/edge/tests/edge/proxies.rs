//! Who is believed about whom.

use std::sync::Arc;

use strongroom_edge::{ForwardingHeaders, Limits, Networks, Proxies, Rate, RateLimiter, Refusal, Rules};

use crate::support::{Edge, GET};

/// Behind a proxy at 127.0.0.2.
fn behind(proxy_protocol: bool, headers: ForwardingHeaders) -> Rules {
    let networks = Networks::parse(["127.0.0.2"]).unwrap();
    Rules { proxies: Proxies { networks, proxy_protocol, headers }, ..Rules::default() }
}

fn request(headers: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: kms\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_proxy_introduces_its_client() {
    let mut rules = behind(true, ForwardingHeaders::Off);
    rules.allowed = Networks::parse(["203.0.113.0/24", "127.0.0.2"]).unwrap();
    let edge = Edge::start(rules).await;
    let from = async |header: &str| {
        let mut wire = edge.connect_from(2).await;
        wire.send(header).await;
        wire.send(GET).await;
        wire.answer().await.map(|(status, _, body)| (status, body))
    };
    let told = |text: &str| Some((200, text.to_owned()));
    assert_eq!(from("PROXY TCP4 203.0.113.9 192.0.2.1 1 2\r\n").await, told("203.0.113.9 http None None 0"));
    assert_eq!(from("PROXY UNKNOWN\r\n").await, told("127.0.0.2 http None None 0"));
    assert_eq!(edge.refusals.take(), []);

    assert_eq!(from("PROXY TCP4 198.51.100.1 192.0.2.1 1 2\r\n").await, None);
    assert_eq!(edge.refused().await, ("198.51.100.1".to_owned(), Refusal::Source, 1));
    for malformed in ["", "PROXY TCP4 300.0.0.1 1.1.1.1 1 2\r\n", "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x01a"] {
        assert_eq!(from(malformed).await, None, "{malformed:?}");
        assert_eq!(edge.refused().await, ("127.0.0.2".to_owned(), Refusal::ProxyHeader, 1), "{malformed:?}");
    }
}

#[tokio::test]
async fn a_proxy_tells_in_headers() {
    let mut rules = behind(false, ForwardingHeaders::XForwarded);
    rules.allowed = Networks::parse(["203.0.113.0/24"]).unwrap();
    let edge = Edge::start(rules).await;
    let mut wire = edge.connect_from(2).await;
    let headers = "X-Forwarded-For: 10.0.0.1, 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: kms.example\r\n";
    let told = "203.0.113.9 https Some(\"kms.example\") None 0";
    assert_eq!(wire.ask(request(headers)).await, (200, told.to_owned()));
    assert_eq!(wire.ask(request("X-Forwarded-For: 198.51.100.1\r\n")).await.0, 403);
    assert_eq!(edge.refused().await, ("198.51.100.1".to_owned(), Refusal::Source, 1));
    let mut wire = edge.connect_from(2).await;
    assert_eq!(wire.ask(request("X-Forwarded-For: nobody\r\n")).await.0, 400);
    assert_eq!(wire.rest().await, b"", "and closed");
    assert_eq!(edge.refused().await, ("127.0.0.2".to_owned(), Refusal::Forwarded, 1));
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let files = crate::tls::Files::new();
    let mut rules = behind(false, ForwardingHeaders::Forwarded);
    rules.tls = files.rules(crate::tls::no_clients).tls;
    let edge = Edge::start(rules).await;
    for forged in
        ["Forwarded: for=203.0.113.9\r\n", "X-Forwarded-For: 203.0.113.9\r\n", "X-Forwarded-Host: evil\r\n"]
    {
        let mut wire = crate::tls::connect(&edge, &files.authority, None).await.unwrap();
        assert_eq!(wire.ask(request(forged)).await.0, 400);
        assert_eq!(wire.rest().await, b"");
        assert_eq!(edge.refused().await, ("127.0.0.1".to_owned(), Refusal::Forwarded, 1));
    }
}

#[tokio::test]
async fn a_process_of_this_machine_may_tell_the_scheme_where_no_proxy_is_named() {
    let edge = Edge::start(Rules::default()).await;
    let mut wire = edge.connect().await;
    let headers = "X-Forwarded-Proto: https\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Host: evil\r\n";
    assert_eq!(wire.ask(request(headers)).await, (200, "127.0.0.1 https None None 0".to_owned()));
}

#[tokio::test]
async fn limits_count_for_the_client_and_not_for_its_proxy() {
    let mut rules = behind(true, ForwardingHeaders::Off);
    rules.source_rate = Some(Arc::new(RateLimiter::new(Rate { per_second: 1, burst: 2 })));
    let edge = Edge::start_with(rules, Limits { source_connections: 1, ..Limits::default() }).await;
    let introduce = async |address: &str| {
        let mut wire = edge.connect_from(2).await;
        wire.send(format!("PROXY TCP4 {address} 192.0.2.1 1 2\r\n")).await;
        wire
    };
    let mut wire = introduce("203.0.113.9").await;
    assert_eq!(wire.ask(GET).await.0, 200);
    assert_eq!(wire.ask(GET).await.0, 200);
    wire.send(GET).await;
    let (status, head, _) = wire.answer().await.unwrap();
    assert!(status == 429 && head.contains("\r\nretry-after: 1\r\n"), "{head}");
    assert_eq!(edge.refused().await, ("203.0.113.9".to_owned(), Refusal::SourceRate, 1));
    let mut second = introduce("203.0.113.9").await;
    assert_eq!(second.rest().await, b"");
    assert_eq!(edge.refused().await, ("203.0.113.9".to_owned(), Refusal::SourceConnections, 1));
    assert_eq!(introduce("203.0.113.10").await.ask(GET).await.0, 200);
}
