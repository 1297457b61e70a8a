use super::{BitLength, ContentType, Label, SecretType};
use crate::disposal::Owner;
use crate::id::{ProjectId, SecretId, UserId};
use crate::ports::PayloadKind;
use crate::time::Timestamp;

/// Everything known about a secret but its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its id, made by the key manager.
    pub id: SecretId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// The user who created it; absent when the caller had no user.
    pub creator: Option<UserId>,
    /// Its name, not necessarily unique.
    pub name: Option<Label>,
    /// What kind of secret it is said to be.
    pub secret_type: SecretType,
    /// The algorithm it is said to be for.
    pub algorithm: Option<Label>,
    /// The mode of operation it is said to be for.
    pub mode: Option<Label>,
    /// How many bits it is said to have.
    pub bit_length: Option<BitLength>,
    /// From when on it is unreadable.
    pub expiration: Option<Timestamp>,
    /// When it was created.
    pub created: Timestamp,
    /// When its payload, ACL or consumers last changed (spec section 6.1).
    pub updated: Timestamp,
    /// What its payload is said to be; absent while there is no payload.
    pub content_type: Option<ContentType>,
}

impl Secret {
    /// Whether it has expired at that time. An expired secret does not exist for any caller
    /// (spec section 18).
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expiration.is_some_and(|at| at <= now)
    }

    /// What its payload is said to be.
    pub fn kind(&self) -> PayloadKind {
        PayloadKind {
            owner: Some(Owner::Secret(self.id)),
            secret_type: self.secret_type,
            algorithm: self.algorithm.as_ref().map(|label| label.as_str().to_lowercase()),
            bits: self.bit_length.map(BitLength::get),
        }
    }

    /// Every field that never changes once the payload is stored, and `content_type`, as unambiguous
    /// bytes. They are bound to the ciphertext as associated data, so a row altered in the database, such
    /// as a postponed expiration or another project's id, no longer opens.
    pub fn binding(&self, content_type: ContentType) -> Vec<u8> {
        let micros = |time: Timestamp| time.as_micros().to_be_bytes().to_vec();
        let label = |label: &Option<Label>| label.as_ref().map(|text| text.as_str().as_bytes().to_vec());
        let fields = [
            Some(self.id.as_bytes().to_vec()),
            Some(self.project.as_str().as_bytes().to_vec()),
            self.creator.as_ref().map(|user| user.as_str().as_bytes().to_vec()),
            label(&self.name),
            Some(self.secret_type.as_str().as_bytes().to_vec()),
            label(&self.algorithm),
            label(&self.mode),
            self.bit_length.map(|bits| bits.get().to_be_bytes().to_vec()),
            self.expiration.map(micros),
            Some(micros(self.created)),
            Some(content_type.as_str().as_bytes().to_vec()),
        ];
        let mut bytes = b"strongroom secret 1".to_vec();
        for field in fields {
            match field {
                None => bytes.push(0),
                Some(field) => {
                    bytes.push(1);
                    // Lengths are bounded far below 2^32 by the types above.
                    bytes.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
                    bytes.extend(field);
                }
            }
        }
        bytes
    }
}
