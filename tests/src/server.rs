use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::client::Client;
use crate::journal::records;
use crate::program::program;

/// A running server. It is killed when dropped.
pub struct Server {
    child: Child,
    address: String,
    data_dir: PathBuf,
    log: Arc<Mutex<String>>,
    _own_folder: Option<TempDir>,
}

impl Server {
    /// A first run in a folder of its own, on loopback and a free port.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self::start_in(&folder.path().join("data"));
        server._own_folder = Some(folder);
        server
    }

    /// A run in that folder.
    pub fn start_in(data_dir: &Path) -> Self {
        Self::try_start(Self::command(data_dir), data_dir).unwrap_or_else(|log| panic!("no start:\n{log}"))
    }

    /// The command that starts a server in that folder, to be added to.
    pub fn command(data_dir: &Path) -> Command {
        let mut command = program("strongroom-server");
        command.args(["dev", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data_dir);
        command
    }

    /// Starts a server and waits until it serves; or gives what it said when it ended instead.
    pub fn try_start(mut command: Command, data_dir: &Path) -> Result<Self, String> {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let log = Arc::new(Mutex::new(String::new()));
        let errors = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let kept = Arc::clone(&log);
        let reader = thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, url) = line.split_once("API at http://")?;
            Some(url.trim_end_matches("/v1").to_owned())
        });
        let Some(address) = address else {
            child.wait().expect("the server ends");
            reader.join().unwrap();
            return Err(log.lock().unwrap().clone());
        };
        // Whatever else it prints must not fill the pipe.
        thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address, data_dir: data_dir.to_owned(), log, _own_folder: None })
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The URL without `/v1`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it keeps its things.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
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
    pub fn admin(&self, arguments: &[&str]) -> crate::Ended {
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

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
