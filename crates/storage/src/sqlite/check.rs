//! Whether a whole database is in order, for which every page of it is read.

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::Connection;

/// What each question finds wrong, a line each.
const QUESTIONS: [&str; 9] = [
    "SELECT integrity_check AS finding FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    r#"SELECT "table" || ' refers to a row of ' || parent || ' that is not there' AS finding
       FROM pragma_foreign_key_check() LIMIT 100"#,
    "SELECT 'projects.live of project ' || id || ' does not count its live secrets' AS finding
       FROM projects
       WHERE live <> (SELECT count(*) FROM secrets WHERE project = projects.id AND live = 1)
          OR live <> (SELECT coalesce(sum(live), 0) FROM secret_buckets WHERE project = projects.id)
          OR next_position <= coalesce((SELECT max(position) FROM secrets WHERE project = projects.id), -1)
       LIMIT 100",
    "SELECT 'secrets.position is the same for several secrets of project ' || project AS finding
       FROM (SELECT DISTINCT project FROM (SELECT project FROM secrets
             GROUP BY project, position HAVING count(*) > 1)) LIMIT 100",
    "SELECT 'secret_buckets.live of project ' || project || ' does not count its live secrets' AS finding
       FROM secret_buckets AS b
       WHERE live <> (SELECT count(*) FROM secrets WHERE project = b.project AND live = 1
                      AND position >= b.bucket * 512 AND position < (b.bucket + 1) * 512)
       LIMIT 100",
    "SELECT 'the ACL of object ' || lower(hex(object)) || ' outlives it' AS finding
       FROM acls
       WHERE NOT EXISTS (SELECT 1 FROM secrets WHERE id = acls.object)
         AND NOT EXISTS (SELECT 1 FROM containers WHERE id = acls.object)
       LIMIT 100",
    "SELECT 'the payload of secret ' || lower(hex(secret)) || ' outlives it' AS finding
       FROM payloads
       WHERE NOT EXISTS (SELECT 1 FROM secrets WHERE id = payloads.secret)
         AND NOT EXISTS (SELECT 1 FROM deleted_secrets WHERE id = payloads.secret)
       LIMIT 100",
    "SELECT 'secret ' || lower(hex(id)) || ' is deleted and is not' AS finding
       FROM deleted_secrets AS d WHERE EXISTS (SELECT 1 FROM secrets WHERE id = d.id) LIMIT 100",
    "SELECT 'consumer ' || lower(hex(id)) || ' outlives its ' || kind AS finding
       FROM consumers AS c
       WHERE NOT CASE kind WHEN 'secret' THEN EXISTS (SELECT 1 FROM secrets WHERE id = c.object)
                           ELSE EXISTS (SELECT 1 FROM containers WHERE id = c.object) END
       LIMIT 100",
];

/// Everything that is wrong, or the first of it.
pub(crate) fn check(connection: &mut Connection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Finding {
        #[diesel(sql_type = Text)]
        finding: String,
    }
    let mut findings = Vec::new();
    for question in QUESTIONS {
        let found: Vec<Finding> = diesel::sql_query(question).load(connection)?;
        findings.extend(found.into_iter().map(|row| row.finding));
    }
    Ok(findings)
}
