use diesel::prelude::*;
use strongroom_core::ProjectId;
use strongroom_core::order::{KeySpec, Order, OrderFailure, OrderResult, OrderState, OrderType};
use strongroom_core::ports::StoredPayload;
use strongroom_core::secret::BitLength;

use crate::column;
use crate::fault::Fault;
use crate::schema::orders;

/// A row without its project and who works on it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = orders)]
pub(super) struct Row {
    pub(super) id: Vec<u8>,
    creator: Option<String>,
    order_type: String,
    name: Option<String>,
    algorithm: String,
    mode: Option<String>,
    bit_length: i64,
    expiration: Option<i64>,
    content_type: String,
    meta: String,
    #[diesel(embed)]
    state: StateColumns,
    created: i64,
    updated: i64,
}

impl Row {
    /// The order, when the row is one that this program can have written.
    pub(super) fn of(self, project: ProjectId, passphrase: Option<StoredPayload>) -> Result<Order, Fault> {
        let creator = self.creator.map(|text| column::opaque(text, "orders.creator"));
        let expiration = self.expiration.map(|micros| column::time(micros, "orders.expiration"));
        let algorithm = column::label(Some(self.algorithm), "orders.algorithm")?;
        Ok(Order {
            id: column::id(&self.id, "orders.id")?,
            project,
            creator: creator.transpose()?,
            order_type: OrderType::parse(&self.order_type)
                .map_err(|_| Fault::corrupt("orders.order_type"))?,
            spec: KeySpec {
                name: column::label(self.name, "orders.name")?,
                algorithm: algorithm.ok_or(Fault::corrupt("orders.algorithm"))?,
                mode: column::label(self.mode, "orders.mode")?,
                bit_length: BitLength::new(self.bit_length)
                    .map_err(|_| Fault::corrupt("orders.bit_length"))?,
                expiration: expiration.transpose()?,
                content_type: column::content_type(&self.content_type, "orders.content_type")?,
            },
            passphrase,
            meta: self.meta,
            state: self.state.of()?,
            created: column::time(self.created, "orders.created")?,
            updated: column::time(self.updated, "orders.updated")?,
        })
    }
}

/// The state of an order that nobody has ended.
pub(super) const PENDING: &str = "pending";
const ACTIVE: &str = "active";
const FAILED: &str = "failed";

/// How far an order has come. What a state does not have is absent.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = orders, treat_none_as_null = true)]
pub(super) struct StateColumns {
    state: String,
    made_secret: Option<Vec<u8>>,
    made_container: Option<Vec<u8>>,
    failure_code: Option<i64>,
    failure_reason: Option<String>,
}

impl StateColumns {
    fn of(self) -> Result<OrderState, Fault> {
        let Self { state, made_secret, made_container, failure_code, failure_reason } = self;
        match (state.as_str(), made_secret, made_container, failure_code, failure_reason) {
            (PENDING, None, None, None, None) => Ok(OrderState::Pending),
            (ACTIVE, Some(secret), None, None, None) => {
                Ok(OrderState::Active(OrderResult::Secret(column::id(&secret, "orders.made_secret")?)))
            }
            (ACTIVE, None, Some(container), None, None) => {
                let container = column::id(&container, "orders.made_container")?;
                Ok(OrderState::Active(OrderResult::Container(container)))
            }
            (FAILED, None, None, Some(code), Some(reason)) => {
                let code = u16::try_from(code).map_err(|_| Fault::corrupt("orders.failure_code"))?;
                Ok(OrderState::Failed(OrderFailure::new(code, &reason)))
            }
            _ => Err(Fault::corrupt("orders.state")),
        }
    }
}

impl From<&OrderState> for StateColumns {
    fn from(state: &OrderState) -> Self {
        let named = |name: &str| Self {
            state: name.to_owned(),
            made_secret: None,
            made_container: None,
            failure_code: None,
            failure_reason: None,
        };
        match state {
            OrderState::Pending => named(PENDING),
            OrderState::Active(OrderResult::Secret(id)) => {
                Self { made_secret: Some(id.as_bytes().to_vec()), ..named(ACTIVE) }
            }
            OrderState::Active(OrderResult::Container(id)) => {
                Self { made_container: Some(id.as_bytes().to_vec()), ..named(ACTIVE) }
            }
            OrderState::Failed(failure) => Self {
                failure_code: Some(i64::from(failure.code)),
                failure_reason: Some(failure.reason().to_owned()),
                ..named(FAILED)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;
    use strongroom_core::{ContainerId, SecretId};

    use super::*;

    fn states() -> impl Strategy<Value = OrderState> {
        prop_oneof![
            Just(OrderState::Pending),
            Just(OrderState::Active(OrderResult::Secret(SecretId::random()))),
            Just(OrderState::Active(OrderResult::Container(ContainerId::random()))),
            (any::<u16>(), ".*").prop_map(|(code, why)| OrderState::Failed(OrderFailure::new(code, &why))),
        ]
    }

    prop_compose! {
        /// Columns as nobody may have written them.
        fn columns()(
            state in prop_oneof!["pending", "active", "failed", ".{0,8}"],
            made_secret in option::of(any::<Vec<u8>>()),
            made_container in option::of(any::<Vec<u8>>()),
            failure_code in option::of(any::<i64>()),
            failure_reason in option::of(".*"),
        ) -> StateColumns {
            StateColumns { state, made_secret, made_container, failure_code, failure_reason }
        }
    }

    proptest! {
        #[test]
        fn a_state_reads_back(state in states()) {
            prop_assert_eq!(StateColumns::from(&state).of().ok(), Some(state));
        }

        #[test]
        fn columns_that_contradict_each_other_are_no_state(columns in columns()) {
            if let Ok(state) = columns.clone().of() {
                let cut = |columns: StateColumns| StateColumns {
                    failure_reason: columns.failure_reason.map(|why| why.chars().take(255).collect()),
                    ..columns
                };
                prop_assert_eq!(StateColumns::from(&state), cut(columns));
            }
        }
    }
}
