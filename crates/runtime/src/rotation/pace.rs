use std::time::Duration;

/// How long to leave the machine to others after so much work, to work that share of the time.
pub(crate) fn rest(worked: Duration, share_percent: u32) -> Duration {
    let share = share_percent.clamp(1, 100);
    worked * (100 - share) / share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_kept() {
        let worked = Duration::from_millis(10);
        for (share, rested) in [(100, 0), (50, 10), (25, 30), (1, 990)] {
            assert_eq!(rest(worked, share), Duration::from_millis(rested));
        }
    }
}
