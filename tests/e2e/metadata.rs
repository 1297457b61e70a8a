//! `/secrets/{id}/metadata`: the owner's own key and value pairs.

use serde_json::{Value, json};
use strongroom_tests::Server;

// F-128 to F-134.
#[test]
fn pairs_come_and_go() {
    let server = Server::start();
    let client = server.client("demo");
    let secret = client.create(&json!({}));
    let all = format!("{secret}/metadata");
    let is = |expected: Value| assert_eq!(client.get(&all).value(), json!({"metadata": expected}));
    is(json!({}));

    // The whole set.
    let reply = client.json("PUT", &all, &json!({"metadata": {"B": " two ", "a": "1"}, "ignored": 1}));
    assert_eq!((reply.status, reply.value()), (201, json!({"metadata_ref": all})));
    assert_eq!(reply.header("location"), None);
    is(json!({"a": "1", "b": "two"}));
    assert_eq!(
        client.json("PUT", &all, &json!({"metadata": {"a": "", "": "empty key", "-_9": "x"}})).status,
        201
    );
    is(json!({"": "empty key", "-_9": "x", "a": ""}));
    assert_eq!(client.json("PUT", &all, &json!({"metadata": {"KEY": "1", "key": "1"}})).status, 201);
    is(json!({"key": "1"}));
    assert_eq!(client.json("PUT", &all, &json!({"metadata": {}})).status, 201);
    is(json!({}));

    // One pair at a time.
    let reply = client.json("POST", &all, &json!({"key": "KK", "value": " v "}));
    assert_eq!((reply.status, reply.value()), (201, json!({"key": "kk", "value": "v"})));
    assert_eq!(reply.header("location"), Some(&*format!("{all}/kk")));
    for again in ["KK", "kk", "Kk"] {
        client.json("POST", &all, &json!({"key": again, "value": "other"})).error(409);
    }
    let one = format!("{all}/kk");
    let reply = client.get(&one);
    assert_eq!((reply.status, reply.value()), (200, json!({"key": "kk", "value": "v"})));
    let reply = client.json("PUT", &one, &json!({"key": "KK", "value": "w"}));
    assert_eq!((reply.status, reply.value()), (200, json!({"key": "kk", "value": "w"})));
    client.json("PUT", &one, &json!({"key": "other", "value": "w"})).error(409);
    client.json("PUT", &format!("{all}/absent"), &json!({"key": "absent", "value": "w"})).error(404);
    client.json("PUT", &format!("{all}/absent"), &json!({"key": "kk", "value": "w"})).error(404);
    is(json!({"kk": "w"}));

    // The key in the path is taken literally.
    client.get(&format!("{all}/KK")).error(404);
    client.json("PUT", &format!("{all}/KK"), &json!({"key": "KK", "value": "x"})).error(404);
    assert_eq!(client.delete(&format!("{all}/KK")).status, 204);
    is(json!({"kk": "w"}));
    client.get(&format!("{all}/k%20k")).error(404);

    let reply = client.delete(&one);
    assert_eq!((reply.status, reply.body.as_slice(), reply.header("content-type")), (204, &b""[..], None));
    assert_eq!(client.delete(&one).status, 204);
    client.get(&one).error(404);
    is(json!({}));
    let unknown = "/v1/secrets/94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f/metadata";
    client.get(unknown).error(404);
    client.json("PUT", unknown, &json!({"metadata": {}})).error(404);
    client.json("POST", unknown, &json!({"key": "k", "value": "v"})).error(404);
    client.delete(&format!("{unknown}/k")).error(404);
}

// F-135 to F-137: every refusal, and nothing changed by it.
#[test]
fn what_breaks_a_rule_is_refused_and_changes_nothing() {
    let server = Server::start();
    let client = server.client("demo");
    let secret = client.create(&json!({}));
    let all = format!("{secret}/metadata");
    let kept = json!({"metadata": {"k": "v"}});
    assert_eq!(client.json("PUT", &all, &kept).status, 201);
    let long = "x".repeat(256);
    for body in [
        json!({}),
        json!({"metadata": null}),
        json!({"metadata": []}),
        json!({"metadata": "k"}),
        json!({"metadata": {"k": 1}}),
        json!({"metadata": {"k": null}}),
        json!({"metadata": {"k": true}}),
        json!({"metadata": {"k": {"a": "b"}}}),
        json!({"metadata": {"a": "b", "k": ["v"]}}),
        json!({"metadata": {"a b": "v"}}),
        json!({"metadata": {" k": "v"}}),
        json!({"metadata": {"a.b": "v"}}),
        json!({"metadata": {"a/b": "v"}}),
        json!({"metadata": {"\u{e4}": "v"}}),
        json!({"metadata": {"k": long}}),
        json!({"metadata": {long.as_str(): "v"}}),
        json!([]),
    ] {
        client.json("PUT", &all, &body).error(400);
    }
    for body in [
        json!({}),
        json!({"key": "a"}),
        json!({"value": "v"}),
        json!({"key": "a", "value": "v", "extra": 1}),
        json!({"key": 1, "value": "v"}),
        json!({"key": "a", "value": 1}),
        json!({"key": "a", "value": null}),
        json!({"key": null, "value": "v"}),
        json!({"key": "a", "value": {}}),
        json!({"key": "a b", "value": "v"}),
        json!({"key": "a.b", "value": "v"}),
        json!({"key": long, "value": "v"}),
        json!({"key": "a", "value": long}),
        json!("k"),
    ] {
        client.json("POST", &all, &body).error(400);
        client.json("PUT", &format!("{all}/k"), &body).error(400);
    }
    assert_eq!(client.get(&all).value(), kept);
    // The longest that fits, in characters.
    let (key, value) = ("k".repeat(255), "\u{e4}".repeat(255));
    assert_eq!(client.json("POST", &all, &json!({"key": key, "value": value})).status, 201);
    assert_eq!(client.get(&format!("{all}/{key}")).value()["value"], value);
    // White space around a value and around the body's key goes, as from all JSON.
    assert_eq!(client.json("POST", &all, &json!({"key": " padded ", "value": "  "})).status, 201);
    assert_eq!(client.get(&format!("{all}/padded")).value()["value"], "");
}

// F-130: of many who add the same key exactly one has added it.
#[test]
fn one_of_many_additions_wins() {
    let server = Server::start();
    let client = server.client("demo");
    let all = format!("{}/metadata", client.create(&json!({})));
    let statuses: Vec<(u16, String)> = std::thread::scope(|scope| {
        let additions: Vec<_> = (0..8)
            .map(|number| {
                let (client, all) = (client.clone(), &all);
                let value = number.to_string();
                scope.spawn(move || {
                    (client.json("POST", all, &json!({"key": "k", "value": value})).status, value)
                })
            })
            .collect();
        additions.into_iter().map(|addition| addition.join().unwrap()).collect()
    });
    let won: Vec<_> = statuses.iter().filter(|(status, _)| *status == 201).collect();
    assert_eq!(won.len(), 1, "{statuses:?}");
    assert_eq!(client.get(&all).value(), json!({"metadata": {"k": won[0].1}}));
}
