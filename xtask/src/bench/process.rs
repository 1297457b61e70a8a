//! The processes that are measured.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::connection::Connection;
use super::workload;
use crate::step;

/// How long a start may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A child process that does not outlive this value.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Either fails only when the process is gone already, which is what is wanted.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The server under test.
pub(super) struct Server {
    /// Where it answers.
    pub(super) address: SocketAddr,
    binary: PathBuf,
    data: PathBuf,
    settings: Vec<(String, String)>,
    process: Running,
}

impl Server {
    /// Starts it on that data folder, which it makes when missing, and waits for its first answer.
    pub(super) fn start(binary: &Path, data: &Path) -> Result<Self> {
        Self::start_with(binary, data, Vec::new())
    }

    /// The same with settings of its own, named as in the environment but for the prefix.
    pub(super) fn start_with(binary: &Path, data: &Path, settings: Vec<(String, String)>) -> Result<Self> {
        let (address, process, _) = start(binary, data, &settings)?;
        Ok(Self { address, binary: binary.to_owned(), data: data.to_owned(), settings, process })
    }

    /// Stops it in good order and starts it again; tells how long the start took until the first answer.
    pub(super) fn restart(&mut self) -> Result<Duration> {
        kill_process(Pid::from_child(&self.process.0), Signal::TERM).context("can't stop the server")?;
        let status = self.process.0.wait()?;
        ensure!(status.success(), "the server stopped with {status}");
        let (address, process, took) = start(&self.binary, &self.data, &self.settings)?;
        self.address = address;
        self.process = process;
        Ok(took)
    }

    /// Its resident memory, in MiB.
    pub(super) fn resident_mib(&self) -> Result<f64> {
        let path = format!("/proc/{}/status", self.process.0.id());
        let status = fs::read_to_string(&path).with_context(|| format!("can't read {path}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: u32 = line
            .and_then(|value| value.trim().strip_suffix(" kB"))
            .with_context(|| format!("no VmRSS in {path}"))?
            .trim()
            .parse()?;
        Ok(f64::from(kib) / 1024.0)
    }
}

fn start(
    binary: &Path,
    data: &Path,
    settings: &[(String, String)],
) -> Result<(SocketAddr, Running, Duration)> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let log = data.with_extension("log");
    let mut command = step::ours(binary);
    command.args(["dev", "--plain-http", "--data-dir"]).arg(data).arg("--listen").arg(address.to_string());
    command.envs(settings.iter().map(|(name, value)| (format!("STRONGROOM_{name}"), value)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
    let began = Instant::now();
    let child = command.spawn().with_context(|| format!("can't start {}", binary.display()))?;
    let mut process = Running(child);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let discovery = workload::discovery(address);
    loop {
        let answer: Result<u16> =
            runtime.block_on(async { Ok(Connection::open(address).await?.ask(&discovery).await?.status) });
        match answer {
            Ok(300) => return Ok((address, process, began.elapsed())),
            Ok(status) => bail!("GET / answered {status} where 300 is right"),
            Err(_) if began.elapsed() < PATIENCE && process.0.try_wait()?.is_none() => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => {
                let said = fs::read_to_string(&log).unwrap_or_default();
                return Err(error.context(format!("the server did not come up and said: {said}")));
            }
        }
    }
}
