use std::fs;

use clap::Args;
use rustix::process::getuid;
use strongroom_core::UserId;

/// Who asks, for the journal.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Operator {
    /// Who asks, for the journal; without it, who has logged in, before `sudo` if that was used
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
}

impl Operator {
    /// The name given, else that of who has logged in, by the kernel or by `sudo`, else of whose process it is.
    pub(crate) fn name(&self) -> Result<UserId, String> {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let named = |id| name_of(id, &users).map_or_else(|| format!("user id {id}"), str::to_owned);
        let sudo = || std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty());
        let found = || logged_in().map(named).or_else(sudo).unwrap_or_else(|| named(getuid().as_raw()));
        let name = self.operator.clone().unwrap_or_else(found);
        UserId::new(name).map_err(|error| format!("--operator: {error}"))
    }
}

/// Who has logged in, as far as the kernel was told, which in a container it often was not; `sudo` does not change it.
fn logged_in() -> Option<u32> {
    let id = fs::read_to_string("/proc/self/loginuid").ok()?.trim().parse().ok()?;
    // The highest number says that nobody has.
    Some(id).filter(|id| *id != u32::MAX)
}

/// The name of a user in the system's list of users (passwd(5)).
fn name_of(user: u32, users: &str) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\nbroken\n";
        assert_eq!(name_of(0, users), Some("root"));
        assert_eq!(name_of(1000, users), Some("ann"));
        assert_eq!(name_of(7, users), None);
    }

    #[test]
    fn a_name_that_is_given_is_the_one() {
        let given = |name: &str| Operator { operator: Some(name.to_owned()) }.name();
        assert_eq!(given("olga").unwrap().as_str(), "olga");
        assert!(given("").unwrap_err().contains("--operator"));
        assert!(Operator::default().name().is_ok());
    }
}
