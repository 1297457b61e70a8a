//! A request and the only answer that counts.

use anyhow::{Result, ensure};
use bytes::Bytes;

use super::connection::Answer;

/// One request, ready to send, and what must come back.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    /// The whole request as it goes over the wire.
    pub(super) request: Bytes,
    /// The right answer.
    pub(super) expected: Expected,
}

/// What makes an answer right.
#[derive(Debug, Clone)]
pub(super) enum Expected {
    /// 200 and exactly this body.
    Body(Bytes),
    /// 201 and a reference: this text, an id of 36 characters, and that text.
    Reference {
        /// What comes before the id.
        before: Bytes,
        /// What comes after it.
        after: Bytes,
    },
}

impl Expected {
    /// Fails, with the evidence, on any answer but the right one.
    pub(super) fn check(&self, answer: &Answer<'_>) -> Result<()> {
        let (status, right) = match self {
            Self::Body(body) => (200, answer.body == body),
            Self::Reference { before, after } => (201, is_reference(answer.body, before, after)),
        };
        ensure!(
            answer.status == status && right,
            "wrong answer: status {} where {status} is right, body: {}",
            answer.status,
            String::from_utf8_lossy(answer.body),
        );
        Ok(())
    }
}

fn is_reference(body: &[u8], before: &[u8], after: &[u8]) -> bool {
    let id = body.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    id.is_some_and(|id| id.len() == 36 && id.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(expected: &Expected, status: u16, body: &[u8]) -> bool {
        expected.check(&Answer { status, head: b"", body, is_last: false }).is_ok()
    }

    #[test]
    fn a_body_counts_only_when_every_byte_is_right() {
        let expected = Expected::Body(Bytes::from_static(b"abc"));
        assert!(right(&expected, 200, b"abc"));
        assert!(!right(&expected, 200, b"abd"));
        assert!(!right(&expected, 200, b"abcd"));
        assert!(!right(&expected, 503, b"abc"));
    }

    #[test]
    fn a_reference_counts_only_around_an_id() {
        let expected =
            Expected::Reference { before: Bytes::from_static(b"<"), after: Bytes::from_static(b">") };
        assert!(right(&expected, 201, b"<6b4f8e2c-0000-4000-8000-00000000abcd>"));
        assert!(!right(&expected, 200, b"<6b4f8e2c-0000-4000-8000-00000000abcd>"));
        assert!(!right(&expected, 201, b"<6b4f8e2c-0000-4000-8000-00000000abc>"));
        assert!(!right(&expected, 201, b"<6b4f8e2c-0000-4000-8000-00000000abcx>"));
        assert!(!right(&expected, 201, b"6b4f8e2c-0000-4000-8000-00000000abcd"));
    }
}
