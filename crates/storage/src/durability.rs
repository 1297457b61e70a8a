use strongroom_core::ports::StorageError;

use crate::{Connection, sqlite};

/// Commits in a row that may go without a sync. It bounds what a crash of the machine has to be done again for, and how
/// far the log grows, which is copied back after a sync only.
const IN_A_ROW: u32 = 16;

/// Whether commits are synced. One that is makes durable what was committed before it, too.
#[derive(Debug, Default)]
pub(crate) struct Durability {
    /// Whether the connection's commits go without a sync at the moment.
    is_relaxed: bool,
    /// How many may have gone without since one that was synced although it need not last.
    in_a_row: u32,
    /// Whether a commit failed in such a way that what was not synced before it may never get to the disk.
    is_in_doubt: bool,
}

impl Durability {
    /// Makes the connection ready for a commit that has to last, or need not. An error means that it can't be trusted
    /// with one.
    pub(crate) fn prepare(
        &mut self,
        connection: &mut Connection,
        is_to_last: bool,
    ) -> Result<(), StorageError> {
        if self.is_in_doubt {
            sqlite::empty_log(connection)?;
            self.is_in_doubt = false;
        }
        let relaxed = !is_to_last && self.in_a_row < IN_A_ROW;
        if relaxed != self.is_relaxed {
            sqlite::relax(connection, relaxed)?;
            self.is_relaxed = relaxed;
        }
        // One that has to last may come to change nothing, and then nothing is synced.
        if !is_to_last {
            self.in_a_row = if relaxed { self.in_a_row + 1 } else { 0 };
        }
        Ok(())
    }

    /// Takes note of how the commit went.
    pub(crate) fn committed<T>(&mut self, result: &Result<T, StorageError>) {
        // A sync that is tried again succeeds, whatever has become of what it was to write.
        self.is_in_doubt |= matches!(result, Err(StorageError::Unconfirmed(_)));
    }
}

#[cfg(test)]
mod tests {
    use diesel::sql_types::Integer;
    use diesel::{QueryableByName, RunQueryDsl as _, sql_query};

    use super::*;
    use crate::sqlite::{OpenOptions, Opened, open};

    #[derive(QueryableByName)]
    struct Level {
        #[diesel(sql_type = Integer)]
        synchronous: i32,
    }

    #[derive(Debug, PartialEq)]
    enum Synced {
        No,
        Yes,
    }

    fn synced(connection: &mut Connection) -> Synced {
        let level: Level = sql_query("PRAGMA synchronous").get_result(connection).unwrap();
        match level.synchronous {
            1 => Synced::No,
            2 => Synced::Yes,
            other => panic!("{other}"),
        }
    }

    fn commit(connection: &mut Connection, durability: &mut Durability, is_to_last: bool) -> Synced {
        durability.prepare(connection, is_to_last).unwrap();
        sql_query("DELETE FROM projects").execute(connection).unwrap();
        durability.committed(&Ok(()));
        synced(connection)
    }

    #[test]
    fn what_is_to_last_is_synced_and_of_the_rest_now_and_then_one() {
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions { create: true, upgrade: false };
        let Opened { mut writer, .. } = open(&folder.path().join("d.sqlite"), options, 1).unwrap();
        let mut durability = Durability::default();
        assert_eq!(synced(&mut writer), Synced::Yes);
        for _ in 0..2 {
            for _ in 0..IN_A_ROW {
                assert_eq!(commit(&mut writer, &mut durability, false), Synced::No);
            }
            assert_eq!(commit(&mut writer, &mut durability, false), Synced::Yes);
        }
        for _ in 0..IN_A_ROW {
            assert_eq!(commit(&mut writer, &mut durability, true), Synced::Yes);
            assert_eq!(commit(&mut writer, &mut durability, false), Synced::No);
        }
        assert_eq!(
            commit(&mut writer, &mut durability, false),
            Synced::Yes,
            "others may have changed nothing"
        );
    }

    #[test]
    fn after_a_sync_that_failed_the_log_is_emptied_before_anything_is_added_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.sqlite");
        let options = OpenOptions { create: true, upgrade: false };
        let Opened { mut writer, .. } = open(&path, options, 1).unwrap();
        let log = || std::fs::metadata(folder.path().join("d.sqlite-wal")).unwrap().len();
        let mut durability = Durability::default();
        sql_query("CREATE TABLE kept (what)").execute(&mut writer).unwrap();
        assert!(log() > 0);
        durability.committed::<()>(&Err(StorageError::Unconfirmed("as the test wants".to_owned())));

        // As long as somebody looks at what is in the log, it can't be emptied.
        let mut reader = crate::sqlite::open_read_only(&path).unwrap();
        sql_query("BEGIN").execute(&mut reader).unwrap();
        let _: Level = sql_query("SELECT count(*) AS synchronous FROM kept").get_result(&mut reader).unwrap();
        sql_query("PRAGMA busy_timeout = 10").execute(&mut writer).unwrap();
        for is_to_last in [true, false] {
            let refused = durability.prepare(&mut writer, is_to_last);
            assert!(matches!(refused, Err(StorageError::Unavailable(_))), "{refused:?}");
        }
        sql_query("COMMIT").execute(&mut reader).unwrap();
        durability.prepare(&mut writer, true).unwrap();
        assert_eq!(log(), 0);
    }
}
