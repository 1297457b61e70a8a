//! A record that is made to see it arrive: the running server writes it, and every forwarder has to deliver it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use strongroom_audit::{Records, backlog};
use strongroom_core::{Timestamp, UserId};

use super::{Control, Examined, Severity, Site};
use crate::backup::note_milestone;
use crate::error::chain;
use crate::rotation::is_served;
use crate::test_record::{ARRIVED, ask_for_test_record};

const PROBE: &str = "strongroom-admin doctor --probe";
/// How long the server may take to write the record, and forwarders to deliver it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) const CONTROLS: [Control; 1] = [Control {
    id: "AUD-03",
    severity: Severity::High,
    title: "a test record arrives wherever records are forwarded to",
    at_start: false,
    examine: arrives,
}];

/// The record, as it stands in the journal.
struct Written {
    seq: u64,
    at: Timestamp,
}

fn arrives(site: &Site<'_>) -> Examined {
    if site.settings.audit.forwarders.is_empty() {
        return Examined::not_applicable("no forwarder is set");
    }
    let Some(prober) = &site.prober else { return site.done_this_quarter(ARRIVED, PROBE) };
    probe(site, prober).unwrap_or_else(|error| Examined::fail(error, PROBE))
}

fn probe(site: &Site<'_>, prober: &UserId) -> Result<Examined, String> {
    const START: &str = "start the server, then run this again";
    let settings = site.settings;
    if !is_served(settings).map_err(|error| chain(&error))? {
        return Ok(Examined::fail("no server runs that could write a record", START));
    }
    let begun = Instant::now();
    let asked = ask_for_test_record(settings, prober).map_err(|error| chain(&error))?;
    let written = loop {
        match find(site, asked, prober)? {
            Some(written) => break written,
            None if begun.elapsed() > PATIENCE => {
                return Ok(Examined::fail("the server wrote no test record", "look at the server's log"));
            }
            None => sleep(LOOK_EVERY),
        }
    };
    let Written { seq, at } = written;
    loop {
        let missing = not_delivered(site, &written)?;
        if missing.is_empty() {
            let names: Vec<_> = settings.audit.forwarders.iter().map(|to| to.name.as_str()).collect();
            let evidence = format!("record {seq} of {at} reached {}", names.join(", "));
            note_milestone(settings, ARRIVED, &evidence).map_err(|error| chain(&error))?;
            return Ok(Examined::pass(evidence));
        }
        if begun.elapsed() > PATIENCE {
            let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
            let evidence = format!("record {seq} of {at} did not reach {} in {PATIENCE:?}", names.join(", "));
            let remedy = "look for the forwarder in the server's log, and at its receiver";
            let needed = missing.iter().any(|(_, required)| *required);
            return Ok(if needed {
                Examined::fail(evidence, remedy)
            } else {
                Examined::warn(evidence, remedy)
            });
        }
        sleep(LOOK_EVERY);
    }
}

/// The test record that was asked for then.
fn find(site: &Site<'_>, asked: Timestamp, prober: &UserId) -> Result<Option<Written>, String> {
    let records = Records::since(&site.settings.audit.folder, asked).map_err(|error| chain(&error))?;
    for record in records {
        let record = record.map_err(|error| chain(&error))?;
        if !record.json.contains("\"audit.test\"") {
            continue;
        }
        let Ok(told) = serde_json::from_str::<Value>(&record.json) else { continue };
        let text = |pointer: &str| told.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let at = Timestamp::parse(text("/at")).ok().filter(|at| *at >= asked);
        let own = text("/action") == "audit.test" && text("/caller/user") == prober.as_str();
        if let (true, Some(seq), Some(at)) = (own, record.seq, at) {
            return Ok(Some(Written { seq, at }));
        }
    }
    Ok(None)
}

/// The forwarders that have not delivered it, each with whether it is required.
fn not_delivered<'a>(site: &'a Site<'_>, written: &Written) -> Result<Vec<(&'a str, bool)>, String> {
    let mut missing = Vec::new();
    for forwarder in &site.settings.audit.forwarders {
        let left = backlog(&site.settings.audit.folder, &forwarder.name).map_err(|error| chain(&error))?;
        let delivered = left.is_some_and(|left| left.oldest.is_none_or(|oldest| oldest > written.at));
        if !delivered {
            missing.push((forwarder.name.as_str(), forwarder.required.is_some()));
        }
    }
    Ok(missing)
}
