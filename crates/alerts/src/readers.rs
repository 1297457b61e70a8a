use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use strongroom_core::SecretId;

use crate::observation::Who;

/// Most readings that are remembered: some 70 MB. Beyond them every reader counts as a first one, since one alert
/// too many does less harm than one too few.
const MOST: usize = 4 << 20;

/// Who has ever read which secret. A reading is known by a keyed hash of 64 bits: that a first one is taken for a
/// known one has a chance of one in four million millions.
#[derive(Debug, Default)]
pub struct Readers {
    hasher: RandomState,
    known: HashSet<u64>,
}

impl Readers {
    /// Remembers a reading; tells whether it is the first of that reader.
    pub fn note(&mut self, secret: SecretId, reader: Option<&Who>) -> bool {
        let reading = self.hasher.hash_one((secret, reader));
        if self.known.len() >= MOST {
            return !self.known.contains(&reading);
        }
        self.known.insert(reading)
    }
}
