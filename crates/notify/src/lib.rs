#![doc = include_str!("../README.md")]

mod channel;
mod email;
mod line;
mod notice;
mod notifier;
mod status;
mod syslog;
mod webhook;

pub use channel::{Channel, EmailOptions, EmailSecurity};
pub use notice::{Notice, Severity, Topic};
pub use notifier::{DeliveryError, Notifier};
pub use status::ChannelStatus;
