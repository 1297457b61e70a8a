//! TLS: certificates that change, certificates of clients, and what is no TLS.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use strongroom_edge::{ClientCertificates, Limits, Refusal, Rules, Tls, TlsError, TlsFiles};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Edge, GET, SOON, Wire};

/// A certificate authority.
pub(crate) struct Authority(pub(crate) CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM form.
pub(crate) struct Leaf {
    certificate: String,
    key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("authority")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn leaf(&self) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &*self.0).unwrap();
        Leaf { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    fn client(&self, own: Option<&Leaf>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        match own {
            None => builder.with_no_client_auth(),
            Some(leaf) => {
                let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![leaf.der()], key).unwrap()
            }
        }
    }
}

impl Leaf {
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }
}

/// The files of a server in a folder of their own.
pub(crate) struct Files {
    folder: TempDir,
    pub(crate) authority: Authority,
    pub(crate) leaf: Leaf,
    /// Which of the folder's files are lists of revoked certificates.
    pub(crate) client_crls: Vec<&'static str>,
}

impl Files {
    pub(crate) fn new() -> Self {
        let authority = Authority::new();
        let leaf = authority.leaf();
        let files = Self { folder: tempfile::tempdir().unwrap(), authority, leaf, client_crls: Vec::new() };
        files.write_certificate(&files.leaf.certificate);
        files.write_key(&files.leaf.key);
        fs::write(files.path("ca.pem"), files.authority.0.pem()).unwrap();
        files
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_certificate(&self, text: &str) {
        fs::write(self.path("certificate.pem"), text).unwrap();
    }

    fn write_key(&self, text: &str) {
        fs::remove_file(self.path("key.pem")).ok();
        fs::write(self.path("key.pem"), text).unwrap();
        self.set_key_mode(0o400);
    }

    fn set_key_mode(&self, mode: u32) {
        fs::set_permissions(self.path("key.pem"), Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn load(&self, clients: Asked) -> Result<Tls, TlsError> {
        let (certificate, key) = (self.path("certificate.pem"), self.path("key.pem"));
        let clients = clients(self.path("ca.pem"));
        let client_crls = self.client_crls.iter().map(|name| self.path(name)).collect();
        Tls::load(TlsFiles { certificate, key, clients, client_crls })
    }

    pub(crate) fn rules(&self, clients: Asked) -> Rules {
        Rules { tls: Some(Arc::new(self.load(clients).unwrap())), ..Rules::default() }
    }
}

/// What is to be asked of clients, given the file of their authorities.
type Asked = fn(PathBuf) -> ClientCertificates;

pub(crate) fn no_clients(_: PathBuf) -> ClientCertificates {
    ClientCertificates::Off
}

async fn shake(stream: TcpStream, config: ClientConfig) -> std::io::Result<Wire<TlsStream<TcpStream>>> {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map(Wire)
}

/// A connection that trusts this authority and shows that certificate.
pub(crate) async fn connect(
    edge: &Edge,
    authority: &Authority,
    own: Option<&Leaf>,
) -> std::io::Result<Wire<TlsStream<TcpStream>>> {
    shake(edge.connect().await.0, authority.client(own)).await
}

#[tokio::test]
async fn requests_over_tls_are_known_to_be() {
    let files = Files::new();
    let edge = Edge::start(files.rules(no_clients)).await;
    let mut wire = connect(&edge, &files.authority, None).await.unwrap();
    for _ in 0..2 {
        assert_eq!(wire.ask(GET).await, (200, "127.0.0.1 https None None 0".to_owned()));
    }
    for (offered, chosen) in [(&b"h2"[..], &b"h2"[..]), (b"http/1.1", b"http/1.1")] {
        let mut config = files.authority.client(None);
        config.alpn_protocols = vec![offered.to_vec()];
        let wire = shake(edge.connect().await.0, config).await.unwrap();
        assert_eq!(wire.0.get_ref().1.alpn_protocol(), Some(chosen));
    }
}

#[tokio::test]
async fn a_clients_certificate_is_verified_and_handed_on() {
    let files = Files::new();
    let (own, foreign) = (files.authority.leaf(), Authority::new().leaf());
    let length = own.der().len();
    let asked: [(Asked, _); 2] =
        [(ClientCertificates::Optional, Some("None")), (ClientCertificates::Required, None)];
    for (clients, without) in asked {
        let edge = Edge::start(files.rules(clients)).await;
        let mut wire = connect(&edge, &files.authority, Some(&own)).await.unwrap();
        let expected = format!("127.0.0.1 https None Some({length}) 0");
        assert_eq!(wire.ask(GET).await, (200, expected));

        // The client of TLS 1.3 learns of the refusal after its own part of the handshake.
        if let Ok(mut wire) = connect(&edge, &files.authority, Some(&foreign)).await {
            wire.send(GET).await;
            assert!(wire.answer().await.is_none());
        }
        assert_eq!(edge.refused().await, ("127.0.0.1".to_owned(), Refusal::Handshake, 1));

        match (connect(&edge, &files.authority, None).await, without) {
            (Ok(mut wire), Some(told)) => {
                assert_eq!(wire.ask(GET).await, (200, format!("127.0.0.1 https None {told} 0")));
            }
            (Ok(mut wire), None) => {
                wire.send(GET).await;
                assert!(wire.answer().await.is_none());
            }
            (Err(error), Some(_)) => panic!("{error}"),
            (Err(_), None) => {}
        }
    }
}

#[tokio::test]
async fn changed_files_are_taken_into_use_once_they_are_a_pair() {
    let files = Files::new();
    let edge = Edge::start(files.rules(no_clients)).await;
    let shown = async || {
        let wire = connect(&edge, &files.authority, None).await.unwrap();
        wire.0.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let mut kept = connect(&edge, &files.authority, None).await.unwrap();
    assert_eq!(shown().await, files.leaf.der());

    let next = files.authority.leaf();
    files.write_certificate(&next.certificate);
    // Longer than it takes to look at the files: the half that has changed is not used.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!(shown().await, files.leaf.der());
    files.write_key(&next.key);
    let changed = async {
        while shown().await != next.der() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, changed).await.unwrap();

    files.write_certificate("-----BEGIN CERTIFICATE-----\nnonsense");
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!(shown().await, next.der());
    assert_eq!(kept.ask(GET).await.0, 200, "connections at hand go on");
}

#[test]
fn files_that_can_not_be_used_are_named_with_what_to_do() {
    let told = |change: fn(&Files)| {
        let files = Files::new();
        change(&files);
        let error = files.load(ClientCertificates::Required).unwrap_err();
        error.to_string().replace(files.folder.path().to_str().unwrap(), "")
    };
    let cases: [(fn(&Files), _); 7] = [
        (
            |files| files.set_key_mode(0o640),
            "/key.pem has mode 0640, but a TLS key must be closed to all but its owner; run: chmod 0400 /key.pem",
        ),
        (
            |files| files.write_key(&files.authority.leaf().key),
            "the certificate in /certificate.pem and the key in /key.pem can't be used together",
        ),
        (|files| files.write_key(""), "/key.pem does not hold a private key in PEM form"),
        (|files| files.write_certificate(""), "/certificate.pem does not hold certificates in PEM form"),
        (|files| fs::remove_file(files.path("key.pem")).unwrap(), "can't read /key.pem"),
        (|files| fs::remove_file(files.path("ca.pem")).unwrap(), "can't read /ca.pem"),
        (
            |files| files.write_certificate(&" ".repeat((1 << 20) + 1)),
            "/certificate.pem is larger than 1048576 bytes, and not a PEM file of this kind",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(told(change), expected);
    }
    let files = Files::new();
    files.set_key_mode(0o600);
    files.load(ClientCertificates::Optional).unwrap();
}

#[test]
fn a_certificate_made_here_is_closed_and_complete() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    fs::write(folder.path().join("key.pem.new"), "left by a run that was cut short").unwrap();
    strongroom_edge::make_self_signed(&certificate, &key, &["localhost", "127.0.0.1"]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&certificate), mode(&key)), (0o444, 0o400));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    let clients = ClientCertificates::Off;
    Tls::load(TlsFiles { certificate, key, clients, client_crls: Vec::new() }).unwrap();
}

#[tokio::test]
async fn what_is_no_tls_is_closed_and_counted() {
    let files = Files::new();
    let edge = Edge::start(files.rules(no_clients)).await;
    for garbage in
        [GET.as_bytes(), b"\x16\x03\x01\xff\xff", &[0xff; 4096], b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"]
    {
        let mut wire = edge.connect().await;
        wire.send(garbage).await;
        tokio::io::AsyncWriteExt::shutdown(&mut wire.0).await.ok();
        wire.rest().await;
        assert_eq!(edge.refused().await, ("127.0.0.1".to_owned(), Refusal::Handshake, 1));
    }
    drop(edge.connect().await);
    assert_eq!(connect(&edge, &files.authority, None).await.unwrap().ask(GET).await.0, 200);
    assert_eq!(edge.refusals.take(), [], "a port that is only looked at is no refusal");
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_cut_off() {
    let files = Files::new();
    let limits = Limits { handshake_timeout: std::time::Duration::from_millis(200), ..Limits::default() };
    let edge = Edge::start_with(files.rules(no_clients), limits).await;
    let mut wire = edge.connect().await;
    wire.send(b"\x16\x03\x01").await;
    assert_eq!(wire.rest().await, b"");
    assert_eq!(edge.refused().await, ("127.0.0.1".to_owned(), Refusal::HandshakeTimeout, 1));
}
