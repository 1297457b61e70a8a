use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts connections. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicU64,
    ended: AtomicU64,
}

/// One that is open, for as long as this lives.
pub(crate) struct Open(Connections);

impl Connections {
    /// How many have been accepted so far.
    pub fn accepted(&self) -> u64 {
        self.0.accepted.load(Ordering::Relaxed)
    }

    /// How many are open.
    pub fn open(&self) -> u64 {
        // In this order: one that ends in between does not make it negative.
        let ended = self.0.ended.load(Ordering::Acquire);
        self.accepted().saturating_sub(ended)
    }

    /// One was accepted.
    pub(crate) fn begin(&self) -> Open {
        self.0.accepted.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_have_ended_are_not_open() {
        let connections = Connections::default();
        let (first, second) = (connections.begin(), connections.clone().begin());
        assert_eq!((connections.accepted(), connections.open()), (2, 2));
        drop(first);
        assert_eq!((connections.accepted(), connections.open()), (2, 1));
        drop(second);
        assert_eq!(connections.open(), 0);
    }
}
