use strongroom_core::Object;
use strongroom_core::acl::Acl;
use strongroom_core::ports::{AclReader, AclWriter, StorageError};

use super::Session;
use crate::tables::acls;

impl AclReader for Session<'_> {
    fn acl(&mut self, object: Object) -> Result<Option<Acl>, StorageError> {
        self.run(|connection| acls::find(connection, object))
    }
}

impl AclWriter for Session<'_> {
    fn put_acl(&mut self, object: Object, acl: &Acl) -> Result<(), StorageError> {
        self.run(|connection| acls::put(connection, object, acl))
    }

    fn delete_acl(&mut self, object: Object) -> Result<(), StorageError> {
        self.run(|connection| acls::delete(connection, object))
    }
}
