use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use strongroom_runtime::{Flag, Sources, Value};

/// Strongroom, a Key Manager that speaks the OpenStack Key Manager (Barbican) API.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXAMPLES)]
pub(crate) struct Flags {
    /// Settings file (TOML)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where key, database and journal are kept
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  strongroom-server dev                                    try it: everything is made on the first run
  strongroom-server dev --data-dir ./try --listen 127.0.0.1:9400
  strongroom-server --config /etc/strongroom.toml serve    the service
  strongroom-server --config /etc/strongroom.toml config show";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve an installation that has its master key and database
    Serve,
    /// Serve on loopback for trying and developing; the first run makes whatever is missing
    Dev {
        /// Address and port, on the loopback interface
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
        /// Speak plain HTTP rather than TLS with a certificate of its own
        #[arg(long)]
        plain_http: bool,
    },
    /// Look at the settings
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the effective settings and where each came from
    Show {
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Output {
    #[default]
    Table,
    Json,
}

impl Flags {
    /// Where the settings come from.
    pub(crate) fn sources(&self) -> Sources {
        let text = |path: &PathBuf| Value::from(path.to_string_lossy().into_owned());
        let mut flags = Vec::new();
        if let Some(data_dir) = &self.data_dir {
            flags.push(Flag { name: "--data-dir", key: "data_dir", value: text(data_dir) });
        }
        if let Command::Dev { listen, .. } = &self.command {
            if self.data_dir.is_none() && self.config.is_none() {
                flags.push(Flag { name: "dev", key: "data_dir", value: text(&personal_data_dir()) });
            }
            if let Some(listen) = listen {
                flags.push(Flag {
                    name: "--listen",
                    key: "api.listen",
                    value: Value::from(listen.to_string()),
                });
            }
        }
        Sources { file: self.config.clone(), environment: true, flags }
    }
}

/// Where a person's own data goes by the XDG base directory specification.
fn personal_data_dir() -> PathBuf {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .unwrap_or_default()
        .join("strongroom")
}
