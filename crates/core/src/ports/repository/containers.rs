use crate::container::{Container, ContainerQuery, Member};
use crate::id::{ContainerId, ProjectId};
use crate::ports::StorageError;
use crate::secret::Page;
use crate::time::Timestamp;

/// Questions about containers.
pub trait ContainerReader {
    /// The container of that id, with its members.
    fn container(&mut self, id: ContainerId) -> Result<Option<Container>, StorageError>;

    /// The project's containers that match, in the order of their creation.
    fn containers(
        &mut self,
        project: &ProjectId,
        query: &ContainerQuery,
    ) -> Result<Page<Container>, StorageError>;
}

/// Changes of containers.
pub trait ContainerWriter {
    /// Adds a container with its members. Their secrets exist.
    fn insert_container(&mut self, container: &Container) -> Result<(), StorageError>;

    /// Removes a container with its list of members, ACL and consumers; the secrets stay.
    fn delete_container(&mut self, id: ContainerId) -> Result<(), StorageError>;

    /// Sets when the container last changed.
    fn touch_container(&mut self, id: ContainerId, updated: Timestamp) -> Result<(), StorageError>;

    /// Puts a secret into a container; the same pair of name and secret is not in it yet.
    fn insert_member(&mut self, id: ContainerId, member: &Member) -> Result<(), StorageError>;

    /// Takes a pair of name and secret out; `false` when it was not in.
    fn delete_member(&mut self, id: ContainerId, member: &Member) -> Result<bool, StorageError>;
}
