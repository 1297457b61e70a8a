//! What one source is, and how many connections it has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// What counts as one source: an IPv4 address, or the IPv6 network of one host or site, within which addresses
/// are free to choose (RFC 4291, section 2.5.1).
pub fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// The connections of each source.
#[derive(Debug, Clone)]
pub(crate) struct Seats {
    limit: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection's place among those of its source, free again when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    source: IpAddr,
}

impl Seats {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, taken: Arc::default() }
    }

    /// A place for one more connection, unless the source has as many as it may.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Seat> {
        let source = source(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(source).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Seat { seats: self.clone(), source })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_so_many_seats_and_gets_them_back() {
        let seats = Seats::new(2);
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour = "2001:db8::ffff:1".parse().unwrap();
        let first = seats.take(one).unwrap();
        let _second = seats.take(neighbour).unwrap();
        assert!(seats.take(one).is_none());
        assert!(seats.take("2001:db8:0:1::1".parse().unwrap()).is_some());
        assert!(seats.take("192.0.2.1".parse().unwrap()).is_some());
        drop(first);
        assert!(seats.take(neighbour).is_some());
        assert_eq!(seats.taken.lock().unwrap().len(), 1, "a source without connections is forgotten");
    }
}
