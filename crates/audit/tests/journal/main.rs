//! The journal on real files: what it promises, and what it does when files are not what they should be.

#[cfg(test)]
mod checkpoints;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod load;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tamper;
#[cfg(test)]
mod verify;
