//! The real HAProxy with the sample configuration, in front of two servers, one of which is taken out and
//! stopped while requests go on.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

use super::endpoint::Endpoint;
use super::findings::Findings;
use super::load::Load;
use super::offered::Offer;
use super::process::{Running, Server};
use super::stage::{Stage, runtime};
use super::workload;
use crate::workspace;

const SAMPLE: &str = "docs/examples/haproxy.cfg";
/// Requests a second, over as many connections as a few clients keep.
const RATE: f64 = 400.0;
const CONNECTIONS: usize = 16;
/// Longer than anything takes.
const SOON: Duration = Duration::from_secs(30);

/// Counts the requests that fail.
pub(super) fn measure(stage: &Stage) -> Result<Findings> {
    let [one, two] = ["one", "two"].map(|name| behind_proxy(stage, name));
    let (one, two) = (one?, two?);
    let log = stage.folder.join("haproxy.log");
    let (endpoint, _proxy) = proxy(stage, [&one, &two], &log)?;
    let begun = Instant::now();
    let page = loop {
        match runtime()?.block_on(workload::empty_page(&endpoint, "x-project-id: nobody")) {
            Ok(page) => break page,
            Err(_) if begun.elapsed() < SOON => thread::sleep(Duration::from_millis(50)),
            Err(error) => return Err(error.context("nothing comes through HAProxy")),
        }
    };
    let load = Load { endpoint, exchanges: Arc::new([page]), connections: CONNECTIONS };
    let offer = Offer::new(load, RATE);
    let span = (stage.plan.slice * stage.plan.rounds).max(Duration::from_secs(5));
    let (offered, stopped) = thread::scope(|scope| {
        let load = scope.spawn(|| offer.run(span));
        let stopped = take_out(stage, one, &log, span / 4);
        let offered = load.join().map_err(|_| anyhow!("the load panicked"))??;
        anyhow::Ok((offered, stopped?))
    })?;
    ensure!(stopped < span, "the server stopped only after the load had ended");
    let mut findings = Findings::default();
    if let Some(complaint) = &offered.complaint {
        println!("    the first failure: {complaint}");
    }
    findings.number("HAProxy: requests while one of two servers stops", offered.total());
    findings.at_most("failed requests while one of two servers stops", offered.unanswered(), 0.0);
    findings.figures("through HAProxy, while one of two stops", offered.accepted.figures());
    Ok(findings)
}

/// A server that knows the proxy. Its first run makes the certificate that HAProxy shows here.
fn behind_proxy(stage: &Stage, name: &str) -> Result<Server> {
    let launch = stage.server(name).https().start()?.stop()?;
    let switch = stage.folder.join(format!("{name}.drain")).display().to_string();
    launch.behind_proxy().set("API__HEALTHCHECK_DISABLE_FILE", &switch).start()
}

fn proxy(stage: &Stage, servers: [&Server; 2], log: &Path) -> Result<(Endpoint, Running)> {
    let certificate = servers[0].data().join("tls/certificate.pem");
    let pem = stage.folder.join("key-manager.pem");
    let key = fs::read_to_string(servers[0].data().join("tls/key.pem"))?;
    fs::write(&pem, fs::read_to_string(&certificate)? + &key)?;
    let address: SocketAddr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let mut text = fs::read_to_string(workspace::root().join(SAMPLE))?;
    for (from, to) in [
        ("127.0.0.1:9411", servers[0].endpoint.to_string()),
        ("127.0.0.1:9412", servers[1].endpoint.to_string()),
        ("127.0.0.1:9311", address.to_string()),
        ("/etc/haproxy/key-manager.pem", pem.display().to_string()),
    ] {
        ensure!(text.contains(from), "{SAMPLE} has no {from}");
        text = text.replace(from, &to);
    }
    let config = stage.folder.join("haproxy.cfg");
    fs::write(&config, text)?;
    let output = File::create(log)?;
    let mut command = Command::new("haproxy");
    command.args(["-db", "-f"]).arg(&config);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let process = Running(command.spawn().context("can't start haproxy")?);
    Ok((Endpoint::https(address, &certificate)?, process))
}

/// As an operator does it: has the health check fail, waits until HAProxy has marked the server down, and stops
/// it. Tells how long after the begin it had stopped.
fn take_out(stage: &Stage, server: Server, log: &Path, after: Duration) -> Result<Duration> {
    let begun = Instant::now();
    thread::sleep(after);
    fs::write(stage.folder.join("one.drain"), "")?;
    while !fs::read_to_string(log)?.contains("Server strongroom/one is DOWN") {
        ensure!(begun.elapsed() < SOON, "HAProxy does not mark the server down");
        thread::sleep(Duration::from_millis(50));
    }
    server.stop()?;
    Ok(begun.elapsed())
}
