use std::collections::HashMap;

use crate::consumer::{Consumer, Use};
use crate::id::ConsumerId;
use crate::object::Object;
use crate::ports::StorageError;
use crate::secret::{Page, Paging};

/// Questions about consumers. Those of a secret come in the order of their creation, those of a container
/// by name (spec section 5.1).
pub trait ConsumerReader {
    /// A part of an object's consumers.
    fn consumers(&mut self, object: Object, paging: Paging) -> Result<Page<Consumer>, StorageError>;

    /// Everybody who uses these objects. An object without consumers has no entry.
    fn uses(&mut self, objects: &[Object]) -> Result<HashMap<Object, Vec<Use>>, StorageError>;

    /// One of an object's consumers, by id.
    fn consumer(&mut self, object: Object, id: ConsumerId) -> Result<Option<Consumer>, StorageError>;

    /// The consumer that registered exactly this use of an object.
    fn consumer_by_use(&mut self, object: Object, used_by: &Use) -> Result<Option<Consumer>, StorageError>;
}

/// Changes of consumers.
pub trait ConsumerWriter {
    /// Adds a consumer of a use not registered yet.
    fn insert_consumer(&mut self, object: Object, consumer: &Consumer) -> Result<(), StorageError>;

    /// Removes a consumer, if it is there.
    fn delete_consumer(&mut self, id: ConsumerId) -> Result<(), StorageError>;
}
