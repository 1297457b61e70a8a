use std::sync::atomic::{AtomicU64, Ordering};

/// Chooses one request in so many, evenly, by one addition each.
#[derive(Debug)]
pub(crate) struct Sampling {
    /// What part of all, in parts of 2^32.
    step: u64,
    passed: AtomicU64,
}

const ALL: u64 = 1 << 32;

impl Sampling {
    /// So many in a million.
    pub(crate) fn new(per_million: u32) -> Self {
        let step = (u64::from(per_million.min(1_000_000)) * ALL).div_ceil(1_000_000);
        Self { step, passed: AtomicU64::new(0) }
    }

    /// Whether the next one is chosen.
    pub(crate) fn chooses(&self) -> bool {
        let before = self.passed.fetch_add(self.step, Ordering::Relaxed);
        before % ALL + self.step >= ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_as_asked_for() {
        for (per_million, chosen) in
            [(0, 0), (1_000_000, 10_000), (500_000, 5_000), (1_000, 10), (333_333, 3_333)]
        {
            let sampling = Sampling::new(per_million);
            let times = (0..10_000).filter(|_| sampling.chooses()).count();
            assert!(times.abs_diff(chosen) <= 1, "{per_million}: {times}");
        }
    }
}
