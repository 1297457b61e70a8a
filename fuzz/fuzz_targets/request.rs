//! What an input says: requests that come far enough to be interesting, and ones that make no sense.

use arbitrary::Arbitrary;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri};

/// One request.
#[derive(Debug, Arbitrary)]
pub struct Request {
    method: Verb,
    path: Vec<Segment>,
    query: Vec<(Parameter, String)>,
    headers: Vec<(Header, Vec<u8>)>,
    is_json: bool,
    body: Body,
}

#[derive(Debug, Arbitrary)]
enum Verb {
    Get,
    Post,
    Put,
    Delete,
    Other(String),
}

#[derive(Debug, Arbitrary)]
enum Segment {
    Secrets,
    /// A secret that is there, or was.
    Secret(u8),
    Payload,
    Metadata,
    Key,
    Other(String),
}

#[derive(Debug, Arbitrary)]
enum Parameter {
    Limit,
    Offset,
    Name,
    Alg,
    Mode,
    Bits,
    SecretType,
    AclOnly,
    Created,
    Updated,
    Expiration,
    Sort,
    Force,
    Other(String),
}

#[derive(Debug, Arbitrary)]
enum Header {
    Accept,
    ContentType,
    ContentEncoding,
    ApiVersion,
    Project,
    Roles,
    User,
    RequestId,
    ForwardedProto,
    Host,
}

#[derive(Debug, Arbitrary)]
enum Body {
    Raw(Vec<u8>),
    Object(Vec<(Field, Scalar)>),
}

#[derive(Debug, Arbitrary)]
enum Field {
    Name,
    Algorithm,
    Mode,
    BitLength,
    Expiration,
    SecretType,
    Payload,
    ContentType,
    Encoding,
    Metadata,
    Key,
    Value,
    Other(String),
}

#[derive(Debug, Arbitrary)]
enum Scalar {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Pair(String, String),
    Octets,
    Base64,
    Plain,
}

impl Request {
    /// The request as the API is given it, about these secrets; `None` when it can't be sent at all.
    pub fn build(self, secrets: &[String]) -> Option<http::Request<http_body_util::Full<Bytes>>> {
        let mut target = "/v1".to_owned();
        for segment in &self.path {
            target.push('/');
            target.push_str(&segment.text(secrets));
        }
        for (number, (parameter, value)) in self.query.iter().enumerate() {
            let separator = if number == 0 { '?' } else { '&' };
            target.push_str(&format!("{separator}{}={}", parameter.text(), encoded(value)));
        }
        let mut request = http::Request::builder()
            .method(self.method.method()?)
            .uri(target.parse::<Uri>().ok()?)
            .header("x-project-id", "demo");
        if self.is_json {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in self.headers {
            request = request.header(name.name(), HeaderValue::from_bytes(&value).ok()?);
        }
        request.body(self.body.bytes().into()).ok()
    }
}

impl Verb {
    fn method(&self) -> Option<Method> {
        Some(match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
            Self::Other(text) => text.parse().ok()?,
        })
    }
}

impl Segment {
    fn text(&self, secrets: &[String]) -> String {
        match self {
            Self::Secrets => "secrets".to_owned(),
            Self::Secret(number) if !secrets.is_empty() => {
                secrets[usize::from(*number) % secrets.len()].clone()
            }
            Self::Secret(_) => "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f".to_owned(),
            Self::Payload => "payload".to_owned(),
            Self::Metadata => "metadata".to_owned(),
            Self::Key => "k".to_owned(),
            Self::Other(text) => encoded(text),
        }
    }
}

impl Parameter {
    fn text(&self) -> String {
        match self {
            Self::Limit => "limit",
            Self::Offset => "offset",
            Self::Name => "name",
            Self::Alg => "alg",
            Self::Mode => "mode",
            Self::Bits => "bits",
            Self::SecretType => "secret_type",
            Self::AclOnly => "acl_only",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Expiration => "expiration",
            Self::Sort => "sort",
            Self::Force => "force",
            Self::Other(text) => return encoded(text),
        }
        .to_owned()
    }
}

impl Header {
    fn name(&self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::Accept => "accept",
            Self::ContentType => "content-type",
            Self::ContentEncoding => "content-encoding",
            Self::ApiVersion => "openstack-api-version",
            Self::Project => "x-project-id",
            Self::Roles => "x-roles",
            Self::User => "x-user-id",
            Self::RequestId => "x-openstack-request-id",
            Self::ForwardedProto => "x-forwarded-proto",
            Self::Host => "host",
        })
    }
}

impl Body {
    fn bytes(self) -> Bytes {
        match self {
            Self::Raw(bytes) => bytes.into(),
            Self::Object(pairs) => {
                let pairs = pairs.into_iter().map(|(field, value)| (field.text(), value.json()));
                serde_json::Value::Object(pairs.collect()).to_string().into()
            }
        }
    }
}

impl Field {
    fn text(self) -> String {
        match self {
            Self::Name => "name",
            Self::Algorithm => "algorithm",
            Self::Mode => "mode",
            Self::BitLength => "bit_length",
            Self::Expiration => "expiration",
            Self::SecretType => "secret_type",
            Self::Payload => "payload",
            Self::ContentType => "payload_content_type",
            Self::Encoding => "payload_content_encoding",
            Self::Metadata => "metadata",
            Self::Key => "key",
            Self::Value => "value",
            Self::Other(text) => return text,
        }
        .to_owned()
    }
}

impl Scalar {
    fn json(self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Boolean(value) => value.into(),
            Self::Integer(value) => value.into(),
            Self::Number(value) => value.into(),
            Self::Text(text) => text.into(),
            Self::Pair(key, value) => serde_json::json!({key: value}),
            Self::Octets => "application/octet-stream".into(),
            Self::Base64 => "base64".into(),
            Self::Plain => "text/plain".into(),
        }
    }
}

/// The text as part of a target: what a target can't hold is percent-encoded, `%` itself is not.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"%-._~:+,=/;@!".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
