//! A real KMIP server, PyKMIP's, for the tests of `strongroom-crypto-kmip` and those of the whole service.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, date_time_ymd,
};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

/// How long a server may take to start; it needs about a second.
const START: Duration = Duration::from_mins(1);

/// A running server with certificates and a database of its own. It is killed when dropped.
pub struct KmipServer {
    folder: TempDir,
    port: u16,
    running: Option<Child>,
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// Whether a certificate is good or out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// For years to come.
    Good,
    /// It ended long ago.
    Expired,
}

impl KmipServer {
    /// A fresh one, on loopback and a free port.
    pub fn start() -> Self {
        Self::start_with(Validity::Good)
    }

    /// A fresh one, whose own certificate is good or not.
    pub fn start_with(validity: Validity) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut server = Self { folder, port, running: None, authority: authority() };
        server.write("ca.pem", &server.authority.pem());
        let [certificate, key] = server.issue("127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth, validity);
        server.write("server.pem", &certificate);
        server.write("server.key", &key);
        server.renew_client(Validity::Good);
        fs::create_dir(server.path("policies")).expect("a folder");
        let at = |name: &str| server.path(name).display().to_string();
        let settings = [
            ("hostname", "127.0.0.1".to_owned()),
            ("port", port.to_string()),
            ("certificate_path", at("server.pem")),
            ("key_path", at("server.key")),
            ("ca_path", at("ca.pem")),
            ("auth_suite", "TLS1.2".to_owned()),
            ("enable_tls_client_auth", "True".to_owned()),
            ("policy_path", at("policies")),
            ("logging_level", "INFO".to_owned()),
            ("database_path", at("objects.sqlite")),
        ];
        let lines: Vec<_> = settings.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        server.write("server.conf", &format!("[server]\n{}", lines.concat()));
        server.run();
        server
    }

    /// Puts another client certificate in place of the one there is, of the same name.
    pub fn renew_client(&self, validity: Validity) {
        let [certificate, key] = self.issue("strongroom", ExtendedKeyUsagePurpose::ClientAuth, validity);
        self.write("client.pem", &certificate);
        self.write("client.key", &key);
    }

    /// `127.0.0.1` and its port.
    pub fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The authority that signed both certificates.
    pub fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// The client's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.path("client.pem")
    }

    /// The client's private key.
    pub fn key(&self) -> PathBuf {
        self.path("client.key")
    }

    /// The certificate and the private key of a server at `127.0.0.1`, in PEM, for a server of the test's own.
    pub fn another_server(&self) -> [String; 2] {
        self.issue("127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth, Validity::Good)
    }

    /// Kills it with all its processes. What it has acknowledged is on its disk.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            kill_process_group(Pid::from_child(&child), Signal::KILL).expect("the server is there");
            child.wait().expect("the server ends");
        }
    }

    /// Starts it again, at the same port and with the same database.
    pub fn run(&mut self) {
        let program = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .map(|folder| folder.join(".cache/kmip-venv/bin/pykmip-server"))
            .find(|program| program.exists())
            .expect("PyKMIP is missing; run `cargo xtask setup`");
        let log = fs::File::create(self.path("output")).expect("a file");
        let mut command = Command::new(program);
        command
            .arg("-f")
            .arg(self.path("server.conf"))
            .arg("-l")
            .arg(self.path("server.log"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second descriptor"))
            .stderr(log)
            // It has helper processes, which outlive it unless they are killed with it.
            .process_group(0);
        let mut child = command.spawn().expect("PyKMIP starts");
        let deadline = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let ended = child.try_wait().expect("a state");
            let output = || fs::read_to_string(self.path("output")).unwrap_or_default();
            assert!(ended.is_none(), "PyKMIP ended: {}", output());
            assert!(Instant::now() < deadline, "PyKMIP does not listen: {}", output());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.running = Some(child);
    }

    /// Halts it: connections are taken and not answered.
    pub fn halt(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }

    fn signal(&self, signal: Signal) {
        let child = self.running.as_ref().expect("the server runs");
        kill_process_group(Pid::from_child(child), signal).expect("the server is there");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let (path, fresh) = (self.path(name), self.path("fresh"));
        let mode = if Path::new(name).extension().is_some_and(|kind| kind == "key") { 0o400 } else { 0o644 };
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh).expect("a file");
        file.write_all(text.as_bytes()).expect("room");
        fs::rename(fresh, path).expect("a rename");
    }

    /// A certificate and its private key, in PEM. PyKMIP offers no suite with GCM for RSA.
    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose, validity: Validity) -> [String; 2] {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.distinguished_name = DistinguishedName::new();
        // PyKMIP takes the common name for the owner of what the client makes.
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(if validity == Validity::Good { 2120 } else { 2021 }, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.authority).expect("a certificate");
        [certificate.pem(), key.serialize_pem()]
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.distinguished_name.push(DnType::CommonName, "Authority of the tests");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

impl Drop for KmipServer {
    fn drop(&mut self) {
        self.kill();
    }
}
