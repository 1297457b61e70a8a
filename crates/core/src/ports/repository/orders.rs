use crate::id::{OrderId, ProjectId};
use crate::order::{Order, OrderQuery, OrderState};
use crate::ports::StorageError;
use crate::secret::Page;
use crate::time::Timestamp;

/// Questions about orders.
pub trait OrderReader {
    /// The order of that id, in whatever project.
    fn order(&mut self, id: OrderId) -> Result<Option<Order>, StorageError>;

    /// The project's orders that match, in the order of their creation.
    fn orders(&mut self, project: &ProjectId, query: &OrderQuery) -> Result<Page<Order>, StorageError>;

    /// Whether [`OrderWriter::claim_order`] would give `worker` an order.
    fn has_order_for(&mut self, worker: &str, now: Timestamp) -> Result<bool, StorageError>;

    /// How many orders of all projects are pending, and when the oldest of them was placed.
    fn pending_orders(&mut self) -> Result<(u64, Option<Timestamp>), StorageError>;
}

/// Changes of orders.
pub trait OrderWriter {
    /// Adds an order.
    fn insert_order(&mut self, order: &Order) -> Result<(), StorageError>;

    /// Gives the oldest pending order that nobody works on to `worker`, until the time given: a worker that
    /// dies loses its order then. Orders that `worker` itself held in an earlier life are its again at once.
    fn claim_order(
        &mut self,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Order>, StorageError>;

    /// Prolongs the worker's claims on these orders until the time given, as far as it still has them.
    fn prolong_orders(
        &mut self,
        worker: &str,
        orders: &[OrderId],
        until: Timestamp,
    ) -> Result<(), StorageError>;

    /// Ends an order: sets its state, and drops its sealed passphrase and its worker.
    fn end_order(&mut self, id: OrderId, state: &OrderState, now: Timestamp) -> Result<(), StorageError>;

    /// Removes an order, and nothing that it has made; `false` when there was none.
    fn delete_order(&mut self, id: OrderId) -> Result<bool, StorageError>;
}
