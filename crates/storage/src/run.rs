use uuid::Uuid;

/// One opening of a repository, told from every other one. What a worker took in an earlier run of its
/// process it does not work on any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run(Uuid);

impl Run {
    /// A run like none before.
    pub(crate) fn new() -> Self {
        Self(Uuid::new_v4())
    }

    /// The run as a row holds it.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
