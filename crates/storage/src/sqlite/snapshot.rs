use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::open;
use crate::error::OpenError;

/// Copies the database at `path`, in one consistent state, into a new file, beside the server that has it or
/// without one. Changes that are made meanwhile are not in the copy.
pub fn snapshot(path: &Path, copy: &Path) -> Result<(), OpenError> {
    let mut connection = open::open_read_only(path)?;
    let text = copy.to_str().ok_or_else(|| OpenError::Path { path: copy.to_owned() })?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(text)
        .execute(&mut connection)
        .map_err(|source| open::refusal(path, source))?;
    Ok(())
}
