use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

/// Chains that call each other are followed so deep.
const DEPTH: u32 = 16;

/// A first packet to the API, from an address that no rule names and by an interface that leads elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet {
    pub(super) port: u16,
    pub(super) family: Family,
}

/// Which Internet protocol it goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// The rules that packets to this machine go through.
#[derive(Debug, Default)]
pub(super) struct Ruleset {
    /// By name.
    pub(super) chains: HashMap<String, Chain>,
}

/// Rules in their order.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// What becomes of a packet at the end, where packets to this machine begin here.
    pub(super) policy: Option<Policy>,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    Accept,
    Drop,
}

/// One rule, as far as it is about the packet.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) applies: Applies,
    pub(super) then: Then,
}

/// Whether a rule, or a condition of one, is about the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Applies {
    Never,
    /// It depends, or is not understood.
    Perhaps,
    Always,
}

/// What a rule does with a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    Accept,
    Drop,
    Return,
    /// The chain of that name is gone through, and then the rest of this one.
    Jump(String),
    /// The chain of that name is gone through instead of the rest.
    Goto(String),
    /// Not understood.
    Unknown,
}

impl Family {
    /// By which protocols one comes to that address.
    pub(super) fn reached_by(address: IpAddr) -> Vec<Self> {
        match address.to_canonical() {
            IpAddr::V6(address) if address.is_unspecified() => vec![Self::V4, Self::V6],
            IpAddr::V6(_) => vec![Self::V6],
            IpAddr::V4(_) => vec![Self::V4],
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl Applies {
    pub(super) fn when(so: bool) -> Self {
        if so { Self::Always } else { Self::Never }
    }

    /// The opposite, where a condition is turned round.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Never => Self::Always,
            Self::Perhaps => Self::Perhaps,
            Self::Always => Self::Never,
        }
    }
}

/// How a packet may leave a chain.
#[derive(Clone, Copy)]
struct Ways {
    accepted: bool,
    /// Back to where the chain was called from, or to its policy.
    back: bool,
}

impl Ruleset {
    /// Whether the packet is dropped for sure.
    pub(super) fn keeps_out(&self) -> bool {
        self.chains.values().any(|chain| {
            let ways = self.ways(chain, DEPTH);
            chain.policy.is_some_and(|policy| !(ways.accepted || ways.back && policy == Policy::Accept))
        })
    }

    fn ways(&self, chain: &Chain, depth: u32) -> Ways {
        let mut ways = Ways { accepted: false, back: false };
        for Rule { applies, then } in chain.rules.iter().filter(|rule| rule.applies != Applies::Never) {
            let always = *applies == Applies::Always;
            let ends = match then {
                Then::Nothing => false,
                Then::Accept => {
                    ways.accepted = true;
                    always
                }
                Then::Drop => always,
                Then::Return => {
                    ways.back = true;
                    always
                }
                Then::Jump(name) => {
                    let there = self.follow(name, depth);
                    ways.accepted |= there.accepted;
                    always && !there.back
                }
                Then::Goto(name) => {
                    let there = self.follow(name, depth);
                    ways = Ways { accepted: ways.accepted || there.accepted, back: ways.back || there.back };
                    always
                }
                Then::Unknown => {
                    ways.accepted = true;
                    false
                }
            };
            if ends {
                return ways;
            }
        }
        Ways { back: true, ..ways }
    }

    /// A chain that is not there may do anything.
    fn follow(&self, name: &str, depth: u32) -> Ways {
        match self.chains.get(name).filter(|_| depth > 0) {
            Some(chain) => self.ways(chain, depth - 1),
            None => Ways { accepted: true, back: true },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps_out(policy: Policy, rules: &[(Applies, Then)], called: &[(Applies, Then)]) -> bool {
        let chain = |policy, rules: &[(Applies, Then)]| Chain {
            policy,
            rules: rules.iter().cloned().map(|(applies, then)| Rule { applies, then }).collect(),
        };
        let chains =
            [("input".to_owned(), chain(Some(policy), rules)), ("own".to_owned(), chain(None, called))];
        Ruleset { chains: chains.into() }.keeps_out()
    }

    #[test]
    fn what_is_not_dropped_for_sure_may_get_in() {
        use Applies::{Always, Never, Perhaps};
        let own = || Then::Jump("own".to_owned());
        for (expected, policy, rules, called) in [
            (true, Policy::Drop, vec![], vec![]),
            (false, Policy::Accept, vec![], vec![]),
            (true, Policy::Accept, vec![(Always, Then::Drop)], vec![]),
            (false, Policy::Accept, vec![(Perhaps, Then::Drop)], vec![]),
            (false, Policy::Drop, vec![(Perhaps, Then::Accept)], vec![]),
            (true, Policy::Drop, vec![(Never, Then::Accept)], vec![]),
            (false, Policy::Accept, vec![(Always, Then::Accept), (Always, Then::Drop)], vec![]),
            (false, Policy::Drop, vec![(Perhaps, Then::Unknown)], vec![]),
            (true, Policy::Accept, vec![(Always, own())], vec![(Always, Then::Drop)]),
            (true, Policy::Drop, vec![(Always, own())], vec![(Always, Then::Return), (Always, Then::Accept)]),
            (true, Policy::Accept, vec![(Always, own()), (Always, Then::Drop)], vec![]),
            (false, Policy::Drop, vec![(Always, Then::Goto("own".to_owned()))], vec![(Always, Then::Accept)]),
            (false, Policy::Drop, vec![(Always, Then::Jump("gone".to_owned()))], vec![]),
            (false, Policy::Drop, vec![(Always, own())], vec![(Always, own())]),
        ] {
            assert_eq!(keeps_out(policy, &rules, &called), expected, "{policy:?} {rules:?} {called:?}");
        }
    }
}
