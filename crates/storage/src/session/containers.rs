use strongroom_core::container::{Container, ContainerQuery, Member};
use strongroom_core::ports::{ContainerReader, ContainerWriter, StorageError};
use strongroom_core::secret::Page;
use strongroom_core::{ContainerId, ProjectId, Timestamp};

use super::Session;
use crate::tables::{container_members, containers};

impl ContainerReader for Session<'_> {
    fn container(&mut self, id: ContainerId) -> Result<Option<Container>, StorageError> {
        self.run(|connection| containers::find(connection, id))
    }

    fn containers(
        &mut self,
        project: &ProjectId,
        query: &ContainerQuery,
    ) -> Result<Page<Container>, StorageError> {
        self.run(|connection| containers::page(connection, project, query))
    }
}

impl ContainerWriter for Session<'_> {
    fn insert_container(&mut self, container: &Container) -> Result<(), StorageError> {
        self.run(|connection| containers::insert(connection, container))
    }

    fn delete_container(&mut self, id: ContainerId) -> Result<(), StorageError> {
        self.run(|connection| containers::delete(connection, id))
    }

    fn touch_container(&mut self, id: ContainerId, updated: Timestamp) -> Result<(), StorageError> {
        self.run(|connection| containers::touch(connection, id, updated))
    }

    fn insert_member(&mut self, id: ContainerId, member: &Member) -> Result<(), StorageError> {
        self.run(|connection| container_members::insert(connection, id, member))
    }

    fn delete_member(&mut self, id: ContainerId, member: &Member) -> Result<bool, StorageError> {
        self.run(|connection| container_members::delete(connection, id, member))
    }
}
