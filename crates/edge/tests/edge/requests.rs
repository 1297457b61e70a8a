//! Requests of shapes by which attackers make two servers disagree, and heads without end.

use strongroom_edge::{Refusal, Rules};

use crate::support::{Edge, GET};

fn post(headers: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: kms\r\n{headers}\r\n{body}")
}

#[tokio::test]
async fn a_body_whose_end_is_told_otherwise_than_in_one_plain_way_is_refused_and_closed() {
    let edge = Edge::start(Rules::default()).await;
    let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: kms\r\n\r\n";
    for odd in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "transfer-encoding:chunked\r\ncontent-length:4\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let mut wire = edge.connect().await;
        // The ones before it on the connection are served.
        for _ in 0..2 {
            assert_eq!(wire.ask(post("Content-Length: 4\r\n", "abcd")).await.0, 200);
        }
        wire.send(post(odd, smuggled)).await;
        let (status, head, _) = wire.answer().await.unwrap();
        assert!(status == 400 && head.contains("connection: close"), "{odd:?}: {head}");
        assert_eq!(wire.rest().await, b"", "what follows is not read");
        assert_eq!(edge.refused().await, ("127.0.0.1".to_owned(), Refusal::Framing, 1), "{odd:?}");
    }
    let mut pipelined = edge.connect().await;
    pipelined
        .send([GET, GET, &post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", smuggled)].concat())
        .await;
    for expected in [200, 200, 400] {
        assert_eq!(pipelined.answer().await.unwrap().0, expected);
    }
    assert_eq!(pipelined.rest().await, b"");
}

#[tokio::test]
async fn a_chunked_body_is_the_last_of_its_connection() {
    let edge = Edge::start(Rules::default()).await;
    let mut wire = edge.connect().await;
    let chunked = post("Transfer-Encoding: chunked\r\n", "4\r\nabcd\r\n0\r\n\r\n");
    assert_eq!(wire.ask(&chunked).await, (200, "127.0.0.1 http None None 4".to_owned()));
    assert_eq!(wire.rest().await, b"");
    assert_eq!(edge.refusals.take(), []);
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
