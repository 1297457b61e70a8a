use crate::id::TransportKeyId;
use crate::ports::StorageError;
use crate::secret::{Page, Paging};
use crate::transport_key::TransportKey;

/// Questions about transport keys.
pub trait TransportKeyReader {
    /// The key of that id.
    fn transport_key(&mut self, id: TransportKeyId) -> Result<Option<TransportKey>, StorageError>;

    /// A part of all keys, or of those for one backend, in the order of their creation.
    fn transport_keys(
        &mut self,
        plugin_name: Option<&str>,
        paging: Paging,
    ) -> Result<Page<TransportKey>, StorageError>;
}

/// Changes of transport keys.
pub trait TransportKeyWriter {
    /// Adds a key.
    fn insert_transport_key(&mut self, key: &TransportKey) -> Result<(), StorageError>;

    /// Removes a key; `false` when there was none.
    fn delete_transport_key(&mut self, id: TransportKeyId) -> Result<bool, StorageError>;
}
