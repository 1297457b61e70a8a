//! The way from each older version of the schema, with data in it.

use std::fs;

use diesel::connection::SimpleConnection as _;
use strongroom_core::acl::Acl;
use strongroom_core::container::{Container, ContainerType, Member};
use strongroom_core::ports::{
    AclReader as _, AclWriter as _, BackendId, ContainerReader as _, ContainerWriter as _, EndingReader as _,
    EndingWriter as _, KeyReader as _, RotationReader as _, RotationWriter as _, SecretReader as _,
};
use strongroom_core::rotation::{Goal, Rotation};
use strongroom_core::secret::SecretQuery;
use strongroom_core::{ContainerId, ProjectId, ProjectKeyId, SecretId, Timestamp, UserId};

use super::*;
use crate::run::Run;
use crate::session::Session;
use crate::sqlite::{OpenOptions, SchemaStatus, connection, open, schema_status, upgrade};
use crate::tally::Tally;

const SECRET: &str = "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";
const KEY: &str = "5ac3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";

/// A database as version 1 of the schema left it: with a secret, its payload and its metadata.
fn version_one(path: &Path) {
    fs::File::create(path).unwrap();
    let mut connection = connection::writing(path).unwrap();
    connection.batch_execute(&format!("PRAGMA application_id = {APPLICATION_ID}")).unwrap();
    connection.run_next_migration(MIGRATIONS).unwrap();
    assert_eq!(marks(&mut connection).unwrap(), (APPLICATION_ID, 1));
    connection
        .batch_execute(
            "INSERT INTO projects VALUES (1, 'p', 1, 1);
             INSERT INTO secrets VALUES (x'94c3e0a26b8b4b7e8e9f0a1b2c3d4e5f', 1, 0, 1, 'old', 'opaque', NULL,
                NULL, NULL, NULL, 'ann', 1, 1, 'text/plain');
             INSERT INTO secret_buckets VALUES (1, 0, 1);
             INSERT INTO project_keys VALUES (x'5ac3e0a26b8b4b7e8e9f0a1b2c3d4e5f', 1, 'soft', 1, 1, x'07', 1);
             INSERT INTO payloads VALUES (x'94c3e0a26b8b4b7e8e9f0a1b2c3d4e5f',
                x'5ac3e0a26b8b4b7e8e9f0a1b2c3d4e5f', 'soft', 'text/plain', x'010203');
             INSERT INTO user_metadata VALUES (x'94c3e0a26b8b4b7e8e9f0a1b2c3d4e5f', 'k', 'v');
             INSERT INTO master_keys VALUES ('soft', 1, x'09', 1);
             INSERT INTO applied_changes VALUES (x'01');",
        )
        .unwrap();
}

#[test]
fn a_database_of_version_one_is_left_alone_until_it_is_upgraded_and_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    version_one(&path);

    let before = fs::read(&path).unwrap();
    let refusal = open(&path, OpenOptions::default(), 1).err();
    assert!(matches!(refusal, Some(OpenError::Older { found: 1, known: VERSION, .. })), "{refusal:?}");
    assert_eq!(fs::read(&path).unwrap(), before);

    assert_eq!(upgrade(&path).unwrap(), SchemaStatus { found: 1, known: VERSION });
    assert_eq!(schema_status(&path).unwrap(), SchemaStatus { found: VERSION, known: VERSION });
    assert_eq!(upgrade(&path).unwrap(), SchemaStatus { found: VERSION, known: VERSION });

    let mut opened = open(&path, OpenOptions::default(), 0).unwrap();
    let mut tally = Tally::default();
    let mut session = Session::new(&mut opened.writer, &mut tally, Run::new());
    let (id, key) = (SecretId::parse(SECRET).unwrap(), ProjectKeyId::parse(KEY).unwrap());
    let project = ProjectId::new("p").unwrap();
    let now = Timestamp::from_micros(2).unwrap();
    assert_eq!(session.secret(id).unwrap().unwrap().name.unwrap().as_str(), "old");
    assert_eq!(session.payload(id).unwrap().unwrap().sealed.0, [1, 2, 3]);
    assert_eq!(session.user_metadata(id).unwrap().len(), 1);
    assert_eq!(session.project_key(key).unwrap().unwrap().wrapped, [7]);
    assert_eq!(session.secrets(&project, &SecretQuery::default(), now).unwrap().total, 1);

    // What is old takes what is new.
    let acl =
        Acl { users: vec![UserId::new("bob").unwrap()], project_access: false, created: now, updated: now };
    session.put_acl(id.into(), &acl).unwrap();
    assert_eq!(session.acl(id.into()).unwrap(), Some(acl));
    let container = Container {
        id: ContainerId::random(),
        project,
        creator: None,
        name: None,
        container_type: ContainerType::Generic,
        members: vec![Member { name: None, secret: id }],
        created: now,
        updated: now,
    };
    session.insert_container(&container).unwrap();
    assert_eq!(session.container(container.id).unwrap(), Some(container));
    assert_eq!(crate::sqlite::check(&mut opened.writer).unwrap(), Vec::<String>::new());
}

#[test]
fn rotations_of_version_four_are_kept_and_stay_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    version_one(&path);
    let mut connection = connection::writing(&path).unwrap();
    for _ in 2..=4 {
        connection.run_next_migration(MIGRATIONS).unwrap();
    }
    assert_eq!(marks(&mut connection).unwrap().1, 4);
    connection
        .batch_execute(
            "INSERT INTO rotations VALUES (3, x'94c3e0a26b8b4b7e8e9f0a1b2c3d4e5f', 'soft', 1, 'project-key', NULL,
                'p', 'resealing', 1, 'p0', 9, 4, 3, 1, 'why', 'w', x'01', 7, 1, 2);",
        )
        .unwrap();
    drop(connection);
    upgrade(&path).unwrap();
    let mut opened = open(&path, OpenOptions::default(), 0).unwrap();
    let mut tally = Tally::default();
    let mut session = Session::new(&mut opened.writer, &mut tally, Run::new());
    let (soft, kmip) = (BackendId::new("soft"), BackendId::new("kmip"));
    let kept = session.open_rotation(&soft).unwrap().unwrap();
    assert_eq!(kept.goal, Goal::ProjectKey(ProjectId::new("p").unwrap()));
    assert_eq!((kept.paused, kept.cursor.as_deref(), kept.total, kept.done), (true, Some("p0"), 9, 4));
    assert_eq!((kept.changed, kept.failed, kept.waiting.as_deref()), (3, 1, Some("why")));

    // There is room for moves, and for one thing at a time as before.
    let now = Timestamp::from_micros(9).unwrap();
    for project in [None, Some(ProjectId::new("p").unwrap())] {
        let goal = Goal::Move { to: soft.clone(), project };
        let asked = Rotation::new(kmip.clone(), goal, now);
        session.insert_rotation(&asked).unwrap();
        assert_eq!(session.open_rotation(&kmip).unwrap(), Some(asked.clone()));
        session.cancel_rotation(asked.id, now).unwrap();
    }
    let second = Rotation::new(soft, Goal::EveryProjectKey, now);
    assert!(session.insert_rotation(&second).is_err());
}

#[test]
fn what_ends_and_what_may_hold_a_certificate_is_found_in_version_five() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    version_one(&path);
    let mut connection = connection::writing(&path).unwrap();
    connection
        .batch_execute(
            "INSERT INTO secrets VALUES (x'94c3e0a26b8b4b7e8e9f0a1b2c3d4e50', 1, 1, 1, 'cert', 'certificate', NULL,
                NULL, NULL, 77, 'ann', 1, 1, 'text/plain'),
             (x'94c3e0a26b8b4b7e8e9f0a1b2c3d4e51', 1, 2, 1, 'empty', 'certificate', NULL,
                NULL, NULL, NULL, 'ann', 1, 1, NULL);",
        )
        .unwrap();
    drop(connection);
    upgrade(&path).unwrap();
    let mut opened = open(&path, OpenOptions::default(), 0).unwrap();
    let mut tally = Tally::default();
    let mut session = Session::new(&mut opened.writer, &mut tally, Run::new());
    let certificate = SecretId::parse("94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e50").unwrap();
    let at = |micros| Timestamp::from_micros(micros).unwrap();
    let ending = session.ending(certificate).unwrap().unwrap();
    assert_eq!((ending.ends, ending.due, ending.certificate), (at(77), Some(at(0)), None));
    assert_eq!(session.ending(SecretId::parse(SECRET).unwrap()).unwrap(), None);
    assert_eq!(session.count_unread_certificates().unwrap(), 1);
    assert_eq!(session.claim_unread_certificate(at(5), at(9)).unwrap(), Some(certificate));
    assert_eq!(session.claim_unread_certificate(at(8), at(12)).unwrap(), None, "it is somebody's");
    assert_eq!(session.claim_unread_certificate(at(9), at(12)).unwrap(), Some(certificate));
    session.forget_unread_certificate(certificate).unwrap();
    assert_eq!(session.count_unread_certificates().unwrap(), 0);
}

#[test]
fn opening_may_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    version_one(&path);
    drop(open(&path, OpenOptions { create: false, upgrade: true }, 1).unwrap());
    assert_eq!(schema_status(&path).unwrap().found, VERSION);
}

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    name: String,
}

#[test]
fn every_table_and_index_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.db");
    let mut connection = open(&path, OpenOptions { create: true, upgrade: false }, 0).unwrap().writer;
    assert_eq!(missing_object(&mut connection).unwrap(), None);
    let there: Vec<Object> = diesel::sql_query(
        "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'",
    )
    .load(&mut connection)
    .unwrap();
    for object in there {
        assert!(OBJECTS.contains(&object.name.as_str()), "{} is not among the objects", object.name);
    }
}
