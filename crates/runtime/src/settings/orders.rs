use std::time::Duration;

use super::reader::Reader;
use super::sections::positive;

/// How orders are carried out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OrdersSection {
    /// How many are carried out at once by this server.
    pub workers: usize,
    /// Whether triple-DES keys are made.
    pub triple_des: bool,
    /// How long placing an order may wait for its end.
    pub wait: Duration,
}

pub(super) fn orders(reader: &mut Reader) -> OrdersSection {
    OrdersSection {
        workers: positive(reader, "orders.workers", 1),
        triple_des: reader.get("orders.triple_des", true, "true or false"),
        wait: Duration::from_millis(reader.get("orders.wait_ms", 500, "a whole number of milliseconds")),
    }
}
