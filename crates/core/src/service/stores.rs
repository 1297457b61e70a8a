use super::attempt::{Attempt, CallContext, Verdict};
use super::engine::Engine;
use crate::access::PolicyTarget;
use crate::audit::Action;
use crate::error::{Error, Missing};

/// Which secret stores there are (spec section 14). With one store only, which is what there is, the API's
/// part about several is off: whoever may ask is told that there is nothing.
#[derive(Clone, Copy)]
pub struct Stores<'a> {
    engine: &'a Engine,
}

/// A question about secret stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreQuestion {
    /// All of them.
    List,
    /// The default one.
    GlobalDefault,
    /// The one that the caller's project prefers.
    Preferred,
}

impl<'a> Stores<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// Answers with [`Missing::SecretStore`] whoever is allowed to ask.
    pub async fn ask(self, context: &CallContext, question: StoreQuestion) -> Verdict<()> {
        let rule = match question {
            StoreQuestion::List => "secretstores:get",
            StoreQuestion::GlobalDefault => "secretstores:get_global_default",
            StoreQuestion::Preferred => "secretstores:get_preferred",
        };
        let attempt = Attempt::new(self.engine, context, Action::StoreRead, None);
        let refusal = match attempt.authorise(rule, &PolicyTarget::none()) {
            Ok(_) => Error::NotFound(Missing::SecretStore),
            Err(error) => error,
        };
        attempt.refuse(refusal).await
    }
}
