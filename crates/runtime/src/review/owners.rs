use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use strongroom_core::review::Reason;
use strongroom_core::{ProjectId, Secret, UserId};
use strongroom_identity::{KeystoneDirectory, Standing};
use tokio::task::JoinSet;

use super::Unchecked;
use crate::authenticator::directory;
use crate::error::{RunError, chain};
use crate::settings::Settings;

/// What is known of the projects and users that secrets belong to. Each is asked about once.
pub(super) struct Owners {
    directory: Option<Arc<KeystoneDirectory>>,
    /// Whether whoever Keystone does not know is known to nobody.
    is_alone: bool,
    known: HashMap<Owner, Result<Standing, String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owner {
    Project(ProjectId),
    User(UserId),
}

impl Owners {
    /// Nobody is known without a Keystone to ask.
    pub(super) fn open(settings: &Settings, credentials: Option<&Path>) -> Result<Self, RunError> {
        let found = directory(&settings.identity, credentials)?;
        let is_alone = found.as_ref().is_some_and(|(_, is_alone)| *is_alone);
        let directory = found.map(|(directory, _)| Arc::new(directory));
        Ok(Self { directory, is_alone, known: HashMap::new() })
    }

    /// Asks about those owners of these secrets that it has not met before; the settings bound how many at once.
    pub(super) async fn meet(&mut self, secrets: impl Iterator<Item = &Secret>) -> Result<(), RunError> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let mut asked = JoinSet::new();
        for owner in secrets.flat_map(owners) {
            if self.known.contains_key(&owner) {
                continue;
            }
            // Until there is an answer, and if there never is one.
            self.known.insert(owner.clone(), Err("nobody has answered".to_owned()));
            let directory = Arc::clone(directory);
            asked.spawn(async move {
                let standing = match &owner {
                    Owner::Project(id) => directory.project(id).await,
                    Owner::User(id) => directory.user(id).await,
                };
                (owner, standing)
            });
        }
        while let Some(answered) = asked.join_next().await {
            // What did not end keeps what is said of it above.
            let Ok((owner, standing)) = answered else { continue };
            let standing = match standing {
                Ok(Standing::Gone) if !self.is_alone => {
                    Err("Keystone does not know it, and another identity source may".to_owned())
                }
                standing => standing.map_err(|error| chain(&error)),
            };
            self.known.insert(owner, standing);
        }
        Ok(())
    }

    /// What there is to say about a secret whose owners it has met.
    pub(super) fn reasons(&self, secret: &Secret) -> impl Iterator<Item = Reason> {
        owners(secret).filter_map(|owner| match (&owner, self.known.get(&owner)?) {
            (Owner::Project(_), Ok(Standing::Gone)) => Some(Reason::ProjectGone),
            (Owner::Project(_), Ok(Standing::Disabled)) => Some(Reason::ProjectDisabled),
            (Owner::User(_), Ok(Standing::Gone)) => Some(Reason::CreatorGone),
            (Owner::User(_), Ok(Standing::Disabled)) => Some(Reason::CreatorDisabled),
            (_, Ok(Standing::Enabled) | Err(_)) => None,
        })
    }

    /// Those of whom nothing is known, and why; nothing at all when there is nobody to ask.
    pub(super) fn unchecked(self) -> Option<Vec<Unchecked>> {
        self.directory?;
        let unchecked = self.known.into_iter().filter_map(|(owner, standing)| {
            let what = match owner {
                Owner::Project(id) => format!("project {id}"),
                Owner::User(id) => format!("user {id}"),
            };
            standing.err().map(|why| Unchecked { what, why })
        });
        let mut unchecked: Vec<_> = unchecked.collect();
        unchecked.sort();
        Some(unchecked)
    }
}

fn owners(secret: &Secret) -> impl Iterator<Item = Owner> {
    let creator = secret.creator.clone().map(Owner::User);
    std::iter::once(Owner::Project(secret.project.clone())).chain(creator)
}
