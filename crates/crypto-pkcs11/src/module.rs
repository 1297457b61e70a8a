//! A PKCS#11 module in this process: loaded once, initialised once, finalised while nobody is inside.
//!
//! Finalising a module under another thread's call crashes some of them. So every call holds the lock for
//! reading, and finalising and initialising hold it for writing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use crate::error::Pkcs11Error;

/// Every module that is loaded. A module is in here until it has been finalised.
static LOADED: Mutex<BTreeMap<PathBuf, Weak<Module>>> = Mutex::new(BTreeMap::new());

/// How long those inside are waited for; new calls wait meanwhile.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often a module with tokens at work is initialised anew for the sake of one that is lost.
const SELDOM: Duration = Duration::from_secs(30);

pub(crate) struct Module {
    path: PathBuf,
    state: RwLock<State>,
    /// How many of its tokens are at work.
    pub(crate) at_work: AtomicUsize,
    last_renewal: Mutex<Option<Instant>>,
}

struct State {
    pkcs11: Pkcs11,
    /// Counts initialisations: sessions and handles are worth something within one only.
    generation: u64,
    initialised: bool,
}

/// The right to call the module, for as long as it is held.
pub(crate) struct Entry<'a>(RwLockReadGuard<'a, State>);

impl Entry<'_> {
    pub(crate) fn pkcs11(&self) -> &Pkcs11 {
        &self.0.pkcs11
    }

    pub(crate) fn generation(&self) -> u64 {
        self.0.generation
    }
}

impl Module {
    /// The module at that path, which the whole process shares. One that does not initialise is given
    /// nevertheless: its device may come later.
    pub(crate) fn load(path: &Path) -> Result<Arc<Self>, Pkcs11Error> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        loop {
            let mut loaded = LOADED.lock();
            match loaded.get(&path).map(Weak::upgrade) {
                Some(Some(module)) => return Ok(module),
                // Its last user is about to finalise it.
                Some(None) => {
                    drop(loaded);
                    thread::yield_now();
                }
                None => {
                    let module = Arc::new(Self::open(&path)?);
                    loaded.insert(path, Arc::downgrade(&module));
                    return Ok(module);
                }
            }
        }
    }

    fn open(path: &Path) -> Result<Self, Pkcs11Error> {
        let pkcs11 =
            Pkcs11::new(path).map_err(|source| Pkcs11Error::Load { path: path.to_owned(), source })?;
        let mut state = State { pkcs11, generation: 0, initialised: false };
        match state.initialise() {
            Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {
                return Err(Pkcs11Error::Shared(path.to_owned()));
            }
            Err(error) => {
                tracing::warn!(module = %path.display(), %error, "the PKCS#11 module does not initialise yet");
            }
            Ok(()) => {}
        }
        Ok(Self {
            path: path.to_owned(),
            state: RwLock::new(state),
            at_work: AtomicUsize::new(0),
            last_renewal: Mutex::new(None),
        })
    }

    /// Waits while the module is being initialised anew; `None` when that failed.
    pub(crate) fn enter(&self) -> Option<Entry<'_>> {
        let state = self.state.read();
        state.initialised.then_some(Entry(state))
    }

    /// Finalises and initialises, which is what brings back a token that was lost, unless somebody else has
    /// done so since that generation. With other tokens at work it is done seldom, and they lose their
    /// sessions; with a call that does not return it can't be done.
    pub(crate) fn renew(&self, seen: Option<u64>) {
        let mut last = self.last_renewal.lock();
        let others = self.at_work.load(Ordering::SeqCst) > 0;
        if others && last.is_some_and(|at| at.elapsed() < SELDOM) {
            return;
        }
        let Some(mut state) = self.state.try_write_for(PATIENCE) else {
            tracing::warn!(
                module = %self.path.display(),
                "the PKCS#11 module can't be initialised anew: a call into it has not returned"
            );
            return;
        };
        if state.initialised && seen.is_some_and(|seen| state.generation != seen) {
            return;
        }
        *last = Some(Instant::now());
        state.finalise();
        match state.initialise() {
            Ok(()) => tracing::info!(module = %self.path.display(), "initialised the PKCS#11 module anew"),
            Err(error) => {
                tracing::warn!(module = %self.path.display(), %error, "the PKCS#11 module does not initialise");
            }
        }
    }

    /// Takes the module down, as if its device were gone. [`Self::renew`] brings it back.
    pub(crate) fn take_down(&self) -> bool {
        self.state.try_write_for(PATIENCE).map(|mut state| state.finalise()).is_some()
    }
}

impl State {
    fn initialise(&mut self) -> Result<(), Error> {
        // Several threads call it, and it may lock as the system does.
        self.pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
        self.generation += 1;
        self.initialised = true;
        Ok(())
    }

    fn finalise(&mut self) {
        if self.initialised {
            self.initialised = false;
            if let Err(error) = self.pkcs11.clone().finalize() {
                tracing::debug!(%error, "finalising a PKCS#11 module");
            }
        }
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let mut loaded = LOADED.lock();
        self.state.get_mut().finalise();
        loaded.remove(&self.path);
    }
}
