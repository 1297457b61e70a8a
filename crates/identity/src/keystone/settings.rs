use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::endpoint::Endpoint;

/// Which Keystone is believed, and as whom it is asked.
#[derive(Debug, Clone)]
pub struct KeystoneSettings {
    /// Keystone's URL, with or without `/v3`.
    pub url: Endpoint,
    /// The URL that clients are pointed to.
    pub public_url: String,
    /// Certificate authorities to trust, PEM; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// The service's own user.
    pub user: Named,
    /// The domain of that user, unless the user is given by id.
    pub user_domain: Named,
    /// The user's password.
    pub password: SecretString,
    /// The project in which the user has a role that may validate tokens.
    pub project: Named,
    /// The domain of that project, unless the project is given by id.
    pub project_domain: Named,
    /// Roles of services whose own token makes an expired one of a user good; none: nobody's does.
    pub service_token_roles: Vec<String>,
    /// How long an answer is believed.
    pub cache_time: Duration,
    /// Most tokens remembered.
    pub cached_tokens: usize,
    /// How long one request to Keystone may take.
    pub request_timeout: Duration,
    /// Most requests to Keystone at once.
    pub requests: usize,
}

/// Something in Keystone, by its id or by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By id.
    Id(String),
    /// By name, which is unique within a domain.
    Name(String),
}
