//! Pages of a list, and the links between them.

use serde_json::{Value, json};
use strongroom_tests::Server;

fn page(list: &Value) -> (usize, &Value, Option<&str>, Option<&str>) {
    let link = |name| list.get(name).and_then(Value::as_str);
    (list["secrets"].as_array().unwrap().len(), &list["total"], link("previous"), link("next"))
}

// F-051 to F-056, F-058.
#[test]
fn every_page_says_where_the_next_one_is() {
    let server = Server::start();
    let client = server.client("demo");
    for number in 0..12 {
        client.create(&json!({"name": format!("n{number:02}"), "bit_length": 8 * (number % 2 + 1)}));
    }
    server.client("other").create(&json!({"name": "not ours"}));
    let base = format!("{}/v1/secrets", server.endpoint());
    let at = |limit: u32, offset: u32, kept: &str| format!("{base}?limit={limit}&offset={offset}{kept}");
    for (query, count, total, previous, next) in [
        ("", 10, 12, None, Some(at(10, 10, ""))),
        ("limit=5", 5, 12, None, Some(at(5, 5, ""))),
        ("limit=5&offset=5", 5, 12, Some(at(5, 0, "")), Some(at(5, 10, ""))),
        ("limit=5&offset=3", 5, 12, Some(at(5, 0, "")), Some(at(5, 8, ""))),
        ("limit=5&offset=10", 2, 12, Some(at(5, 5, "")), None),
        ("limit=12", 12, 12, None, None),
        ("limit=6&offset=6", 6, 12, Some(at(6, 0, "")), None),
        ("limit=5&offset=12", 0, 12, None, None),
        ("limit=5&offset=9223372036854775807", 0, 12, None, None),
        ("limit=5&offset=99999999999999999999", 5, 12, None, Some(at(5, 5, ""))),
        ("limit=1000&offset=2", 10, 12, Some(at(100, 0, "")), None),
        ("limit=0&offset=11", 1, 12, Some(at(1, 10, "")), None),
        ("limit=-7", 1, 12, None, Some(at(1, 1, ""))),
        ("limit=abc&offset=abc", 10, 12, None, Some(at(10, 10, ""))),
        ("limit=&offset=", 10, 12, None, Some(at(10, 10, ""))),
        ("limit=2.5&offset=-1", 10, 12, None, Some(at(10, 10, ""))),
        ("limit=3&limit=2", 2, 12, None, Some(at(2, 2, ""))),
        ("bits=8&limit=4", 4, 6, None, Some(at(4, 4, "&bits=8"))),
        ("bits=8&limit=4&offset=4", 2, 6, Some(at(4, 0, "&bits=8")), None),
        (
            "sort=name:desc,created&created=gt:2020-01-01T00:00:00%2B01:00&x=%C3%A4+b&x=2&limit=1&offset=1",
            1,
            12,
            Some(at(
                1,
                0,
                "&sort=name%3Adesc%2Ccreated&created=gt%3A2020-01-01T00%3A00%3A00%2B01%3A00&x=%C3%A4+b&x=2",
            )),
            Some(at(
                1,
                2,
                "&sort=name%3Adesc%2Ccreated&created=gt%3A2020-01-01T00%3A00%3A00%2B01%3A00&x=%C3%A4+b&x=2",
            )),
        ),
    ] {
        let reply = client.get(&format!("/v1/secrets?{query}"));
        assert_eq!(reply.status, 200, "{query}: {}", reply.text());
        let list = reply.value();
        assert_eq!(page(&list), (count, &json!(total), previous.as_deref(), next.as_deref()), "{query}");
    }
    // Following the links shows every secret once, in the order of their creation.
    let mut names = Vec::new();
    let mut link = Some(format!("{base}?limit=5"));
    while let Some(url) = link {
        let list = client.get(&url).value();
        names.extend(list["secrets"].as_array().unwrap().iter().map(|secret| secret["name"].clone()));
        link = list.get("next").map(|next| next.as_str().unwrap().to_owned());
    }
    assert_eq!(names, (0..12).map(|number| json!(format!("n{number:02}"))).collect::<Vec<_>>());
    // F-058: a parameter given twice.
    let list = client.get("/v1/secrets?name=nothing&name=n03").value();
    assert_eq!((page(&list).0, &list["secrets"][0]["name"]), (1, &json!("n03")));
}

// F-051: both sizes are settings.
#[test]
fn page_sizes_are_settings() {
    let server = Server::start_with(&[("API__DEFAULT_PAGE_SIZE", "2"), ("API__MAX_PAGE_SIZE", "3")]);
    let client = server.client("demo");
    for _ in 0..4 {
        client.create(&json!({}));
    }
    for (query, count) in [("", 2), ("?limit=3", 3), ("?limit=100", 3), ("?limit=x", 2)] {
        assert_eq!(page(&client.get(&format!("/v1/secrets{query}")).value()).0, count, "{query}");
    }
}
