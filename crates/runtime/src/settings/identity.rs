mod keystone;

use serde::{Deserialize, Serialize};

pub use self::keystone::{KeystoneSection, SecretPlace};

use self::keystone::keystone;
use super::reader::Reader;

/// Who may call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum IdentitySection {
    /// The request's headers are believed; for callers on the loopback interface only.
    Unauthenticated,
    /// These sources, the preferred one first.
    Sources(Vec<SourceSection>),
}

/// One identity source.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SourceSection {
    /// Tokens of a Keystone.
    Keystone(Box<KeystoneSection>),
}

/// An identity source by its name in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum IdentityName {
    /// The request's headers are believed.
    Unauthenticated,
    /// Tokens of a Keystone.
    Keystone,
}

const SOURCES: &str = "identity.sources";

pub(super) fn identity(reader: &mut Reader) -> IdentitySection {
    const ALLOWED: &str = "[\"unauthenticated\"], or a list of \"keystone\"";
    let names = reader.get(SOURCES, vec![IdentityName::Unauthenticated], ALLOWED);
    let has = |name| names.contains(&name);
    let keystone = keystone(reader, has(IdentityName::Keystone));
    if names == [IdentityName::Unauthenticated] {
        return IdentitySection::Unauthenticated;
    }
    if names.is_empty() {
        reader.refuse(SOURCES, format!("nobody could call; give {ALLOWED}"));
    }
    if has(IdentityName::Unauthenticated) {
        reader.refuse(SOURCES, "\"unauthenticated\" lets everybody in, and goes with no other source");
    }
    if names.iter().enumerate().any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name)) {
        reader.refuse(SOURCES, "a source is named twice");
    }
    let section = |name: &IdentityName| match name {
        IdentityName::Unauthenticated => None,
        IdentityName::Keystone => keystone.clone().map(|section| SourceSection::Keystone(Box::new(section))),
    };
    IdentitySection::Sources(names.iter().filter_map(section).collect())
}
