//! Operators on this machine, by a socket in the file system: who may use it is what its mode and its folder say.

use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tower::Service;

use super::answers::Reply;

/// For the service's own user and group.
const MODE: u32 = 0o660;
/// Connections served at once.
const CONNECTIONS: usize = 64;
/// How long a connection may take to send the head of a request.
const HEAD: Duration = Duration::from_secs(10);

/// A socket that is listened on. Its file goes with it.
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Listens on that path, in place of a socket that a server which was killed has left there.
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(MODE))?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Serves for ever; may be cut off anywhere.
    pub(super) async fn serve<S>(self, service: S)
    where
        S: Service<Request<Incoming>, Response = Reply, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
    {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let Ok((stream, _)) = self.listener.accept().await else {
                // Out of descriptors, most likely.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let service = service.clone();
            tokio::spawn(async move {
                speak(stream, service).await;
                drop(slot);
            });
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // What is left of it is taken away by the next start.
        fs::remove_file(&self.path).ok();
    }
}

async fn speak<S>(stream: UnixStream, service: S)
where
    S: Service<Request<Incoming>, Response = Reply, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    if let Err(error) = connection.await {
        tracing::debug!(%error, "an operator's connection ended early");
    }
}
