//! A certificate for trying things on one machine.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};

use super::error::TlsError;

/// Makes a key and a certificate that it signs itself, for these host names and addresses, and writes both in
/// PEM form. Each file is there whole or not at all, and the certificate comes last: where there is a
/// certificate, there is its key. The certificate does not expire.
pub fn make_self_signed(certificate: &Path, key: &Path, names: &[&str]) -> Result<(), TlsError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let pair = KeyPair::generate().map_err(TlsError::SelfSigned)?;
    let mut parameters = CertificateParams::new(names).map_err(TlsError::SelfSigned)?;
    parameters.distinguished_name.push(DnType::CommonName, "Strongroom on this machine");
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let signed = parameters.self_signed(&pair).map_err(TlsError::SelfSigned)?;
    write(key, &zeroize::Zeroizing::new(pair.serialize_pem()), 0o400)?;
    write(certificate, &signed.pem(), 0o444)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let failed = |source| TlsError::Write { path: path.to_owned(), source };
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let unfinished = PathBuf::from(name);
    // Left by a run that was cut short.
    fs::remove_file(&unfinished).or_else(missing_is_fine).map_err(failed)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    // Whatever the process's mask says.
    file.set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)
}

fn missing_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
