use strongroom_core::order::{Order, OrderQuery, OrderState};
use strongroom_core::ports::{OrderReader, OrderWriter, StorageError};
use strongroom_core::secret::Page;
use strongroom_core::{OrderId, ProjectId, Timestamp};

use super::Session;
use crate::tables::orders::{self, Worker};

impl OrderReader for Session<'_> {
    fn order(&mut self, id: OrderId) -> Result<Option<Order>, StorageError> {
        self.run(|connection| orders::find(connection, id))
    }

    fn orders(&mut self, project: &ProjectId, query: &OrderQuery) -> Result<Page<Order>, StorageError> {
        self.run(|connection| orders::page(connection, project, query))
    }

    fn has_order_for(&mut self, worker: &str, now: Timestamp) -> Result<bool, StorageError> {
        let worker = Worker { name: worker, run: self.run };
        self.run(|connection| Ok(orders::free(connection, worker, now)?.is_some()))
    }

    fn pending_orders(&mut self) -> Result<(u64, Option<Timestamp>), StorageError> {
        self.run(orders::pending)
    }
}

impl OrderWriter for Session<'_> {
    fn insert_order(&mut self, order: &Order) -> Result<(), StorageError> {
        self.run(|connection| orders::insert(connection, order))
    }

    fn claim_order(
        &mut self,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Order>, StorageError> {
        let worker = Worker { name: worker, run: self.run };
        self.run(|connection| orders::claim(connection, worker, now, until))
    }

    fn prolong_orders(
        &mut self,
        worker: &str,
        orders: &[OrderId],
        until: Timestamp,
    ) -> Result<(), StorageError> {
        let worker = Worker { name: worker, run: self.run };
        self.run(|connection| orders::prolong(connection, worker, orders, until))
    }

    fn end_order(&mut self, id: OrderId, state: &OrderState, now: Timestamp) -> Result<(), StorageError> {
        self.run(|connection| orders::end(connection, id, state, now))
    }

    fn delete_order(&mut self, id: OrderId) -> Result<bool, StorageError> {
        self.run(|connection| orders::delete(connection, id))
    }
}
