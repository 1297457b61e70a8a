//! `cargo xtask bench`: the server against what it is built on, on the same machine, in the same minutes: a bare
//! hyper server, the disk, SQLite, SHA-256, a token's own calls.
//!
//! Slices of load alternate between the two, and each figure is the median of the ratios of neighbouring
//! slices, so that a machine that slows down for a while slows both. Every answer is checked, byte for byte
//! where it can be known; one wrong answer fails the bench. What counts failures counts wrong answers as such.

mod audit;
mod compare;
mod connection;
mod cores;
mod disk;
mod endpoint;
mod exchange;
mod figures;
mod findings;
mod floor;
mod haproxy;
mod hsm;
mod idle;
mod load;
mod offered;
mod orders;
mod overload;
mod part;
mod process;
mod report;
mod requests;
mod review;
mod rotation;
mod scale;
mod siem;
mod sqlite;
mod stage;
mod throughput;
mod tls;
mod token_loop;
mod tokens;
mod updates;
mod verify;
mod workload;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum as _};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{setup, step, workspace};
use part::Part;
use report::Report;
use stage::Stage;

pub(crate) use floor::serve as serve_floor;
pub(crate) use token_loop::{LoopOptions, serve as serve_token_loop};

/// What to measure and where to write it.
#[derive(Args)]
pub(crate) struct Options {
    /// Take shorter slices and 10,000 secrets or projects rather than 100,000
    #[arg(long)]
    quick: bool,
    /// Measure these parts only
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// Write all figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// How much to measure.
#[derive(Clone, Copy)]
struct Plan {
    /// Pairs of slices in each comparison.
    rounds: u32,
    /// How long one slice lasts.
    slice: Duration,
    /// How many secrets the large project holds, and how many projects there are where they matter.
    many: u32,
}

impl Plan {
    const FULL: Self = Self { rounds: 9, slice: Duration::from_millis(500), many: 100_000 };
    const QUICK: Self = Self { rounds: 3, slice: Duration::from_millis(300), many: 10_000 };
}

/// Builds everything for release and hands over to the release build of this program, since the load must
/// not come from unoptimised code.
pub(crate) fn run(options: &Options) -> Result<()> {
    // The real Keystone is part of it.
    setup::run()?;
    // In one go: what is built of a crate depends on who is built with it.
    let packages = [
        "strongroom-server",
        "strongroom-admin",
        "strongroom-runtime",
        "strongroom-crypto-pkcs11",
        "strongroom-faulty-pkcs11",
        "xtask",
    ];
    let mut build = step::cargo();
    build.args(["build", "--release", "--lib", "--bins", "--example", "own_audit_sink"]);
    build.args(["--example", "strict_custody"]);
    build.args(packages.iter().flat_map(|package| ["--package", package]));
    step::run("build for release", &mut build)?;
    let mut measure = std::process::Command::new(workspace::binaries("release")?.join("xtask"));
    measure.arg("bench-run").args(options.quick.then_some("--quick"));
    measure.args(options.only.iter().flat_map(|part| ["--only".to_owned(), part.name()]));
    if let Some(file) = &options.json {
        measure.arg("--json").arg(file);
    }
    step::run("measure", &mut measure)
}

/// Measures with what is built for release, prints the tables and writes the file asked for.
pub(crate) fn measure(options: &Options) -> Result<()> {
    let plan = if options.quick { Plan::QUICK } else { Plan::FULL };
    open_many_files()?;
    let binaries = workspace::binaries("release")?;
    // Beside the build's output rather than in a temporary folder, which may be in memory.
    let base = workspace::binaries("bench")?;
    fs::create_dir_all(&base).with_context(|| format!("can't create {}", base.display()))?;
    let mut report = Report::new(options.quick);
    for part in Part::value_variants() {
        if !options.only.is_empty() && !options.only.contains(part) {
            continue;
        }
        let name = part.name();
        println!("measuring {name}");
        let folder =
            tempfile::tempdir_in(&base).with_context(|| format!("no folder in {}", base.display()))?;
        let stage = Stage { plan, binaries: binaries.clone(), folder: folder.path().to_owned() };
        let findings = part.measure(&stage).with_context(|| format!("the part {name} failed"))?;
        report.add(name, findings);
    }
    report.print();
    if let Some(file) = &options.json {
        let json = serde_json::to_vec_pretty(&report)?;
        fs::write(file, json).with_context(|| format!("can't write {}", file.display()))?;
    }
    Ok(())
}

/// Lets this process, and those it starts, hold as many connections as the system allows.
fn open_many_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .context("can't raise the limit of open files")
}
