//! Client certificates that were revoked.

use std::fs;

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber, date_time_ymd};
use rustls::pki_types::CertificateDer;
use strongroom_edge::{ClientCertificates, Refusal};
use x509_parser::parse_x509_certificate;

use crate::support::{Edge, GET, SOON};
use crate::tls::{Authority, Files, Leaf, connect};

/// A list by that authority with these certificates, good until the begin of that year.
fn list(authority: &Authority, revoked: &[&Leaf], until: i32) -> String {
    let entry = |leaf: &&Leaf| RevokedCertParams {
        serial_number: SerialNumber::from(serial(&leaf.der())),
        revocation_time: date_time_ymd(2024, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 1),
        next_update: date_time_ymd(until, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(entry).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(&authority.0).unwrap().pem().unwrap()
}

fn serial(certificate: &CertificateDer<'_>) -> Vec<u8> {
    parse_x509_certificate(certificate).unwrap().1.raw_serial().to_vec()
}

/// Whether a client with that certificate gets an answer.
async fn is_served(edge: &Edge, files: &Files, leaf: Option<&Leaf>) -> bool {
    match connect(edge, &files.authority, leaf).await {
        Ok(mut wire) => {
            wire.send(GET).await;
            wire.answer().await.is_some()
        }
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_and_a_list_that_changes_is_taken_into_use() {
    let mut files = Files::new();
    files.client_crls = vec!["crl.pem"];
    let (good, bad) = (files.authority.leaf(), files.authority.leaf());
    fs::write(files.path("crl.pem"), list(&files.authority, &[&bad], 4000)).unwrap();
    let edge = Edge::start(files.rules(ClientCertificates::Optional)).await;
    assert!(is_served(&edge, &files, Some(&good)).await);
    assert!(is_served(&edge, &files, None).await);
    assert!(!is_served(&edge, &files, Some(&bad)).await);
    assert_eq!(edge.refused().await, ("127.0.0.1".to_owned(), Refusal::Handshake, 1));

    let mut kept = connect(&edge, &files.authority, Some(&good)).await.unwrap();
    assert_eq!(kept.ask(GET).await.0, 200);
    fs::write(files.path("next.pem"), list(&files.authority, &[&good], 4000)).unwrap();
    fs::rename(files.path("next.pem"), files.path("crl.pem")).unwrap();
    let changed = async {
        while is_served(&edge, &files, Some(&good)).await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, changed).await.unwrap();
    assert!(is_served(&edge, &files, Some(&bad)).await);
    assert_eq!(kept.ask(GET).await.0, 200, "a connection at hand goes on");
}

#[tokio::test]
async fn a_list_that_vouches_for_nothing_lets_nobody_in() {
    let mut files = Files::new();
    files.client_crls = vec!["crl.pem"];
    let good = files.authority.leaf();
    // Past its time; by somebody else of another name; by somebody else who claims to be the authority.
    let lists = [
        list(&files.authority, &[], 2025),
        list(&Authority::named("another"), &[], 4000),
        list(&Authority::new(), &[], 4000),
    ];
    for list in lists {
        fs::write(files.path("crl.pem"), list).unwrap();
        let edge = Edge::start(files.rules(ClientCertificates::Required)).await;
        assert!(!is_served(&edge, &files, Some(&good)).await);
        assert_eq!(edge.refused().await, ("127.0.0.1".to_owned(), Refusal::Handshake, 1));
    }
    // Several lists count together.
    fs::write(files.path("ours.pem"), list(&files.authority, &[], 4000)).unwrap();
    files.client_crls = vec!["crl.pem", "ours.pem"];
    fs::write(files.path("crl.pem"), list(&Authority::named("another"), &[], 4000)).unwrap();
    let edge = Edge::start(files.rules(ClientCertificates::Required)).await;
    assert!(is_served(&edge, &files, Some(&good)).await);
}

#[test]
fn lists_that_can_not_be_used_are_named() {
    let told = |text: Option<&str>| {
        let mut files = Files::new();
        files.client_crls = vec!["crl.pem"];
        if let Some(text) = text {
            fs::write(files.path("crl.pem"), text).unwrap();
        }
        let error = files.load(ClientCertificates::Required).unwrap_err();
        error.to_string().replace(files.path("").to_str().unwrap(), "")
    };
    assert_eq!(told(None), "can't read crl.pem");
    let expected = "crl.pem does not hold lists of revoked certificates in PEM form";
    assert_eq!(told(Some("")), expected);
    let garbage = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
    assert_eq!(told(Some(garbage)), "crl.pem can't be used to verify clients");
}
