#![doc = include_str!("../README.md")]

mod batch;
mod column;
mod control;
mod desk;
mod durability;
mod error;
mod fault;
mod listing;
#[cfg(test)]
mod plans;
mod readers;
mod repository;
mod run;
mod schema;
mod session;
mod sqlite;
mod tables;
mod tally;
mod view;
mod writer;

pub use desk::Desk;
pub use error::OpenError;
pub use repository::SqliteRepository;
pub use sqlite::{OpenOptions, SchemaStatus, is_in_use, schema_status, snapshot, upgrade};
pub use view::ReadOnlyView;
pub use writer::Statistics;

/// The one place that says which database the queries run on.
type Connection = diesel::SqliteConnection;
type Backend = diesel::sqlite::Sqlite;
