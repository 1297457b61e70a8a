//! As which object a payload is kept, and how it comes back as the very bytes that it was.
//!
//! Servers look into keys and certificates. So a payload is kept as one only when its length and first bytes, and
//! what its secret says, agree with that; any other is Secret Data. PEM, which servers do not know, is kept as
//! the DER within when that gives the very same PEM again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_core::ports::PayloadKind;
use strongroom_core::{Payload, SecretType};
use zeroize::Zeroizing;

use crate::protocol::{KeyKind, ObjectKind, codes};

/// Length of a line of PEM (RFC 7468, section 2).
const LINE: usize = 64;
const PEM: &str = " pem";

/// What has to be known of an object that is no Secret Data to give back the payload that it was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    object: Type,
    /// Whether the payload is PEM.
    pem: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    SymmetricKey,
    PrivateKey,
    PublicKey,
    Certificate,
}

impl Type {
    const ALL: [Self; 4] = [Self::SymmetricKey, Self::PrivateKey, Self::PublicKey, Self::Certificate];

    fn name(self) -> &'static str {
        match self {
            Self::SymmetricKey => "symmetric key",
            Self::PrivateKey => "private key",
            Self::PublicKey => "public key",
            Self::Certificate => "certificate",
        }
    }

    /// What stands in the first and last line of its PEM.
    fn label(self) -> String {
        self.name().to_uppercase()
    }

    /// What its DER begins with within the outermost sequence.
    fn beginning(self) -> &'static [u8] {
        match self {
            // PKCS #8: version 0, and the algorithm's sequence.
            Self::PrivateKey => &[0x02, 0x01, 0x00, 0x30],
            // The algorithm's sequence; what is signed.
            Self::PublicKey | Self::Certificate => &[0x30],
            Self::SymmetricKey => &[],
        }
    }
}

impl Form {
    /// A symmetric key, as its bytes.
    pub(crate) const SYMMETRIC_KEY: Self = Self { object: Type::SymmetricKey, pem: false };

    /// What a payload of that kind can be kept as besides Secret Data: its form, the object, and its bytes.
    pub(crate) fn of(
        kind: &PayloadKind,
        payload: &Payload,
    ) -> Option<(Self, ObjectKind, Zeroizing<Vec<u8>>)> {
        let payload = payload.expose();
        if kind.secret_type == SecretType::Symmetric {
            let length = i32::try_from(payload.len().checked_mul(8)?).ok()?;
            let key = KeyKind { algorithm: symmetric(kind.algorithm.as_deref()?, length)?, bits: length };
            kind.bits.is_none_or(|bits| i32::from(bits) == length).then_some(())?;
            return Some((
                Self::SYMMETRIC_KEY,
                ObjectKind::SymmetricKey(key),
                Zeroizing::new(payload.to_vec()),
            ));
        }
        let key =
            || Some(KeyKind { algorithm: of_pairs(kind.algorithm.as_deref()?)?, bits: kind.bits?.into() });
        let (object, kept) = match kind.secret_type {
            SecretType::Private => (Type::PrivateKey, ObjectKind::PrivateKey(key()?)),
            SecretType::Public => (Type::PublicKey, ObjectKind::PublicKey(key()?)),
            SecretType::Certificate => (Type::Certificate, ObjectKind::Certificate),
            SecretType::Symmetric | SecretType::Passphrase | SecretType::Opaque => return None,
        };
        let pem = payload.starts_with(b"-----BEGIN ");
        let form = Self { object, pem };
        let der = if pem { within(payload)? } else { Zeroizing::new(payload.to_vec()) };
        let whole = sequence(&der)?.starts_with(object.beginning());
        (whole && form.restore(&der).as_slice() == payload).then_some((form, kept, der))
    }

    /// The payload, of the object's bytes.
    pub(crate) fn restore(self, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        if !self.pem {
            return Zeroizing::new(bytes.to_vec());
        }
        let label = self.object.label();
        let (first, last) = (format!("-----BEGIN {label}-----\n"), format!("-----END {label}-----\n"));
        let text = Zeroizing::new(STANDARD.encode(bytes));
        // With room for all of it: what is moved leaves a copy behind.
        let room = first.len() + text.len() + text.len() / LINE + 1 + last.len();
        let mut pem = Zeroizing::new(Vec::with_capacity(room));
        pem.extend(first.as_bytes());
        for line in text.as_bytes().chunks(LINE) {
            pem.extend(line);
            pem.push(b'\n');
        }
        pem.extend(last.as_bytes());
        pem
    }

    /// The format that the object has to be asked for in, which is not every server's first choice.
    pub(crate) fn format(self) -> Option<u32> {
        match self.object {
            Type::PrivateKey => Some(codes::PKCS_8),
            Type::PublicKey => Some(codes::X_509),
            Type::SymmetricKey | Type::Certificate => None,
        }
    }

    /// What a receipt says of an object: its identifier, which has no line breaks, and its form.
    pub(crate) fn reference(self, uid: &str) -> String {
        format!("{uid}\n{}{}", self.object.name(), if self.pem { PEM } else { "" })
    }

    /// The identifier, whatever the form.
    pub(crate) fn uid(reference: &str) -> &str {
        reference.split_once('\n').map_or(reference, |(uid, _)| uid)
    }

    /// The identifier and the form; without one it is Secret Data. `None` for a form that is not known here.
    pub(crate) fn read(reference: &str) -> Option<(&str, Option<Self>)> {
        let Some((uid, form)) = reference.split_once('\n') else { return Some((reference, None)) };
        let name = form.strip_suffix(PEM).unwrap_or(form);
        let object = Type::ALL.into_iter().find(|object| object.name() == name)?;
        Some((uid, Some(Self { object, pem: name != form })))
    }
}

fn symmetric(algorithm: &str, bits: i32) -> Option<u32> {
    let (code, fits) = match algorithm {
        "aes" => (codes::AES, matches!(bits, 128 | 192 | 256)),
        "3des" | "desede" => (codes::TRIPLE_DES, matches!(bits, 128 | 192)),
        "hmacsha1" => (codes::HMAC_SHA1, bits > 0),
        "hmacsha256" => (codes::HMAC_SHA256, bits > 0),
        "hmacsha384" => (codes::HMAC_SHA384, bits > 0),
        "hmacsha512" => (codes::HMAC_SHA512, bits > 0),
        _ => return None,
    };
    fits.then_some(code)
}

fn of_pairs(algorithm: &str) -> Option<u32> {
    match algorithm {
        "rsa" => Some(codes::RSA),
        "dsa" => Some(codes::DSA),
        "ec" | "ecdsa" => Some(codes::ECDSA),
        _ => None,
    }
}

/// The bytes within PEM, of whatever label.
fn within(pem: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let lines = pem.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"-----"));
    let mut text = Zeroizing::new(Vec::with_capacity(pem.len()));
    lines.for_each(|line| text.extend(line));
    let mut bytes = Zeroizing::new(vec![0; pem.len()]);
    let length = STANDARD.decode_slice(text.as_slice(), &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// What a sequence of DER holds that is the whole of the bytes.
fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    let (length, content) = match bytes.strip_prefix(&[0x30])? {
        [length @ 0..=0x7F, content @ ..] | [0x81, length, content @ ..] => (usize::from(*length), content),
        [0x82, high, low, content @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), content),
        _ => return None,
    };
    (content.len() == length).then_some(content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(secret_type: SecretType, algorithm: &str, bits: u16) -> PayloadKind {
        PayloadKind { owner: None, secret_type, algorithm: Some(algorithm.to_owned()), bits: Some(bits) }
    }

    fn object(kind: &PayloadKind, payload: &[u8]) -> Option<ObjectKind> {
        Form::of(kind, &Payload::new(payload.to_vec())).map(|(_, object, _)| object)
    }

    const PUBLIC: [u8; 9] = [0x30, 7, 0x30, 0, 3, 3, 0, 1, 2];

    #[test]
    fn a_payload_is_kept_as_what_it_is() {
        let key = |algorithm, bits| KeyKind { algorithm, bits };
        let aes = kind(SecretType::Symmetric, "aes", 128);
        assert_eq!(object(&aes, &[1; 16]), Some(ObjectKind::SymmetricKey(key(codes::AES, 128))));
        for (kind, payload) in [
            (aes.clone(), [1; 15].as_slice()),
            (kind(SecretType::Symmetric, "aes", 256), &[1; 16]),
            (kind(SecretType::Symmetric, "rot13", 128), &[1; 16]),
            (kind(SecretType::Passphrase, "aes", 128), &[1; 16]),
            (kind(SecretType::Opaque, "aes", 128), &[1; 16]),
            (kind(SecretType::Private, "rsa", 2048), &PUBLIC),
            (kind(SecretType::Public, "rsa", 2048), b"ssh-rsa AAAA"),
            (kind(SecretType::Public, "ed25519", 256), &PUBLIC),
        ] {
            assert_eq!(object(&kind, payload), None, "{kind:?}");
        }
        let public = kind(SecretType::Public, "rsa", 2048);
        assert_eq!(object(&public, &PUBLIC), Some(ObjectKind::PublicKey(key(codes::RSA, 2048))));
        let private = kind(SecretType::Private, "ec", 256);
        let pkcs_8 = [0x30, 5, 2, 1, 0, 0x30, 0];
        assert_eq!(object(&private, &pkcs_8), Some(ObjectKind::PrivateKey(key(codes::ECDSA, 256))));
        assert_eq!(object(&kind(SecretType::Certificate, "", 0), &PUBLIC), Some(ObjectKind::Certificate));
    }

    #[test]
    fn pem_is_kept_as_der_only_when_it_comes_back_the_same() {
        let public = kind(SecretType::Public, "rsa", 2048);
        let pem = "-----BEGIN PUBLIC KEY-----\nMAcwAAMDAAEC\n-----END PUBLIC KEY-----\n";
        let (form, _, der) = Form::of(&public, &Payload::new(pem.into())).unwrap();
        assert_eq!((der.as_slice(), form.restore(&der).as_slice()), (PUBLIC.as_slice(), pem.as_bytes()));
        for other in [
            pem.replace('\n', "\r\n"),
            pem.trim_end().to_owned(),
            pem.replace("PUBLIC KEY", "RSA PUBLIC KEY"),
            pem.replace("MAcw", "MA\ncw"),
            format!("{pem}{pem}"),
            pem.replace("MAcw", "????"),
        ] {
            assert_eq!(object(&public, other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn references_tell_the_form() {
        for object in Type::ALL {
            for pem in [false, true] {
                let form = Form { object, pem };
                assert_eq!(Form::read(&form.reference("17")), Some(("17", Some(form))));
            }
        }
        assert_eq!(Form::read("17"), Some(("17", None)));
        assert_eq!(Form::read("17\nsplit key"), None);
        assert_eq!((Form::uid("17"), Form::uid("17\nsplit key")), ("17", "17"));
    }

    proptest! {
        #[test]
        fn whatever_is_kept_comes_back(
            secret_type in 0..SecretType::ALL.len(),
            algorithm in prop::sample::select(vec!["aes", "hmacsha256", "rsa", "ec", "other"]),
            bits in prop::option::of(0_u16..600),
            content in prop::collection::vec(any::<u8>(), 0..200),
            wrap in 0..3,
        ) {
            let mut payload = content;
            if wrap > 0 {
                let length = u8::try_from(payload.len()).unwrap();
                let head = if length < 0x80 { vec![0x30, length] } else { vec![0x30, 0x81, length] };
                payload = [head, payload].concat();
            }
            if wrap > 1 {
                payload = Form { object: Type::PublicKey, pem: true }.restore(&payload).to_vec();
            }
            let kind = PayloadKind {
                owner: None,
                secret_type: SecretType::ALL[secret_type],
                algorithm: Some(algorithm.to_owned()),
                bits,
            };
            if let Some((form, _, bytes)) = Form::of(&kind, &Payload::new(payload.clone())) {
                let restored = form.restore(&bytes);
                prop_assert_eq!(restored.as_slice(), payload);
            }
        }
    }
}
