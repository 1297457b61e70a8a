use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::OrderId;

/// The orders that this process is carrying out.
#[derive(Default)]
pub(super) struct InHand(Mutex<BTreeSet<OrderId>>);

/// Keeps an order in hand until it is dropped.
pub(super) struct Held<'a> {
    orders: &'a InHand,
    id: OrderId,
}

impl InHand {
    pub(super) fn hold(&self, id: OrderId) -> Held<'_> {
        self.lock().insert(id);
        Held { orders: self, id }
    }

    pub(super) fn all(&self) -> Vec<OrderId> {
        self.lock().iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<OrderId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.orders.lock().remove(&self.id);
    }
}
