use std::collections::BTreeMap;

use strongroom_tests::Client;

use super::dice::Dice;
use super::secret::{Content, look};

/// How many of the older secrets are looked at after each kill.
const SAMPLE: usize = 2;

/// What one writer was promised.
pub(super) struct Ledger {
    pub(super) writer: usize,
    pub(super) dice: Dice,
    /// How many names were used.
    pub(super) names: usize,
    /// Every secret that ever was, by path.
    pub(super) secrets: BTreeMap<String, Entry>,
    /// The paths that were changed since the last look.
    latest: Vec<String>,
    /// The change that the kill cut off.
    pub(super) doubt: Option<Change>,
    /// How many changes were cut off.
    pub(super) cut_off: usize,
    /// The ids of the requests whose changes were acknowledged.
    pub(super) acknowledged: Vec<String>,
}

/// A secret as its writer knows it.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) project: String,
    pub(super) name: String,
    /// `None` once it is deleted.
    pub(super) content: Option<Content>,
}

/// A change of one secret.
pub(super) struct Change {
    pub(super) project: String,
    pub(super) name: String,
    /// Not known of a secret whose creation was not answered.
    pub(super) path: Option<String>,
    pub(super) before: Option<Content>,
    pub(super) after: Option<Content>,
}

impl Ledger {
    pub(super) fn new(writer: usize) -> Self {
        Self {
            writer,
            dice: Dice::new(),
            names: 0,
            secrets: BTreeMap::new(),
            latest: Vec::new(),
            doubt: None,
            cut_off: 0,
            acknowledged: Vec::new(),
        }
    }

    /// Notes a change that was acknowledged, or found to have happened.
    pub(super) fn enter(&mut self, change: Change, path: String) {
        let Change { project, name, after, .. } = change;
        self.latest.push(path.clone());
        self.secrets.insert(path, Entry { project, name, content: after });
    }

    /// Finds out what became of the change that was cut off: all of it, or nothing.
    pub(super) fn resolve(&mut self, client: &Client) {
        let Some(change) = self.doubt.take() else { return };
        self.cut_off += 1;
        let client = client.header("X-Project-Id", &change.project);
        let path = change.path.clone().or_else(|| find(&client, &change.name));
        let found = path.as_ref().and_then(|path| look(&client, path, &change.name));
        assert!(
            found == change.before || found == change.after,
            "{}: found {found:?}, but it was {:?} and should have become {:?}",
            change.name,
            change.before,
            change.after,
        );
        if let Some(path) = path.filter(|_| found == change.after) {
            self.enter(change, path);
        }
    }

    /// Looks at everything that was changed since the last look, and at some of the rest.
    pub(super) fn check_latest(&mut self, client: &Client) {
        let mut paths = std::mem::take(&mut self.latest);
        let all: Vec<_> = self.secrets.keys().collect();
        if !all.is_empty() {
            paths.extend((0..SAMPLE).map(|_| (*self.dice.pick(&all)).clone()));
        }
        for path in &paths {
            self.check(client, path);
        }
    }

    /// Looks at everything.
    pub(super) fn check_all(&self, client: &Client) {
        for path in self.secrets.keys() {
            self.check(client, path);
        }
    }

    fn check(&self, client: &Client, path: &str) {
        let entry = &self.secrets[path];
        let found = look(&client.header("X-Project-Id", &entry.project), path, &entry.name);
        assert_eq!(found, entry.content, "{path} of {} is not as acknowledged", entry.project);
    }
}

/// The path of the project's only secret of that name, if there is one.
fn find(client: &Client, name: &str) -> Option<String> {
    let listed = client.get(&format!("/v1/secrets?name={name}"));
    assert_eq!(listed.status, 200, "{}", listed.text());
    let listed = listed.value();
    let secrets = listed["secrets"].as_array().unwrap();
    assert!(secrets.len() <= 1, "{name} was created more than once: {listed}");
    secrets.first().map(|secret| path_of(secret["secret_ref"].as_str().unwrap()))
}

/// A reference without the endpoint, whose port is another one in each life.
pub(super) fn path_of(reference: &str) -> String {
    reference[reference.find("/v1/").unwrap()..].to_owned()
}
