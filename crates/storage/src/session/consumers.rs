use std::collections::HashMap;

use strongroom_core::consumer::{Consumer, Use};
use strongroom_core::ports::{ConsumerReader, ConsumerWriter, StorageError};
use strongroom_core::secret::{Page, Paging};
use strongroom_core::{ConsumerId, Object};

use super::Session;
use crate::tables::consumers;

impl ConsumerReader for Session<'_> {
    fn consumers(&mut self, object: Object, paging: Paging) -> Result<Page<Consumer>, StorageError> {
        self.run(|connection| consumers::page(connection, object, paging))
    }

    fn uses(&mut self, objects: &[Object]) -> Result<HashMap<Object, Vec<Use>>, StorageError> {
        self.run(|connection| consumers::uses(connection, objects))
    }

    fn consumer(&mut self, object: Object, id: ConsumerId) -> Result<Option<Consumer>, StorageError> {
        self.run(|connection| consumers::find(connection, object, id))
    }

    fn consumer_by_use(&mut self, object: Object, used_by: &Use) -> Result<Option<Consumer>, StorageError> {
        self.run(|connection| consumers::find_by_use(connection, object, used_by))
    }
}

impl ConsumerWriter for Session<'_> {
    fn insert_consumer(&mut self, object: Object, consumer: &Consumer) -> Result<(), StorageError> {
        self.run(|connection| consumers::insert(connection, object, consumer))
    }

    fn delete_consumer(&mut self, id: ConsumerId) -> Result<(), StorageError> {
        self.run(|connection| consumers::delete(connection, id))
    }
}
