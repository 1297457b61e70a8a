use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{HeaderMap, Request, StatusCode};

/// A plain HTTP client that looks at every status itself.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    /// A client of that endpoint.
    pub fn new(base: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(30)))
            // ureq adds an Accept header of its own unless told not to.
            .accept("")
            .user_agent("")
            .accept_encoding("")
            .build()
            .new_agent();
        Self { agent, base: base.to_owned(), headers: Vec::new() }
    }

    /// The same client, sending one header more.
    pub fn header(&self, name: &str, value: &str) -> Self {
        let mut client = self.without(name);
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same client, not sending that header.
    pub fn without(&self, name: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        client
    }

    /// Sends a request; an error means that no response came.
    pub fn try_send(&self, method: &str, path: &str, body: &[u8]) -> Result<Reply, ureq::Error> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut response = if body.is_empty() && matches!(method, "GET" | "HEAD" | "OPTIONS" | "DELETE") {
            self.agent.run(request.body(()).expect("a sound request"))?
        } else {
            self.agent.run(request.body(body.to_vec()).expect("a sound request"))?
        };
        let body = response.body_mut().read_to_vec()?;
        Ok(Reply { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    /// Sends a request.
    pub fn send(&self, method: &str, path: &str, body: &[u8]) -> Reply {
        self.try_send(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, b"")
    }

    /// `DELETE` without a body.
    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, b"")
    }

    /// Sends JSON.
    pub fn json(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.header("Content-Type", "application/json").send(method, path, body.to_string().as_bytes())
    }

    /// Creates a secret and gives its reference.
    pub fn create(&self, secret: &Value) -> String {
        let reply = self.json("POST", "/v1/secrets", secret);
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.value()["secret_ref"].as_str().expect("a reference").to_owned()
    }

    /// How many secrets the project has.
    pub fn total(&self) -> u64 {
        let reply = self.get("/v1/secrets?limit=1");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.value()["total"].as_u64().expect("a total")
    }

    /// A secret's payload in that form.
    pub fn payload(&self, reference: &str, accept: &str) -> Reply {
        self.header("Accept", accept).get(&format!("{reference}/payload"))
    }
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// Checks that this is an error of the application, in its own form, and gives the description.
    pub fn error(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        let title = match status {
            413 => Some("Request Entity Too Large"),
            _ => StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()),
        };
        let mut body = self.value();
        let description = body["description"].take();
        assert_eq!(body, json!({"code": status, "title": title, "description": null}));
        description
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
