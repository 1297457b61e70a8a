//! The parts of the bench, each of which can be run alone.

use anyhow::Result;
use clap::ValueEnum;

use super::findings::Findings;
use super::stage::Stage;
use super::{
    audit, haproxy, hsm, idle, orders, overload, requests, review, rotation, siem, tls, tokens, verify,
};

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Each kind of request against a bare hyper server, lists that grow, memory and restarts
    Requests,
    /// Orders for keys, and reads beside them
    Orders,
    /// Reads with Keystone's tokens
    Tokens,
    /// Reads over TLS against a bare hyper and rustls server
    Tls,
    /// The memory of idle TLS connections, against the same
    Idle,
    /// Three times as many requests as can be answered
    Overload,
    /// One of two servers behind HAProxy is stopped
    Haproxy,
    /// Durable audit against records in memory and against the disk
    Audit,
    /// Reads beside a receiver of audit records that is dead
    Siem,
    /// Verifying a journal against a bare SHA-256
    Verify,
    /// Reads with the master key in a token, against the file and against the token's own calls
    Hsm,
    /// One of two tokens dies
    Drill,
    /// Rewrapping project keys against plain updates, and reads beside it
    Rotation,
    /// A review of ten times as many secrets, and reads that are noted for it against reads that are not
    Review,
}

impl Part {
    /// Its name, as given to `--only`.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Measures.
    pub(super) fn measure(self, stage: &Stage) -> Result<Findings> {
        match self {
            Self::Requests => requests::measure(stage),
            Self::Orders => orders::measure(stage),
            Self::Tokens => tokens::measure(stage),
            Self::Tls => tls::measure(stage),
            Self::Idle => idle::measure(stage),
            Self::Overload => overload::measure(stage),
            Self::Haproxy => haproxy::measure(stage),
            Self::Audit => audit::measure(stage),
            Self::Siem => siem::measure(stage),
            Self::Verify => verify::measure(stage),
            Self::Hsm => hsm::custody(stage),
            Self::Drill => hsm::drill(stage),
            Self::Rotation => rotation::measure(stage),
            Self::Review => review::measure(stage),
        }
    }
}
