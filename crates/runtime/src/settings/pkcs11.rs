use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::reader::Reader;
use super::sections::{positive, seconds};
use super::stores::{StoreKind, StoresSection};

/// Which tokens hold the master key, and how they are used.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pkcs11Section {
    /// The tokens, all with the same master key, in the order of preference.
    pub tokens: Vec<TokenSection>,
    /// The master key's label.
    pub key_label: String,
    /// Where the project keys made from now on are used.
    pub custody: CustodySetting,
    /// How many calls each token is given at once.
    pub sessions: usize,
    /// How long a call may take before another token is tried.
    pub call_timeout: Duration,
    /// How many project keys are held at once.
    pub keys: usize,
    /// How long a project key in cached custody is held.
    pub lease: Duration,
}

/// One token. Exactly one of label, serial and slot chooses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSection {
    /// The vendor's PKCS#11 module.
    pub module: PathBuf,
    /// The token's label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The token's serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The number of the token's slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u64>,
    /// The file with the user's PIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_file: Option<PathBuf>,
    /// The name of a service manager's credential with the user's PIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_credential: Option<String>,
}

/// Where project keys are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustodySetting {
    /// Inside the token only.
    Strict,
    /// In locked memory, for a bounded time.
    Cached,
}

pub(super) fn pkcs11(reader: &mut Reader, stores: &StoresSection) -> Pkcs11Section {
    const TOKENS: &str = "pkcs11.tokens";
    let tokens: Vec<TokenSection> = reader.get(
        TOKENS,
        Vec::new(),
        "[[pkcs11.tokens]] tables, each with module, one of label, serial and slot, and one of pin_file and \
         pin_credential",
    );
    if tokens.is_empty() && stores.enabled.contains(&StoreKind::Pkcs11) {
        reader.refuse(
            TOKENS,
            "names no token, and stores.enabled names \"pkcs11\"; add [[pkcs11.tokens]] tables",
        );
    }
    for (number, token) in (1..).zip(&tokens) {
        if let Some(fault) = token.fault() {
            reader.refuse(TOKENS, format!("token {number} {fault}"));
        }
    }
    let key_label = reader.get("pkcs11.key_label", "strongroom-master".to_owned(), "a label as text");
    if key_label.is_empty() {
        reader.refuse("pkcs11.key_label", "is empty");
    }
    let call_timeout: u64 = positive(reader, "pkcs11.call_timeout_ms", 2000);
    Pkcs11Section {
        tokens,
        key_label,
        custody: reader.get("pkcs11.custody", CustodySetting::Strict, "\"strict\" or \"cached\""),
        sessions: positive(reader, "pkcs11.sessions", 8),
        call_timeout: Duration::from_millis(call_timeout),
        keys: positive(reader, "pkcs11.keys", 1024),
        lease: seconds(reader, "pkcs11.lease_seconds", Duration::from_mins(5)),
    }
}

impl TokenSection {
    fn fault(&self) -> Option<&'static str> {
        let chosen = [self.label.is_some(), self.serial.is_some(), self.slot.is_some()];
        let pins = [self.pin_file.is_some(), self.pin_credential.is_some()];
        let count = |given: &[bool]| given.iter().filter(|given| **given).count();
        if count(&chosen) != 1 {
            Some("has to be chosen by exactly one of label, serial and slot")
        } else if count(&pins) > 1 {
            Some("has both pin_file and pin_credential; give one")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, Sources};
    use super::*;

    fn load(toml: &str) -> Result<Pkcs11Section, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("strongroom.toml");
        std::fs::write(&file, toml).unwrap();
        Settings::load(&Sources { file: Some(file), ..Sources::default() })
            .map(|(settings, _)| settings.pkcs11)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn tokens_are_tables_in_the_order_of_preference() {
        let section = load(
            "[pkcs11]\ncustody = 'cached'\n\
             [[pkcs11.tokens]]\nmodule = '/a.so'\nlabel = 'one'\npin_file = '/pin'\n\
             [[pkcs11.tokens]]\nmodule = '/b.so'\nslot = 3\npin_credential = 'hsm-pin'\n",
        )
        .unwrap();
        assert_eq!(section.custody, CustodySetting::Cached);
        let modules: Vec<_> = section.tokens.iter().map(|token| token.module.to_str().unwrap()).collect();
        assert_eq!(modules, ["/a.so", "/b.so"]);
        assert_eq!((section.tokens[1].slot, section.sessions), (Some(3), 8));
    }

    #[test]
    fn a_token_is_chosen_in_one_way_and_a_pin_is_never_a_setting() {
        for (token, told) in [
            ("module = '/a.so'", "exactly one"),
            ("module = '/a.so'\nlabel = 'a'\nslot = 1", "exactly one"),
            ("module = '/a.so'\nlabel = 'a'\npin_file = '/p'\npin_credential = 'p'", "give one"),
            ("module = '/a.so'\nlabel = 'a'\npin = '1234'", "not allowed"),
            ("label = 'a'", "not allowed"),
        ] {
            let refused = load(&format!("[[pkcs11.tokens]]\n{token}\n")).unwrap_err();
            assert!(refused.contains("pkcs11.tokens") && refused.contains(told), "{refused}");
        }
        assert!(load("[stores]\nenabled = ['pkcs11']").unwrap_err().contains("[[pkcs11.tokens]]"));
    }
}
