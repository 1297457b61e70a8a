#![doc = include_str!("../README.md")]

mod alert;
mod counter;
mod observation;
mod quiet;
mod readers;
mod rule;
mod tap;
mod watch;

pub use alert::{Alert, LockOut, Offender, Responder, Subject};
pub use observation::{Observation, Who};
pub use readers::Readers;
pub use rule::{By, Rule, RuleKind};
pub use tap::{Spout, Tap};
pub use watch::{Watch, watch};
