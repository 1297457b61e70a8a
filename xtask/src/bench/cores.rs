//! Cores of its own for the server, and others for the load: what the load takes would else count as the server's.

use anyhow::{Context as _, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::task::yield_now;

/// The cores of this machine in two halves, for as long as this is there.
pub(super) struct Apart {
    whole: CpuSet,
    ours: CpuSet,
    theirs: CpuSet,
}

impl Apart {
    /// From now on this process has the first half of the cores.
    pub(super) fn begin() -> Result<Self> {
        let whole = sched_getaffinity(None)?;
        let cores: Vec<_> = (0..CpuSet::MAX_CPU).filter(|core| whole.is_set(*core)).collect();
        let (ours, theirs) = cores.split_at(cores.len() / 2);
        ensure!(!ours.is_empty(), "this needs two cores, one of which makes the load");
        let apart = Self { whole, ours: set(ours), theirs: set(theirs) };
        stay_on(&apart.ours)?;
        Ok(apart)
    }

    /// Does something on the other half; a process that is started by it stays there.
    pub(super) fn run<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        stay_on(&self.theirs)?;
        let done = work();
        stay_on(&self.ours)?;
        done
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // What was allowed before is allowed again.
        stay_on(&self.whole).ok();
    }
}

/// The core that a thread of the load is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Core {
    /// The server uses it, too.
    Shared,
    /// Nobody else does. It never rests then: a core at rest is woken by whoever sends to it, which in a virtual machine
    /// takes as long as to turn a request away, and would count as the server's.
    Own,
}

impl Core {
    /// Does the thread's work.
    pub(super) async fn run<T>(self, work: impl Future<Output = T>) -> T {
        if self == Self::Shared {
            return work.await;
        }
        let spin = async {
            loop {
                yield_now().await;
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            never = spin => never,
        }
    }
}

fn set(cores: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    set
}

fn stay_on(cores: &CpuSet) -> Result<()> {
    sched_setaffinity(None, cores).context("can't choose cores")
}
