use strongroom_core::TransportKeyId;
use strongroom_core::ports::{StorageError, TransportKeyReader, TransportKeyWriter};
use strongroom_core::secret::{Page, Paging};
use strongroom_core::transport_key::TransportKey;

use super::Session;
use crate::tables::transport_keys;

impl TransportKeyReader for Session<'_> {
    fn transport_key(&mut self, id: TransportKeyId) -> Result<Option<TransportKey>, StorageError> {
        self.run(|connection| transport_keys::find(connection, id))
    }

    fn transport_keys(
        &mut self,
        plugin_name: Option<&str>,
        paging: Paging,
    ) -> Result<Page<TransportKey>, StorageError> {
        self.run(|connection| transport_keys::page(connection, plugin_name, paging))
    }
}

impl TransportKeyWriter for Session<'_> {
    fn insert_transport_key(&mut self, key: &TransportKey) -> Result<(), StorageError> {
        self.run(|connection| transport_keys::insert(connection, key))
    }

    fn delete_transport_key(&mut self, id: TransportKeyId) -> Result<bool, StorageError> {
        self.run(|connection| transport_keys::delete(connection, id))
    }
}
