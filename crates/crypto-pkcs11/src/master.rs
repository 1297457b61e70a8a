//! The master key's versions as a token's objects.

use std::collections::BTreeMap;

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use strongroom_core::ports::MasterKeyVersion;

use crate::config::Custody;
use crate::error::Pkcs11Error;
use crate::token_key::Handles;

/// Of a key, in bytes.
const LENGTH: u64 = 32;

/// Every version under that label. An object whose id is no version is none of ours, nor is a key for HMAC without
/// one for AES.
pub(crate) fn find(
    session: &Session,
    label: &str,
) -> Result<BTreeMap<MasterKeyVersion, Handles>, Pkcs11Error> {
    let keys = find_type(session, label, KeyType::AES)?;
    let mut macs = find_type(session, label, KeyType::GENERIC_SECRET)?;
    Ok(keys
        .into_iter()
        .map(|(version, aes)| (version, Handles { aes, mac: macs.remove(&version) }))
        .collect())
}

fn find_type(
    session: &Session,
    label: &str,
    key_type: KeyType,
) -> Result<BTreeMap<MasterKeyVersion, ObjectHandle>, Pkcs11Error> {
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(key_type),
        Attribute::Token(true),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let mut found = BTreeMap::new();
    for key in session.find_objects(&template).map_err(Pkcs11Error::call("look for the master key"))? {
        let attributes = session
            .get_attributes(key, &[AttributeType::Id])
            .map_err(Pkcs11Error::call("read the master key's id"))?;
        let Some(Attribute::Id(id)) = attributes.first() else { continue };
        let Some(version) = version_of(id) else { continue };
        if found.insert(version, key).is_some() {
            return Err(Pkcs11Error::TwoKeys(version));
        }
    }
    Ok(found)
}

/// The version that an id (CKA_ID) stands for: a number of one to four bytes, the highest first.
pub(crate) fn version_of(id: &[u8]) -> Option<MasterKeyVersion> {
    let number = id.iter().fold(0, |number: u64, byte| (number << 8) | u64::from(*byte));
    let version = u32::try_from(number).ok().filter(|version| *version > 0)?;
    (id.len() <= 4).then_some(MasterKeyVersion(version))
}

/// What a version's key for AES is made with.
pub(crate) fn aes_template(label: &str, version: MasterKeyVersion) -> Vec<Attribute> {
    let mut template = guarded(label, version, KeyType::AES);
    template.extend([
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
        Attribute::Sign(false),
        Attribute::Verify(false),
    ]);
    template
}

/// What a version's key for HMAC is made with.
pub(crate) fn mac_template(label: &str, version: MasterKeyVersion) -> Vec<Attribute> {
    let mut template = guarded(label, version, KeyType::GENERIC_SECRET);
    template.extend([
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Sign(true),
        Attribute::Verify(true),
    ]);
    template
}

fn guarded(label: &str, version: MasterKeyVersion, key_type: KeyType) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(key_type),
        Attribute::ValueLen(32.into()),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Id(version.0.to_be_bytes().to_vec()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Modifiable(false),
        Attribute::Derive(false),
    ]
}

/// What is told about a key by its attributes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute of the standard's")]
pub(crate) struct Traits {
    pub(crate) length: u64,
    pub(crate) sensitive: bool,
    pub(crate) extractable: bool,
    pub(crate) never_extractable: bool,
    pub(crate) local: bool,
    pub(crate) modifiable: bool,
    pub(crate) private: bool,
    encrypt: bool,
    decrypt: bool,
    wrap: bool,
    unwrap: bool,
    sign: bool,
}

impl Traits {
    /// Those of a key. What a token does not tell counts as the unsafe answer.
    pub(crate) fn read(session: &Session, key: ObjectHandle) -> Result<Self, Pkcs11Error> {
        let asked = [
            AttributeType::ValueLen,
            AttributeType::Sensitive,
            AttributeType::Extractable,
            AttributeType::NeverExtractable,
            AttributeType::Local,
            AttributeType::Modifiable,
            AttributeType::Private,
            AttributeType::Encrypt,
            AttributeType::Decrypt,
            AttributeType::Wrap,
            AttributeType::Unwrap,
            AttributeType::Sign,
        ];
        let mut traits = Self { extractable: true, modifiable: true, ..Self::default() };
        let told = session.get_attributes(key, &asked);
        for attribute in told.map_err(Pkcs11Error::call("read the master key's attributes"))? {
            match attribute {
                Attribute::ValueLen(length) => traits.length = *length,
                Attribute::Sensitive(value) => traits.sensitive = value,
                Attribute::Extractable(value) => traits.extractable = value,
                Attribute::NeverExtractable(value) => traits.never_extractable = value,
                Attribute::Local(value) => traits.local = value,
                Attribute::Modifiable(value) => traits.modifiable = value,
                Attribute::Private(value) => traits.private = value,
                Attribute::Encrypt(value) => traits.encrypt = value,
                Attribute::Decrypt(value) => traits.decrypt = value,
                Attribute::Wrap(value) => traits.wrap = value,
                Attribute::Unwrap(value) => traits.unwrap = value,
                Attribute::Sign(value) => traits.sign = value,
                _ => {}
            }
        }
        Ok(traits)
    }

    /// How well two keys are guarded that are used together: as the worse of them.
    pub(crate) fn weaker(self, other: Self) -> Self {
        Self {
            sensitive: self.sensitive && other.sensitive,
            extractable: self.extractable || other.extractable,
            never_extractable: self.never_extractable && other.never_extractable,
            local: self.local && other.local,
            modifiable: self.modifiable || other.modifiable,
            private: self.private && other.private,
            ..self
        }
    }

    /// What forbids the use of such a key for AES.
    pub(crate) fn fault(self, custody: Custody) -> Option<&'static str> {
        let strict = custody == Custody::Strict;
        self.exposed().or_else(|| {
            first_of([
                (self.length != LENGTH, "it is no AES key of 256 bits"),
                (!self.encrypt || !self.decrypt, "it may not encrypt and decrypt"),
                (
                    strict && (!self.wrap || !self.unwrap),
                    "it may not wrap and unwrap, which strict custody needs",
                ),
            ])
        })
    }

    /// What forbids the use of such a key for HMAC.
    pub(crate) fn mac_fault(self) -> Option<&'static str> {
        self.exposed().or_else(|| {
            first_of([
                (self.length < LENGTH, "its key for HMAC has less than 256 bits"),
                (!self.sign, "its key for HMAC may not sign"),
            ])
        })
    }

    fn exposed(self) -> Option<&'static str> {
        first_of([
            (!self.sensitive, "its value can be read in the clear (CKA_SENSITIVE is not set)"),
            (self.extractable, "it can be taken out of the token (CKA_EXTRACTABLE is set)"),
        ])
    }
}

fn first_of<const N: usize>(faults: [(bool, &'static str); N]) -> Option<&'static str> {
    faults.into_iter().find_map(|(wrong, fault)| wrong.then_some(fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_of_one_to_four_bytes() {
        for (id, version) in [
            ([1].as_slice(), Some(1)),
            (&[0, 0, 0, 2], Some(2)),
            (&[1, 0], Some(256)),
            (&[], None),
            (&[0, 0], None),
            (&[0, 0, 0, 0, 1], None),
            (&[1; 20], None),
        ] {
            assert_eq!(version_of(id), version.map(MasterKeyVersion), "{id:?}");
        }
    }

    #[test]
    fn a_key_that_is_not_guarded_or_not_able_is_unfit() {
        let good = Traits {
            length: 32,
            sensitive: true,
            encrypt: true,
            decrypt: true,
            wrap: true,
            unwrap: true,
            ..Traits::default()
        };
        assert_eq!(good.fault(Custody::Strict), None);
        for bad in [
            Traits { length: 16, ..good },
            Traits { sensitive: false, ..good },
            Traits { extractable: true, ..good },
            Traits { encrypt: false, ..good },
            Traits { decrypt: false, ..good },
        ] {
            assert!(bad.fault(Custody::Cached).is_some(), "{bad:?}");
        }
        let mac = Traits { length: 32, sensitive: true, sign: true, ..Traits::default() };
        assert_eq!(mac.mac_fault(), None);
        for bad in [
            Traits { length: 31, ..mac },
            Traits { sensitive: false, ..mac },
            Traits { extractable: true, ..mac },
            Traits { sign: false, ..mac },
        ] {
            assert!(bad.mac_fault().is_some(), "{bad:?}");
        }
        let no_wrapping = Traits { wrap: false, ..good };
        assert_eq!(no_wrapping.fault(Custody::Cached), None);
        assert!(no_wrapping.fault(Custody::Strict).is_some());
    }
}
