//! The processes that are measured.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::connection::Connection;
use super::endpoint::Endpoint;
use super::workload;
use crate::step;

/// How long a start may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A child process that does not outlive this value.
pub(super) struct Running(pub(super) Child);

impl Running {
    /// Its resident memory, in MiB.
    pub(super) fn resident_mib(&self) -> Result<f64> {
        self.memory_mib("VmRSS:")
    }

    /// The most resident memory that it has had, in MiB.
    pub(super) fn peak_mib(&self) -> Result<f64> {
        self.memory_mib("VmHWM:")
    }

    fn memory_mib(&self, kind: &str) -> Result<f64> {
        let path = format!("/proc/{}/status", self.0.id());
        let status = fs::read_to_string(&path).with_context(|| format!("can't read {path}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(kind));
        let kib: u32 = line
            .and_then(|value| value.trim().strip_suffix(" kB"))
            .with_context(|| format!("no {kind} in {path}"))?
            .trim()
            .parse()?;
        Ok(f64::from(kib) / 1024.0)
    }

    /// Has it stop in good order, and waits until it has.
    pub(super) fn stop(&mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.0), Signal::TERM).context("can't stop the server")?;
        let status = self.0.wait()?;
        ensure!(status.success(), "the server stopped with {status}");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Either fails only when the process is gone already, which is what is wanted.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// How a server is started.
#[derive(Clone)]
pub(super) struct Launch {
    binary: PathBuf,
    /// Its data folder.
    pub(super) data: PathBuf,
    /// The settings file, when there is one.
    config: Option<PathBuf>,
    environment: Vec<(String, String)>,
    https: bool,
    behind_proxy: bool,
}

impl Launch {
    /// A first run, or a later one, in that data folder, over plain HTTP.
    pub(super) fn new(binary: &Path, data: PathBuf) -> Self {
        Self {
            binary: binary.to_owned(),
            data,
            config: None,
            environment: Vec::new(),
            https: false,
            behind_proxy: false,
        }
    }

    /// The same over HTTPS, with the certificate that the first run makes.
    pub(super) fn https(self) -> Self {
        Self { https: true, ..self }
    }

    /// The same over plain HTTP for proxies on this machine, which begin with a PROXY header.
    pub(super) fn behind_proxy(self) -> Self {
        Self { https: false, behind_proxy: true, ..self }
            .set("EDGE__PROXIES", "[\"127.0.0.1\"]")
            .set("EDGE__PROXY_PROTOCOL", "true")
            .set("EDGE__FORWARDING_HEADERS", "x-forwarded")
    }

    /// With one setting more, named as in the environment but for the prefix.
    pub(super) fn set(self, name: &str, value: &str) -> Self {
        self.variable(&format!("STRONGROOM_{name}"), value)
    }

    /// With a variable of the environment.
    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With settings from that file.
    pub(super) fn config(self, file: PathBuf) -> Self {
        Self { config: Some(file), ..self }
    }

    /// Starts it and waits for its first answer.
    pub(super) fn start(self) -> Result<Server> {
        let (endpoint, process, _) = start(&self)?;
        Ok(Server { endpoint, launch: self, process })
    }
}

/// The server under test.
pub(super) struct Server {
    /// Where it answers.
    pub(super) endpoint: Endpoint,
    launch: Launch,
    process: Running,
}

impl Server {
    /// Its data folder.
    pub(super) fn data(&self) -> &Path {
        &self.launch.data
    }

    /// Stops it in good order and starts it again; tells how long the start took until the first answer.
    pub(super) fn restart(&mut self) -> Result<Duration> {
        self.process.stop()?;
        let (endpoint, process, took) = start(&self.launch)?;
        self.endpoint = endpoint;
        self.process = process;
        Ok(took)
    }

    /// Stops it in good order; it can be started again.
    pub(super) fn stop(mut self) -> Result<Launch> {
        self.process.stop()?;
        Ok(self.launch)
    }

    /// Its resident memory, in MiB.
    pub(super) fn resident_mib(&self) -> Result<f64> {
        self.process.resident_mib()
    }
}

fn start(launch: &Launch) -> Result<(Endpoint, Running, Duration)> {
    let Launch { binary, data, config, environment, https, behind_proxy } = launch;
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let log = data.with_extension("log");
    let mut command = step::ours(binary);
    if let Some(file) = config {
        command.arg("--config").arg(file);
    }
    command.arg("dev").args((!https).then_some("--plain-http"));
    command.arg("--data-dir").arg(data).arg("--listen").arg(address.to_string());
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
    let began = Instant::now();
    let child = command.spawn().with_context(|| format!("can't start {}", binary.display()))?;
    let mut process = Running(child);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = || -> Result<(Endpoint, u16)> {
        // The first run makes the certificate.
        let endpoint = match https {
            true => Endpoint::https(address, &data.join("tls/certificate.pem"))?,
            false if *behind_proxy => Endpoint::http(address).by_proxy(),
            false => Endpoint::http(address),
        };
        let discovery = workload::discovery(&endpoint);
        let status = runtime
            .block_on(async { anyhow::Ok(Connection::open(&endpoint).await?.ask(&discovery).await?.status) });
        Ok((endpoint, status?))
    };
    loop {
        match answer() {
            Ok((endpoint, 300)) => return Ok((endpoint, process, began.elapsed())),
            Ok((_, status)) => bail!("GET / answered {status} where 300 is right"),
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
