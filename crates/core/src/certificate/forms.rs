//! The forms in which payloads hold certificates.

use memchr::memmem;
use x509_parser::asn1_rs::{Any, Class, FromDer as _, Oid, oid};
use x509_parser::prelude::X509Certificate;

use super::parse;
use crate::secret::decode_leniently;

/// How many blocks of text, and how many certificates, are looked at; a chain has a few.
const MOST: usize = 128;

/// Text blocks that hold certificates (RFC 7468, and OpenSSL's own names). Blocks of other names, such as private
/// keys, are not even decoded: no copy of them is made.
const LABELS: [&[u8]; 5] = [b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE", b"PKCS7", b"CMS"];

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// The first byte of a SEQUENCE, which a certificate is, and a PKCS#7 structure too.
const SEQUENCE: u8 = 0x30;

/// Calls back with each certificate and its DER form.
pub(super) fn each(payload: &[u8], mut found: impl FnMut(&X509Certificate<'_>, &[u8])) {
    let mut left = MOST;
    if payload.first() == Some(&SEQUENCE) {
        binary(payload, &mut left, &mut found);
        return;
    }
    let mut rest = payload;
    for _ in 0..MOST {
        let Some((block, after)) = next_block(rest) else { return };
        rest = after;
        if let Ok(der) = decode_leniently(block) {
            binary(der.expose(), &mut left, &mut found);
        }
    }
}

/// The encoded bytes of the next text block with a label of ours, and what follows it.
fn next_block(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = text;
    loop {
        let (_, labelled) = split(rest, BEGIN)?;
        rest = labelled;
        let wanted = LABELS.iter().find_map(|label| labelled.strip_prefix(*label)?.strip_prefix(DASHES));
        if let Some(encoded) = wanted {
            return split(encoded, END);
        }
    }
}

/// What comes before and after the first `mark`.
fn split<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (before, from) = text.split_at_checked(memmem::find(text, mark)?)?;
    Some((before, from.strip_prefix(mark)?))
}

/// Certificates one after another, or those that a PKCS#7 structure carries.
fn binary(der: &[u8], left: &mut usize, found: &mut impl FnMut(&X509Certificate<'_>, &[u8])) {
    let mut rest = carried(der).unwrap_or(der);
    while *left > 0
        && let Some((after, certificate)) = parse(rest)
    {
        *left -= 1;
        found(&certificate, rest.strip_suffix(after).unwrap_or(rest));
        rest = after;
    }
}

/// `certificates` of a SignedData (RFC 5652 section 5.1), one after another.
fn carried(der: &[u8]) -> Option<&[u8]> {
    const SIGNED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.2);
    let (_, outer) = element(der)?;
    let (content, kind) = Oid::from_der(outer.data).ok()?;
    if kind != SIGNED_DATA {
        return None;
    }
    let (_, wrapped) = element(content)?;
    let (_, signed) = element(wrapped.data)?;
    let (after_version, _) = element(signed.data)?;
    let (after_digests, _) = element(after_version)?;
    let (after_content, _) = element(after_digests)?;
    let (_, certificates) = element(after_content)?;
    let is_set = certificates.header.class() == Class::ContextSpecific && certificates.header.tag().0 == 0;
    is_set.then_some(certificates.data)
}

fn element(der: &[u8]) -> Option<(&[u8], Any<'_>)> {
    Any::from_der(der).ok()
}
