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
    let Some(oldest) = told.active().min_by_key(|active| active.since) else {
        return Examined::not_applicable("no master key was used yet");
    };
    let (version, store, since) = (oldest.version, &oldest.backend, oldest.since);
    let evidence = format!("version {version} of the {store} master key is active since {since}");
    if site.days_since(since) > YEAR {
        Examined::fail(evidence, format!("{ROTATE} --store {store}"))
    } else {
        Examined::pass(evidence)
    }
}

fn finished(site: &Site<'_>) -> Examined {
    let Ok(told) = &site.told else { return Examined::not_applicable("the database tells nothing") };
    for rotation in told.rotations.iter().filter(|rotation| rotation.stage != Stage::Done) {
        let store = &rotation.backend;
        match rotation.stage {
            Stage::Incomplete => {
                let failed = rotation.failed;
                return Examined::fail(
                    format!(
                        "the last one could not open {failed} keys or secrets; the server's log names them"
                    ),
                    format!("strongroom-admin rotation status --store {store}"),
                );
            }
            stage if !stage.is_end() => {
                let waits = rotation.waiting.as_deref().unwrap_or("it goes on");
                let remedy = format!("strongroom-admin rotation status --store {store}");
                return Examined::warn(format!("{stage}: {waits}"), remedy);
            }
            _ => {}
        }
    }
    if told.under_older > 0 {
        Examined::fail(format!("{} project keys are under older versions", told.under_older), ROTATE)
    } else {
        Examined::pass("every project key is under the active version")
    }
}
