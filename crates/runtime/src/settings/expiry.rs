use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_core::ProjectId;
use strongroom_core::expiry::{Window, Windows};

use super::reader::Reader;

const SECONDS_A_DAY: i64 = 86_400;

/// Who is told of secrets that end, and what becomes of those that have expired.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExpirySection {
    /// How long after their expiration they are destroyed.
    pub destroy_after_seconds: i64,
    /// When people are told.
    pub windows: Windows,
}

/// What is set for one project.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfProject {
    windows_days: Vec<u16>,
}

pub(super) fn expiry(reader: &mut Reader) -> ExpirySection {
    const WINDOWS: &str = "expiry.windows_days";
    const PROJECTS: &str = "expiry.projects";
    let days: u16 = reader.get("expiry.destroy_after_days", 90, "a whole number of days from 0 to 65535");
    let usual = reader.get(WINDOWS, vec![90, 30, 7, 1], "a list of whole numbers of days");
    let own: BTreeMap<String, OfProject> =
        reader.get(PROJECTS, BTreeMap::new(), "a table for each project, each with its windows_days");
    let default = windows(reader, WINDOWS, &usual);
    let mut projects = BTreeMap::new();
    for (id, OfProject { windows_days }) in own {
        let own = windows(reader, PROJECTS, &windows_days);
        match ProjectId::new(id.as_str()) {
            Ok(id) => drop(projects.insert(id, own)),
            Err(error) => reader.refuse(PROJECTS, format!("{id:?} is no project's id: {error}")),
        }
    }
    ExpirySection {
        destroy_after_seconds: i64::from(days) * SECONDS_A_DAY,
        windows: Windows { default, projects },
    }
}

/// The windows, widest first.
fn windows(reader: &mut Reader, key: &'static str, days: &[u16]) -> Vec<Window> {
    let mut windows: Vec<_> = days.iter().filter_map(|days| Window::new(*days)).collect();
    if windows.len() < days.len() {
        reader.refuse(key, format!("has a window that is not from 1 to {} days", Window::LONGEST));
    }
    windows.sort_unstable_by(|one, other| other.cmp(one));
    windows.dedup();
    windows
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Settings, Sources};
    use super::*;

    fn load(text: &str) -> Result<Windows, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        fs::write(&file, text).unwrap();
        let sources = Sources { file: Some(file), ..Sources::default() };
        Settings::load(&sources)
            .map(|(settings, _)| settings.expiry.windows)
            .map_err(|error| error.to_string())
    }

    fn days(windows: &[Window]) -> Vec<u16> {
        windows.iter().map(|window| window.days()).collect()
    }

    #[test]
    fn windows_are_of_all_projects_or_of_one() {
        assert_eq!(days(&load("").unwrap().default), [90, 30, 7, 1]);
        let text = "[expiry]\nwindows_days = [1, 60, 60]\n[expiry.projects.\"a.b\"]\nwindows_days = [5]\n\
                    [expiry.projects.quiet]\nwindows_days = []\n";
        let set = load(text).unwrap();
        assert_eq!(days(&set.default), [60, 1]);
        let of = |name: &str| days(&set.projects[&ProjectId::new(name).unwrap()]);
        assert_eq!((of("a.b"), of("quiet")), (vec![5], vec![]));
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for (text, reason) in [
            ("[expiry]\nwindows_days = [0]\n", "not from 1 to 3650"),
            ("[expiry]\nwindows_days = 7\n", "a list of whole numbers"),
            ("[expiry.projects.p]\nwindows_days = [4000]\n", "not from 1 to 3650"),
            ("[expiry.projects.p]\ndays = [1]\n", "windows_days"),
            ("[expiry.projects.\"\"]\nwindows_days = [1]\n", "no project's id"),
        ] {
            let told = load(text).unwrap_err();
            assert!(told.contains(reason), "{told}");
        }
    }
}
