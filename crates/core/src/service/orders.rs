use std::sync::Arc;

use super::attempt::{Attempt, CallContext, Input, Verdict};
use super::engine::{Backends, Engine};
use super::keys::{Source, ToSeal, still_keyed};
use crate::access::PolicyTarget;
use crate::audit::{Action, Target};
use crate::disposal::Owner;
use crate::error::{Error, Missing, Violation};
use crate::id::{OrderId, ProjectId};
use crate::order::{NewOrder, Order, OrderQuery, OrderState};
use crate::ports::{PayloadKind, StoredPayload, Writer};
use crate::quota::Counted;
use crate::secret::{Page, SecretType};
use crate::time::Timestamp;

/// Keys that the key manager makes itself (spec section 10). An order is durable once it is accepted; a
/// worker carries it out.
#[derive(Clone, Copy)]
pub struct Orders<'a> {
    pub(super) engine: &'a Engine,
}

impl Input<Self> for NewOrder {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl Input<Self> for OrderQuery {
    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }
}

impl<'a> Orders<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// Accepts an order (rule `orders:post`) and wakes the worker.
    pub async fn place(self, context: &CallContext, new: impl Input<NewOrder>) -> Verdict<Order> {
        const RULE: &str = "orders:post";
        let id = OrderId::random();
        let attempt = Attempt::new(self.engine, context, Action::OrderCreate, None);
        let now = self.engine.clock.now();
        let judged = attempt.authorise(RULE, &PolicyTarget::none()).and_then(|permit| {
            let project = context.caller.project.clone().ok_or(Error::Forbidden { rule: RULE })?;
            let new = new.take()?;
            if new.spec.expiration.is_some_and(|at| at <= now) {
                return Err(Violation::new("expiration", "is not in the future").into());
            }
            Ok((permit, project, new))
        });
        let (permit, project, new) = attempt.let_through(judged).await?;
        let change = attempt.on(Target::Order(id)).intend(permit).await?;
        let quotas = self.engine.quotas;
        let store = |passphrase: Option<StoredPayload>| {
            let order = self.accepted(context, id, &project, &new, passphrase);
            move |writer: &mut dyn Writer| {
                quotas.check(writer, &order.project, Counted::Orders, now)?;
                if let Some(passphrase) = &order.passphrase {
                    still_keyed(writer, passphrase)?;
                }
                writer.insert_order(&order)?;
                Ok(order.clone())
            }
        };
        let what = new.passphrase.as_ref().map(|payload| ToSeal {
            project: &project,
            binding: passphrase_binding(id, &project),
            source: Source::Given(payload),
            kind: PayloadKind {
                owner: Some(Owner::Order(id)),
                secret_type: SecretType::Passphrase,
                ..PayloadKind::default()
            },
            content_type: new.spec.content_type,
            secret: None,
        });
        let result = self.engine.seal_and_store(context, &change, Owner::Order(id), what, store).await;
        let verdict = change.conclude(result).await;
        if verdict.is_ok() {
            self.engine.placed.wake();
        }
        verdict
    }

    fn accepted(
        self,
        context: &CallContext,
        id: OrderId,
        project: &ProjectId,
        new: &NewOrder,
        passphrase: Option<StoredPayload>,
    ) -> Order {
        let now = self.engine.clock.now();
        Order {
            id,
            project: project.clone(),
            creator: context.caller.user.clone(),
            order_type: new.order_type,
            spec: new.spec.clone(),
            passphrase,
            meta: new.meta.clone(),
            state: OrderState::Pending,
            created: now,
            updated: now,
        }
    }

    /// The caller's project's orders that match (rule `orders:get`).
    pub async fn list(self, context: &CallContext, query: impl Input<OrderQuery>) -> Verdict<Page<Order>> {
        const RULE: &str = "orders:get";
        let attempt = Attempt::new(self.engine, context, Action::OrderList, None);
        let result = async {
            let permit = attempt.authorise(RULE, &PolicyTarget::none())?;
            let project = context.caller.project.clone().ok_or(Error::Forbidden { rule: RULE })?;
            let query = query.take()?;
            Ok(permit.with(self.engine.read(move |reader| Ok(reader.orders(&project, &query)?)).await?))
        }
        .await;
        attempt.conclude(result).await
    }

    /// One order (rule `order:get`). Another project's is not found.
    pub async fn describe(self, context: &CallContext, id: OrderId) -> Verdict<Order> {
        let attempt = Attempt::new(self.engine, context, Action::OrderRead, Some(Target::Order(id)));
        let result = async {
            let order = self.own(context, id).await?;
            let permit = attempt.authorise("order:get", &PolicyTarget::order(&order))?;
            Ok(permit.with(order))
        }
        .await;
        attempt.conclude(result).await
    }

    /// Deletes an order in whatever state, and nothing that it has made (rule `order:delete`).
    pub async fn delete(self, context: &CallContext, id: OrderId) -> Verdict<()> {
        let attempt = Attempt::new(self.engine, context, Action::OrderDelete, Some(Target::Order(id)));
        let judged = async {
            let order = self.own(context, id).await?;
            attempt.authorise("order:delete", &PolicyTarget::order(&order))
        }
        .await;
        let permit = attempt.let_through(judged).await?;
        let change = attempt.intend(permit).await?;
        let backends = Arc::clone(&self.engine.backends);
        let now = self.engine.clock.now();
        change
            .carry_out(move |writer| {
                forget_passphrase(writer, &backends, id, now)?;
                let removed = writer.delete_order(id)?;
                if removed { Ok(()) } else { Err(Error::NotFound(Missing::Order)) }
            })
            .await
    }

    /// Answers a call that the API knows and always refuses (`PUT /orders`, rule `orders:put`): with what
    /// the rule says, else with `refusal`.
    pub async fn refuse_update(self, context: &CallContext, refusal: Error) -> Verdict<()> {
        let attempt = Attempt::new(self.engine, context, Action::OrderCreate, None);
        let error =
            attempt.authorise("orders:put", &PolicyTarget::none()).map_or_else(|error| error, |_| refusal);
        attempt.refuse(error).await
    }

    async fn own(self, context: &CallContext, id: OrderId) -> Result<Order, Error> {
        let found = self.engine.read(move |reader| Ok(reader.order(id)?)).await?;
        found
            .filter(|order| context.caller.project.as_ref() == Some(&order.project))
            .ok_or(Error::NotFound(Missing::Order))
    }
}

/// Has the backend destroy what it holds of an order's passphrase, which the same change drops.
pub(super) fn forget_passphrase(
    writer: &mut dyn Writer,
    backends: &Backends,
    id: OrderId,
    now: Timestamp,
) -> Result<(), Error> {
    match writer.order(id)?.and_then(|order| order.passphrase) {
        Some(stored) => backends.forget_later(writer, Owner::Order(id), &stored, now),
        None => Ok(()),
    }
}

/// What a sealed passphrase belongs to.
pub(super) fn passphrase_binding(id: OrderId, project: &ProjectId) -> Vec<u8> {
    let mut binding = b"strongroom order passphrase 1".to_vec();
    binding.extend(id.as_bytes());
    binding.extend(project.as_str().as_bytes());
    binding
}
