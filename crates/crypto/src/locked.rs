//! Memory for keys: pages that are never swapped out, never dumped, never inherited by a fork.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use memmap2::{Advice, MmapMut};
use ring::error::Unspecified;
use rustix::process::{Resource, getrlimit};
use thiserror::Error;
use zeroize::Zeroize;

/// Length of every symmetric key here, in bytes.
pub const KEY_LEN: usize = 32;

const KEYS_PER_PAGE: usize = 128;
const PAGE: usize = KEYS_PER_PAGE * KEY_LEN;

/// The system does not let the process keep memory out of swap and dumps, so no key may be held.
#[derive(Debug, Error)]
#[error(
    "memory for keys can't be locked (the process may lock {}); raise the limit: LimitMEMLOCK= in the \
     service's unit, or `ulimit -l`",
    describe(*limit)
)]
pub struct LockError {
    /// How many bytes the process may lock, RLIMIT_MEMLOCK; `None` when there is no limit.
    pub limit: Option<u64>,
    /// What the system answered.
    pub source: io::Error,
}

fn describe(limit: Option<u64>) -> String {
    limit.map_or_else(|| "any number of bytes".to_owned(), |bytes| format!("{bytes} bytes"))
}

/// Locked pages, each shared by many keys: a page is the smallest thing that can be locked, and a key is
/// far smaller.
pub(crate) struct Arena {
    pages: Mutex<Vec<Arc<Page>>>,
}

impl Arena {
    /// Locks enough pages for that many keys, so that a limit that is too low shows at start. More are
    /// added when needed.
    pub(crate) fn with_room_for(keys: usize) -> Result<Self, LockError> {
        let pages = (0..keys.div_ceil(KEYS_PER_PAGE)).map(|_| Page::new()).collect::<Result<_, _>>()?;
        Ok(Self { pages: Mutex::new(pages) })
    }

    /// Keeps the key that `fill` writes straight into its locked place. When `fill` fails, nothing of
    /// what it wrote is left.
    pub(crate) fn store<E: From<LockError>>(
        &self,
        fill: impl FnOnce(&mut [u8; KEY_LEN]) -> Result<(), E>,
    ) -> Result<LockedKey, E> {
        let key = self.claim()?;
        key.page.fill(key.slot, fill)?;
        Ok(key)
    }

    fn claim(&self) -> Result<LockedKey, LockError> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        for page in pages.iter() {
            if let Some(slot) = page.claim() {
                return Ok(LockedKey { page: Arc::clone(page), slot });
            }
        }
        let page = Page::new()?;
        pages.push(Arc::clone(&page));
        drop(pages);
        // Of a fresh page the caller's slot may be gone already when others were quicker.
        page.claim().map_or_else(|| self.claim(), |slot| Ok(LockedKey { page, slot }))
    }
}

/// A key in locked memory, wiped when dropped. It can't be printed, compared, cloned or serialised.
pub(crate) struct LockedKey {
    page: Arc<Page>,
    slot: usize,
}

impl LockedKey {
    /// Lends the key's bytes. Other keys of the page can be read meanwhile, but not stored or dropped, so
    /// `act` has to be short.
    pub(crate) fn with<R>(
        &self,
        act: impl FnOnce(&[u8; KEY_LEN]) -> Result<R, Unspecified>,
    ) -> Result<R, Unspecified> {
        let slots = self.page.0.read().unwrap_or_else(PoisonError::into_inner);
        act(slots.map.as_chunks().0.get(self.slot).ok_or(Unspecified)?)
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        self.page.release(self.slot);
    }
}

struct Page(RwLock<Slots>);

struct Slots {
    map: MmapMut,
    /// A bit for each slot that holds a key.
    taken: u128,
}

impl Page {
    fn new() -> Result<Arc<Self>, LockError> {
        let locked = || {
            let map = MmapMut::map_anon(PAGE)?;
            map.advise(Advice::DontDump)?;
            map.advise(Advice::DontFork)?;
            map.lock()?;
            Ok(map)
        };
        let map =
            locked().map_err(|source| LockError { limit: getrlimit(Resource::Memlock).current, source })?;
        Ok(Arc::new(Self(RwLock::new(Slots { map, taken: 0 }))))
    }

    fn claim(&self) -> Option<usize> {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.taken.trailing_ones();
        slots.taken |= 1_u128.checked_shl(slot)?;
        usize::try_from(slot).ok()
    }

    fn fill<E>(&self, slot: usize, fill: impl FnOnce(&mut [u8; KEY_LEN]) -> Result<(), E>) -> Result<(), E> {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        slots.map.as_chunks_mut().0.get_mut(slot).map_or(Ok(()), fill)
    }

    fn release(&self, slot: usize) {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = slots.map.as_chunks_mut::<KEY_LEN>().0.get_mut(slot) {
            key.zeroize();
        }
        slots.taken &= !(1 << slot);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn store(arena: &Arena, byte: u8) -> LockedKey {
        arena
            .store(|key| {
                key.fill(byte);
                Ok::<_, LockError>(())
            })
            .unwrap()
    }

    fn address(key: &LockedKey) -> usize {
        key.page.0.read().unwrap().map.as_ptr().addr() + key.slot * KEY_LEN
    }

    /// The kernel's own flags for the mapping that holds this address.
    fn flags(address: usize) -> Vec<String> {
        let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in smaps.lines() {
            let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
            if let Some((from, to)) = range
                && let (Ok(from), Ok(to)) = (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16))
            {
                inside = (from..to).contains(&address);
            }
            if inside && let Some(flags) = line.strip_prefix("VmFlags:") {
                return flags.split_whitespace().map(str::to_owned).collect();
            }
        }
        Vec::new()
    }

    #[test]
    fn keys_lie_in_pages_that_are_locked_and_stay_out_of_dumps_and_forks() {
        let key = store(&Arena::with_room_for(1).unwrap(), 7);
        let flags = flags(address(&key));
        for wanted in ["lo", "dd", "dc"] {
            assert!(flags.iter().any(|flag| flag == wanted), "{wanted} is not among {flags:?}");
        }
    }

    #[test]
    fn a_dropped_key_leaves_zeros() {
        let arena = Arena::with_room_for(2).unwrap();
        let (first, second) = (store(&arena, 1), store(&arena, 2));
        let (page, slot) = (Arc::clone(&first.page), first.slot);
        drop(first);
        let slots = page.0.read().unwrap();
        assert_eq!(slots.map[slot * KEY_LEN..(slot + 1) * KEY_LEN], [0; KEY_LEN]);
        drop(slots);
        assert_eq!(second.with(|key| Ok(*key)), Ok([2; KEY_LEN]));
    }

    #[test]
    fn a_failed_fill_leaves_nothing_and_takes_no_room() {
        let arena = Arena::with_room_for(1).unwrap();
        let failed = arena.store(|key| {
            key.fill(9);
            Err(LockError { limit: None, source: io::Error::other("no") })
        });
        assert!(failed.is_err());
        let pages = arena.pages.lock().unwrap();
        let slots = pages[0].0.read().unwrap();
        assert_eq!(slots.taken, 0);
        assert!(slots.map.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn many_keys_share_pages_and_room_is_reused() {
        let arena = Arena::with_room_for(0).unwrap();
        let all: Vec<_> = (0..=255).map(|byte| store(&arena, byte)).collect();
        assert_eq!(arena.pages.lock().unwrap().len(), 2);
        for (byte, key) in (0..=255).zip(&all) {
            assert_eq!(key.with(|key| Ok(*key)), Ok([byte; KEY_LEN]));
        }
        drop(all);
        let again: Vec<_> = (0..=255).map(|byte| store(&arena, byte)).collect();
        assert_eq!((arena.pages.lock().unwrap().len(), again.len()), (2, 256));
    }

    #[test]
    fn a_refusal_names_the_limit_and_the_remedy() {
        let error = LockError { limit: Some(65536), source: io::Error::other("no") };
        assert!(error.to_string().contains("may lock 65536 bytes"), "{error}");
        assert!(error.to_string().contains("LimitMEMLOCK="), "{error}");
    }
}
