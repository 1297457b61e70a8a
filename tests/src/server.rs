use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::client::Client;
use crate::journal::records;
use crate::program::{Ended, program};

/// A running server. It is killed when dropped.
pub struct Server {
    child: Child,
    endpoint: String,
    data_dir: PathBuf,
    printed: Captured,
    log: Captured,
    /// Its data folder's, when nobody else holds it; it goes when the server does.
    own_folder: Option<TempDir>,
}

/// What a process has written to one of its outputs so far.
type Captured = Arc<Mutex<String>>;

impl Server {
    /// A first run in a folder of its own, on loopback and a free port.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A first run with settings from the environment, such as `("API__HOST_HREF", "http://kms")`.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data_dir = folder.path().join("data");
        let mut command = Self::command(&data_dir);
        command.envs(settings.iter().map(|(name, value)| (format!("STRONGROOM_{name}"), value)));
        let mut server =
            Self::try_start(command, &data_dir).unwrap_or_else(|ended| panic!("no start: {ended:?}"));
        server.own_folder = Some(folder);
        server
    }

    /// A run in that folder.
    pub fn start_in(data_dir: &Path) -> Self {
        Self::try_start(Self::command(data_dir), data_dir)
            .unwrap_or_else(|ended| panic!("no start: {ended:?}"))
    }

    /// The command that starts a server in that folder, to be added to.
    pub fn command(data_dir: &Path) -> Command {
        let mut command = Self::https_command(data_dir);
        command.arg("--plain-http");
        command
    }

    /// The same over TLS, with a certificate of the server's own.
    pub fn https_command(data_dir: &Path) -> Command {
        let mut command = program("strongroom-server");
        command.args(["dev", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data_dir);
        command
    }

    /// Starts a server and waits until it serves; or gives how it ended instead.
    pub fn try_start(mut command: Command, data_dir: &Path) -> Result<Self, Ended> {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let (log, logging) = capture(child.stderr.take().expect("stderr is piped"), |_| {});
        let (told, endpoint) = mpsc::channel();
        let (printed, printing) = capture(child.stdout.take().expect("stdout is piped"), move |line| {
            if let Some((_, url)) = line.split_once("API at ") {
                told.send(url.trim_end_matches("/v1").to_owned()).ok();
            }
        });
        let Ok(endpoint) = endpoint.recv() else {
            let code = child.wait().expect("the server ends").code();
            logging.join().unwrap();
            printing.join().unwrap();
            let text = |captured: Captured| captured.lock().unwrap().clone();
            return Err(Ended { code, stdout: text(printed), stderr: text(log) });
        };
        Ok(Self { child, endpoint, data_dir: data_dir.to_owned(), printed, log, own_folder: None })
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        self.endpoint.split_once("://").expect("a URL").1
    }

    /// The URL without `/v1`.
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// Where it keeps its things.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What it has printed so far.
    pub fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// A client that acts in that project, with the default roles.
    pub fn client(&self, project: &str) -> Client {
        Client::new(&self.endpoint()).header("X-Project-Id", project)
    }

    /// Every record of its journal.
    pub fn records(&self) -> Vec<Value> {
        records(&self.data_dir.join("journal"))
    }

    /// `strongroom-admin --data-dir … --output json`, with these arguments.
    pub fn admin(&self, arguments: &[&str]) -> Ended {
        let folder = self.data_dir.to_str().expect("test folders have plain names");
        crate::admin(&[&["--data-dir", folder, "--output", "json"], arguments].concat())
    }

    /// Tells it to stop, and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        kill_process(self.pid(), Signal::TERM).expect("the server is there");
        self.child.wait().expect("the server ends")
    }

    /// Kills it at once (SIGKILL).
    pub fn kill(mut self) {
        self.child.kill().expect("the server is there");
        self.child.wait().expect("the server ends");
    }
}

/// Keeps the lines of an output, so that it never blocks the process, and shows each one to `seen`.
fn capture(
    output: impl Read + Send + 'static,
    seen: impl Fn(&str) + Send + 'static,
) -> (Captured, JoinHandle<()>) {
    let captured = Captured::default();
    let kept = Arc::clone(&captured);
    let thread = thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            kept.lock().unwrap().extend([line.as_str(), "\n"]);
            seen(&line);
        }
    });
    (captured, thread)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
