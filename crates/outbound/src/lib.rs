#![doc = include_str!("../README.md")]

mod error;
mod message;
mod post;
mod secret;
mod signed_post;
mod syslog;
mod tls;

pub use error::{SendError, SetUpError};
pub use message::{SyslogMessage, SyslogSender, cut, host_name};
pub use post::Post;
pub use secret::read_secret;
pub use signed_post::SignedPost;
pub use syslog::{Syslog, SyslogAddress};
pub use tls::TlsFiles;
