//! Who may do what. A rule is data: text in the oslo.policy language, by default the reference's own table.

mod caller;
mod defaults;
mod explain;
mod parse;
mod policy;
mod rule;
mod target;
mod ways;

pub use caller::{Caller, IdentitySource, MAX_ROLES, Roles};
pub use defaults::{RuleSet, default_rules};
pub use explain::{Explanation, Step};
pub use parse::RuleError;
pub use policy::{Policy, PolicyError, PolicyRules};
pub use target::PolicyTarget;
