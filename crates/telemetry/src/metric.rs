//! What a metric is, and what it is called where.

/// A metric, as the [catalogue](crate::CATALOGUE) has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Its name in OpenTelemetry.
    pub name: &'static str,
    /// What kind of numbers it gives.
    pub kind: Kind,
    /// Its unit, as UCUM writes it.
    pub unit: &'static str,
    /// The attributes that tell its series apart. Each has few values: never an id, a name or an address of a client.
    pub attributes: &'static [&'static str],
    /// What it tells.
    pub description: &'static str,
}

/// What kind of numbers a metric gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Whole numbers that only rise while the process runs.
    Counter,
    /// Whole numbers that add up over servers, and rise and fall.
    UpDown,
    /// Whole numbers, as they are now.
    Gauge,
    /// Numbers with a fraction, as they are now.
    Measure,
    /// How often a duration was at most one of these, in seconds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// What Prometheus calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::UpDown | Self::Gauge | Self::Measure => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

impl Metric {
    /// Its name in Prometheus, by the specification's rules ("Prometheus and OpenMetrics Compatibility").
    pub fn prometheus_name(&self) -> String {
        prometheus_name(self.name, self.unit, self.kind == Kind::Counter)
    }
}

/// A name in Prometheus.
pub(crate) fn prometheus_name(name: &str, unit: &str, counts: bool) -> String {
    let mut name = label(name);
    let unit = match unit {
        "s" => "seconds",
        "By" => "bytes",
        "1" => "ratio",
        _ => "",
    };
    if !unit.is_empty() && !name.ends_with(unit) {
        name.push('_');
        name.push_str(unit);
    }
    if counts {
        name.push_str("_total");
    }
    name
}

/// The name of an attribute in Prometheus.
pub(crate) fn label(name: &str) -> String {
    name.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_has_units_and_totals_in_its_names() {
        for (name, unit, counts, expected) in [
            ("http.server.request.duration", "s", false, "http_server_request_duration_seconds"),
            ("strongroom.forwarder.delivered", "{record}", true, "strongroom_forwarder_delivered_total"),
            ("strongroom.forwarder.spool", "By", false, "strongroom_forwarder_spool_bytes"),
            ("strongroom.rotation.progress", "1", false, "strongroom_rotation_progress_ratio"),
        ] {
            assert_eq!(prometheus_name(name, unit, counts), expected);
        }
    }
}
