//! The first run: everything a server needs is made, once, by the `dev` command.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use strongroom_core::{Clock as _, SystemClock};
use strongroom_crypto::create_key_file;
use strongroom_edge::{ClientCertificates, TlsFiles, make_self_signed};

use crate::error::RunError;
use crate::settings::{Settings, StoreKind};

/// What the first run has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstRun {
    /// Whether the master key is new.
    pub made_master_key: bool,
    /// Whether the database is new.
    pub made_database: bool,
    /// The certificate that clients have to be told to trust: the server's own, signed by itself.
    pub self_signed: Option<PathBuf>,
}

/// Whom the certificate of the first run is for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Makes the data folder and, where there is neither key nor database, the soft master key, if its store is
/// enabled. The database and the
/// journal are made by the start that follows. A database without its key is left alone: the start refuses.
/// Unless plain HTTP is wanted or a certificate is set, the settings are given one that is made here.
pub fn prepare(settings: &mut Settings, plain_http: bool) -> Result<FirstRun, RunError> {
    private_folder(&settings.data_dir)?;
    let database = settings.storage.file.exists();
    let key = &settings.master_key.file;
    // A master key in hardware is made by an operator, never here.
    let wanted = settings.stores.enabled.contains(&StoreKind::Soft);
    let made_master_key = wanted && !database && !key.exists();
    if made_master_key {
        create_key_file(key, SystemClock.now()).map_err(RunError::MasterKey)?;
    }
    let self_signed = match &settings.tls {
        None if !plain_http => {
            let files = self_signed_files(&settings.data_dir.join("tls"))?;
            let certificate = files.certificate.clone();
            settings.tls = Some(files);
            Some(certificate)
        }
        _ => None,
    };
    Ok(FirstRun { made_master_key, made_database: !database, self_signed })
}

/// The certificate and key in that folder, made when they are not there.
fn self_signed_files(folder: &Path) -> Result<TlsFiles, RunError> {
    private_folder(folder)?;
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    if !certificate.exists() || !key.exists() {
        make_self_signed(&certificate, &key, &NAMES).map_err(RunError::Tls)?;
    }
    Ok(TlsFiles { certificate, key, clients: ClientCertificates::Off, client_crls: Vec::new() })
}

/// Makes a folder that only its owner can enter, or checks that an existing one is so.
pub(crate) fn private_folder(path: &Path) -> Result<(), RunError> {
    let failed = |source| RunError::Folder { path: path.to_owned(), source };
    if !path.exists() {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        DirBuilder::new().mode(0o700).create(path).map_err(failed)?;
        // Whatever the process's mask says.
        return std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed);
    }
    let found = path.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if found & 0o077 != 0 { Err(RunError::FolderMode { path: path.to_owned(), found }) } else { Ok(()) }
}
