use std::time::Duration;

use strongroom_core::{ProjectId, Roles};
use strongroom_identity::{ClaimPath, Claims, JwtSettings, KeySource, SigningAlgorithm};

use super::super::reader::Reader;
use super::super::sections::seconds;
use super::values::{endpoint, path, plain_http, text};

/// Whose signed tokens are believed; what a used source lacks is a problem.
pub(super) fn jwt(reader: &mut Reader, is_used: bool) -> Option<JwtSettings> {
    let issuer = text(reader, "identity.jwt.issuer", "");
    let audiences: Vec<String> = reader.get("identity.jwt.audiences", Vec::new(), "a list of texts");
    let algorithms = algorithms(reader);
    let leeway = seconds(reader, "identity.jwt.leeway_seconds", Duration::from_secs(30));
    if leeway > Duration::from_mins(10) {
        reader.refuse("identity.jwt.leeway_seconds", "is above 600");
    }
    let claims = claims(reader);
    let keys = keys(reader, is_used);
    if is_used && issuer.is_empty() {
        reader.refuse("identity.jwt.issuer", "is needed: the issuer, as its tokens name it (iss)");
    }
    if is_used && audiences.iter().all(String::is_empty) {
        reader.refuse("identity.jwt.audiences", "is needed: whom tokens have to be for (aud)");
    }
    Some(JwtSettings { issuer, audiences, algorithms, leeway, keys: keys?, claims: claims? })
}

fn algorithms(reader: &mut Reader) -> Vec<SigningAlgorithm> {
    const KEY: &str = "identity.jwt.algorithms";
    let default = vec![SigningAlgorithm::RS256, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA];
    let allowed = "a list of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA";
    let algorithms = reader.get(KEY, default, allowed);
    if algorithms.is_empty() {
        reader.refuse(KEY, format!("no token could be verified; give {allowed}"));
    }
    algorithms
}

fn keys(reader: &mut Reader, is_used: bool) -> Option<KeySource> {
    let url = text(reader, "identity.jwt.jwks_url", "");
    let plain = plain_http(reader, "identity.jwt.allow_plain_http");
    let file = path(reader, "identity.jwt.jwks_file");
    let ca_file = path(reader, "identity.jwt.ca_file");
    let request_timeout = seconds(reader, "identity.jwt.timeout_seconds", Duration::from_secs(5));
    let refresh = seconds(reader, "identity.jwt.refresh_seconds", Duration::from_mins(5));
    let stale = seconds(reader, "identity.jwt.stale_seconds", Duration::from_hours(24));
    match (url.is_empty(), file) {
        (true, Some(path)) => Some(KeySource::File { path, refresh }),
        (false, None) => {
            let url = endpoint(reader, "identity.jwt.jwks_url", &url, plain)?;
            Some(KeySource::Url { url, ca_file, request_timeout, refresh, stale })
        }
        (false, Some(_)) => {
            reader.refuse("identity.jwt.jwks_file", "goes with no identity.jwt.jwks_url; set one of the two");
            None
        }
        (true, None) => {
            if is_used {
                reader.refuse("identity.jwt.jwks_url", "is needed, unless identity.jwt.jwks_file is set");
            }
            None
        }
    }
}

fn claims(reader: &mut Reader) -> Option<Claims> {
    let user = claim(reader, "identity.jwt.user_claim", "sub");
    let project = claim(reader, "identity.jwt.project_claim", "project_id");
    let roles = claim(reader, "identity.jwt.roles_claim", "roles");
    let default_project = text(reader, "identity.jwt.default_project", "");
    let default_project = match ProjectId::new(default_project.as_str()) {
        _ if default_project.is_empty() => None,
        Ok(project) => Some(project),
        Err(error) => {
            reader.refuse("identity.jwt.default_project", error.to_string());
            None
        }
    };
    let names: Vec<String> = reader.get("identity.jwt.default_roles", Vec::new(), "a list of role names");
    let default_roles = Roles::new(names.iter().map(String::as_str));
    if user.is_none() {
        reader.refuse("identity.jwt.user_claim", "is needed");
    }
    Some(Claims { user: user?, project, roles, default_project, default_roles })
}

/// Where a claim is; an empty text is nowhere.
fn claim(reader: &mut Reader, key: &'static str, default: &str) -> Option<ClaimPath> {
    let text = text(reader, key, default);
    if text.is_empty() {
        return None;
    }
    ClaimPath::new(&text).map_err(|error| reader.refuse(key, format!("{text:?} is {error}"))).ok()
}
