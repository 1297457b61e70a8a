//! Keeps the process's memory out of dumps and debuggers.

use std::io;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior, setrlimit,
};

/// What protects this process's memory, as the system itself reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardening {
    /// No core file is ever written (RLIMIT_CORE is 0).
    pub core_files_off: bool,
    /// No core is piped to a handler either, and no other process of the same user can attach a debugger
    /// or read the memory (PR_SET_DUMPABLE is 0). Root still can.
    pub not_dumpable: bool,
    /// How many bytes may be locked, RLIMIT_MEMLOCK; `None` when there is no limit.
    pub lockable_bytes: Option<u64>,
}

impl Hardening {
    /// Whether everything is in force.
    pub fn is_complete(&self) -> bool {
        self.core_files_off && self.not_dumpable
    }
}

/// Turns core dumps off for good: the limit can't be raised again without privilege. Call it first thing in
/// `main`. Both switches are needed: a zero limit does not stop a core that is piped to a handler, and the
/// other is undone by a change of user.
pub fn harden() -> Result<Hardening, io::Error> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(Hardening {
        core_files_off: getrlimit(Resource::Core).current == Some(0),
        not_dumpable: dumpable_behavior()? == DumpableBehavior::NotDumpable,
        lockable_bytes: getrlimit(Resource::Memlock).current,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_dumps_are_off_afterwards() {
        let report = harden().unwrap();
        assert!(report.is_complete(), "{report:?}");
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    }
}
