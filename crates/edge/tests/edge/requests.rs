//! Requests of shapes by which attackers make two servers disagree, and heads without end.

use strongroom_edge::{Refusal, Rules};

use crate::support::Edge;

fn post(headers: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: kms\r\n{headers}\r\n{body}")
}

#[tokio::test]
async fn a_body_whose_length_is_told_twice_ends_the_connection() {
    let edge = Edge::start(Rules::default()).await;
    let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: kms\r\n\r\n";
    for both in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let mut wire = edge.connect().await;
        assert_eq!(wire.ask(post(both, smuggled)).await, (200, "127.0.0.1 http None None 0".to_owned()));
        assert_eq!(wire.rest().await, b"", "what follows is not read");
    }
}

#[tokio::test]
async fn shapes_that_are_no_http_are_refused_closed_and_counted() {
    let edge = Edge::start(Rules::default()).await;
    for (shape, status) in [
        (post("Content-Length: 4\r\nContent-Length: 5\r\n", "abcd"), Some(400)),
        (post("Content-Length: +4\r\n", "abcd"), Some(400)),
        (post("Transfer-Encoding: chunked, identity\r\n", "abcd"), Some(400)),
        (post("X: a\r\n continued\r\n", ""), Some(400)),
        (post("No colon\r\n", ""), Some(400)),
        (format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(100_000)), Some(431)),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(66_000)), None),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03\r\n\r\n".to_owned(), Some(400)),
    ] {
        let shown = shape.chars().take(80).collect::<String>();
        let mut wire = edge.connect().await;
        wire.send(&shape).await;
        let answer = wire.answer().await;
        if let Some(expected) = status {
            assert_eq!(answer.expect(&shown).0, expected, "{shown:?}");
        }
        wire.rest().await;
        assert_eq!(edge.refused().await, ("127.0.0.1".to_owned(), Refusal::NotHttp, 1), "{shown:?}");
    }
}

#[tokio::test]
async fn odd_chunking_ends_the_connection() {
    let edge = Edge::start(Rules::default()).await;
    for body in
        ["5\r\nabc", "-1\r\n", "fffffffffffffffff\r\n", "5;\nabcde\r\n0\r\n\r\n", "0x5\r\nabcde\r\n0\r\n\r\n"]
    {
        let mut wire = edge.connect().await;
        wire.send(post("Transfer-Encoding: chunked\r\n", body)).await;
        tokio::io::AsyncWriteExt::shutdown(&mut wire.0).await.ok();
        if let Some((status, _, told)) = wire.answer().await {
            assert!(status == 400 || told == "a broken body", "{body:?}: {status} {told}");
        }
        wire.rest().await;
    }
}
