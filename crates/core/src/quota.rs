//! Quotas: how many objects a project may have (spec section 13).

use serde::Serialize;

use crate::id::ProjectId;

/// A kind of object that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Secrets that are neither deleted nor expired.
    Secrets,
    /// Orders.
    Orders,
    /// Containers.
    Containers,
    /// Consumers of secrets, by the project that registered them.
    SecretConsumers,
    /// Consumers of containers, likewise, and counted by themselves.
    ContainerConsumers,
}

/// Limits by kind. A negative limit is none; 0 forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quotas<L> {
    /// Secrets.
    pub secrets: L,
    /// Orders.
    pub orders: L,
    /// Containers.
    pub containers: L,
    /// Consumers, of each kind.
    pub consumers: L,
    /// Certificate authorities, which no longer exist; the key has to be there.
    pub cas: L,
}

/// The limits that apply to a project.
pub type EffectiveQuotas = Quotas<i64>;
/// What an operator has set for a project; absent is the default.
pub type ProjectQuotas = Quotas<Option<i64>>;

impl Default for EffectiveQuotas {
    /// No limits.
    fn default() -> Self {
        Self { secrets: -1, orders: -1, containers: -1, consumers: -1, cas: -1 }
    }
}

impl Default for ProjectQuotas {
    /// Nothing set.
    fn default() -> Self {
        Self { secrets: None, orders: None, containers: None, consumers: None, cas: None }
    }
}

impl EffectiveQuotas {
    /// Whether a project that has `count` objects of that kind may have one more.
    pub fn allows(&self, kind: Counted, count: u64) -> bool {
        let limit = match kind {
            Counted::Secrets => self.secrets,
            Counted::Orders => self.orders,
            Counted::Containers => self.containers,
            Counted::SecretConsumers | Counted::ContainerConsumers => self.consumers,
        };
        // Only a negative limit is no number of objects.
        u64::try_from(limit).map_or(true, |limit| count < limit)
    }
}

impl ProjectQuotas {
    /// What applies: what is set, else the defaults.
    pub fn over(self, defaults: EffectiveQuotas) -> EffectiveQuotas {
        Quotas {
            secrets: self.secrets.unwrap_or(defaults.secrets),
            orders: self.orders.unwrap_or(defaults.orders),
            containers: self.containers.unwrap_or(defaults.containers),
            consumers: self.consumers.unwrap_or(defaults.consumers),
            cas: self.cas.unwrap_or(defaults.cas),
        }
    }

    /// What is set after a request that names some of the limits.
    #[must_use]
    pub fn merged(self, request: Self) -> Self {
        Quotas {
            secrets: request.secrets.or(self.secrets),
            orders: request.orders.or(self.orders),
            containers: request.containers.or(self.containers),
            consumers: request.consumers.or(self.consumers),
            cas: request.cas.or(self.cas),
        }
    }
}

/// What an operator has set for one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredQuotas {
    /// The project.
    pub project: ProjectId,
    /// Its limits.
    pub quotas: ProjectQuotas,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_forbids_and_negative_is_no_limit() {
        let quotas = EffectiveQuotas { secrets: 2, containers: 0, ..EffectiveQuotas::default() };
        assert!(quotas.allows(Counted::Secrets, 1));
        assert!(!quotas.allows(Counted::Secrets, 2));
        assert!(!quotas.allows(Counted::Containers, 0));
        assert!(quotas.allows(Counted::Orders, u64::MAX));
    }

    #[test]
    fn what_is_not_named_keeps_its_value() {
        let set = ProjectQuotas { secrets: Some(1), orders: Some(2), ..ProjectQuotas::default() };
        let merged = set.merged(ProjectQuotas { orders: Some(3), ..ProjectQuotas::default() });
        assert_eq!((merged.secrets, merged.orders, merged.cas), (Some(1), Some(3), None));
        assert_eq!(merged.over(EffectiveQuotas::default()).containers, -1);
    }
}
