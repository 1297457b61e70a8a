//! Two things measured side by side.

use anyhow::Result;
use serde::Serialize;

use super::figures::{Figures, Slice, median};

/// What a comparison gave.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Comparison {
    /// The figures of what is judged.
    pub(super) subject: Figures,
    /// The figures of what it is judged against.
    pub(super) reference: Figures,
    /// The subject's answers per second, of the reference's: the median over pairs of neighbouring slices.
    pub(super) ratio: f64,
}

impl Comparison {
    /// What an answer of the subject costs, of what one of the reference costs.
    pub(super) fn cost(&self) -> f64 {
        1.0 / self.ratio
    }
}

/// Takes pairs of slices in turn, the first of each pair changing sides, so that neither profits from its
/// place.
pub(super) fn compare(
    rounds: u32,
    mut subject: impl FnMut() -> Result<Slice>,
    mut reference: impl FnMut() -> Result<Slice>,
) -> Result<Comparison> {
    let (mut all_subject, mut all_reference) = (Slice::default(), Slice::default());
    let mut ratios = Vec::new();
    for round in 0..rounds {
        let (of_subject, of_reference) = if round % 2 == 0 {
            let first = reference()?;
            (subject()?, first)
        } else {
            (subject()?, reference()?)
        };
        ratios.push(of_subject.figures().per_second / of_reference.figures().per_second);
        all_subject.append(of_subject);
        all_reference.append(of_reference);
    }
    Ok(Comparison {
        subject: all_subject.figures(),
        reference: all_reference.figures(),
        ratio: median(ratios),
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use super::*;

    #[test]
    fn slices_alternate_and_ratios_are_pairwise() {
        let order = RefCell::new(String::new());
        // The machine is ten times slower in the last round; the ratio must not notice.
        let slice = |name: char, millis: u64| {
            order.borrow_mut().push(name);
            let slow = if order.borrow().len() > 4 { 10 } else { 1 };
            let latency = Duration::from_millis(millis * slow);
            Ok(Slice { elapsed: latency * 10, latencies: vec![latency; 10] })
        };
        let result = compare(3, || slice('s', 4), || slice('r', 2)).unwrap();
        assert_eq!(order.borrow().as_str(), "rssrrs");
        assert!((result.ratio - 0.5).abs() < 1e-9, "{result:?}");
        assert_eq!(result.subject.answers, 30);
    }
}
