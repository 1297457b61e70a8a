use diesel::dsl::{count, count_star, exists, select};
use diesel::prelude::*;
use diesel::result::DatabaseErrorKind;
use diesel::result::Error::DatabaseError;
use strongroom_core::ports::TypeCount;
use strongroom_core::secret::{BitLength, Label};
use strongroom_core::{ContentType, ProjectId, Secret, SecretId, SecretType, Timestamp, UserId};

use super::{
    acls, at_most, consumers, container_members, endings, last_reads, payloads, projects, user_metadata,
};
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::endings as ending_rows;
use crate::schema::projects as project_rows;
use crate::schema::secrets;
use crate::tally::Tally;

/// A row without its project and its place in it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = secrets)]
pub(crate) struct Row {
    id: Vec<u8>,
    name: Option<String>,
    secret_type: String,
    algorithm: Option<String>,
    mode: Option<String>,
    bit_length: Option<i64>,
    expiration: Option<i64>,
    creator: Option<String>,
    created: i64,
    updated: i64,
    content_type: Option<String>,
}

impl Row {
    /// The secret, when the row is one that this program can have written.
    pub(crate) fn of(self, project: ProjectId) -> Result<Secret, Fault> {
        let creator = self.creator.map(|text| column::opaque(text, "secrets.creator"));
        let bits = self.bit_length.map(BitLength::new).transpose();
        let expiration = self.expiration.map(|micros| column::time(micros, "secrets.expiration"));
        let content_type = self.content_type.map(|name| column::content_type(&name, "secrets.content_type"));
        Ok(Secret {
            id: column::id(&self.id, "secrets.id")?,
            project,
            creator: creator.transpose()?,
            name: column::label(self.name, "secrets.name")?,
            secret_type: SecretType::parse(&self.secret_type)
                .map_err(|_| Fault::corrupt("secrets.secret_type"))?,
            algorithm: column::label(self.algorithm, "secrets.algorithm")?,
            mode: column::label(self.mode, "secrets.mode")?,
            bit_length: bits.map_err(|_| Fault::corrupt("secrets.bit_length"))?,
            expiration: expiration.transpose()?,
            created: column::time(self.created, "secrets.created")?,
            updated: column::time(self.updated, "secrets.updated")?,
            content_type: content_type.transpose()?,
        })
    }
}

/// The secret of that id.
pub(crate) fn find(connection: &mut Connection, id: SecretId) -> Result<Option<Secret>, Fault> {
    let row: Option<(Row, String)> = secrets::table
        .inner_join(project_rows::table)
        .filter(secrets::id.eq(id.as_bytes().as_slice()))
        .select((Row::as_select(), project_rows::external_id))
        .get_result(connection)
        .optional()?;
    row.map(|(row, project)| row.of(column::opaque(project, "projects.external_id")?)).transpose()
}

/// Adds a secret at the end of its project.
pub(crate) fn insert(connection: &mut Connection, tally: &mut Tally, secret: &Secret) -> Result<(), Fault> {
    let project = projects::find_or_insert(connection, &secret.project)?;
    let position = tally.add(project.id, project.next_position);
    diesel::insert_into(secrets::table)
        .values((
            secrets::id.eq(secret.id.as_bytes().as_slice()),
            secrets::project.eq(project.id),
            secrets::position.eq(position),
            secrets::live.eq(true),
            secrets::name.eq(secret.name.as_ref().map(Label::as_str)),
            secrets::secret_type.eq(secret.secret_type.as_str()),
            secrets::algorithm.eq(secret.algorithm.as_ref().map(Label::as_str)),
            secrets::mode.eq(secret.mode.as_ref().map(Label::as_str)),
            secrets::bit_length.eq(secret.bit_length.map(|bits| i64::from(bits.get()))),
            secrets::expiration.eq(secret.expiration.map(Timestamp::as_micros)),
            secrets::creator.eq(secret.creator.as_ref().map(UserId::as_str)),
            secrets::created.eq(secret.created.as_micros()),
            secrets::updated.eq(secret.updated.as_micros()),
            secrets::content_type.eq(secret.content_type.map(ContentType::as_str)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Sets what the secret's payload is said to be.
pub(crate) fn set_content_type(
    connection: &mut Connection,
    id: SecretId,
    content_type: ContentType,
) -> Result<(), Fault> {
    let secret = || secrets::table.filter(secrets::id.eq(id.as_bytes().as_slice()));
    // Mostly it was inserted with it, and diesel has an update parsed anew each time.
    let stored: Option<Option<String>> =
        secret().select(secrets::content_type).get_result(connection).optional()?;
    let Some(stored) = stored else { return Err(missing()) };
    if stored.as_deref() != Some(content_type.as_str()) {
        diesel::update(secret()).set(secrets::content_type.eq(content_type.as_str())).execute(connection)?;
    }
    Ok(())
}

/// The reference from payloads to secrets, which no constraint guards: a deleted secret has a payload, too.
fn missing() -> Fault {
    let told = Box::new("there is no such secret".to_owned());
    Fault::Database(DatabaseError(DatabaseErrorKind::ForeignKeyViolation, told))
}

/// Sets when the secret last changed.
pub(crate) fn touch(connection: &mut Connection, id: SecretId, updated: Timestamp) -> Result<(), Fault> {
    diesel::update(secrets::table.filter(secrets::id.eq(id.as_bytes().as_slice())))
        .set(secrets::updated.eq(updated.as_micros()))
        .execute(connection)?;
    Ok(())
}

/// Removes a secret with everything that belongs to it; `false` when there was none.
pub(crate) fn delete(connection: &mut Connection, tally: &mut Tally, id: SecretId) -> Result<bool, Fault> {
    let Some(place) = place(connection, id)? else { return Ok(false) };
    acls::delete(connection, id.into())?;
    consumers::delete_all(connection, id.into())?;
    container_members::forget(connection, id)?;
    user_metadata::delete_all(connection, id)?;
    payloads::delete(connection, id)?;
    endings::delete(connection, id)?;
    last_reads::delete(connection, id)?;
    delete_row(connection, tally, id, place)?;
    Ok(true)
}

/// Where a secret is in its project, and whether it is counted there.
#[derive(Clone, Copy, Queryable)]
pub(crate) struct Place {
    project: i64,
    position: i64,
    live: bool,
}

/// The place of a secret that is there.
pub(crate) fn place(connection: &mut Connection, id: SecretId) -> Result<Option<Place>, Fault> {
    let place = secrets::table
        .filter(secrets::id.eq(id.as_bytes().as_slice()))
        .select((secrets::project, secrets::position, secrets::live))
        .get_result(connection)
        .optional()?;
    Ok(place)
}

/// Removes a secret's own row, once nothing names it any more.
pub(crate) fn delete_row(
    connection: &mut Connection,
    tally: &mut Tally,
    id: SecretId,
    place: Place,
) -> Result<(), Fault> {
    diesel::delete(secrets::table.filter(secrets::id.eq(id.as_bytes().as_slice()))).execute(connection)?;
    if place.live {
        tally.subtract(place.project, place.position);
    }
    Ok(())
}

/// Secrets that have expired at `before` or earlier, the longest expired first.
pub(crate) fn expired(
    connection: &mut Connection,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<SecretId>, Fault> {
    let ids: Vec<Vec<u8>> = secrets::table
        // Those that are still in the lists are swept first.
        .filter(secrets::live.eq(false))
        .filter(secrets::expiration.le(before.as_micros()))
        .order(secrets::expiration)
        .select(secrets::id)
        .load_iter(connection)?
        .take(at_most(limit))
        .collect::<QueryResult<_>>()?;
    ids.iter().map(|id| column::id(id, "secrets.id")).collect()
}

/// How many unexpired secrets of each type there are.
pub(crate) fn count_types(connection: &mut Connection, now: Timestamp) -> Result<Vec<TypeCount>, Fault> {
    let rows: Vec<(String, i64, i64)> = secrets::table
        .left_join(ending_rows::table)
        .filter(secrets::expiration.is_null().or(secrets::expiration.gt(now.as_micros())))
        .group_by(secrets::secret_type)
        .order(secrets::secret_type)
        .select((secrets::secret_type, count_star(), count(ending_rows::secret.nullable())))
        .load(connection)?;
    rows.into_iter()
        .map(|(name, all, ending)| {
            Ok(TypeCount {
                secret_type: SecretType::parse(&name).map_err(|_| Fault::corrupt("secrets.secret_type"))?,
                all: column::count(all, "secrets")?,
                ending: column::count(ending, "endings")?,
            })
        })
        .collect()
}

/// Whether there are secrets for [`sweep`].
pub(crate) fn is_any_to_sweep(connection: &mut Connection, now: Timestamp) -> Result<bool, Fault> {
    let expired =
        secrets::table.filter(secrets::live.eq(true)).filter(secrets::expiration.le(now.as_micros()));
    Ok(select(exists(expired)).get_result(connection)?)
}

/// Takes up to `limit` secrets that have expired at `now` out of the lists and their counts; they stay
/// where they are otherwise. Tells how many it took.
pub(crate) fn sweep(
    connection: &mut Connection,
    tally: &mut Tally,
    now: Timestamp,
    limit: u32,
) -> Result<u64, Fault> {
    let expired: Vec<(Vec<u8>, i64, i64)> = secrets::table
        .filter(secrets::live.eq(true))
        .filter(secrets::expiration.le(now.as_micros()))
        .order(secrets::expiration)
        .limit(i64::from(limit))
        .select((secrets::id, secrets::project, secrets::position))
        .load(connection)?;
    let mut swept = 0;
    for (id, project, position) in expired {
        diesel::update(secrets::table.filter(secrets::id.eq(id.as_slice())))
            .set(secrets::live.eq(false))
            .execute(connection)?;
        tally.subtract(project, position);
        swept += 1;
    }
    Ok(swept)
}
