#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, reason = "a task reports to whoever started it")]

mod advisories;
mod bench;
mod dev;
mod kryoptic;
mod settings_page;
mod setup;
mod step;
mod test;
mod tidy;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check the direction of dependencies, manifests, file sizes and the handbook's pages
    Tidy,
    /// Make what the tests need beside Rust: packages, Python environments, a second PKCS#11 module
    Setup,
    /// Set up, build the binaries once and run every test of the workspace
    Test(test::Options),
    /// Run a server for trying things out
    Dev(dev::Options),
    /// Measure the server against a bare hyper server, side by side
    Bench(bench::Options),
    /// Check the dependencies against the RustSec advisory database (needs the network)
    Advisories,
    /// Answer every request with one recorded answer read from standard input
    #[command(hide = true)]
    FloorServer,
    /// The part of `bench` that runs in a release build
    #[command(hide = true)]
    BenchRun(bench::Options),
    /// Open keys in a token again and again, as standard input says
    #[command(hide = true)]
    TokenLoop(bench::LoopOptions),
}

fn main() -> Result<()> {
    match Cli::parse().task {
        Task::Tidy => tidy::run(),
        Task::Setup => setup::run(),
        Task::Test(options) => test::run(&options),
        Task::Dev(options) => dev::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Advisories => advisories::run(),
        Task::FloorServer => bench::serve_floor(),
        Task::BenchRun(options) => bench::measure(&options),
        Task::TokenLoop(options) => bench::serve_token_loop(&options),
    }
}
