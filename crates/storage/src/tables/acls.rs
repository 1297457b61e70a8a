//! Access control lists, with the users in them.

use diesel::prelude::*;
use strongroom_core::Object;
use strongroom_core::acl::Acl;

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::{acl_users, acls};

/// The list of that object, when one was set.
pub(crate) fn find(connection: &mut Connection, object: Object) -> Result<Option<Acl>, Fault> {
    let row: Option<(bool, i64, i64)> = acls::table
        .filter(acls::object.eq(object.as_bytes().as_slice()))
        .select((acls::project_access, acls::created, acls::updated))
        .get_result(connection)
        .optional()?;
    let Some((project_access, created, updated)) = row else {
        return Ok(None);
    };
    let users: Vec<String> = acl_users::table
        .filter(acl_users::object.eq(object.as_bytes().as_slice()))
        .order(acl_users::position)
        .select(acl_users::user)
        .load(connection)?;
    Ok(Some(Acl {
        users: users
            .into_iter()
            .map(|user| column::opaque(user, "acl_users.user"))
            .collect::<Result<_, _>>()?,
        project_access,
        created: column::time(created, "acls.created")?,
        updated: column::time(updated, "acls.updated")?,
    }))
}

/// Sets the list of that object, in place of any other.
pub(crate) fn put(connection: &mut Connection, object: Object, acl: &Acl) -> Result<(), Fault> {
    delete(connection, object)?;
    diesel::insert_into(acls::table)
        .values((
            acls::object.eq(object.as_bytes().as_slice()),
            acls::project_access.eq(acl.project_access),
            acls::created.eq(acl.created.as_micros()),
            acls::updated.eq(acl.updated.as_micros()),
        ))
        .execute(connection)?;
    for (position, user) in (0_i64..).zip(&acl.users) {
        diesel::insert_into(acl_users::table)
            .values((
                acl_users::object.eq(object.as_bytes().as_slice()),
                acl_users::position.eq(position),
                acl_users::user.eq(user.as_str()),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// Removes the list of that object, when there is one.
pub(crate) fn delete(connection: &mut Connection, object: Object) -> Result<(), Fault> {
    let object = object.as_bytes().as_slice();
    diesel::delete(acl_users::table.filter(acl_users::object.eq(object))).execute(connection)?;
    diesel::delete(acls::table.filter(acls::object.eq(object))).execute(connection)?;
    Ok(())
}
