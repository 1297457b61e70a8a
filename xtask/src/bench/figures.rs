//! From single latencies to the figures of the report.

use std::time::Duration;

use serde::Serialize;

/// What one slice of load gave.
#[derive(Debug, Default)]
pub(super) struct Slice {
    /// How long it took.
    pub(super) elapsed: Duration,
    /// One latency for each right answer.
    pub(super) latencies: Vec<Duration>,
}

/// The figures of one or more slices.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figures {
    /// Right answers.
    pub(super) answers: usize,
    /// Right answers per second.
    pub(super) per_second: f64,
    /// The median latency, in milliseconds.
    pub(super) p50_ms: f64,
    /// The latency that one in a hundred exceeds, in milliseconds.
    pub(super) p99_ms: f64,
}

impl Slice {
    /// Adds what another thread measured in the same time.
    pub(super) fn merge(&mut self, other: Self) {
        self.elapsed = self.elapsed.max(other.elapsed);
        self.latencies.extend(other.latencies);
    }

    /// Adds what was measured in another time.
    pub(super) fn append(&mut self, other: Self) {
        self.elapsed += other.elapsed;
        self.latencies.extend(other.latencies);
    }

    /// The figures of this slice.
    pub(super) fn figures(&self) -> Figures {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let percentile = |percent: usize| {
            let at = sorted.len().saturating_sub(1) * percent / 100;
            sorted.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
        };
        let answers = self.latencies.len();
        let per_second = u32::try_from(answers).map_or(f64::NAN, f64::from) / self.elapsed.as_secs_f64();
        Figures { answers, per_second, p50_ms: percentile(50), p99_ms: percentile(99) }
    }
}

/// The middle value; the lower of the two middle ones when there are two.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_from_the_latencies() {
        let mut slice = Slice {
            elapsed: Duration::from_secs(1),
            latencies: (1..=50).map(Duration::from_millis).collect(),
        };
        slice.append(Slice {
            elapsed: Duration::from_secs(1),
            latencies: (51..=100).rev().map(Duration::from_millis).collect(),
        });
        let figures = slice.figures();
        assert_eq!(figures.answers, 100);
        for (value, expected) in [(figures.per_second, 50.0), (figures.p50_ms, 50.0), (figures.p99_ms, 99.0)]
        {
            assert!((value - expected).abs() < 1e-9, "{value} where {expected} is right");
        }
    }

    #[test]
    fn slices_of_the_same_time_share_it() {
        let one = || Slice { elapsed: Duration::from_secs(2), latencies: vec![Duration::from_millis(1)] };
        let mut both = one();
        both.merge(one());
        assert_eq!((both.elapsed, both.latencies.len()), (Duration::from_secs(2), 2));
    }

    #[test]
    fn one_outlier_does_not_move_the_median() {
        assert!((median([1.0, 900.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 3.0]) - 3.0).abs() < 1e-9);
        assert!(median([]).is_nan());
    }
}
