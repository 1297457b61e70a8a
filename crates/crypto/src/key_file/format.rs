//! The text of a key file.
//!
//! ```text
//! strongroom-master-key 1
//! 1 2026-05-16T19:40:44.123456 <the key: 32 bytes in base64> <check value: 16 hexadecimal digits>
//! ```
//!
//! One line for each version, lowest first. The check value is a MAC of the line's other fields under the
//! key itself, so that a damaged line is told apart from a wrong key and tells nothing about the key.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use strongroom_core::Timestamp;
use strongroom_core::ports::MasterKeyVersion;
use zeroize::Zeroizing;

use super::{KeyFileError, MasterKey, MasterKeys};
use crate::locked::{Arena, KEY_LEN};
use crate::stack::wiped;

const HEADER: &str = "strongroom-master-key 1";
const CHECK_PURPOSE: &str = "strongroom master key file 1";
const BASE64_LEN: usize = KEY_LEN.div_ceil(3) * 4;
const CHECK_LEN: usize = 8;
/// What the decoder wants at hand: whole groups of three bytes.
const DECODED_ROOM: usize = KEY_LEN.div_ceil(3) * 3;

/// Larger than any line.
pub(super) const LINE_ROOM: usize = 256;

/// A file with one key. The buffer is large enough to be never moved, so dropping it wipes all there is.
pub(crate) fn render(
    version: MasterKeyVersion,
    created: Timestamp,
    key: &[u8; KEY_LEN],
) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(HEADER.len() + 1 + LINE_ROOM));
    text.extend(HEADER.as_bytes());
    text.push(b'\n');
    append(&mut text, version, created, key);
    text
}

/// Adds a line to a text, whose buffer has at least [`LINE_ROOM`] left, so that it is not moved.
pub(super) fn append(
    text: &mut Zeroizing<Vec<u8>>,
    version: MasterKeyVersion,
    created: Timestamp,
    key: &[u8; KEY_LEN],
) {
    let mut encoded = Zeroizing::new([0; BASE64_LEN]);
    // Never short: the buffer has the length of an encoded key.
    let length = STANDARD.encode_slice(key, encoded.as_mut_slice()).unwrap_or(0);
    text.extend(format!("{version} {created} ").as_bytes());
    text.extend(encoded.iter().take(length));
    text.extend(format!(" {}\n", check_value(key, &version.to_string(), &created.to_string())).as_bytes());
}

/// Reads a whole file; the keys go straight into locked memory.
pub(super) fn parse(text: &[u8], path: &Path) -> Result<MasterKeys, KeyFileError> {
    let arena = Arena::with_room_for(1)?;
    let fault = |line, reason| KeyFileError::Malformed { path: path.to_owned(), line, reason };
    let mut lines = (1..).zip(text.split_inclusive(|byte| *byte == b'\n'));
    if lines.next().is_none_or(|(_, first)| first != [HEADER.as_bytes(), b"\n"].concat()) {
        return Err(fault(1, "this is not a master key file of a known version"));
    }
    let mut keys: Vec<MasterKey> = Vec::new();
    for (number, line) in lines {
        let fault = |reason| fault(number, reason);
        let line = line.strip_suffix(b"\n").ok_or_else(|| fault("the line is cut short"))?;
        let key = parse_line(line, &arena, fault)?;
        if keys.last().is_some_and(|last| last.version >= key.version) {
            return Err(fault("the versions do not count up"));
        }
        keys.push(key);
    }
    let newest = keys.pop().ok_or_else(|| fault(2, "there is no key"))?;
    Ok(MasterKeys { older: keys, newest })
}

fn parse_line(
    line: &[u8],
    arena: &Arena,
    fault: impl Fn(&'static str) -> KeyFileError,
) -> Result<MasterKey, KeyFileError> {
    let mut fields = line.split(|byte| *byte == b' ');
    let (Some(version), Some(created), Some(encoded), Some(check), None) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(fault("the line has not four fields"));
    };
    let version_text = str::from_utf8(version).map_err(|_| fault("the version is not a number"))?;
    let version = version_text.parse().map_err(|_| fault("the version is not a number"))?;
    let created_text = str::from_utf8(created).map_err(|_| fault("the time is not valid"))?;
    let created = Timestamp::parse(created_text).map_err(|_| fault("the time is not valid"))?;
    let key = arena.store(|key| {
        let mut decoded = Zeroizing::new([0; DECODED_ROOM]);
        let length = STANDARD.decode_slice(encoded, decoded.as_mut_slice());
        match decoded.split_first_chunk() {
            Some((bytes, _)) if length == Ok(KEY_LEN) => *key = *bytes,
            _ => return Err(fault("the key is not 32 bytes in base64")),
        }
        if check_value(key, version_text, created_text).as_bytes() != check {
            return Err(fault("the check value does not match: the line is damaged"));
        }
        Ok(())
    })?;
    Ok(MasterKey { version: MasterKeyVersion(version), created, key })
}

fn check_value(key: &[u8; KEY_LEN], version: &str, created: &str) -> String {
    let fields = format!("{CHECK_PURPOSE} {version} {created}");
    let tag = wiped(|| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), fields.as_bytes()));
    hex::encode(tag.as_ref().iter().take(CHECK_LEN).copied().collect::<Vec<_>>())
}
