//! The table and the file that a run ends with.

use serde::Serialize;

use super::figures::Figures;
use super::findings::{Findings, Named, Target, Wanted};

/// Everything that was measured.
#[derive(Serialize)]
pub(super) struct Report {
    quick: bool,
    cores: usize,
    parts: Vec<Named<Findings>>,
}

impl Report {
    /// An empty one.
    pub(super) fn new(quick: bool) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { quick, cores, parts: Vec::new() }
    }

    /// Adds what a part has found.
    pub(super) fn add(&mut self, name: String, findings: Findings) {
        self.parts.push(Named { name, measured: findings });
    }

    /// Prints the tables.
    pub(super) fn print(&self) {
        let all = || self.parts.iter().map(|part| &part.measured);
        println!("\n{:<52}   {:^32}   {:^32}", "", "measured", "beside it");
        println!("{:<52}   {}   {}   {:>6}", "compared", heading(), heading(), "ratio");
        for Named { name, measured } in all().flat_map(|part| &part.comparisons) {
            let [subject, reference] = [&measured.subject, &measured.reference].map(columns);
            println!("{name:<52}   {subject}   {reference}   {:>6.3}", measured.ratio);
        }
        println!("\n{:<52}   {}", "alone", heading());
        for Named { name, measured } in all().flat_map(|part| &part.alone) {
            println!("{name:<52}   {}", columns(measured));
        }
        println!();
        for Named { name, measured } in all().flat_map(|part| &part.numbers) {
            println!("{name:<52}   {measured:>10.2}");
        }
        println!("\n{:<64} {:>8}   {:>8}", "target", "wanted", "measured");
        for Target { name, wanted, value, met } in all().flat_map(|part| &part.targets) {
            let wanted = match wanted {
                Wanted::AtLeast(bound) => format!(">= {bound}"),
                Wanted::AtMost(bound) => format!("<= {bound}"),
            };
            println!("{name:<64} {wanted:>8}   {value:>8.3}   {}", if *met { "met" } else { "MISSED" });
        }
        if self.quick {
            println!("\nA quick run: less of everything and short slices; its figures are rough.");
        }
    }
}

fn heading() -> String {
    format!("{:>10} {:>10} {:>10}", "per s", "p50 ms", "p99 ms")
}

fn columns(figures: &Figures) -> String {
    format!("{:>10.0} {:>10.3} {:>10.3}", figures.per_second, figures.p50_ms, figures.p99_ms)
}
