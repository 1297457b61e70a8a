//! Rotations of keys and moves between stores: carried out by servers, asked for and followed by the operator's tool.

mod asker;
mod migrate;
mod operate;
mod pace;
mod report;
mod server;

pub use migrate::{MigrationPlan, enabled_store, plan_migration};
pub(crate) use operate::look;
pub use operate::{
    PrunedKeys, RotationPlan, ask_for_rotation, cancel_rotation, carry_out_rotation, find_rotation,
    is_served, latest_rotation, master_key_backed_up, pause_rotation, plan_rotation, prune_master_key,
    stage_master_key,
};
pub(crate) use pace::{Courtesy, rest};
pub use report::report_rotation;
pub(crate) use server::Rotator;
