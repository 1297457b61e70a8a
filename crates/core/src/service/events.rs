//! What tasks of one process tell each other about orders. Nothing depends on a message arriving: whoever
//! waits looks at the repository too.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::id::OrderId;

/// Wakes one waiting task; a wake that nobody waits for is kept, once.
pub(super) struct Wake {
    sender: async_channel::Sender<()>,
    receiver: async_channel::Receiver<()>,
}

impl Default for Wake {
    fn default() -> Self {
        let (sender, receiver) = async_channel::bounded(1);
        Self { sender, receiver }
    }
}

impl Wake {
    pub(super) fn wake(&self) {
        // Full when a wake is waiting already, which is as good.
        self.sender.try_send(()).ok();
    }

    pub(super) async fn wait(&self) {
        // Both ends live as long as this.
        self.receiver.recv().await.ok();
    }
}

/// Tells tasks that an order has ended.
#[derive(Default)]
pub(super) struct Endings(Mutex<HashMap<OrderId, Vec<async_channel::Sender<()>>>>);

impl Endings {
    /// Completes once the order's end is announced. Counts from the call, not from the first poll.
    pub(super) fn of(&self, id: OrderId) -> impl Future<Output = ()> + use<> {
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        waiting.entry(id).or_default().push(sender);
        async move {
            // Announcing drops the sender.
            receiver.recv().await.ok();
        }
    }

    pub(super) fn announce(&self, id: OrderId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}
