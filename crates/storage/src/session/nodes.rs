use strongroom_core::ports::{
    BackendId, Milestone, MilestoneReader, MilestoneWriter, NodeReader, NodeWriter, StorageError,
};
use strongroom_core::rotation::Node;

use super::Session;
use crate::tables::{milestones, nodes};

impl NodeReader for Session<'_> {
    fn nodes(&mut self, backend: &BackendId) -> Result<Vec<Node>, StorageError> {
        self.run(|connection| nodes::of_backend(connection, backend))
    }
}

impl NodeWriter for Session<'_> {
    fn put_node(&mut self, node: &Node) -> Result<(), StorageError> {
        self.run(|connection| nodes::put(connection, node))
    }

    fn delete_node(&mut self, name: &str) -> Result<(), StorageError> {
        self.run(|connection| nodes::delete(connection, name))
    }
}

impl MilestoneReader for Session<'_> {
    fn milestones(&mut self) -> Result<Vec<Milestone>, StorageError> {
        self.run(milestones::all)
    }
}

impl MilestoneWriter for Session<'_> {
    fn put_milestone(&mut self, milestone: &Milestone) -> Result<(), StorageError> {
        self.run(|connection| milestones::put(connection, milestone))
    }
}
