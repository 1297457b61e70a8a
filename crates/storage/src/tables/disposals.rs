use diesel::connection::DefaultLoadingMode;
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use strongroom_core::disposal::{Disposal, Owner};
use strongroom_core::ports::{BackendId, Sealed};
use strongroom_core::{DisposalId, ProjectKeyId, Timestamp};

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::disposals;

#[derive(Queryable, Selectable)]
#[diesel(table_name = disposals)]
struct Row {
    id: Vec<u8>,
    kind: String,
    owner: Vec<u8>,
    project_key: Vec<u8>,
    backend: String,
    sealed: Vec<u8>,
    due: i64,
}

const SECRET: &str = "secret";
const ORDER: &str = "order";

impl Row {
    fn of(self) -> Result<Disposal, Fault> {
        Ok(Disposal {
            id: column::id(&self.id, "disposals.id")?,
            owner: match self.kind.as_str() {
                SECRET => Owner::Secret(column::id(&self.owner, "disposals.owner")?),
                ORDER => Owner::Order(column::id(&self.owner, "disposals.owner")?),
                _ => return Err(Fault::corrupt("disposals.kind")),
            },
            key: column::id(&self.project_key, "disposals.project_key")?,
            backend: BackendId::new(self.backend),
            sealed: Sealed(self.sealed),
            due: column::time(self.due, "disposals.due")?,
        })
    }
}

/// What that backend is to destroy next, of what is due.
pub(crate) fn due(
    connection: &mut Connection,
    backend: &BackendId,
    now: Timestamp,
) -> Result<Option<Disposal>, Fault> {
    let row: Option<Row> = disposals::table
        .filter(disposals::backend.eq(backend.as_str()).and(disposals::due.le(now.as_micros())))
        .order(disposals::due)
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(Row::of).transpose()
}

/// How much that backend has yet to destroy.
pub(crate) fn count(connection: &mut Connection, backend: &BackendId) -> Result<u64, Fault> {
    let of = disposals::table.filter(disposals::backend.eq(backend.as_str()));
    column::count(of.count().get_result(connection)?, "disposals")
}

/// Shows what that backend has sealed, and is to destroy.
pub(crate) fn visit(
    connection: &mut Connection,
    backend: &BackendId,
    visit: &mut dyn FnMut(&Sealed),
) -> Result<(), Fault> {
    let of = disposals::table.filter(disposals::backend.eq(backend.as_str())).select(disposals::sealed);
    for sealed in of.load_iter::<Vec<u8>, DefaultLoadingMode>(connection)? {
        visit(&Sealed(sealed?));
    }
    Ok(())
}

/// Whether it takes that project key to destroy anything.
pub(crate) fn any_under(connection: &mut Connection, key: ProjectKeyId) -> Result<bool, Fault> {
    let under = disposals::table.filter(disposals::project_key.eq(key.as_bytes().as_slice()));
    Ok(select(exists(under)).get_result(connection)?)
}

/// Adds one.
pub(crate) fn insert(connection: &mut Connection, disposal: &Disposal) -> Result<(), Fault> {
    let (kind, owner) = match &disposal.owner {
        Owner::Secret(id) => (SECRET, id.as_bytes()),
        Owner::Order(id) => (ORDER, id.as_bytes()),
    };
    diesel::insert_into(disposals::table)
        .values((
            disposals::id.eq(disposal.id.as_bytes().as_slice()),
            disposals::kind.eq(kind),
            disposals::owner.eq(owner.as_slice()),
            disposals::project_key.eq(disposal.key.as_bytes().as_slice()),
            disposals::backend.eq(disposal.backend.as_str()),
            disposals::sealed.eq(disposal.sealed.0.as_slice()),
            disposals::due.eq(disposal.due.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Has one tried at another time.
pub(crate) fn postpone(connection: &mut Connection, id: DisposalId, due: Timestamp) -> Result<(), Fault> {
    diesel::update(disposals::table.filter(disposals::id.eq(id.as_bytes().as_slice())))
        .set(disposals::due.eq(due.as_micros()))
        .execute(connection)?;
    Ok(())
}

/// Removes one.
pub(crate) fn delete(connection: &mut Connection, id: DisposalId) -> Result<(), Fault> {
    diesel::delete(disposals::table.filter(disposals::id.eq(id.as_bytes().as_slice())))
        .execute(connection)?;
    Ok(())
}
