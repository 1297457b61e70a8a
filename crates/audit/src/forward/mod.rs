//! Sends the journal's records elsewhere: in order, each at least once, however long the other side is away.
//! The journal itself is the spool, and a cursor on the disk tells how far each forwarder has come.
//!
//! All forwarders share one thread of their own. What they wait for never keeps a request waiting; only a
//! *required* one that lags too far makes the [`Gate`] refuse.

mod backlog;
mod cadf;
mod cadf_file;
mod cursor;
mod destination;
mod follow;
mod forwarder;
mod gate;
mod otlp;
mod otlp_messages;
mod progress;
mod receiver;
mod rfc5424;
mod start;
mod syslog;
mod webhook;

pub use backlog::{Backlog, backlog};
pub use destination::{Destination, ForwarderOptions};
pub use gate::Gate;
pub use progress::ForwarderStatus;
pub use start::{ForwardError, Forwarding};

pub(crate) use cursor::earliest;
