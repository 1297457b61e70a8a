//! The API's minor versions (spec section 2.1).

use std::fmt;

use http::{HeaderMap, HeaderValue};

/// The header that asks for a version and says which one was used.
pub(crate) const HEADER: &str = "openstack-api-version";
const SERVICE: &str = "key-manager";

/// A minor version of the API that this service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Microversion {
    V1_0,
    /// Secrets show their consumers; discovery shows the range of versions.
    V1_1,
    /// A secret with consumers is deleted only by force.
    V1_2,
}

/// Why no version could be agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoVersion {
    /// The header is not of the form `service major.minor` (HTTP 400).
    Malformed,
    /// Well formed, and not spoken here (HTTP 406).
    Unsupported,
}

impl Microversion {
    pub(crate) const LATEST: Self = Self::V1_2;

    /// The version asked for: the last one named for this service, 1.0 when none is.
    pub(crate) fn of(headers: &HeaderMap<HeaderValue>) -> Result<Self, NoVersion> {
        let mut asked = None;
        for line in headers.get_all(HEADER) {
            let line = line.to_str().map_err(|_| NoVersion::Malformed)?;
            for pair in line.split(',') {
                let mut words = pair.split_whitespace();
                if words.next().is_some_and(|service| service.eq_ignore_ascii_case(SERVICE)) {
                    asked = Some((words.next().unwrap_or_default(), words.next().is_some()));
                }
            }
        }
        match asked {
            None => Ok(Self::V1_0),
            Some((_, true)) => Err(NoVersion::Malformed),
            Some((version, false)) => Self::parse(version),
        }
    }

    fn parse(version: &str) -> Result<Self, NoVersion> {
        if version.eq_ignore_ascii_case("latest") {
            return Ok(Self::LATEST);
        }
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse::<u32>().unwrap_or(u32::MAX)).ok_or(NoVersion::Malformed)
        };
        let (major, minor) = version.split_once('.').ok_or(NoVersion::Malformed)?;
        match (number(major)?, number(minor)?) {
            (1, 0) => Ok(Self::V1_0),
            (1, 1) => Ok(Self::V1_1),
            (1, 2) => Ok(Self::V1_2),
            _ => Err(NoVersion::Unsupported),
        }
    }

    /// The value of the response header.
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::V1_0 => "key-manager 1.0",
            Self::V1_1 => "key-manager 1.1",
            Self::V1_2 => "key-manager 1.2",
        })
    }
}

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Result<Microversion, NoVersion> {
        Microversion::of(
            &lines
                .iter()
                .map(|line| (http::HeaderName::from_static(HEADER), HeaderValue::from_str(line).unwrap()))
                .collect(),
        )
    }

    #[test]
    fn the_last_version_named_for_this_service_counts() {
        assert_eq!(of(&[]), Ok(Microversion::V1_0));
        assert_eq!(of(&["compute 2.1"]), Ok(Microversion::V1_0));
        assert_eq!(of(&["Key-Manager latest"]), Ok(Microversion::V1_2));
        assert_eq!(of(&["key-manager 1.2, compute 9.9, key-manager 1.1"]), Ok(Microversion::V1_1));
        assert_eq!(of(&["key-manager 1.2", "key-manager 1.0"]), Ok(Microversion::V1_0));
    }

    #[test]
    fn refusals_tell_malformed_from_unsupported() {
        for text in ["key-manager 1.3", "key-manager 9.9", "key-manager 0.0"] {
            assert_eq!(of(&[text]), Err(NoVersion::Unsupported), "{text}");
        }
        for text in
            ["key-manager 2", "key-manager abc", "key-manager", "key-manager 1.+1", "key-manager 1.1 x"]
        {
            assert_eq!(of(&[text]), Err(NoVersion::Malformed), "{text}");
        }
    }
}
