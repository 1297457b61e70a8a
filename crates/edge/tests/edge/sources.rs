//! Where clients may come from.

use strongroom_edge::{Networks, Proxies, Refusal, Rules};

use crate::support::{Edge, GET};

fn networks(text: &str) -> Networks {
    Networks::parse([text]).unwrap()
}

#[tokio::test]
async fn a_source_that_is_not_allowed_is_closed_before_a_byte() {
    let edge = Edge::start(Rules { allowed: networks("127.0.0.2"), ..Rules::default() }).await;
    assert_eq!(edge.connect_from(2).await.ask(GET).await.0, 200);
    for _ in 0..3 {
        let mut refused = edge.connect_from(3).await;
        refused.send(GET).await;
        assert_eq!(refused.rest().await, b"");
    }
    assert_eq!(edge.refused().await, ("127.0.0.3".to_owned(), Refusal::Source, 3));
}

#[tokio::test]
async fn without_tls_only_the_named_proxies_may_connect() {
    let proxies = Proxies {
        networks: networks("127.0.0.2"),
        headers: strongroom_edge::ForwardingHeaders::XForwarded,
        ..Proxies::default()
    };
    let edge = Edge::start(Rules { proxies, ..Rules::default() }).await;
    assert_eq!(edge.connect_from(2).await.ask(GET).await.0, 200);
    assert_eq!(edge.connect_from(1).await.rest().await, b"");
    assert_eq!(edge.refused().await, ("127.0.0.1".to_owned(), Refusal::NotAProxy, 1));
}
