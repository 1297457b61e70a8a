//! Builds what the settings say about identity.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_core::ports::Authenticator;
use strongroom_identity::{
    ClientCertificate, Keystone, KeystoneDirectory, KeystoneSettings, SignedToken, Source, Sources,
    UnauthenticatedContext,
};

use crate::error::RunError;
use crate::settings::{IdentitySection, KeystoneSection, SecretPlace, SourceSection};

/// Longest password in bytes.
pub(crate) const MAX_SECRET: usize = 4096;

/// The identity sources of the settings.
pub(crate) fn authenticator(
    section: &IdentitySection,
    credentials: Option<&Path>,
) -> Result<Arc<dyn Authenticator>, RunError> {
    let (sections, anonymous) = match section {
        IdentitySection::Unauthenticated => return Ok(Arc::new(UnauthenticatedContext)),
        IdentitySection::Sources { sections, anonymous } => (sections, *anonymous),
    };
    let sources: Result<_, _> = sections.iter().map(|section| source(section, credentials)).collect();
    Ok(Arc::new(Sources::new(sources?).with_anonymous(anonymous)))
}

fn source(section: &SourceSection, credentials: Option<&Path>) -> Result<Box<dyn Source>, RunError> {
    match section {
        SourceSection::Keystone(section) => {
            let settings = keystone(section, credentials)?;
            Ok(Box::new(Keystone::new(settings).map_err(RunError::Identity)?))
        }
        SourceSection::Jwt(settings) => {
            Ok(Box::new(SignedToken::new(settings.as_ref().clone()).map_err(RunError::Identity)?))
        }
        SourceSection::Certificate(rules) => Ok(Box::new(ClientCertificate::new(rules.clone()))),
    }
}

/// Where to look up projects and users, and whether no other source lets any in; nothing without a Keystone.
pub(crate) fn directory(
    section: &IdentitySection,
    credentials: Option<&Path>,
) -> Result<Option<(KeystoneDirectory, bool)>, RunError> {
    let IdentitySection::Sources { sections, .. } = section else { return Ok(None) };
    let found = sections.iter().find_map(|source| match source {
        SourceSection::Keystone(section) => Some(section),
        SourceSection::Jwt(_) | SourceSection::Certificate(_) => None,
    });
    let Some(found) = found else { return Ok(None) };
    let directory = KeystoneDirectory::new(keystone(found, credentials)?).map_err(RunError::Identity)?;
    Ok(Some((directory, sections.len() == 1)))
}

fn keystone(section: &KeystoneSection, credentials: Option<&Path>) -> Result<KeystoneSettings, RunError> {
    let password = secret(&section.password, credentials, "the password of the service's user in Keystone")?;
    Ok(KeystoneSettings {
        url: section.url.clone(),
        public_url: section.public_url.clone(),
        ca_file: section.ca_file.clone(),
        user: section.user.clone(),
        user_domain: section.user_domain.clone(),
        password: password.into(),
        project: section.project.clone(),
        project_domain: section.project_domain.clone(),
        service_token_roles: section.service_token_roles.clone(),
        cache_time: section.cache_time,
        cached_tokens: section.cached_tokens,
        request_timeout: section.request_timeout,
        requests: section.requests,
    })
}

/// A secret from its file, without the line's end that editors leave there.
fn secret(place: &SecretPlace, credentials: Option<&Path>, what: &'static str) -> Result<String, RunError> {
    let path = match (&place.file, credentials) {
        (Some(file), _) => file.clone(),
        (None, Some(folder)) => folder.join(&place.credential),
        (None, None) => return Err(RunError::NoSecret { what }),
    };
    let failed = |source| RunError::Secret { what, path: path.clone(), source };
    let file = File::open(&path).map_err(failed)?;
    if file.metadata().map_err(failed)?.permissions().mode() & 0o007 != 0 {
        return Err(RunError::SecretMode { what, path });
    }
    let mut text = String::new();
    let limit = u64::try_from(MAX_SECRET + 1).unwrap_or(u64::MAX);
    let form = |path: PathBuf| RunError::SecretForm { what, path };
    if file.take(limit).read_to_string(&mut text).is_err() {
        return Err(form(path));
    }
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    if text.is_empty() || text.len() >= MAX_SECRET { Err(form(path)) } else { Ok(text) }
}
