use std::path::PathBuf;

use figment::providers::{Env, Format as _, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::reader::SettingsError;

/// The environment variables that are settings begin with this; `__` separates section and key.
pub(super) const ENVIRONMENT: &str = "STRONGROOM_";

/// Where settings come from, weakest first: defaults, the file, the environment, the command line.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file; it must exist when named.
    pub file: Option<PathBuf>,
    /// Whether environment variables count.
    pub environment: bool,
    /// What the command line says.
    pub flags: Vec<Flag>,
}

/// A setting given on the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The flag's own name, such as `--listen`.
    pub name: &'static str,
    /// The setting it stands for, such as `api.listen`.
    pub key: &'static str,
    /// The value, as text or a list of texts.
    pub value: Value,
}

impl Sources {
    /// Fails when the file can't be read or is no TOML, for figment does not tell which file that was.
    pub(super) fn figment(&self) -> Result<Figment, SettingsError> {
        let mut figment = Figment::new();
        if let Some(file) = &self.file {
            let toml = Toml::file_exact(file);
            toml.data()
                .map_err(|error| SettingsError::unreadable(file.display(), error.kind.to_string().trim()))?;
            figment = figment.merge(toml);
        }
        if self.environment {
            figment = figment.merge(Env::prefixed(ENVIRONMENT).split("__"));
        }
        Ok(self.flags.iter().cloned().fold(figment, Figment::merge))
    }
}

impl Provider for Flag {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("the flag {}", self.name))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = self
            .key
            .rsplit('.')
            .fold(self.value.clone(), |value, part| Value::from(Dict::from([(part.to_owned(), value)])));
        let dict = nested.into_dict().unwrap_or_default();
        Ok(Map::from([(Profile::Default, dict)]))
    }
}
