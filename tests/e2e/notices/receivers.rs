use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use strongroom_tests::python;

const USER: &str = "strongroom";
/// Neither may ever be in anything that is sent or printed.
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) const KEY: &str = "the key that signs notices";

/// A receiver in Python, which prints what it takes. It is killed when dropped.
pub(crate) struct Receiver {
    child: Child,
    pub(crate) port: u16,
    taken: Arc<Mutex<Vec<Value>>>,
    reading: Option<JoinHandle<()>>,
}

/// What the receivers of a test have in common: their folder, with certificates and secrets.
pub(crate) struct Place(PathBuf);

impl Place {
    /// Makes certificates and secrets in that folder.
    pub(crate) fn new(folder: &Path) -> Self {
        crate::forwarding::certificates::make(folder, &["receiver", "sender"]);
        for (name, content) in [("hook.key", KEY), ("password", PASSWORD)] {
            let path = folder.join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        }
        Self(folder.to_owned())
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// A webhook's receiver; port 0 stands for any.
    pub(crate) fn webhook(&self, port: u16) -> Receiver {
        let files = [self.file("receiver.pem"), self.file("receiver.key"), self.file("hook.key")];
        Receiver::start("webhook_receiver.py", port, &files)
    }

    /// A mail server; port 0 stands for any.
    pub(crate) fn smtp(&self, port: u16) -> Receiver {
        let files = [self.file("receiver.pem"), self.file("receiver.key")];
        let login = [USER.to_owned(), PASSWORD.to_owned()];
        Receiver::start("smtp_server.py", port, &[files, login].concat())
    }

    /// The settings of a forwarder to such a receiver.
    pub(crate) fn forwarder_to_webhook(&self, port: u16) -> String {
        let (key, authorities) = (self.file("hook.key"), self.file("ca.pem"));
        format!(
            "[[audit.forwarders]]\nname = 'hook'\nkind = 'webhook'\nurl = 'https://localhost:{port}/in'\n\
             secret_file = '{key}'\nca_file = '{authorities}'\n"
        )
    }

    /// The settings of a channel to such a receiver.
    pub(crate) fn to_webhook(&self, port: u16) -> String {
        let (key, authorities) = (self.file("hook.key"), self.file("ca.pem"));
        format!(
            "[notices.webhook]\nurl = 'https://localhost:{port}/in'\nkey_file = '{key}'\nca_file = '{authorities}'\n"
        )
    }

    /// Likewise.
    pub(crate) fn to_smtp(&self, port: u16) -> String {
        let (password, authorities) = (self.file("password"), self.file("ca.pem"));
        format!(
            "[notices.email]\nserver = 'localhost:{port}'\nca_file = '{authorities}'\nusername = '{USER}'\n\
             password_file = '{password}'\nfrom = 'Strongroom <strongroom@example.org>'\n\
             to = ['ops@example.org', 'night@example.org']\n"
        )
    }

    /// Likewise.
    pub(crate) fn to_syslog(&self, port: u16) -> String {
        let [authorities, certificate, key] =
            ["ca.pem", "sender.pem", "sender.key"].map(|name| self.file(name));
        format!(
            "[notices.syslog]\naddress = 'localhost:{port}'\nca_file = '{authorities}'\n\
             certificate_file = '{certificate}'\nkey_file = '{key}'\n"
        )
    }
}

impl Receiver {
    fn start(script: &str, port: u16, arguments: &[String]) -> Self {
        let script = format!("{}/e2e/notices/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut command = python("python");
        command.arg(script).arg(port.to_string()).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (told, listening) = mpsc::channel();
        let kept = Arc::clone(&taken);
        let reading = thread::spawn(move || {
            let mut lines = lines.map_while(Result::ok);
            told.send(lines.next().expect("the receiver tells its port")).unwrap();
            for line in lines {
                // What it was killed at is no whole line, and it had not confirmed it.
                let Ok(value) = serde_json::from_str(&line) else { break };
                kept.lock().unwrap().push(value);
            }
        });
        let port = listening.recv().unwrap().parse().unwrap();
        Self { child, port, taken, reading: Some(reading) }
    }

    /// Kills it; gives all that it has taken.
    pub(crate) fn kill(mut self) -> Vec<Value> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.reading.take().unwrap().join().unwrap();
        self.taken()
    }

    /// What it has taken so far.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
