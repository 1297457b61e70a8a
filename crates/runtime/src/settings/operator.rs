use std::net::SocketAddr;
use std::path::PathBuf;

use super::reader::Reader;

/// The listener for operators: health, readiness and metrics.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OperatorSection {
    /// Where it listens; nowhere when absent.
    pub listen: Option<OperatorPlace>,
}

/// Where operators find the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperatorPlace {
    /// An address and port.
    Address(SocketAddr),
    /// A socket in the file system, which the service's own user and group may use.
    Socket(PathBuf),
}

pub(super) fn operator(reader: &mut Reader) -> OperatorSection {
    const KEY: &str = "operator.listen";
    let allowed =
        "an address and port, such as \"127.0.0.1:9312\", the absolute path of a socket, or \"\" for none";
    let text = reader.get(KEY, String::new(), allowed);
    let listen = match text.parse() {
        _ if text.is_empty() => None,
        Ok(address) => Some(OperatorPlace::Address(address)),
        Err(_) if text.starts_with('/') => Some(OperatorPlace::Socket(PathBuf::from(text))),
        Err(_) => {
            reader.refuse(KEY, format!("{text:?} is none of what is allowed here; give {allowed}"));
            None
        }
    };
    OperatorSection { listen }
}
