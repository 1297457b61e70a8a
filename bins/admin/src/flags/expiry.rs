use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum ExpiryCommand {
    /// Show secrets that end soon, and certificates that have ended, in the order of their ends
    List {
        /// How soon, in hours, days or weeks, such as 12h, 30d or 8w
        #[arg(long, value_name = "TIME", default_value = "30d", value_parser = seconds)]
        within: i64,
        /// One project's; those of all projects unless given
        #[arg(long, value_name = "PROJECT")]
        project: Option<String>,
    },
    /// Note that you know of a secret's end: nobody is told of it any more
    Ack {
        /// The secret's id
        secret: String,
        /// What you are going to do about it
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Read the certificates that an earlier version stored without looking at them; goes on from where it was cut off
    Scan,
}

/// A span of time, in seconds.
fn seconds(text: &str) -> Result<i64, String> {
    let units = [('h', 3600), ('d', 86_400), ('w', 7 * 86_400)];
    let given = units.iter().find_map(|(unit, length)| Some((text.strip_suffix(*unit)?, length)));
    given
        .filter(|(count, _)| count.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|(count, length)| Some(i64::from(count.parse::<u32>().ok()?) * length))
        .ok_or_else(|| "not a whole number of hours (h), days (d) or weeks (w), such as 30d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        for (text, expected) in [("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600), ("0d", 0)] {
            assert_eq!(seconds(text), Ok(expected));
        }
        for text in ["", "d", "30", "-1d", "+1d", "1.5d", "30 d", "4294967296d", "1m"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
