use serde::{Deserialize, Serialize};

/// What a backup says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout of the backup; 1.
    pub format: u32,
    /// When it was made.
    pub made: String,
    /// The version of the program that made it.
    pub program: String,
    /// The schema version of the database.
    pub schema: u32,
    /// The node whose journal went on.
    pub node: Option<String>,
    /// The number of the journal's last record when the backup was made.
    pub last_seq: Option<u64>,
    /// That record's hash: the journal, kept elsewhere, has to hold it.
    pub last_hash: Option<String>,
    /// The master key versions that are needed to read it.
    pub master_keys: Vec<u32>,
}
