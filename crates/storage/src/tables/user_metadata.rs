use diesel::prelude::*;
use strongroom_core::SecretId;
use strongroom_core::secret::{MetadataKey, MetadataValue, UserMetadata};

use crate::Connection;
use crate::fault::Fault;
use crate::schema::user_metadata;

/// All pairs of that secret.
pub(crate) fn of_secret(connection: &mut Connection, id: SecretId) -> Result<UserMetadata, Fault> {
    let rows: Vec<(String, String)> = user_metadata::table
        .filter(user_metadata::secret.eq(id.as_bytes().as_slice()))
        .select((user_metadata::name, user_metadata::value))
        .load(connection)?;
    rows.into_iter()
        .map(|(name, value)| {
            let corrupt = Fault::corrupt("user_metadata.name");
            let key = MetadataKey::new(&name).ok().filter(|key| key.as_str() == name).ok_or(corrupt)?;
            let value = MetadataValue::new(value).map_err(|_| Fault::corrupt("user_metadata.value"))?;
            Ok((key, value))
        })
        .collect()
}

/// Sets one pair, new or not.
pub(crate) fn put(
    connection: &mut Connection,
    id: SecretId,
    key: &MetadataKey,
    value: &MetadataValue,
) -> Result<(), Fault> {
    let pair = user_metadata::table
        .filter(user_metadata::secret.eq(id.as_bytes().as_slice()))
        .filter(user_metadata::name.eq(key.as_str()));
    let set = diesel::update(pair).set(user_metadata::value.eq(value.as_str())).execute(connection)?;
    if set == 0 {
        diesel::insert_into(user_metadata::table)
            .values((
                user_metadata::secret.eq(id.as_bytes().as_slice()),
                user_metadata::name.eq(key.as_str()),
                user_metadata::value.eq(value.as_str()),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// Removes one pair; `false` when there was none.
pub(crate) fn delete(connection: &mut Connection, id: SecretId, key: &str) -> Result<bool, Fault> {
    let pair = user_metadata::table
        .filter(user_metadata::secret.eq(id.as_bytes().as_slice()))
        .filter(user_metadata::name.eq(key));
    Ok(diesel::delete(pair).execute(connection)? > 0)
}

/// Removes all pairs of that secret.
pub(crate) fn delete_all(connection: &mut Connection, id: SecretId) -> Result<(), Fault> {
    diesel::delete(user_metadata::table.filter(user_metadata::secret.eq(id.as_bytes().as_slice())))
        .execute(connection)?;
    Ok(())
}
