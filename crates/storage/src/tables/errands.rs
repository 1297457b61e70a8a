//! What operators ask for, and how it ended.

use diesel::connection::DefaultLoadingMode;
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use strongroom_core::errand::{Act, End, Errand, Successor};
use strongroom_core::ports::{BackendId, Sealed, StoredPayload};
use strongroom_core::{ContentType, ErrandId, ProjectKeyId, SecretId, Timestamp};

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::errands;

const RESTORE: &str = "restore";
const PURGE: &str = "purge";
const REPLACE: &str = "replace";
/// What is in `open` until an errand has ended.
const OPEN: i64 = 1;

#[derive(Queryable, Selectable)]
#[diesel(table_name = errands)]
struct Row {
    id: Vec<u8>,
    secret: Vec<u8>,
    operator: String,
    act: String,
    #[diesel(embed)]
    successor: SuccessorRow,
    refusal: Option<String>,
    asked: i64,
    ended: Option<i64>,
}

#[derive(Default, Queryable, Selectable, Insertable)]
#[diesel(table_name = errands)]
struct SuccessorRow {
    successor: Option<Vec<u8>>,
    successor_created: Option<i64>,
    successor_expiration: Option<i64>,
    overlap: Option<i64>,
    #[diesel(embed)]
    payload: PayloadRow,
}

/// What goes when an errand ends. What is absent is stored as such.
#[derive(Default, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = errands, treat_none_as_null = true)]
struct PayloadRow {
    project_key: Option<Vec<u8>>,
    backend: Option<String>,
    content_type: Option<String>,
    sealed: Option<Vec<u8>>,
    fingerprint: Option<Vec<u8>>,
}

impl Row {
    fn of(self) -> Result<Errand, Fault> {
        Ok(Errand {
            id: column::id(&self.id, "errands.id")?,
            secret: column::id(&self.secret, "errands.secret")?,
            act: match self.act.as_str() {
                RESTORE => Act::Restore,
                PURGE => Act::Purge,
                REPLACE => Act::Replace(self.successor.of()?),
                _ => return Err(Fault::corrupt("errands.act")),
            },
            operator: column::opaque(self.operator, "errands.operator")?,
            asked: column::time(self.asked, "errands.asked")?,
            end: self.ended.map(|_| self.refusal.map_or(End::Done, End::Refused)),
        })
    }
}

impl SuccessorRow {
    fn of(self) -> Result<Successor, Fault> {
        let absent = || Fault::corrupt("errands.successor");
        let time = |micros| column::time(micros, "errands.successor_expiration");
        Ok(Successor {
            id: column::id(&self.successor.ok_or_else(absent)?, "errands.successor")?,
            created: column::time(self.successor_created.ok_or_else(absent)?, "errands.successor_created")?,
            expiration: self.successor_expiration.map(time).transpose()?,
            payload: self.payload.of()?,
            overlap: self.overlap.and_then(|seconds| u32::try_from(seconds).ok()).ok_or_else(absent)?,
        })
    }
}

impl PayloadRow {
    fn of(self) -> Result<Option<StoredPayload>, Fault> {
        match (self.project_key, self.backend, self.content_type, self.sealed) {
            (Some(key), Some(backend), Some(content_type), Some(sealed)) => Ok(Some(StoredPayload {
                content_type: column::content_type(&content_type, "errands.content_type")?,
                key: column::id(&key, "errands.project_key")?,
                backend: BackendId::new(backend),
                sealed: Sealed(sealed),
                fingerprint: column::fingerprint(self.fingerprint, "errands.fingerprint")?,
            })),
            (None, None, None, None) => Ok(None),
            _ => Err(Fault::corrupt("errands.sealed")),
        }
    }
}

impl From<&Act> for SuccessorRow {
    fn from(act: &Act) -> Self {
        let Act::Replace(successor) = act else { return Self::default() };
        let payload = successor.payload.as_ref().map(|payload| PayloadRow {
            project_key: Some(payload.key.as_bytes().to_vec()),
            backend: Some(payload.backend.as_str().to_owned()),
            content_type: Some(ContentType::as_str(payload.content_type).to_owned()),
            sealed: Some(payload.sealed.0.clone()),
            fingerprint: payload.fingerprint.map(|fingerprint| fingerprint.0.to_vec()),
        });
        Self {
            successor: Some(successor.id.as_bytes().to_vec()),
            successor_created: Some(successor.created.as_micros()),
            successor_expiration: successor.expiration.map(Timestamp::as_micros),
            overlap: Some(i64::from(successor.overlap)),
            payload: payload.unwrap_or_default(),
        }
    }
}

/// The errand of that id.
pub(crate) fn find(connection: &mut Connection, id: ErrandId) -> Result<Option<Errand>, Fault> {
    let row: Option<Row> = errands::table
        .filter(errands::id.eq(id.as_bytes().as_slice()))
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(Row::of).transpose()
}

/// Shows what that backend has sealed for successors that are still to be stored.
pub(crate) fn visit(
    connection: &mut Connection,
    backend: &BackendId,
    visit: &mut dyn FnMut(&Sealed),
) -> Result<(), Fault> {
    let of = errands::table.filter(errands::backend.eq(backend.as_str()).and(errands::sealed.is_not_null()));
    let of = of.select(errands::sealed.assume_not_null());
    for sealed in of.load_iter::<Vec<u8>, DefaultLoadingMode>(connection)? {
        visit(&Sealed(sealed?));
    }
    Ok(())
}

/// What was last to be done with that secret.
pub(crate) fn last_of(connection: &mut Connection, secret: SecretId) -> Result<Option<Errand>, Fault> {
    let row: Option<Row> = errands::table
        .filter(errands::secret.eq(secret.as_bytes().as_slice()))
        .order(errands::position.desc())
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(Row::of).transpose()
}

/// What is to be done next.
pub(crate) fn next(connection: &mut Connection) -> Result<Option<Errand>, Fault> {
    let row: Option<Row> = errands::table
        .filter(errands::open.eq(OPEN))
        .order(errands::position)
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(Row::of).transpose()
}

/// Whether a payload of any errand is sealed under that project key.
pub(crate) fn any_under(connection: &mut Connection, key: ProjectKeyId) -> Result<bool, Fault> {
    let under = errands::table.filter(errands::project_key.eq(key.as_bytes().as_slice()));
    Ok(select(exists(under)).get_result(connection)?)
}

/// Adds one.
pub(crate) fn insert(connection: &mut Connection, errand: &Errand) -> Result<(), Fault> {
    let act = match errand.act {
        Act::Restore => RESTORE,
        Act::Purge => PURGE,
        Act::Replace(_) => REPLACE,
    };
    diesel::insert_into(errands::table)
        .values((
            errands::id.eq(errand.id.as_bytes().as_slice()),
            errands::open.eq(Some(OPEN)),
            errands::secret.eq(errand.secret.as_bytes().as_slice()),
            errands::operator.eq(errand.operator.as_str()),
            errands::act.eq(act),
            SuccessorRow::from(&errand.act),
            errands::asked.eq(errand.asked.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Ends one that has not ended, and drops its payload; `false` when it has.
pub(crate) fn end(
    connection: &mut Connection,
    id: ErrandId,
    end: &End,
    now: Timestamp,
) -> Result<bool, Fault> {
    let refusal = match end {
        End::Done => None,
        End::Refused(why) => Some(why.as_str()),
    };
    let row = errands::table.filter(errands::id.eq(id.as_bytes().as_slice()).and(errands::open.eq(OPEN)));
    let ended = diesel::update(row)
        .set((
            errands::open.eq(None::<i64>),
            errands::refusal.eq(refusal),
            errands::ended.eq(Some(now.as_micros())),
            PayloadRow::default(),
        ))
        .execute(connection)?;
    Ok(ended > 0)
}

/// Removes those that ended before.
pub(crate) fn forget(connection: &mut Connection, before: Timestamp) -> Result<(), Fault> {
    diesel::delete(errands::table.filter(errands::ended.lt(before.as_micros()))).execute(connection)?;
    Ok(())
}
