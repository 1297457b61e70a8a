//! Consumers: who says that it uses a secret or a container (spec section 8).

use crate::error::Violation;
use crate::id::{ConsumerId, ProjectId};
use crate::time::Timestamp;

/// A resource of another service that uses a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretUse {
    service: String,
    resource_type: String,
    resource_id: String,
}

impl SecretUse {
    /// Checks the lengths: service and type 1 to 255 characters, id 1 to 36.
    pub fn new(service: &str, resource_type: &str, resource_id: &str) -> Result<Self, Violation> {
        Ok(Self {
            service: bounded("service", service, 255)?,
            resource_type: bounded("resource_type", resource_type, 255)?,
            resource_id: bounded("resource_id", resource_id, 36)?,
        })
    }

    /// The service, such as `compute`.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// What kind of resource it is, such as `volume`.
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// The resource's id in that service.
    pub fn resource_id(&self) -> &str {
        &self.resource_id
    }
}

/// Somebody who uses a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerUse {
    name: String,
    url: String,
}

impl ContainerUse {
    /// Checks the lengths: name 1 to 36 characters, URL 1 to 255.
    pub fn new(name: &str, url: &str) -> Result<Self, Violation> {
        Ok(Self { name: bounded("name", name, 36)?, url: bounded("URL", url, 255)? })
    }

    /// Who it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn bounded(property: &'static str, text: &str, most: usize) -> Result<String, Violation> {
    if text.is_empty() {
        return Err(Violation::new(property, "is empty"));
    }
    if text.chars().take(most + 1).count() > most || text.contains('\0') {
        return Err(Violation::new(property, "is too long, or contains a NUL character"));
    }
    Ok(text.to_owned())
}

/// Who uses a secret or a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Of a secret.
    Secret(SecretUse),
    /// Of a container.
    Container(ContainerUse),
}

/// A registered use, with what the key manager knows about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// Its id, made by the key manager.
    pub id: ConsumerId,
    /// The project that registered it, which may remove it and is charged for it.
    pub project: ProjectId,
    /// Who uses it.
    pub used_by: Use,
    /// When it was registered.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_bounded() {
        let long = |length| "x".repeat(length);
        assert!(SecretUse::new(&long(255), &long(255), &long(36)).is_ok());
        assert!(SecretUse::new(&long(256), "t", "i").is_err());
        assert!(SecretUse::new("s", &long(256), "i").is_err());
        assert!(SecretUse::new("s", "t", &long(37)).is_err());
        assert!(SecretUse::new("s", "", "i").is_err());
        assert!(ContainerUse::new(&long(36), &long(255)).is_ok());
        assert!(ContainerUse::new(&long(37), "u").is_err());
        assert!(ContainerUse::new("n", &long(256)).is_err());
    }
}
