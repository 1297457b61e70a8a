//! What operators ask of a server: to make a master key, and how it is.

use strongroom_core::Timestamp;
use strongroom_core::ports::{BackendError, MasterKeyVersion};

use crate::client::{CertificateEnds, Client};
use crate::error::KmipError;
use crate::master_key::{MasterKeyObject, MasterKeyObjects};
use crate::protocol::codes::{self, Operation, State};
use crate::protocol::{Fault, KeyKind, Request, VERSION};
use crate::remote_key::RemoteKey;

/// What is asked of a server in daily work.
const NEEDED: [Operation; 7] = [
    Operation::REGISTER,
    Operation::GET,
    Operation::GET_ATTRIBUTES,
    Operation::REVOKE,
    Operation::DESTROY,
    Operation::ENCRYPT,
    Operation::DECRYPT,
];

/// To make a master key.
const MASTER_KEY: Request<'static> =
    Request::Create(KeyKind { algorithm: codes::AES, bits: 256 }, codes::ENCRYPT_AND_DECRYPT, None);

/// How a server is.
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerReport {
    /// Which server answered.
    pub endpoint: String,
    /// Who made it, in its own words.
    pub vendor: Option<String>,
    /// The versions of the protocol that it speaks, major and minor.
    pub versions: Vec<(i32, i32)>,
    /// What it can do.
    pub operations: Vec<Operation>,
    /// Until when the certificates are good.
    pub certificates: CertificateEnds,
    /// Each version of the master key.
    pub master_keys: Vec<MasterKeyReport>,
}

/// How one version of the master key is.
#[derive(Debug)]
#[non_exhaustive]
pub struct MasterKeyReport {
    /// The version.
    pub version: MasterKeyVersion,
    /// The object that it is.
    pub uid: String,
    /// In which state the object is.
    pub state: Result<State, KmipError>,
    /// Whether it encrypts and decrypts.
    pub works: Result<(), BackendError>,
}

impl ServerReport {
    /// Whether it speaks the version that is needed.
    pub fn speaks_our_version(&self) -> bool {
        self.versions.contains(&VERSION)
    }

    /// What is needed and it can't do.
    pub fn lacking(&self) -> Vec<Operation> {
        NEEDED.into_iter().filter(|needed| !self.operations.contains(needed)).collect()
    }

    /// Whether a backend could work with it.
    pub fn is_sound(&self) -> bool {
        let keys =
            self.master_keys.iter().all(|key| matches!(key.state, Ok(State::ACTIVE)) && key.works.is_ok());
        self.speaks_our_version() && self.lacking().is_empty() && keys && !self.master_keys.is_empty()
    }
}

/// Asks a server how it is, and has each version of the master key encrypt and decrypt.
pub async fn inspect(client: &Client, masters: &MasterKeyObjects) -> Result<ServerReport, KmipError> {
    let certificates = client.certificate_ends().await?;
    let versions = client.ask(&Request::DiscoverVersions, |reply| Ok(reply.versions())).await?;
    let (operations, vendor) =
        client.ask(&Request::Query, |reply| Ok((reply.operations(), reply.vendor()))).await?;
    let mut master_keys = Vec::new();
    for (version, object) in masters.versions() {
        let uid = object.uid.clone();
        let request = Request::GetState(&uid);
        let state =
            client.ask(&request, |reply| reply.state().ok_or(Fault::Wrong("it does not tell the state")));
        let state = state.await;
        let works = RemoteKey { client, uid: uid.clone() }.prove().await;
        master_keys.push(MasterKeyReport { version, uid, state, works });
    }
    let endpoint = client.first_endpoint();
    Ok(ServerReport { endpoint, vendor, versions, operations, certificates, master_keys })
}

/// Has the server make an AES-256 key for encrypting and decrypting, activates it, and tries it out.
pub async fn create_master_key(client: &Client, now: Timestamp) -> Result<MasterKeyObject, BackendError> {
    let uid = client.ask(&MASTER_KEY, |reply| reply.uid().map(str::to_owned)).await?;
    client.ask(&Request::Activate(&uid), |_| Ok(())).await?;
    RemoteKey { client, uid: uid.clone() }.prove().await?;
    Ok(MasterKeyObject { uid, created: now })
}
