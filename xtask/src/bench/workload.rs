//! The requests that are measured, and how their right answers are found.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};

use super::connection::Connection;
use super::endpoint::Endpoint;
use super::exchange::{Exchange, Expected};
use super::floor::Recorded;

/// Who reads secrets, as a line of the request's head: a project of the unauthenticated mode. Nothing is stored
/// there while it is measured.
pub(super) const READER: &str = "x-project-id: bench-read";
/// Who stores secrets.
pub(super) const STORER: &str = "x-project-id: bench-store";

/// How many different secrets are read in turn.
const READ_SECRETS: usize = 256;
/// The size of every payload, in bytes.
const PAYLOAD: usize = 64;

/// One kind of request.
pub(super) struct Workload {
    /// Its name in the report.
    pub(super) name: &'static str,
    /// The requests for the server, with the right answer to each.
    pub(super) exchanges: Arc<[Exchange]>,
    /// The same requests for the floor, which has one answer.
    pub(super) floor_exchanges: Arc<[Exchange]>,
    /// The answer that the floor gives.
    pub(super) recorded: Recorded,
}

/// Stores what is to be read, and prepares the four kinds.
pub(super) async fn prepare(server: &Endpoint) -> Result<Vec<Workload>> {
    let mut connection = Connection::open(server).await?;
    let mut payload_reads = Vec::with_capacity(READ_SECRETS);
    let mut metadata_reads = Vec::with_capacity(READ_SECRETS);
    for number in 0..READ_SECRETS {
        let id = store_one(&mut connection, server, READER, number).await?;
        let path = format!("/v1/secrets/{id}");
        payload_reads.push(payload_read(server, READER, &id, number));
        let request = get(server, READER, &path, "application/json");
        let body = body_with(&mut connection, &request, "secret_ref", |found| {
            found.as_str().is_some_and(|reference| reference.ends_with(&id))
        })
        .await?;
        metadata_reads.push(Exchange { request, expected: Expected::Body(body) });
    }
    let page = first_page(server, READER, READ_SECRETS).await?;
    Ok(vec![
        workload(server, "store", vec![store(server, STORER).await?]).await?,
        workload(server, "payload read", payload_reads).await?,
        workload(server, "metadata read", metadata_reads).await?,
        workload(server, "list page", vec![page]).await?,
    ])
}

/// Reads of the payloads of secrets that are stored for it.
pub(super) async fn payload_reads(server: &Endpoint, who: &str) -> Result<Arc<[Exchange]>> {
    let mut connection = Connection::open(server).await?;
    let mut reads = Vec::with_capacity(READ_SECRETS);
    for number in 0..READ_SECRETS {
        let id = store_one(&mut connection, server, who, number).await?;
        reads.push(payload_read(server, who, &id, number));
    }
    Ok(reads.into())
}

/// The same with the answer that a floor gives.
pub(super) async fn recorded_payload_reads(server: &Endpoint) -> Result<Workload> {
    let reads = payload_reads(server, READER).await?;
    workload(server, "payload read", reads.to_vec()).await
}

/// One store in each of that many projects, by somebody new in each.
pub(super) async fn stores_in_projects(server: &Endpoint, count: u32) -> Result<Arc<[Exchange]>> {
    let expected = store(server, STORER).await?.expected;
    let one = |number| {
        let request = post(server, &format!("x-project-id: bench-project-{number}"), &payload(0));
        Exchange { request, expected: expected.clone() }
    };
    Ok((0..count).map(one).collect())
}

fn payload_read(server: &Endpoint, who: &str, id: &str, number: usize) -> Exchange {
    Exchange {
        request: get(server, who, &format!("/v1/secrets/{id}/payload"), "text/plain"),
        expected: Expected::Body(payload(number).into()),
    }
}

async fn workload(server: &Endpoint, name: &'static str, exchanges: Vec<Exchange>) -> Result<Workload> {
    let sample = exchanges.first().context("a workload without requests")?;
    let mut connection = Connection::open(server).await?;
    let answer = connection.ask(&sample.request).await?;
    sample.expected.check(&answer).with_context(|| format!("the first {name}"))?;
    let recorded = Recorded::new(&answer)?;
    let expected = &sample.expected;
    let floor_exchanges =
        exchanges.iter().map(|one| Exchange { expected: expected.clone(), ..one.clone() }).collect();
    Ok(Workload { name, exchanges: exchanges.into(), floor_exchanges, recorded })
}

/// A request by which somebody stores one secret.
pub(super) async fn store(server: &Endpoint, who: &str) -> Result<Exchange> {
    let request = post(server, who, &payload(0));
    let mut connection = Connection::open(server).await?;
    let (body, id) = stored(&mut connection, &request).await?;
    let (before, after) = body.split_once(&id).context("an answer without its id")?;
    let [before, after] = [before, after].map(|part| Bytes::copy_from_slice(part.as_bytes()));
    Ok(Exchange { request, expected: Expected::Reference { before, after } })
}

/// Stores that many secrets of somebody's, and gives the one page that lists them all.
pub(super) async fn full_page(server: &Endpoint, who: &str, count: usize) -> Result<Exchange> {
    let mut connection = Connection::open(server).await?;
    for number in 0..count {
        store_one(&mut connection, server, who, number).await?;
    }
    page_of(server, who, &format!("/v1/secrets?limit={count}"), count, count).await
}

/// The list of somebody who has nothing.
pub(super) async fn empty_page(server: &Endpoint, who: &str) -> Result<Exchange> {
    page_of(server, who, "/v1/secrets", 0, 0).await
}

/// The first list page of somebody whose project holds that many secrets.
pub(super) async fn first_page(server: &Endpoint, who: &str, total: usize) -> Result<Exchange> {
    page(server, who, 0, total).await
}

/// Ten secrets from that offset on, of somebody's project that holds `total`; its right answer is what the server
/// answers first, once the total is found to be right.
pub(super) async fn page(server: &Endpoint, who: &str, offset: usize, total: usize) -> Result<Exchange> {
    let path = match offset {
        0 => "/v1/secrets?limit=10".to_owned(),
        offset => format!("/v1/secrets?offset={offset}&limit=10"),
    };
    page_of(server, who, &path, total, 10).await
}

async fn page_of(server: &Endpoint, who: &str, path: &str, total: usize, length: usize) -> Result<Exchange> {
    let request = get(server, who, path, "application/json");
    let mut connection = Connection::open(server).await?;
    let body = body_with(&mut connection, &request, "total", |found| *found == json!(total)).await?;
    let secrets = serde_json::from_slice::<Value>(&body)?;
    let listed = secrets.get("secrets").and_then(Value::as_array).map(Vec::len);
    ensure!(listed == Some(length), "{path} lists {listed:?} where {length} are right");
    Ok(Exchange { request, expected: Expected::Body(body) })
}

/// How many secrets the server says somebody's project holds.
pub(super) async fn total(server: &Endpoint, who: &str) -> Result<Value> {
    let request = get(server, who, "/v1/secrets?limit=1", "application/json");
    let mut connection = Connection::open(server).await?;
    let answer = connection.ask(&request).await?;
    let page: Value = serde_json::from_slice(answer.body)?;
    page.get("total").cloned().context("a list without its total")
}

/// Asks for the API's versions, which needs no identity.
pub(super) fn discovery(server: &Endpoint) -> Bytes {
    format!("GET / HTTP/1.1\r\nhost: {server}\r\naccept: application/json\r\n\r\n").into()
}

async fn store_one(
    connection: &mut Connection,
    server: &Endpoint,
    who: &str,
    number: usize,
) -> Result<String> {
    Ok(stored(connection, &post(server, who, &payload(number))).await?.1)
}

/// Stores a secret; gives the answer's body and the new id in it.
async fn stored(connection: &mut Connection, request: &[u8]) -> Result<(String, String)> {
    let answer = connection.ask(request).await?;
    let body = String::from_utf8(answer.body.to_vec())?;
    ensure!(answer.status == 201, "storing a secret answered {}: {body}", answer.status);
    let value: Value = serde_json::from_str(&body)?;
    let id = value.get("secret_ref").and_then(Value::as_str).and_then(|text| text.rsplit('/').next());
    let id = id.with_context(|| format!("no secret_ref in {body}"))?.to_owned();
    Ok((body, id))
}

async fn body_with(
    connection: &mut Connection,
    request: &[u8],
    field: &str,
    right: impl Fn(&Value) -> bool,
) -> Result<Bytes> {
    let answer = connection.ask(request).await?;
    let body = Bytes::copy_from_slice(answer.body);
    let value: Value = serde_json::from_slice(&body).context("an answer that is not JSON")?;
    let found = value.get(field).is_some_and(right);
    let text = String::from_utf8_lossy(&body);
    ensure!(answer.status == 200 && found, "status {}, wrong {field}: {text}", answer.status);
    Ok(body)
}

fn payload(number: usize) -> String {
    format!("{number:0>PAYLOAD$}")
}

fn post(server: &Endpoint, who: &str, payload: &str) -> Bytes {
    let body =
        json!({ "name": "bench", "payload": payload, "payload_content_type": "text/plain" }).to_string();
    format!(
        "POST /v1/secrets HTTP/1.1\r\nhost: {server}\r\n{who}\r\n\
         content-type: application/json\r\naccept: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    )
    .into()
}

fn get(server: &Endpoint, who: &str, path: &str, accept: &str) -> Bytes {
    format!("GET {path} HTTP/1.1\r\nhost: {server}\r\n{who}\r\naccept: {accept}\r\n\r\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_differ_and_have_the_size_stated() {
        assert_eq!(payload(7).len(), PAYLOAD);
        assert_ne!(payload(7), payload(70));
    }
}
