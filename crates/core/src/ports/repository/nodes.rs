use crate::ports::{BackendId, StorageError};
use crate::rotation::Node;

/// Questions about the servers that share the repository.
pub trait NodeReader {
    /// Every server that was seen with that backend, by name.
    fn nodes(&mut self, backend: &BackendId) -> Result<Vec<Node>, StorageError>;
}

/// What a server says about itself.
pub trait NodeWriter {
    /// Sets what is known about a server.
    fn put_node(&mut self, node: &Node) -> Result<(), StorageError>;

    /// Forgets a server that stops in order.
    fn delete_node(&mut self, name: &str) -> Result<(), StorageError>;
}
