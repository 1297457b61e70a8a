//! Opens payloads in strict custody again and again, to show what the backend adds to the token's own calls.
//!
//! `strict_custody MODULE LABEL PIN-FILE` answers each line of standard input, a number of tasks and of
//! milliseconds, by a list of latencies in nanoseconds. The bench holds it against a bare loop of the same calls.
#![expect(clippy::print_stdout, reason = "an example tells what it has measured")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom_core::ports::{BackendError, ProjectKey, Sealed, SecretBackend as _};
use strongroom_core::{Clock as _, Payload, ProjectId, SystemClock};
use strongroom_crypto_pkcs11::{PinSource, Pkcs11Backend, Pkcs11Config, TokenConfig, TokenSelector};
use tokio::task::JoinSet;

/// What a payload is bound to.
const BINDING: &[u8] = b"a secret's unchangeable fields";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(module), Some(label), Some(pin)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: strict_custody MODULE LABEL PIN-FILE".into());
    };
    let token = TokenConfig {
        module: PathBuf::from(module),
        selector: TokenSelector::Label(label),
        pin: PinSource::File(PathBuf::from(pin)),
    };
    let backend = Arc::new(Pkcs11Backend::connect(Pkcs11Config::new(vec![token])).await?);
    let key = Arc::new(backend.create_project_key(&ProjectId::new("bench")?, 1, SystemClock.now()).await?);
    let sealed = Arc::new(backend.seal(&key, BINDING, &Payload::new(vec![b'.'; 64])).await?);
    for line in std::io::stdin().lines() {
        let line = line?;
        let (tasks, millis) = line.split_once(' ').ok_or("a number of tasks, and of milliseconds")?;
        let (tasks, duration): (usize, _) = (tasks.parse()?, Duration::from_millis(millis.parse()?));
        let mut running = JoinSet::new();
        for _ in 0..tasks {
            running.spawn(open(Arc::clone(&backend), Arc::clone(&key), Arc::clone(&sealed), duration));
        }
        let mut nanos = Vec::new();
        while let Some(task) = running.join_next().await {
            nanos.append(&mut task??);
        }
        println!("{nanos:?}");
    }
    Ok(())
}

async fn open(
    backend: Arc<Pkcs11Backend>,
    key: Arc<ProjectKey>,
    sealed: Arc<Sealed>,
    duration: Duration,
) -> Result<Vec<u128>, BackendError> {
    let (begun, mut nanos) = (Instant::now(), Vec::new());
    while begun.elapsed() < duration {
        let before = Instant::now();
        backend.open(&key, BINDING, &sealed).await?;
        nanos.push(before.elapsed().as_nanos());
    }
    Ok(nanos)
}
