use crate::acl::Acl;
use crate::object::Object;
use crate::ports::StorageError;

/// Questions about access control lists.
pub trait AclReader {
    /// The list of that object; `None` when none was set, which is the default list.
    fn acl(&mut self, object: Object) -> Result<Option<Acl>, StorageError>;
}

/// Changes of access control lists.
pub trait AclWriter {
    /// Sets the list of that object, in place of any other.
    fn put_acl(&mut self, object: Object, acl: &Acl) -> Result<(), StorageError>;

    /// Removes the list of that object, if there is one.
    fn delete_acl(&mut self, object: Object) -> Result<(), StorageError>;
}
