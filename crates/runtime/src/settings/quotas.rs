use strongroom_core::quota::EffectiveQuotas;

use super::reader::Reader;

/// What projects may have for which nothing else is set.
pub(super) fn quotas(reader: &mut Reader) -> EffectiveQuotas {
    const ALLOWED: &str = "a whole number; 0 forbids, and a negative one is no limit";
    let defaults = EffectiveQuotas::default();
    EffectiveQuotas {
        secrets: reader.get("quotas.secrets", defaults.secrets, ALLOWED),
        orders: reader.get("quotas.orders", defaults.orders, ALLOWED),
        containers: reader.get("quotas.containers", defaults.containers, ALLOWED),
        consumers: reader.get("quotas.consumers", defaults.consumers, ALLOWED),
        cas: reader.get("quotas.cas", defaults.cas, ALLOWED),
    }
}
