//! What an operator should know about a token before trusting it.

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::{Slot, TokenInfo};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use strongroom_core::ports::MasterKeyVersion;
use strongroom_crypto::envelope::Suite;

use crate::config::{Custody, TokenConfig};
use crate::error::Pkcs11Error;
use crate::link::{self, login};
use crate::master::{self, Traits};
use crate::module::Module;
use crate::slot;
use crate::token_key::Handles;

/// PINs that vendors ship, or that manuals use as examples. They are compared with the one at hand; nothing
/// is tried.
const KNOWN_PINS: [&str; 10] =
    ["1234", "12345", "123456", "1234567", "12345678", "0000", "000000", "1111", "userpin", "password"];
const SHORTEST_PIN: usize = 8;

/// What was found in a token.
#[derive(Debug, Clone, Serialize)]
pub struct TokenReport {
    /// Which token, by the settings.
    pub token: String,
    /// The module's own name and version.
    pub library: String,
    /// The token's label.
    pub label: String,
    /// Its serial number.
    pub serial: String,
    /// Who made it, and what it is.
    pub model: String,
    /// Its firmware's version.
    pub firmware: String,
    /// Its hardware's version.
    pub hardware: String,
    /// What it can do of what is needed here.
    pub mechanisms: Vec<String>,
    /// What else it can do, of what the standard has a name for.
    pub other_mechanisms: Vec<String>,
    /// How many wrong PINs are left until the user's is locked, as far as a token tells.
    pub login_tries: &'static str,
    /// The versions of the master key in it.
    pub master_keys: Vec<MasterKeyFound>,
    /// What else is in it, by class and label; of keys, whether they can be read or taken out.
    pub foreign_objects: Vec<String>,
    /// What is to be looked at, the worst first.
    pub findings: Vec<Finding>,
}

/// A version of the master key, by its attributes.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute of the standard's")]
pub struct MasterKeyFound {
    /// The version.
    pub version: u32,
    /// Whether there is a key for HMAC beside it, so that it is used by AES-CBC with HMAC.
    pub with_hmac: bool,
    /// Whether its value can't be read in the clear (CKA_SENSITIVE).
    pub sensitive: bool,
    /// Whether it can be taken out, wrapped (CKA_EXTRACTABLE).
    pub extractable: bool,
    /// Whether it never could (CKA_NEVER_EXTRACTABLE).
    pub never_extractable: bool,
    /// Whether it was made in this token (CKA_LOCAL).
    pub local: bool,
}

/// Something to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, and what to do.
    pub text: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The server does not use this token, or must not.
    Fatal,
    /// It is used, and should be mended.
    Warning,
    /// It is good to know.
    Note,
}

impl TokenReport {
    /// Whether nothing fatal was found.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Fatal)
    }

    fn find(&mut self, severity: Severity, text: impl Into<String>) {
        self.findings.push(Finding { severity, text: text.into() });
    }
}

/// Examines a token. It logs in with the user's PIN unless the token's flags say that a try could lock it.
pub fn check(token: &TokenConfig, label: &str, custody: Custody) -> Result<TokenReport, Pkcs11Error> {
    let module = Module::load(&token.module)?;
    let entry = module.enter().ok_or(Pkcs11Error::NotInitialised)?;
    let pkcs11 = entry.pkcs11();
    let (slot, info) = slot::find(pkcs11, &token.selector)?;
    let mut report = describe(token, pkcs11, info.as_ref())?;
    check_mechanisms(&mut report, pkcs11, slot, custody);
    if let Some(info) = &info {
        check_flags(&mut report, info);
    }
    check_pin(&mut report, token)?;
    if let Some(risk) = slot::risk(info.as_ref(), false) {
        report.find(Severity::Fatal, Pkcs11Error::PinAtRisk(risk).to_string());
    } else {
        let session = pkcs11.open_ro_session(slot).map_err(Pkcs11Error::call("open a session"))?;
        login(&session, &token.pin)?;
        check_objects(&mut report, &session, label, custody, |suite| slot::offers(pkcs11, slot, suite))?;
    }
    report.findings.sort_by_key(|finding| finding.severity);
    Ok(report)
}

fn describe(
    token: &TokenConfig,
    pkcs11: &Pkcs11,
    info: Option<&TokenInfo>,
) -> Result<TokenReport, Pkcs11Error> {
    let library = pkcs11.get_library_info().map_err(Pkcs11Error::call("tell about its module"))?;
    let text = |of: fn(&TokenInfo) -> String| info.map_or_else(|| "unreadable".to_owned(), of);
    let mut report = TokenReport {
        token: token.to_string(),
        library: format!(
            "{} {} (PKCS#11 {})",
            library.library_description().trim_end(),
            library.library_version(),
            library.cryptoki_version()
        ),
        label: text(|info| info.label().trim_end().to_owned()),
        serial: text(|info| info.serial_number().trim_end().to_owned()),
        model: text(|info| format!("{} {}", info.manufacturer_id().trim_end(), info.model().trim_end())),
        firmware: text(|info| info.firmware_version().to_string()),
        hardware: text(|info| info.hardware_version().to_string()),
        mechanisms: Vec::new(),
        other_mechanisms: Vec::new(),
        login_tries: slot::login_tries(info),
        master_keys: Vec::new(),
        foreign_objects: Vec::new(),
        findings: Vec::new(),
    };
    if info.is_none() {
        report.find(
            Severity::Warning,
            "what the token tells about itself can't be read; choose it by its slot",
        );
    }
    Ok(report)
}

fn check_mechanisms(report: &mut TokenReport, pkcs11: &Pkcs11, slot: Slot, custody: Custody) {
    let needed = [
        (MechanismType::AES_GCM, "CKM_AES_GCM"),
        (MechanismType::AES_CBC_PAD, "CKM_AES_CBC_PAD"),
        (MechanismType::SHA256_HMAC, "CKM_SHA256_HMAC"),
        (MechanismType::AES_KEY_GEN, "CKM_AES_KEY_GEN"),
        (MechanismType::AES_KEY_WRAP, "CKM_AES_KEY_WRAP"),
        (MechanismType::AES_KEY_WRAP_PAD, "CKM_AES_KEY_WRAP_PAD"),
    ];
    let offered = |(mechanism, name): (MechanismType, &str)| {
        slot::mechanism_info(pkcs11, slot, mechanism).map(|_| name.to_owned())
    };
    report.mechanisms = needed.into_iter().filter_map(offered).collect();
    let all = pkcs11.get_mechanism_list(slot).unwrap_or_default();
    let others = all.into_iter().filter(|other| needed.iter().all(|(mechanism, _)| mechanism != other));
    report.other_mechanisms = others.map(|other| other.to_string()).collect();
    match slot::best_suite(pkcs11, slot) {
        Ok(Suite::AesGcm) => {}
        Ok(Suite::AesCbcHmac) => {
            report
                .find(Severity::Note, "the token does not offer AES-GCM: AES-CBC with HMAC is used instead");
        }
        Err(error) => report.find(Severity::Fatal, error.to_string()),
    }
    match (slot::wrapping(pkcs11, slot), custody) {
        (Some(_), _) => {}
        (None, Custody::Strict) => {
            report.find(Severity::Fatal, "the token does not wrap keys by AES, which strict custody needs");
        }
        (None, Custody::Cached) => {
            report
                .find(Severity::Note, "the token does not wrap keys by AES: only cached custody is possible");
        }
    }
}

fn check_flags(report: &mut TokenReport, info: &TokenInfo) {
    use Severity::{Fatal, Note, Warning};
    for (raised, severity, text) in [
        (info.error_state(), Fatal, "the token is in an error state; see its vendor's manual"),
        (info.user_pin_locked(), Fatal, "the user's PIN is locked; the security officer can set a new one"),
        (!info.user_pin_initialized(), Fatal, "the user's PIN is not set"),
        (info.user_pin_final_try(), Fatal, "one more wrong PIN will lock the user's PIN"),
        (info.user_pin_count_low(), Warning, "a wrong user's PIN was given since the last login"),
        (
            info.user_pin_to_be_changed(),
            Warning,
            "the user's PIN is the one that the token came with: change it",
        ),
        (info.so_pin_locked(), Warning, "the security officer's PIN is locked"),
        (info.so_pin_final_try(), Warning, "one more wrong PIN will lock the security officer's PIN"),
        (info.so_pin_count_low(), Warning, "a wrong security officer's PIN was given since the last login"),
        (
            info.so_pin_to_be_changed(),
            Warning,
            "the security officer's PIN is the one that the token came with",
        ),
        (!info.login_required(), Warning, "the token does not ask for a login"),
        (info.write_protected(), Note, "the token is write-protected: no master key can be made in it"),
    ] {
        if raised {
            report.find(severity, text);
        }
    }
}

fn check_pin(report: &mut TokenReport, token: &TokenConfig) -> Result<(), Pkcs11Error> {
    let pin = token.pin.read()?;
    let pin = pin.expose_secret();
    if KNOWN_PINS.contains(&pin) {
        report.find(Severity::Warning, "the PIN is a vendor's default or a manual's example: change it");
    } else if pin.chars().count() < SHORTEST_PIN {
        report.find(Severity::Warning, "the PIN is shorter than 8 characters");
    }
    Ok(())
}

fn check_objects(
    report: &mut TokenReport,
    session: &Session,
    label: &str,
    custody: Custody,
    offers: impl Fn(Suite) -> bool,
) -> Result<(), Pkcs11Error> {
    let masters = master::find(session, label)?;
    if masters.is_empty() {
        report.find(Severity::Fatal, Pkcs11Error::NoMasterKey(label.to_owned()).to_string());
    }
    for (version, handles) in &masters {
        let fault = link::fault(session, *handles, custody, &offers)?;
        let mut traits = Traits::read(session, handles.aes)?;
        if let Some(mac) = handles.mac {
            traits = traits.weaker(Traits::read(session, mac)?);
        }
        judge(report, *version, *handles, traits, fault);
    }
    // A module may show its mechanisms and profiles as objects, but as none that is stored.
    let stored = [Attribute::Token(true)];
    let all = session.find_objects(&stored).map_err(Pkcs11Error::call("list its objects"))?;
    let foreign = all
        .into_iter()
        .filter(|object| !masters.values().any(|master| master.each().any(|own| own == *object)));
    report.foreign_objects = foreign.map(|object| name(session, object)).collect::<Result<_, _>>()?;
    if !report.foreign_objects.is_empty() {
        let count = report.foreign_objects.len();
        report.find(
            Severity::Warning,
            format!(
                "{count} other object(s) share the token: whoever uses them has the PIN to the master key"
            ),
        );
    }
    Ok(())
}

fn judge(
    report: &mut TokenReport,
    version: MasterKeyVersion,
    handles: Handles,
    traits: Traits,
    fault: Option<&'static str>,
) {
    report.master_keys.push(MasterKeyFound {
        version: version.0,
        with_hmac: handles.mac.is_some(),
        sensitive: traits.sensitive,
        extractable: traits.extractable,
        never_extractable: traits.never_extractable,
        local: traits.local,
    });
    if let Some(fault) = fault {
        report.find(Severity::Fatal, Pkcs11Error::UnfitKey { version, fault }.to_string());
    }
    if !traits.never_extractable && !traits.extractable {
        report.find(
            Severity::Warning,
            format!("version {version} of the master key could once be taken out (CKA_NEVER_EXTRACTABLE is not set)"),
        );
    }
    if !traits.private {
        report.find(
            Severity::Warning,
            format!("version {version} of the master key shows without a login (CKA_PRIVATE is not set)"),
        );
    }
    if !traits.local {
        report.find(
            Severity::Note,
            format!(
                "version {version} of the master key was not made in this token: it was copied or imported"
            ),
        );
    }
    if traits.modifiable {
        report.find(
            Severity::Note,
            format!("the attributes of version {version} of the master key can be changed (CKA_MODIFIABLE)"),
        );
    }
}

/// An object's class and label, and what of it lets its value out.
fn name(session: &Session, object: ObjectHandle) -> Result<String, Pkcs11Error> {
    let asked =
        [AttributeType::Class, AttributeType::Label, AttributeType::Sensitive, AttributeType::Extractable];
    let told = session.get_attributes(object, &asked).map_err(Pkcs11Error::call("describe an object"))?;
    let (mut class, mut label, mut open) = ("an object".to_owned(), String::new(), Vec::new());
    for attribute in told {
        match attribute {
            Attribute::Class(found) => class = found.to_string(),
            Attribute::Label(found) => label = String::from_utf8_lossy(&found).into_owned(),
            Attribute::Sensitive(false) => open.push("readable"),
            Attribute::Extractable(true) => open.push("extractable"),
            _ => {}
        }
    }
    let open = if open.is_empty() { String::new() } else { format!(" ({})", open.join(", ")) };
    Ok(format!("{class} '{label}'{open}"))
}
