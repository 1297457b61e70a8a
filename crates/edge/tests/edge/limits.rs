//! What takes too long or is too much, and how the server stops.

use std::time::Duration;

use strongroom_edge::{Limits, Refusal, Rules, Stopping};

use crate::support::{Edge, GET};

#[tokio::test]
async fn connections_that_send_no_head_in_time_are_closed_and_others_are_served() {
    let limits = Limits { header_timeout: Duration::from_millis(500), ..Limits::default() };
    let edge = Edge::start_with(Rules::default(), limits).await;
    let mut slow = Vec::new();
    for number in 0..200 {
        let mut wire = edge.connect().await;
        wire.send(GET.get(..number % 20).unwrap()).await;
        slow.push(wire);
    }
    assert_eq!(edge.connect().await.ask(GET).await.0, 200);
    for wire in &mut slow {
        assert_eq!(wire.rest().await, b"");
    }
    let refused = edge.refused().await;
    assert_eq!((refused.0.as_str(), refused.1), ("127.0.0.1", Refusal::HeadTimeout));
}

#[tokio::test]
async fn a_stop_finishes_the_request_at_hand() {
    let edge = Edge::start(Rules::default()).await;
    let mut idle = edge.connect().await;
    assert_eq!(idle.ask(GET).await.0, 200);
    let mut busy = edge.connect().await;
    busy.send("POST / HTTP/1.1\r\nHost: kms\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n").await;
    // The service has begun with the request once it asks for the body.
    assert_eq!(busy.answer().await.unwrap().0, 100);
    let stopping = tokio::spawn(edge.stop());
    assert_eq!(idle.rest().await, b"");
    assert_eq!(busy.ask("abc").await, (200, "127.0.0.1 http None None 3".to_owned()));
    assert_eq!(busy.rest().await, b"");
    assert_eq!(stopping.await.unwrap(), Stopping::Drained);
}
