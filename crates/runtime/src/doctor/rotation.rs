use strongroom_core::rotation::Stage;

use super::{Control, Examined, Severity, Site};

/// How old a master key may become, in days.
const YEAR: i64 = 366;
const ROTATE: &str = "strongroom-admin master-key rotate";

pub(super) const CONTROLS: [Control; 2] = [
    Control {
        id: "ROT-01",
        severity: Severity::Medium,
        title: "the master key was rotated within a year",
        at_start: false,
        examine: yearly,
    },
    Control {
        id: "ROT-02",
        severity: Severity::Medium,
        title: "no rotation is left undone, and nothing is under an older master key",
        at_start: false,
        examine: finished,
    },
];

fn yearly(site: &Site<'_>) -> Examined {
    let Ok(told) = &site.told else { return Examined::not_applicable("the database tells nothing") };
    match told.active() {
        None => Examined::not_applicable("no master key was used yet"),
        Some(active) if site.days_since(active.since) > YEAR => {
            Examined::fail(format!("version {} is active since {}", active.version, active.since), ROTATE)
        }
        Some(active) => {
            Examined::pass(format!("version {} is active since {}", active.version, active.since))
        }
    }
}

fn finished(site: &Site<'_>) -> Examined {
    let Ok(told) = &site.told else { return Examined::not_applicable("the database tells nothing") };
    match &told.rotation {
        Some(rotation) if rotation.stage == Stage::Incomplete => Examined::fail(
            format!(
                "the last one could not open {} keys or secrets; the server's log names them",
                rotation.failed
            ),
            ROTATE,
        ),
        Some(rotation) if !rotation.stage.is_end() => {
            let waits = rotation.waiting.as_deref().unwrap_or("it goes on");
            Examined::warn(format!("{}: {waits}", rotation.stage), "strongroom-admin rotation status")
        }
        _ if told.under_older > 0 => {
            Examined::fail(format!("{} project keys are under older versions", told.under_older), ROTATE)
        }
        _ => Examined::pass("every project key is under the active version"),
    }
}
