//! Who runs the tool.

use std::fs;

use rustix::process::getuid;
use strongroom_core::UserId;

/// Who runs this: who has logged in, if known, which `sudo` does not change; else whose process it is.
pub(super) fn operator() -> Result<UserId, Box<dyn std::error::Error>> {
    let logged_in = fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| text.trim().parse().ok());
    // The highest number says that nobody has logged in.
    let user = logged_in.filter(|id| *id != u32::MAX).unwrap_or_else(|| getuid().as_raw());
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = name_of(user, &users).map_or_else(|| format!("user id {user}"), str::to_owned);
    Ok(UserId::new(name)?)
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
}
