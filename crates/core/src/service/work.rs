//! Carrying orders out.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::{Attempt, CallContext, Permit};
use super::disposal::Leftover;
use super::keys::{Fresh, Sealings, Source, ToSeal, still_keyed};
use super::orders::{Orders, forget_passphrase, passphrase_binding};
use crate::access::{Caller, IdentitySource, Roles};
use crate::audit::{Action, Origin, Target};
use crate::container::{Container, Member};
use crate::disposal::Owner;
use crate::error::{Error, Missing};
use crate::id::{ContainerId, OrderId, SecretId};
use crate::order::{Order, OrderFailure, OrderResult, OrderState, OrderType};
use crate::ports::{BackendError, GenerationError, KeyRequest};
use crate::secret::{Label, Payload, Secret, SecretType};

/// How long a worker has an order for itself, in seconds, unless it is prolonged. An order whose worker died is
/// taken over then.
const LEASE: i64 = 60;
/// How long an order is tried while its backend is out of reach, in seconds, before it is given up.
const PATIENCE: i64 = 3600;

/// What an order has made, about to be stored.
struct Made {
    secrets: Vec<(Secret, Fresh)>,
    container: Option<Container>,
}

impl Orders<'_> {
    /// How often the leases of orders have to be prolonged: two attempts may fail before one ends.
    pub const KEEP_EVERY: Duration = Duration::from_secs(20);

    /// Completes once an order has been placed since the last time, or may have been.
    pub async fn placed(self) {
        self.engine.placed.wait().await;
    }

    /// Completes once the order has ended, in this process. Returns at once when it has already.
    pub async fn ended(self, id: OrderId) {
        let end = self.engine.endings.of(id);
        let pending = self.engine.read(move |reader| {
            Ok(reader.order(id)?.is_some_and(|order| order.state == OrderState::Pending))
        });
        if matches!(pending.await, Ok(true)) {
            end.await;
        }
    }

    /// Carries out the oldest pending order; `false` when there is none. What fails through no fault of the
    /// order's is tried again after its lease.
    pub async fn work(self) -> Result<bool, Error> {
        let Some(order) = self.claim().await? else { return Ok(false) };
        let id = order.id;
        let _held = self.engine.in_hand.hold(id);
        let caller = Caller {
            user: order.creator.clone(),
            project: Some(order.project.clone()),
            roles: Roles::default(),
            source: IdentitySource::Order,
        };
        let context = CallContext { caller, origin: Origin::default() };
        let attempt = Attempt::new(self.engine, &context, Action::OrderComplete, Some(Target::Order(id)));
        let change = attempt.intend(Permit::granted_earlier()).await.map_err(super::Refused::into_error)?;
        let mut sealings = Sealings::default();
        let result = loop {
            let ended = async {
                let made = match self.make(&context, &order).await {
                    Ok(made) => Ok(made),
                    Err(error) => match self.failure(&order, &error) {
                        Some(failure) => Err((failure, error)),
                        None => return Err(error),
                    },
                };
                let now = self.engine.clock.now();
                let backends = Arc::clone(&self.engine.backends);
                match made {
                    Ok(Made { secrets, container }) => {
                        let leftovers = self.leftovers(&secrets);
                        let endings: Vec<_> = secrets
                            .iter()
                            .filter_map(|(secret, _)| self.engine.ending(secret, None))
                            .collect();
                        let applied = change
                            .apply(move |writer| {
                                let waiting =
                                    writer.order(id)?.is_some_and(|order| order.state == OrderState::Pending);
                                if !waiting {
                                    return Err(Error::NotFound(Missing::Order));
                                }
                                for (secret, Fresh { stored, .. }) in &secrets {
                                    still_keyed(writer, stored)?;
                                    writer.insert_secret(secret)?;
                                    writer.insert_payload(secret.id, stored)?;
                                }
                                for ending in &endings {
                                    writer.put_ending(ending)?;
                                }
                                let result = match (&container, secrets.first()) {
                                    (Some(container), _) => {
                                        writer.insert_container(container)?;
                                        OrderResult::Container(container.id)
                                    }
                                    (None, Some((secret, _))) => OrderResult::Secret(secret.id),
                                    (None, None) => return Err(Error::Internal("an order made nothing")),
                                };
                                forget_passphrase(writer, &backends, id, now)?;
                                Ok(writer.end_order(id, &OrderState::Active(result), now)?)
                            })
                            .await;
                        if applied.is_err() {
                            self.engine.discard(leftovers);
                        }
                        applied
                    }
                    Err((failure, error)) => {
                        let state = OrderState::Failed(failure);
                        change
                            .apply(move |writer| {
                                forget_passphrase(writer, &backends, id, now)?;
                                Ok(writer.end_order(id, &state, now)?)
                            })
                            .await?;
                        Err(error)
                    }
                }
            }
            .await;
            if !sealings.again(&ended) {
                break ended;
            }
        };
        let verdict = change.conclude(result).await;
        self.engine.endings.announce(id);
        match verdict {
            Err(refused) if refused.error().is_fault() => {
                tracing::warn!(order = %id, error = %refused, "an order was not carried out");
            }
            _ => {}
        }
        Ok(true)
    }

    /// Prolongs the leases of the orders that this process is carrying out: a key may take longer than one. To
    /// be called each [`Orders::KEEP_EVERY`].
    pub async fn keep(self) -> Result<(), Error> {
        let held = self.engine.in_hand.all();
        if held.is_empty() {
            return Ok(());
        }
        let until = self.engine.clock.now().plus_seconds(LEASE);
        let worker = self.engine.audit.node().to_owned();
        self.engine.upkeep(move |writer| Ok(writer.prolong_orders(&worker, &held, until)?)).await
    }

    async fn claim(self) -> Result<Option<Order>, Error> {
        let now = self.engine.clock.now();
        let worker = self.engine.audit.node().to_owned();
        let claimant = worker.clone();
        self.engine
            .claim(
                move |reader| Ok(reader.has_order_for(&worker, now)?),
                move |writer| Ok(writer.claim_order(&claimant, now, now.plus_seconds(LEASE))?),
            )
            .await
    }

    /// What to tell of an error, unless the order is to be tried again.
    fn failure(self, order: &Order, error: &Error) -> Option<OrderFailure> {
        let code = match error {
            Error::Generation(GenerationError::Algorithm | GenerationError::Passphrase) => 400,
            Error::Storage(_) | Error::Audit(_) | Error::Backend(BackendError::Unavailable { .. })
                if self.engine.clock.now() < order.created.plus_seconds(PATIENCE) =>
            {
                return None;
            }
            _ => 500,
        };
        let reason = match error {
            Error::Generation(told) => format!("The key could not be made: {told}."),
            _ => "The key could not be made or stored; contact the administrator of this service.".to_owned(),
        };
        Some(OrderFailure::new(code, &reason))
    }

    async fn make(self, context: &CallContext, order: &Order) -> Result<Made, Error> {
        let spec = &order.spec;
        let request = KeyRequest {
            algorithm: spec.algorithm.as_str().to_lowercase(),
            bits: spec.bit_length.get(),
            mode: spec.mode.as_ref().map(|mode| mode.as_str().to_lowercase()),
        };
        match order.order_type {
            OrderType::Key => {
                let sealed =
                    self.sealed(context, order, SecretType::Symmetric, Source::Generated(&request)).await?;
                Ok(Made { secrets: vec![sealed], container: None })
            }
            OrderType::Asymmetric => {
                let backend = self.engine.backend_for(&order.project).await?;
                let passphrase = self.passphrase(order).await?;
                let pair = backend.generate_pair(&request, passphrase.as_ref()).await.map_err(Error::from)?;
                let mut parts = vec![
                    ("private_key", SecretType::Private, pair.private),
                    ("public_key", SecretType::Public, pair.public),
                ];
                parts.extend(passphrase.map(|text| ("private_key_passphrase", SecretType::Passphrase, text)));
                let mut secrets = Vec::new();
                let mut members = Vec::new();
                for (name, secret_type, payload) in parts {
                    let source = Source::Given(&payload);
                    let sealed = match self.sealed(context, order, secret_type, source).await {
                        Ok(sealed) => sealed,
                        Err(error) => {
                            self.engine.discard(self.leftovers(&secrets));
                            return Err(error);
                        }
                    };
                    members.push(Member { name: Some(Label::new("name", name)?), secret: sealed.0.id });
                    secrets.push(sealed);
                }
                let now = self.engine.clock.now();
                let container = Container {
                    id: ContainerId::random(),
                    project: order.project.clone(),
                    creator: order.creator.clone(),
                    name: spec.name.clone(),
                    container_type: pair.container_type,
                    members,
                    created: now,
                    updated: now,
                };
                Ok(Made { secrets, container: Some(container) })
            }
        }
    }

    async fn sealed(
        self,
        context: &CallContext,
        order: &Order,
        secret_type: SecretType,
        source: Source<'_>,
    ) -> Result<(Secret, Fresh), Error> {
        let spec = &order.spec;
        let now = self.engine.clock.now();
        let secret = Secret {
            id: SecretId::random(),
            project: order.project.clone(),
            creator: order.creator.clone(),
            name: spec.name.clone(),
            secret_type,
            algorithm: Some(spec.algorithm.clone()),
            mode: spec.mode.clone(),
            bit_length: Some(spec.bit_length),
            expiration: spec.expiration,
            created: now,
            updated: now,
            content_type: Some(spec.content_type),
        };
        let what = ToSeal::with(&secret, source, spec.content_type);
        let fresh = self.engine.seal(context, Permit::granted_earlier(), &what).await?;
        Ok((secret, fresh))
    }

    fn leftovers(self, made: &[(Secret, Fresh)]) -> Vec<Leftover> {
        made.iter()
            .filter_map(|(secret, fresh)| self.engine.leftover(Owner::Secret(secret.id), fresh))
            .collect()
    }

    async fn passphrase(self, order: &Order) -> Result<Option<Payload>, Error> {
        let Some(stored) = &order.passphrase else { return Ok(None) };
        let id = stored.key;
        let key =
            self.engine.read(move |reader| Ok(reader.project_key(id)?)).await?.ok_or(Error::Integrity)?;
        let binding = passphrase_binding(order.id, &order.project);
        self.engine.open_bound(&binding, stored, &key).await.map(Some)
    }
}
