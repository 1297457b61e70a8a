//! A private key in shares, some of which together make it, and fewer tell nothing about it.
//!
//! ```text
//! strongroom-share 1 <the public key> <how many are needed> <the share, in hexadecimal digits>
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use blahaj::{Share, Sharks};
use zeroize::Zeroizing;

use super::{BackupError, Recipients};

const KIND: &str = "strongroom-share";
const FORMAT: &str = "1";

/// How many shares there are, and how many of them are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    needed: u8,
    made: u8,
}

impl Shares {
    /// From `M/N`: any M of N shares are needed.
    pub fn parse(text: &str) -> Result<Self, BackupError> {
        let parts = text.split_once('/').ok_or(BackupError::Threshold)?;
        let number = |text: &str| text.parse::<u8>().map_err(|_| BackupError::Threshold);
        let (needed, made) = (number(parts.0)?, number(parts.1)?);
        if (2..=made).contains(&needed) { Ok(Self { needed, made }) } else { Err(BackupError::Threshold) }
    }
}

/// Makes a private key that nobody keeps, and splits it. What is sealed to the recipient can be opened by those
/// who bring enough of the shares, each of which is a line of text.
pub fn split_identity(shares: Shares) -> Result<(Recipients, Vec<Zeroizing<String>>), BackupError> {
    let identity = Identity::generate();
    let public = identity.to_public().to_string();
    let secret = identity.to_string();
    let lines = Sharks(shares.needed)
        .dealer(secret.expose_secret().as_bytes())
        .take(usize::from(shares.made))
        .map(|share| {
            let bytes = Zeroizing::new(Vec::from(&share));
            let digits = Zeroizing::new(hex::encode(bytes.as_slice()));
            Zeroizing::new(format!("{KIND} {FORMAT} {public} {} {}\n", shares.needed, digits.as_str()))
        })
        .collect();
    Ok((Recipients::parse(&public)?, lines))
}

/// The private key that these shares make.
pub(super) fn join(paths: &[PathBuf]) -> Result<Identity, BackupError> {
    let mut found: BTreeMap<u8, Share> = BTreeMap::new();
    let mut said: Option<(String, u8)> = None;
    for path in paths {
        let (public, needed, share) = read(path)?;
        let fault = |reason| BackupError::Share { path: path.clone(), reason };
        if said.as_ref().is_some_and(|said| *said != (public.clone(), needed)) {
            return Err(fault("it is a share of another private key than the first one"));
        }
        said = Some((public, needed));
        let number = Zeroizing::new(Vec::from(&share)).first().copied().unwrap_or_default();
        found.insert(number, share);
    }
    let (public, needed) = said.ok_or(BackupError::TooFew { given: 0, needed: 2 })?;
    if found.len() < usize::from(needed) {
        return Err(BackupError::TooFew { given: found.len(), needed });
    }
    let secret = Sharks(needed).recover(found.values()).map_err(|_| BackupError::Mismatch)?;
    let secret = Zeroizing::new(secret);
    let text = str::from_utf8(&secret).map_err(|_| BackupError::Mismatch)?;
    let identity: Identity = text.parse().map_err(|_| BackupError::Mismatch)?;
    if identity.to_public().to_string() == public { Ok(identity) } else { Err(BackupError::Mismatch) }
}

fn read(path: &Path) -> Result<(String, u8, Share), BackupError> {
    let fault = |reason| BackupError::Share { path: path.to_owned(), reason };
    let text = Zeroizing::new(fs::read_to_string(path).map_err(BackupError::io("read", path))?);
    let mut fields = text.split_ascii_whitespace();
    let (Some(KIND), Some(FORMAT), Some(public), Some(needed), Some(digits), None) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(fault("this is not a share of a known format"));
    };
    let needed = needed.parse().map_err(|_| fault("how many shares are needed is not a number"))?;
    let bytes = Zeroizing::new(hex::decode(digits).map_err(|_| fault("the share is damaged"))?);
    let share = Share::try_from(bytes.as_slice()).map_err(|_| fault("the share is damaged"))?;
    Ok((public.to_owned(), needed, share))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use proptest::prelude::*;

    use super::super::Identities;
    use super::*;

    fn written(folder: &Path, lines: &[Zeroizing<String>]) -> Vec<PathBuf> {
        let write = |(number, line): (usize, &Zeroizing<String>)| {
            let path = folder.join(number.to_string());
            fs::write(&path, line.as_bytes()).unwrap();
            path
        };
        lines.iter().enumerate().map(write).collect()
    }

    #[test]
    fn enough_shares_open_what_was_sealed_and_fewer_or_altered_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let (recipients, lines) = split_identity(Shares::parse("3/5").unwrap()).unwrap();
        let mut sealed = Vec::new();
        let mut writer = recipients.seal(&mut sealed).unwrap();
        writer.write_all(b"attack at dawn").unwrap();
        writer.finish().unwrap();
        let paths = written(folder.path(), &lines);
        for some in [[0, 1, 2], [4, 2, 0], [1, 3, 4]] {
            let some: Vec<_> = some.iter().map(|at| paths[*at].clone()).collect();
            let mut opened = String::new();
            let identities = Identities::from_shares(&some).unwrap();
            identities.open(sealed.as_slice()).unwrap().read_to_string(&mut opened).unwrap();
            assert_eq!(opened, "attack at dawn");
        }
        let refusal = |some: &[PathBuf]| Identities::from_shares(some).err().unwrap();
        assert!(matches!(refusal(&paths[..2]), BackupError::TooFew { given: 2, needed: 3 }));
        let twice = [paths[0].clone(), paths[0].clone(), paths[1].clone()];
        assert!(matches!(refusal(&twice), BackupError::TooFew { given: 2, needed: 3 }));
        let (_, others) = split_identity(Shares::parse("3/3").unwrap()).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let mixed = written(elsewhere.path(), &[lines[0].clone(), lines[1].clone(), others[2].clone()]);
        assert!(matches!(refusal(&mixed), BackupError::Share { .. }));
        let text = fs::read_to_string(&paths[2]).unwrap();
        let last = text.trim_end().chars().last().unwrap();
        let other = if last == '0' { '1' } else { '0' };
        fs::write(&paths[2], format!("{}{other}\n", &text[..text.len() - 2])).unwrap();
        assert!(matches!(refusal(&paths[..3]), BackupError::Mismatch));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(strongroom-share 1 )?\\PC{0,80}") {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("share");
            fs::write(&path, &text).unwrap();
            prop_assert!(Identities::from_shares(&[path]).is_err());
            Shares::parse(&text).ok();
        }
    }

    #[test]
    fn only_sensible_numbers_of_shares_are_made() {
        for bad in ["", "3", "1/3", "4/3", "0/0", "2/256", "-2/3", "2/3/4"] {
            assert!(Shares::parse(bad).is_err(), "{bad}");
        }
    }
}
