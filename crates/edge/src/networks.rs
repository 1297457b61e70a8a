use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use thiserror::Error;

/// Networks that addresses can belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// The text is no network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is neither an address nor a network such as \"192.0.2.0/24\"")]
pub struct InvalidNetwork(String);

impl Networks {
    /// Reads networks such as `192.0.2.0/24` and single addresses.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidNetwork> {
        texts.into_iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the address is in one of them. An IPv4 address that is written as an IPv6 one counts as what
    /// it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, network) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            write!(f, "{separator}{network}")?;
        }
        Ok(())
    }
}

fn network(text: &str) -> Result<IpNet, InvalidNetwork> {
    let invalid = || InvalidNetwork(text.chars().take(80).collect());
    let parsed = match IpAddr::from_str(text) {
        Ok(address) => Some(IpNet::from(address.to_canonical())),
        // An address with bits beyond the mask is more likely a slip than a network.
        Err(_) => IpNet::from_str(text).ok().filter(|network| network.addr() == network.network()),
    };
    parsed.ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_belong_to_networks() {
        let networks = Networks::parse(["192.0.2.0/24", "203.0.113.7", "2001:db8::/32"]).unwrap();
        for (address, inside) in [
            ("192.0.2.200", true),
            ("::ffff:192.0.2.200", true),
            ("192.0.3.1", false),
            ("203.0.113.7", true),
            ("203.0.113.8", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(networks.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!(Networks::default().is_empty() && !networks.is_empty());
        assert_eq!(networks.to_string(), "192.0.2.0/24, 203.0.113.7/32, 2001:db8::/32");
    }

    #[test]
    fn slips_are_refused() {
        for text in ["", "192.0.2.1/24", "192.0.2.0/33", "kms.example", "192.0.2", "::/129", "10.0.0.0/-1"] {
            assert!(Networks::parse([text]).is_err(), "{text}");
        }
    }
}
