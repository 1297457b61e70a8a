use std::collections::HashMap;

use diesel::prelude::*;
use strongroom_core::container::Member;
use strongroom_core::{ContainerId, SecretId};

use super::AT_ONCE;
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::container_members;

/// The members of these containers, by the container's stored id, in the order in which they were put in.
pub(crate) fn of(
    connection: &mut Connection,
    containers: &[&[u8]],
) -> Result<HashMap<Vec<u8>, Vec<Member>>, Fault> {
    let mut members: HashMap<Vec<u8>, Vec<Member>> = HashMap::new();
    for some in containers.chunks(AT_ONCE) {
        let rows: Vec<(Vec<u8>, Vec<u8>, String)> = container_members::table
            .filter(container_members::container.eq_any(some.iter().copied()))
            .order((container_members::container, container_members::position))
            .select((container_members::container, container_members::secret, container_members::name))
            .load(connection)?;
        for (container, secret, name) in rows {
            let name = Some(name).filter(|name| !name.is_empty());
            let member = Member {
                name: column::label(name, "container_members.name")?,
                secret: column::id(&secret, "container_members.secret")?,
            };
            members.entry(container).or_default().push(member);
        }
    }
    Ok(members)
}

/// Puts a secret into a container.
pub(crate) fn insert(
    connection: &mut Connection,
    container: ContainerId,
    member: &Member,
) -> Result<(), Fault> {
    diesel::insert_into(container_members::table)
        .values((
            container_members::container.eq(container.as_bytes().as_slice()),
            container_members::secret.eq(member.secret.as_bytes().as_slice()),
            container_members::name.eq(member.name_or_empty()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Takes a pair of name and secret out; `false` when it was not in.
pub(crate) fn delete(
    connection: &mut Connection,
    container: ContainerId,
    member: &Member,
) -> Result<bool, Fault> {
    let pair = container_members::table
        .filter(container_members::container.eq(container.as_bytes().as_slice()))
        .filter(container_members::secret.eq(member.secret.as_bytes().as_slice()))
        .filter(container_members::name.eq(member.name_or_empty()));
    Ok(diesel::delete(pair).execute(connection)? > 0)
}

/// Takes everything out of a container.
pub(crate) fn delete_all(connection: &mut Connection, container: ContainerId) -> Result<(), Fault> {
    let rows =
        container_members::table.filter(container_members::container.eq(container.as_bytes().as_slice()));
    diesel::delete(rows).execute(connection)?;
    Ok(())
}

/// Takes a secret out of every container.
pub(crate) fn forget(connection: &mut Connection, secret: SecretId) -> Result<(), Fault> {
    let rows = container_members::table.filter(container_members::secret.eq(secret.as_bytes().as_slice()));
    diesel::delete(rows).execute(connection)?;
    Ok(())
}
