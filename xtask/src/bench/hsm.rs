//! The master key in a token: what each custody costs, and what becomes of requests when one of two tokens dies.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use strongroom_faulty_pkcs11::rig::Tokens;

use super::compare::compare;
use super::figures::median;
use super::findings::Findings;
use super::load::{Load, Until};
use super::offered::Offer;
use super::process::{Launch, Server};
use super::stage::{Stage, runtime};
use super::token_loop::TokenLoop;
use super::workload::{self, READER};
use crate::step;

const CONNECTIONS: usize = 16;
/// Requests a second while a token dies.
const RATE: f64 = 200.0;
/// Threads of the bare loop, the best of which counts.
const THREADS: [usize; 4] = [1, 2, 4, 8];

/// Cached custody against the master key in a file, and strict custody against the calls that it comes down to.
pub(super) fn custody(stage: &Stage) -> Result<Findings> {
    let mut findings = Findings::default();
    let until = Until::Elapsed(stage.plan.slice);
    let soft = stage.server("soft").start()?;
    let soft = reads(&soft).map(|load| (load, soft))?;

    let site = Site::new(stage, "cached")?;
    let cached = site.launch(stage, "cached", &[(&site.tokens.module("plain"), "one")])?.start()?;
    let load = reads(&cached)?;
    let comparison = compare(stage.plan.rounds * 2 + 1, || load.run(until), || soft.0.run(until))?;
    findings.at_least("payload read, cached custody, of the soft backend's", comparison.ratio, 0.95);
    findings.compared(format!("payload read at {CONNECTIONS}, cached / soft"), comparison);
    drop((cached, soft));

    let site = Site::new(stage, "strict")?;
    let module = site.tokens.module("plain");
    let strict = site.launch(stage, "strict", &[(&module, "one")])?.start()?;
    let load = reads(&strict)?;
    let mut bare = TokenLoop::start(&module, "one", &site.tokens)?;
    let mut best = (0.0, 1);
    for threads in THREADS {
        let rates: Result<Vec<_>> =
            (0..3).map(|_| Ok(bare.run(threads, stage.plan.slice)?.figures().per_second)).collect();
        let rate = median(rates?);
        findings.number(format!("AES-GCM openings a second in a bare loop of {threads} thread(s)"), rate);
        if rate > best.0 {
            best = (rate, threads);
        }
    }
    let mut bare_slice = || bare.run(best.1, stage.plan.slice);
    let comparison = compare(stage.plan.rounds, || load.run(until), &mut bare_slice)?;
    findings.compared(format!("payload read at {CONNECTIONS}, strict / bare loop"), comparison);
    drop(strict);
    // A bare loop has no HTTP, no access rule and no journal: what the backend adds is measured without them too.
    let example = step::ours(&stage.binaries.join("examples/strict_custody"));
    let mut backend = TokenLoop::start_by(example, &module, "one", &site.tokens)?;
    let comparison = compare(stage.plan.rounds, || backend.run(CONNECTIONS, stage.plan.slice), bare_slice)?;
    findings.at_least(
        "payloads opened in strict custody, of a bare loop of its calls",
        comparison.ratio,
        0.6,
    );
    findings.compared(format!("payloads opened by {CONNECTIONS} tasks, strict / bare loop"), comparison);
    Ok(findings)
}

/// Counts the requests that fail while one of two tokens dies and comes back.
pub(super) fn drill(stage: &Stage) -> Result<Findings> {
    let site = Site::new(stage, "drill")?;
    site.tokens.token("two");
    let modules = ["first", "second"].map(|name| site.tokens.faulty_module(name));
    let server = site.launch(stage, "strict", &[(&modules[0].0, "one"), (&modules[1].0, "two")])?.start()?;
    let offer = Offer::new(reads(&server)?, RATE);
    let span = (stage.plan.slice * stage.plan.rounds).max(Duration::from_secs(4));
    let offered = thread::scope(|scope| {
        let load = scope.spawn(|| offer.run(span));
        thread::sleep(span / 4);
        // CKR_DEVICE_REMOVED, whatever it is asked.
        modules[0].order("* 0x32");
        thread::sleep(span / 4);
        modules[0].heal();
        load.join().map_err(|_| anyhow!("the load panicked"))?
    })?;
    let mut findings = Findings::default();
    if let Some(complaint) = &offered.complaint {
        println!("    the first failure: {complaint}");
    }
    findings.number("requests while one of two tokens dies", offered.total());
    findings.at_most("failed requests while one of two tokens dies", offered.unanswered(), 0.0);
    findings.figures("payload reads while one of two tokens dies", offered.accepted.figures());
    Ok(findings)
}

/// SoftHSM2's tokens in a folder, the first of them made.
struct Site {
    folder: PathBuf,
    tokens: Tokens,
}

impl Site {
    fn new(stage: &Stage, name: &str) -> Result<Self> {
        let folder = stage.folder.join(name);
        fs::create_dir(&folder)?;
        let tokens = Tokens::prepare(&folder);
        tokens.token("one");
        Ok(Self { folder, tokens })
    }

    /// A server with these tokens, by module and label.
    fn launch(&self, stage: &Stage, custody: &str, tokens: &[(&Path, &str)]) -> Result<Launch> {
        let pin = self.tokens.pin();
        let mut text = format!("[stores]\nenabled = ['pkcs11']\n[pkcs11]\ncustody = '{custody}'\n");
        for (module, label) in tokens {
            let (module, pin) = (module.display(), pin.display());
            write!(text, "[[pkcs11.tokens]]\nmodule = '{module}'\nlabel = '{label}'\npin_file = '{pin}'\n")?;
        }
        // SoftHSM2 writes to its tokens' folder.
        write!(text, "[sandbox]\nwritable = ['{}']\n", self.folder.display())?;
        let file = self.folder.join("strongroom.toml");
        fs::write(&file, text)?;
        let name = format!("{}/data", self.folder.display());
        let server = stage.server(&name).config(file);
        Ok(self.tokens.environment().iter().fold(server, |server, (variable, settings)| {
            server.variable(variable, &settings.display().to_string())
        }))
    }
}

fn reads(server: &Server) -> Result<Load> {
    let exchanges = runtime()?.block_on(workload::payload_reads(&server.endpoint, READER))?;
    Ok(Load { endpoint: server.endpoint.clone(), exchanges, connections: CONNECTIONS })
}
