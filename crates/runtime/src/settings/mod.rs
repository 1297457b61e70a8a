//! What the operator can set, where each value came from, and every problem with it at once.

mod audit;
mod cors;
mod doctor;
mod edge;
mod expiry;
mod forwarders;
mod identity;
mod kmip;
mod load;
mod notices;
mod orders;
mod pkcs11;
mod quotas;
mod reader;
mod rotation;
mod sandbox;
mod sections;
mod sources;
mod stores;
mod tls;

pub use audit::AuditSection;
pub use doctor::DoctorSection;
pub use edge::EdgeSection;
pub use expiry::ExpirySection;
pub use identity::{IdentityName, IdentitySection, KeystoneSection, SecretPlace, SourceSection};
pub use kmip::KmipSection;
pub use load::LoadSection;
pub use notices::NoticesSection;
pub use orders::OrdersSection;
pub use pkcs11::{CustodySetting, Pkcs11Section, TokenSection};
pub use reader::{Problem, SettingsError, Shown};
pub use rotation::RotationSection;
pub use sandbox::SandboxSection;
pub use sections::{LogFormat, LogSection, MasterKeySection, PolicySection, Settings, StorageSection};
pub use sources::{Flag, Sources};
pub use stores::{StoreKind, StoresSection};
