use proptest::collection::vec;
use proptest::prelude::*;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, date_time_ymd};

use super::*;

const CHAIN_PEM: &[u8] = include_bytes!("../../tests/fixtures/chain.pem");
const CHAIN_P7B: &[u8] = include_bytes!("../../tests/fixtures/chain.p7b");
const CHAIN_P7C: &[u8] = include_bytes!("../../tests/fixtures/chain.p7c");
const LEAF_DER: &[u8] = include_bytes!("../../tests/fixtures/leaf.der");
const TRUSTED_PEM: &[u8] = include_bytes!("../../tests/fixtures/trusted.pem");

fn leaf() -> Certificate {
    Certificate {
        ends: Timestamp::parse("2027-11-24T13:27:38").unwrap(),
        subject: "O=Example, CN=www.example.org".to_owned(),
        issuer: "O=Example, CN=Example Root".to_owned(),
        serial: "2002".to_owned(),
        fingerprint: [
            0x0d, 0xaf, 0xc4, 0xce, 0x4d, 0x8b, 0x0a, 0x26, 0x87, 0x82, 0x23, 0xdc, 0xfd, 0x48, 0x7b, 0xc7,
            0xa1, 0x5b, 0x5a, 0x04, 0xf5, 0x63, 0x95, 0xfd, 0xa9, 0x1c, 0x4d, 0x75, 0x42, 0x74, 0x93, 0x21,
        ],
    }
}

#[test]
fn every_form_gives_the_certificate_that_ends_first() {
    let amid_text =
        [b"key: \xff\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", CHAIN_PEM].concat();
    let carriage_returns = String::from_utf8(CHAIN_PEM.to_vec()).unwrap().replace('\n', "\r\n");
    for payload in [
        CHAIN_PEM,
        CHAIN_P7B,
        CHAIN_P7C,
        LEAF_DER,
        TRUSTED_PEM,
        &amid_text,
        carriage_returns.as_bytes(),
        &[LEAF_DER, LEAF_DER].concat(),
    ] {
        assert_eq!(Certificate::read(payload), Some(leaf()));
    }
}

#[test]
fn what_is_no_certificate_gives_nothing() {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::new(["a.example".to_owned()]).unwrap().serialize_request(&key).unwrap();
    let (half, _) = LEAF_DER.split_at(LEAF_DER.len() / 2);
    let unended = CHAIN_PEM.split(|byte| *byte == b'-').take(11).collect::<Vec<_>>().join(&b'-');
    for payload in [
        b"".as_slice(),
        b"a password",
        b"-----BEGIN CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
        key.serialize_pem().as_bytes(),
        key.serialized_der(),
        request.pem().unwrap().as_bytes(),
        request.der(),
        half,
        &unended,
    ] {
        assert_eq!(Certificate::read(payload), None, "{}", String::from_utf8_lossy(payload));
    }
    let large = [CHAIN_PEM, &vec![b' '; MAX_BYTES]].concat();
    assert_eq!(Certificate::read(&large), None);
}

/// What is read of a certificate that `change` has been made to.
fn read(change: impl FnOnce(&mut CertificateParams)) -> Certificate {
    let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
    change(&mut params);
    let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let found = Certificate::read(made.der()).unwrap();
    assert_eq!(Certificate::read(made.pem().as_bytes()), Some(found.clone()));
    found
}

#[test]
fn names_and_dates_are_read_whatever_they_are() {
    let nameless = read(|params| params.distinguished_name = DistinguishedName::new());
    assert_eq!(nameless.subject, "DNS:a.example");
    let steering = read(|params| {
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "a\u{1b}[2Jb\n".to_owned() + &"x".repeat(300));
    });
    assert!(steering.subject.starts_with("CN=a\u{fffd}[2Jb\u{fffd}xxx"), "{}", steering.subject);
    assert_eq!(steering.subject.chars().count(), MAX_TEXT);
    for (year, expected) in [(1970, "1970-03-01T00:00:00"), (9999, "9999-03-01T00:00:00")] {
        let dated = read(|params| params.not_after = date_time_ymd(year, 3, 1));
        assert_eq!(dated.ends.to_string(), expected);
    }
}

#[test]
fn work_is_bounded() {
    let leaves = LEAF_DER.repeat(MAX_BYTES / LEAF_DER.len());
    assert_eq!(Certificate::read(&leaves), Some(leaf()));
    // None of these ends, so a search for each one's end would take the square of their number.
    let begun = b"-----BEGIN CERTIFICATE-----".repeat(MAX_BYTES / 27);
    assert_eq!(Certificate::read(&begun), None);
    let empty = b"-----BEGIN CMS-----MIIB-----END CMS-----".repeat(MAX_BYTES / 40);
    assert_eq!(Certificate::read(&empty), None);
    // Structures in structures, as deep as there is room for.
    let nested = [0x30, 0x80].repeat(MAX_BYTES / 2);
    assert_eq!(Certificate::read(&nested), None);
}

proptest! {
    #[test]
    fn any_bytes_are_looked_at_without_fault(bytes in vec(any::<u8>(), 0..2000)) {
        Certificate::read(&bytes);
        Certificate::read(&[&[0x30], bytes.as_slice()].concat());
    }

    /// Damage that leaves most of the form whole gets deeper into the parsers than noise.
    #[test]
    fn damaged_certificates_are_looked_at_without_fault(
        form in 0_usize..4,
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = [LEAF_DER, CHAIN_P7C, CHAIN_PEM, CHAIN_P7B][form].to_vec();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        Certificate::read(&bytes);
        bytes.truncate(length.index(bytes.len()));
        Certificate::read(&bytes);
    }
}
