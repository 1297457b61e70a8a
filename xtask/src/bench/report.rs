//! The table and the file that a run ends with.

use std::time::Duration;

use serde::Serialize;

use super::compare::Comparison;
use super::figures::{Figures, median};
use super::orders::Orders;
use super::scale::Scale;
use super::throughput::{Case, Throughput};

/// Everything that was measured, and how it stands to what is wanted.
#[derive(Serialize)]
pub(super) struct Report {
    quick: bool,
    cores: usize,
    throughput: Throughput,
    scale: Scale,
    orders: Orders,
    /// Payload reads with a token that Keystone has been asked about, against the unauthenticated mode.
    tokens: Comparison,
    /// The server's resident memory after all load, in MiB.
    resident_mib: f64,
    /// From starting the process to its first answer, in seconds, one for each start.
    start_seconds: Vec<f64>,
    targets: Vec<Target>,
}

/// A figure that is wanted.
#[derive(Serialize)]
struct Target {
    name: String,
    wanted: Wanted,
    value: f64,
    met: bool,
}

/// The bound of a figure.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn new(name: impl Into<String>, value: f64, wanted: Wanted) -> Self {
        // A figure that is missing (not a number) meets nothing.
        let met = match wanted {
            Wanted::AtLeast(bound) => value >= bound,
            Wanted::AtMost(bound) => value <= bound,
        };
        Self { name: name.into(), wanted, value, met }
    }
}

impl Report {
    /// Judges what was measured.
    pub(super) fn new(
        quick: bool,
        throughput: Throughput,
        scale: Scale,
        orders: Orders,
        tokens: Comparison,
        resident_mib: f64,
        starts: &[Duration],
    ) -> Self {
        let start_seconds: Vec<_> = starts.iter().map(Duration::as_secs_f64).collect();
        let mut targets = targets(&throughput, &scale, resident_mib, median(start_seconds.clone()));
        targets.extend(of_orders_and_tokens(&orders, &tokens));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { quick, cores, throughput, scale, orders, tokens, resident_mib, start_seconds, targets }
    }

    /// Prints the table.
    pub(super) fn print(&self) {
        println!("\n{:<15} {:>5}   {:^32}   {:^32}", "", "", "Strongroom", "floor (bare hyper)");
        println!("{:<15} {:>5}   {}   {}   {:>6}", "request", "conns", heading(), heading(), "ratio");
        for Case { workload, connections, comparison } in &self.throughput.cases {
            let [ours, floor] = [&comparison.subject, &comparison.reference].map(columns);
            println!("{workload:<15} {connections:>5}   {ours}   {floor}   {:>6.3}", comparison.ratio);
        }
        println!("\n{:<40} {}", "beside, in the same folder", heading());
        for (name, figures) in [
            ("SQLite, one row a commit", &self.throughput.against_sqlite.reference),
            ("append of 512 bytes and fdatasync", &self.throughput.disk),
            ("storing the large project, 64 connections", &self.scale.seeding),
            ("first page of 1,000 secrets", &self.scale.first_page.reference),
            ("first page of the large project", &self.scale.first_page.subject),
            ("page at 9/10 of the large project", &self.scale.deep_page.subject),
            ("an order for an AES key, until ACTIVE", &self.orders.aes),
            ("payload reads at rest", &self.orders.reads_at_rest),
            ("payload reads beside RSA orders", &self.orders.reads_beside_rsa),
            ("payload reads with tokens", &self.tokens.subject),
            ("payload reads without, beside them", &self.tokens.reference),
        ] {
            println!("{name:<40} {}", columns(figures));
        }
        println!("\n{:<60} {:>8}   {:>8}", "target", "wanted", "measured");
        for Target { name, wanted, value, met } in &self.targets {
            let wanted = match wanted {
                Wanted::AtLeast(bound) => format!(">= {bound}"),
                Wanted::AtMost(bound) => format!("<= {bound}"),
            };
            println!("{name:<60} {wanted:>8}   {value:>8.3}   {}", if *met { "met" } else { "MISSED" });
        }
        if self.quick {
            println!(
                "\nA quick run: {} secrets and short slices; its figures are rough.",
                self.scale.secrets
            );
        }
    }
}

fn targets(throughput: &Throughput, scale: &Scale, resident_mib: f64, start_seconds: f64) -> Vec<Target> {
    use Wanted::{AtLeast, AtMost};
    let ratio = |workload: &str, connections: usize| {
        let case =
            throughput.cases.iter().find(|case| case.workload == workload && case.connections == connections);
        case.map_or(f64::NAN, |case| case.comparison.ratio)
    };
    let secrets = scale.secrets;
    vec![
        Target::new("payload read at 16 connections, of the floor", ratio("payload read", 16), AtLeast(0.35)),
        Target::new("payload read at 64 connections, of the floor", ratio("payload read", 64), AtLeast(0.45)),
        Target::new("store at 64 connections, of the floor", ratio("store", 64), AtLeast(0.15)),
        Target::new(
            "store at 64 connections, of SQLite's one-row commits",
            throughput.against_sqlite.ratio,
            AtLeast(1.5),
        ),
        Target::new(
            format!("cost of the first page of {secrets} secrets, of that of 1,000"),
            cost(&scale.first_page),
            AtMost(1.3),
        ),
        Target::new(
            format!("cost of a deep page of {secrets} secrets, of the same"),
            cost(&scale.deep_page),
            AtMost(2.0),
        ),
        // Nothing is what they should cost; the tenth is for what two processes differ by anyway.
        Target::new(
            "cost of a page beside other projects, of one alone",
            cost(&scale.beside_others),
            AtMost(1.1),
        ),
        Target::new("resident memory after all load, MiB", resident_mib, AtMost(64.0)),
        Target::new(format!("start to first answer with {secrets} secrets, s"), start_seconds, AtMost(0.5)),
    ]
}

fn of_orders_and_tokens(orders: &Orders, tokens: &Comparison) -> [Target; 3] {
    use Wanted::{AtLeast, AtMost};
    [
        Target::new("an order for an AES key until ACTIVE, median, ms", orders.aes.p50_ms, AtMost(50.0)),
        Target::new(
            "p99 of payload reads beside RSA orders, of that at rest",
            orders.reads_beside_rsa.p99_ms / orders.reads_at_rest.p99_ms,
            AtMost(2.0),
        ),
        Target::new("payload read with a cached token, of that without", tokens.ratio, AtLeast(0.9)),
    ]
}

/// What an answer costs, of what one of the reference costs.
fn cost(comparison: &Comparison) -> f64 {
    1.0 / comparison.ratio
}

fn heading() -> String {
    format!("{:>10} {:>10} {:>10}", "per s", "p50 ms", "p99 ms")
}

fn columns(figures: &Figures) -> String {
    format!("{:>10.0} {:>10.3} {:>10.3}", figures.per_second, figures.p50_ms, figures.p99_ms)
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
            assert_eq!(Target::new("x", value, wanted).met, met, "{value} {wanted:?}");
        }
    }
}
