//! `cargo xtask bench`: the server against a bare hyper server, on the same machine, in the same minutes.
//!
//! Slices of load alternate between the two, and each figure is the median of the ratios of neighbouring
//! slices, so that a machine that slows down for a while slows both. Every answer is checked, byte for byte
//! where it can be known; one wrong answer fails the bench.

mod compare;
mod connection;
mod disk;
mod exchange;
mod figures;
mod floor;
mod load;
mod orders;
mod process;
mod report;
mod scale;
mod sqlite;
mod throughput;
mod tokens;
mod workload;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::{setup, step, workspace};
use process::Server;

pub(crate) use floor::serve as serve_floor;

/// What to measure and where to write it.
#[derive(Args)]
pub(crate) struct Options {
    /// Take shorter slices and 10,000 secrets rather than 100,000
    #[arg(long)]
    quick: bool,
    /// Write all figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// As [`Options`], with what was built.
#[derive(Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    options: Options,
    /// The server to measure
    #[arg(long)]
    server: PathBuf,
}

/// How much to measure.
struct Plan {
    /// Pairs of slices in each comparison.
    rounds: u32,
    /// How long one slice lasts.
    slice: Duration,
    /// How many secrets the large project holds.
    secrets: u32,
}

impl Plan {
    const FULL: Self = Self { rounds: 9, slice: Duration::from_millis(500), secrets: 100_000 };
    const QUICK: Self = Self { rounds: 3, slice: Duration::from_millis(300), secrets: 10_000 };
}

/// Builds everything for release and hands over to the release build of this program, since the load must
/// not come from unoptimised code.
pub(crate) fn run(options: &Options) -> Result<()> {
    // The real Keystone is part of it.
    setup::run()?;
    step::run(
        "build for release",
        step::cargo().args(["build", "--release", "-p", "strongroom-server", "-p", "xtask"]),
    )?;
    let binaries = workspace::binaries("release")?;
    let mut measure = std::process::Command::new(binaries.join("xtask"));
    measure.arg("bench-run").arg("--server").arg(binaries.join("strongroom-server"));
    if options.quick {
        measure.arg("--quick");
    }
    if let Some(file) = &options.json {
        measure.arg("--json").arg(file);
    }
    step::run("measure", &mut measure)
}

/// Measures, prints the table and writes the file asked for.
pub(crate) fn measure(run: &RunOptions) -> Result<()> {
    let plan = if run.options.quick { Plan::QUICK } else { Plan::FULL };
    // Beside the build's output rather than in a temporary folder, which may be in memory.
    let base = workspace::binaries("bench")?;
    fs::create_dir_all(&base).with_context(|| format!("can't create {}", base.display()))?;
    let folder = tempfile::tempdir_in(&base).with_context(|| format!("no folder in {}", base.display()))?;

    let mut server = Server::start(&run.server, &folder.path().join("crowded"))?;
    let throughput = throughput::measure(&plan, &server, folder.path())?;
    let alone = Server::start(&run.server, &folder.path().join("alone"))?;
    let scale = scale::measure(&plan, &server, &alone)?;
    drop(alone);
    let memory = server.resident_mib()?;
    println!("restarting with {} secrets", plan.secrets);
    let starts = (0..plan.rounds).map(|_| server.restart()).collect::<Result<Vec<_>>>()?;

    let orders = orders::measure(&plan, &Server::start(&run.server, &folder.path().join("orders"))?)?;
    let tokens = tokens::measure(&plan, &run.server, folder.path())?;

    let report = report::Report::new(run.options.quick, throughput, scale, orders, tokens, memory, &starts);
    report.print();
    if let Some(file) = &run.options.json {
        let json = serde_json::to_vec_pretty(&report)?;
        fs::write(file, json).with_context(|| format!("can't write {}", file.display()))?;
    }
    Ok(())
}
