use crate::fingerprint::Material;
use crate::id::SecretId;

/// Secrets whose payloads have the same bytes, each with another one that has them too.
#[derive(Debug, Default)]
pub struct Twins(Vec<(SecretId, SecretId)>);

impl Twins {
    /// Takes in the materials of secrets under one project key. Those of another one can't be compared with them.
    pub fn add(&mut self, mut materials: Vec<(Material, SecretId)>) {
        materials.sort_unstable();
        materials.dedup();
        for same in materials.chunk_by(|(one, _), (other, _)| one == other) {
            let [(_, first), (_, second), ..] = same else { continue };
            self.0.push((*first, *second));
            self.0.extend(same.iter().skip(1).map(|(_, secret)| (*secret, *first)));
        }
    }

    /// Ends what [`Self::add`] has begun: only then they are found.
    #[must_use]
    pub fn complete(mut self) -> Self {
        self.0.sort_unstable();
        self
    }

    /// Another secret with the same payload.
    pub fn of(&self, secret: SecretId) -> Option<SecretId> {
        let at = self.0.binary_search_by_key(&secret, |(secret, _)| *secret).ok()?;
        self.0.get(at).map(|(_, twin)| *twin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_several_has_another_and_keys_are_apart() {
        let mut ids = [(); 6].map(|()| SecretId::random());
        ids.sort_unstable();
        let [one, other] = [Material([1; 16]), Material([2; 16])];
        let mut twins = Twins::default();
        // Looked at twice, as when a key is rewrapped meanwhile.
        twins.add(vec![(one, ids[5]), (one, ids[1]), (other, ids[0]), (one, ids[3]), (one, ids[1])]);
        twins.add(vec![(other, ids[2]), (other, ids[2])]);
        twins.add(vec![(one, ids[4])]);
        let twins = twins.complete();
        let found = ids.map(|id| twins.of(id));
        assert_eq!(found, [None, Some(ids[3]), None, Some(ids[1]), None, Some(ids[1])]);
    }
}
