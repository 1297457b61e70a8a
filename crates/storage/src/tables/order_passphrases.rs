use std::collections::HashMap;

use diesel::connection::DefaultLoadingMode;
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use strongroom_core::ports::{BackendId, Sealed, StoredPayload};
use strongroom_core::{OrderId, ProjectKeyId};

use super::AT_ONCE;
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::order_passphrases;

/// A row without its order.
#[derive(Queryable, Selectable)]
#[diesel(table_name = order_passphrases)]
struct Row {
    project_key: Vec<u8>,
    backend: String,
    content_type: String,
    sealed: Vec<u8>,
}

impl Row {
    fn of(self) -> Result<StoredPayload, Fault> {
        Ok(StoredPayload {
            content_type: column::content_type(&self.content_type, "order_passphrases.content_type")?,
            key: column::id(&self.project_key, "order_passphrases.project_key")?,
            backend: BackendId::new(self.backend),
            sealed: Sealed(self.sealed),
            fingerprint: None,
        })
    }
}

/// The sealed passphrases of these orders, by the order's stored id.
pub(crate) fn of(
    connection: &mut Connection,
    orders: &[&[u8]],
) -> Result<HashMap<Vec<u8>, StoredPayload>, Fault> {
    let mut passphrases = HashMap::new();
    for some in orders.chunks(AT_ONCE) {
        let rows: Vec<(Vec<u8>, Row)> = order_passphrases::table
            .filter(order_passphrases::order_id.eq_any(some.iter().copied()))
            .select((order_passphrases::order_id, Row::as_select()))
            .load(connection)?;
        for (order, row) in rows {
            passphrases.insert(order, row.of()?);
        }
    }
    Ok(passphrases)
}

/// Whether any passphrase is sealed under that project key.
pub(crate) fn any_under(connection: &mut Connection, key: ProjectKeyId) -> Result<bool, Fault> {
    let passphrases =
        order_passphrases::table.filter(order_passphrases::project_key.eq(key.as_bytes().as_slice()));
    Ok(select(exists(passphrases)).get_result(connection)?)
}

/// Shows what that backend has sealed.
pub(crate) fn visit(
    connection: &mut Connection,
    backend: &BackendId,
    visit: &mut dyn FnMut(&Sealed),
) -> Result<(), Fault> {
    let of = order_passphrases::table
        .filter(order_passphrases::backend.eq(backend.as_str()))
        .select(order_passphrases::sealed);
    for sealed in of.load_iter::<Vec<u8>, DefaultLoadingMode>(connection)? {
        visit(&Sealed(sealed?));
    }
    Ok(())
}

/// Adds the passphrase of an order that has none.
pub(crate) fn insert(
    connection: &mut Connection,
    order: OrderId,
    passphrase: &StoredPayload,
) -> Result<(), Fault> {
    diesel::insert_into(order_passphrases::table)
        .values((
            order_passphrases::order_id.eq(order.as_bytes().as_slice()),
            order_passphrases::project_key.eq(passphrase.key.as_bytes().as_slice()),
            order_passphrases::backend.eq(passphrase.backend.as_str()),
            order_passphrases::content_type.eq(passphrase.content_type.as_str()),
            order_passphrases::sealed.eq(passphrase.sealed.0.as_slice()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Removes the passphrase of that order, when it has one.
pub(crate) fn delete(connection: &mut Connection, order: OrderId) -> Result<(), Fault> {
    let row = order_passphrases::table.filter(order_passphrases::order_id.eq(order.as_bytes().as_slice()));
    diesel::delete(row).execute(connection)?;
    Ok(())
}
