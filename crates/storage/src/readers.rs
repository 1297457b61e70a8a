use std::panic::{AssertUnwindSafe, catch_unwind};

use strongroom_core::ports::StorageError;

use crate::Connection;
use crate::control::Control;

/// Connections that read beside each other and beside the writer.
///
/// The caller's own thread does the reading. Measured on two cores, reading a secret with its payload and
/// key takes 20 us so, and 30 to 60 us of processor time when threads of our own do it, at any number of
/// callers: the reading costs less than handing it over and being woken. A list with a filter over very many
/// secrets does hold its caller's thread for as long as it takes.
pub(crate) struct Readers {
    idle: async_channel::Receiver<Connection>,
    give_back: async_channel::Sender<Connection>,
}

impl Readers {
    /// Takes charge of the connections.
    pub(crate) fn new(connections: Vec<Connection>) -> Self {
        let (give_back, idle) = async_channel::bounded(connections.len().max(1));
        for connection in connections {
            // There is a place for each.
            give_back.try_send(connection).ok();
        }
        Self { idle, give_back }
    }

    /// Lets `work` ask questions of one consistent state, as soon as a connection is idle.
    pub(crate) async fn run<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send,
    ) -> Result<T, StorageError> {
        let idle = self.idle.recv().await;
        let mut connection =
            idle.map_err(|_| StorageError::Unavailable("no connection is left".to_owned()))?;
        let answer = snapshot(&mut connection, work);
        self.give_back.try_send(connection).ok();
        answer
    }
}

/// Lets `work` ask questions of one consistent state.
pub(crate) fn snapshot<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> T,
) -> Result<T, StorageError> {
    Control::Begin.apply(connection)?;
    let answer = catch_unwind(AssertUnwindSafe(|| work(connection)));
    Control::Commit.apply(connection)?;
    answer.map_err(|_| StorageError::Unavailable("the reader's own code panicked".to_owned()))
}
