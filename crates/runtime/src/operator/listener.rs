use std::net::SocketAddr;

use strongroom_edge::{Limits, LockOuts, Refusals, Rules, Server};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::answers::{Desk, turned_away};
use super::socket::Socket;
use crate::edge;
use crate::error::RunError;
use crate::settings::{OperatorPlace, Settings};

/// Connections served at once: a few instruments look, not many clients.
const CONNECTIONS: usize = 64;

/// The operator's listener, open and not served yet.
pub(crate) struct OperatorListener(Opened);

enum Opened {
    Tcp { listener: TcpListener, address: SocketAddr, rules: Box<Rules> },
    Socket(Socket),
}

/// The operator's listener at work.
pub(crate) struct AtWork {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl OperatorListener {
    /// Opens the listener that the settings ask for, if any.
    pub(crate) async fn open(settings: &Settings, lock_outs: &LockOuts) -> Result<Option<Self>, RunError> {
        let address = match &settings.operator.listen {
            None => return Ok(None),
            Some(OperatorPlace::Socket(path)) => {
                let failed = |source| RunError::Socket { path: path.clone(), source };
                let socket = Socket::bind(path).map_err(failed)?;
                return Ok(Some(Self(Opened::Socket(socket))));
            }
            Some(OperatorPlace::Address(address)) => *address,
        };
        let failed = |source| RunError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        // Nobody else comes to the loopback interface. Elsewhere the rules are the API's.
        let local = address.ip().to_canonical().is_loopback();
        let rules = if local { Rules::default() } else { edge::rules(settings, lock_outs.clone())? };
        Ok(Some(Self(Opened::Tcp { listener, address: bound, rules: Box::new(rules) })))
    }

    /// Begins to answer.
    pub(crate) fn serve(self, desk: Desk, settings: &Settings, refusals: Refusals) -> AtWork {
        let service = desk.into_service();
        match self.0 {
            Opened::Socket(socket) => {
                tracing::info!(operator = %socket.path().display(), "operators are answered");
                AtWork { stop: None, task: tokio::spawn(socket.serve(service)) }
            }
            Opened::Tcp { listener, address, rules } => {
                let scheme = if rules.tls.is_some() { "https" } else { "http" };
                tracing::info!(operator = %format_args!("{scheme}://{address}"), "operators are answered");
                let limits = Limits { connections: CONNECTIONS, ..settings.limits.clone() };
                let server = Server::new(listener, service, turned_away, *rules, limits, refusals);
                let (stop, stopped) = oneshot::channel::<()>();
                let task = tokio::spawn(async move {
                    // Told to stop, or forgotten.
                    let stop = async { stopped.await.unwrap_or(()) };
                    server.run(stop, async {}).await;
                });
                AtWork { stop: Some(stop), task }
            }
        }
    }
}

impl AtWork {
    /// Ends, without waiting for whoever is connected, and lets go of all parts.
    pub(crate) async fn stop(self) {
        self.task.abort();
        drop(self.stop);
        self.task.await.ok();
    }
}
