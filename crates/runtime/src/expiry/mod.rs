//! Secrets that end: people are told before, and what has expired is destroyed. Certificates that were stored before
//! they were read as they come are read by and by.

mod notice;
mod operate;
mod read;
mod sweep;
mod tell;

pub use operate::{acknowledge_ending, carry_out_reading, count_unread, list_endings};
pub(crate) use read::read_certificates;
pub(crate) use sweep::look_after;
pub(crate) use tell::tell;
