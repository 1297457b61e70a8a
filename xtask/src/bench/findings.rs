//! What a part of the bench gives, and how it stands to what is wanted.

use serde::Serialize;

use super::compare::Comparison;
use super::figures::Figures;

/// Everything that one part has measured.
#[derive(Default, Serialize)]
pub(super) struct Findings {
    /// Two things measured side by side.
    pub(super) comparisons: Vec<Named<Comparison>>,
    /// Things measured for themselves.
    pub(super) alone: Vec<Named<Figures>>,
    /// What is neither a rate nor a latency.
    pub(super) numbers: Vec<Named<f64>>,
    /// What was wanted of all that.
    pub(super) targets: Vec<Target>,
}

/// Something measured, by its name in the report.
#[derive(Serialize)]
pub(super) struct Named<T> {
    /// The name.
    pub(super) name: String,
    /// The figure or figures.
    pub(super) measured: T,
}

/// A figure that is wanted.
#[derive(Serialize)]
pub(super) struct Target {
    /// What it is about.
    pub(super) name: String,
    /// Its bound.
    pub(super) wanted: Wanted,
    /// What it is.
    pub(super) value: f64,
    /// Whether that is within the bound.
    pub(super) met: bool,
}

/// The bound of a figure.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wanted {
    /// It or more.
    AtLeast(f64),
    /// It or less.
    AtMost(f64),
}

impl Findings {
    /// Two things that were measured side by side.
    pub(super) fn compared(&mut self, name: impl Into<String>, comparison: Comparison) {
        self.comparisons.push(Named { name: name.into(), measured: comparison });
    }

    /// A thing that was measured for itself.
    pub(super) fn figures(&mut self, name: impl Into<String>, figures: Figures) {
        self.alone.push(Named { name: name.into(), measured: figures });
    }

    /// What is neither a rate nor a latency.
    pub(super) fn number(&mut self, name: impl Into<String>, number: f64) {
        self.numbers.push(Named { name: name.into(), measured: number });
    }

    /// A figure that is to be so much at least.
    pub(super) fn at_least(&mut self, name: impl Into<String>, value: f64, bound: f64) {
        self.targets.push(Target::new(name.into(), value, Wanted::AtLeast(bound)));
    }

    /// A figure that is to be so much at most.
    pub(super) fn at_most(&mut self, name: impl Into<String>, value: f64, bound: f64) {
        self.targets.push(Target::new(name.into(), value, Wanted::AtMost(bound)));
    }
}

impl Target {
    fn new(name: String, value: f64, wanted: Wanted) -> Self {
        // A figure that is missing (not a number) meets nothing.
        let met = match wanted {
            Wanted::AtLeast(bound) => value >= bound,
            Wanted::AtMost(bound) => value <= bound,
        };
        Self { name, wanted, value, met }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_from_its_bound_on_and_never_without_a_figure() {
        for (value, wanted, met) in [
            (0.35, Wanted::AtLeast(0.35), true),
            (0.34, Wanted::AtLeast(0.35), false),
            (1.3, Wanted::AtMost(1.3), true),
            (1.4, Wanted::AtMost(1.3), false),
            (f64::NAN, Wanted::AtLeast(0.0), false),
            (f64::NAN, Wanted::AtMost(9.0), false),
        ] {
            assert_eq!(Target::new("x".to_owned(), value, wanted).met, met, "{value} {wanted:?}");
        }
    }
}
