//! What operators ask to be done with a secret: by the servers that run, or by the tool itself when none does.

mod operate;
mod replace;

pub use operate::{ask_for_errand, carry_out_errand, deleted_secrets, find_errand, is_asked_for};
pub use replace::{Prepared, Replacement, forget_prepared, prepare_replacement};
