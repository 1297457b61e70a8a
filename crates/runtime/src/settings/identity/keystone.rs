use std::path::PathBuf;
use std::time::Duration;

use strongroom_identity::{Endpoint, Named};

use super::super::reader::Reader;
use super::super::sections::{positive, seconds};
use super::values::{endpoint, path, plain_http, text};

/// Which Keystone is believed, and as whom it is asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KeystoneSection {
    /// Keystone's URL.
    pub url: Endpoint,
    /// The URL that clients are pointed to.
    pub public_url: String,
    /// Certificate authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// The service's own user.
    pub user: Named,
    /// That user's domain.
    pub user_domain: Named,
    /// The project in which the user has its role.
    pub project: Named,
    /// That project's domain.
    pub project_domain: Named,
    /// Where the user's password is.
    pub password: SecretPlace,
    /// Roles of services whose own token makes an expired one of a user good.
    pub service_token_roles: Vec<String>,
    /// How long an answer is believed.
    pub cache_time: Duration,
    /// Most tokens remembered.
    pub cached_tokens: usize,
    /// How long a request to Keystone may take.
    pub request_timeout: Duration,
    /// Most requests to Keystone at once.
    pub requests: usize,
}

/// Where a secret is that the settings must not hold.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SecretPlace {
    /// The file, when one is set.
    pub file: Option<PathBuf>,
    /// Its name in the service manager's credentials folder, used when no file is set.
    pub credential: String,
}

/// Reads the section; what a used source lacks is a problem.
pub(super) fn keystone(reader: &mut Reader, is_used: bool) -> Option<KeystoneSection> {
    let url = text(reader, "identity.keystone.url", "");
    let plain = plain_http(reader, "identity.keystone.allow_plain_http");
    let public_url = text(reader, "identity.keystone.www_authenticate_uri", "");
    let user_domain =
        domain(reader, "identity.keystone.user_domain_id", "identity.keystone.user_domain_name");
    let project_domain =
        domain(reader, "identity.keystone.project_domain_id", "identity.keystone.project_domain_name");
    let user = named(reader, is_used, "identity.keystone.user_id", "identity.keystone.username");
    let project = named(reader, is_used, "identity.keystone.project_id", "identity.keystone.project_name");
    let password = SecretPlace {
        file: path(reader, "identity.keystone.password_file"),
        credential: text(reader, "identity.keystone.password_credential", "keystone-password"),
    };
    if password.credential.contains('/') {
        reader.refuse("identity.keystone.password_credential", "has to be a file name without a folder");
    }
    let ca_file = path(reader, "identity.keystone.ca_file");
    let service_token_roles =
        reader.get("identity.keystone.service_token_roles", vec!["service".to_owned()], "a list of roles");
    let cache_time = seconds(reader, "identity.keystone.cache_seconds", Duration::from_mins(5));
    if cache_time > Duration::from_hours(24) {
        reader.refuse("identity.keystone.cache_seconds", "is above 86400");
    }
    let cached_tokens = positive(reader, "identity.keystone.cached_tokens", 10_000);
    let request_timeout = seconds(reader, "identity.keystone.timeout_seconds", Duration::from_secs(5));
    let requests = positive(reader, "identity.keystone.max_requests", 32);
    let url = if is_used { endpoint(reader, "identity.keystone.url", &url, plain) } else { None }?;
    Some(KeystoneSection {
        public_url: if public_url.is_empty() { url.to_string() } else { public_url },
        url,
        ca_file,
        user: user?,
        user_domain,
        project: project?,
        project_domain,
        password,
        service_token_roles,
        cache_time,
        cached_tokens,
        request_timeout,
        requests,
    })
}

/// Something by its id or, when that is empty, by its name; one of them has to be there.
fn named(reader: &mut Reader, is_used: bool, id: &'static str, name: &'static str) -> Option<Named> {
    let (by_id, by_name) = (text(reader, id, ""), text(reader, name, ""));
    match (by_id.is_empty(), by_name.is_empty()) {
        (false, _) => Some(Named::Id(by_id)),
        (true, false) => Some(Named::Name(by_name)),
        (true, true) => {
            if is_used {
                reader.refuse(name, format!("is needed, unless {id} is set"));
            }
            None
        }
    }
}

fn domain(reader: &mut Reader, id: &'static str, name: &'static str) -> Named {
    let (by_id, by_name) = (text(reader, id, ""), text(reader, name, "Default"));
    if by_id.is_empty() { Named::Name(by_name) } else { Named::Id(by_id) }
}
