use diesel::prelude::*;
use strongroom_core::ports::BackendId;
use strongroom_core::rotation::Node;

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::nodes;

/// Every server that was seen with that backend, by name.
pub(crate) fn of_backend(connection: &mut Connection, backend: &BackendId) -> Result<Vec<Node>, Fault> {
    let rows: Vec<(String, i64, i64)> = nodes::table
        .filter(nodes::backend.eq(backend.as_str()))
        .order(nodes::node)
        .select((nodes::node, nodes::proved, nodes::seen))
        .load(connection)?;
    rows.into_iter()
        .map(|(name, proved, seen)| {
            Ok(Node {
                name,
                backend: backend.clone(),
                proved: column::master_version(proved, "nodes.proved")?,
                seen: column::time(seen, "nodes.seen")?,
            })
        })
        .collect()
}

/// Sets what is known about a server.
pub(crate) fn put(connection: &mut Connection, node: &Node) -> Result<(), Fault> {
    let known = (nodes::proved.eq(i64::from(node.proved.0)), nodes::seen.eq(node.seen.as_micros()));
    let row = nodes::table.find((node.name.as_str(), node.backend.as_str()));
    if diesel::update(row).set(known).execute(connection)? == 0 {
        diesel::insert_into(nodes::table)
            .values((nodes::node.eq(&node.name), nodes::backend.eq(node.backend.as_str()), known))
            .execute(connection)?;
    }
    Ok(())
}

/// Forgets a server.
pub(crate) fn delete(connection: &mut Connection, name: &str) -> Result<(), Fault> {
    diesel::delete(nodes::table.filter(nodes::node.eq(name))).execute(connection)?;
    Ok(())
}
