//! A disk that is full amid a rotation: nothing is lost, the operator is told, and it goes on by itself once there
//! is room.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use strongroom_tests::{Ended, Server, SmallDisk, program, run};
use tempfile::TempDir;

use crate::outage::use_up_the_journals_room;
use crate::rotation::{check, done, store, told, wait_for};

/// An installation that has one of its parts on a disk of its own.
struct Site {
    folder: TempDir,
    setting: &'static str,
    place: PathBuf,
}

impl Site {
    fn new(setting: &'static str, place: PathBuf) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), setting, place }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn start(&self) -> Server {
        self.try_start().unwrap_or_else(|ended| panic!("no start: {ended:?}"))
    }

    fn try_start(&self) -> Result<Server, Ended> {
        let mut command = Server::command(&self.data());
        command.env(self.setting, &self.place);
        Server::try_start(command, &self.data())
    }

    fn admin(&self, arguments: &[&str]) -> Command {
        let mut command = program("strongroom-admin");
        command.arg("--data-dir").arg(self.data()).args(["--output", "json"]).args(arguments);
        command.env(self.setting, &self.place);
        command
    }

    fn rotate(&self, arguments: &[&str]) -> Child {
        self.admin(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// How far the latest rotation has come.
    fn status(&self) -> Option<Value> {
        let status = run(&mut self.admin(&["rotation", "status"]));
        (status.code == Some(0)).then(|| told(&status))
    }
}

fn on(disk: &SmallDisk, name: &str) -> PathBuf {
    Path::join(disk.path(), name)
}

#[test]
fn a_disk_full_of_the_database_holds_it_up_amid_the_secrets() {
    full_of_the_database(|server, _, disk| {
        disk.relieve();
        server
    });
}

#[test]
fn a_crash_while_the_disk_is_full_loses_nothing_either() {
    full_of_the_database(|server, site, disk| {
        let before = site.status().unwrap();
        server.kill();
        disk.fill();
        // A server says which keys it has when it starts. What an unfinished commit has left of SQLite's log is at times
        // room enough for that.
        match site.try_start() {
            Err(refused) => {
                assert!(refused.stderr.contains("full"), "{refused:?}");
                assert_eq!(site.status().unwrap()["changed"], before["changed"]);
            }
            Ok(server) => {
                server.kill();
                assert!(site.status().unwrap()["changed"].as_u64() >= before["changed"].as_u64());
            }
        }
        disk.relieve();
        site.start()
    });
}

/// `mend` is told that the disk is full amid a rotation, and gives the server that goes on.
fn full_of_the_database(mend: impl FnOnce(Server, &Site, &SmallDisk) -> Server) {
    let disk = SmallDisk::new(16_384);
    let site = Site::new("STRONGROOM_STORAGE__FILE", on(&disk, "strongroom.sqlite"));
    let server = site.start();
    let stored = store(&server, 60, 2);
    // Enough for asking, and for some of the projects.
    disk.fill_but(400);
    let asking = site.rotate(&["project-key", "rotate", "--all"]);
    wait_for("it is held up", || server.log().contains("is held up"));
    assert!(server.log().contains("full"), "the reason is told: {}", server.log());
    let status = site.status().unwrap();
    let changed = status["changed"].as_u64().unwrap();
    assert!(changed > 0 && changed < stored.len().try_into().unwrap(), "{status}");
    assert_eq!(status["stage"], "resealing");
    check(&server, &stored);
    // Though nothing can be stored.
    wait_for("the operator is told", || site.status().is_some_and(|status| status["waiting"].is_string()));
    let server = mend(server, &site, &disk);
    let ended = asking.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let status = site.status().unwrap();
    assert_eq!((&status["stage"], &status["failed"]), (&json!("done"), &json!(0)));
    assert_eq!(status["changed"], stored.len(), "none was done twice");
    check(&server, &stored);
    assert_eq!(run(&mut site.admin(&["audit", "verify"])).code, Some(0));
}

#[test]
fn a_disk_full_of_the_journal_holds_it_up_before_anything_is_changed() {
    let disk = SmallDisk::new(1024);
    let site = Site::new("STRONGROOM_AUDIT__FOLDER", on(&disk, "journal"));
    let server = site.start();
    let stored = store(&server, 3, 2);
    disk.fill();
    use_up_the_journals_room(&server.client("p0"));
    let asking = site.rotate(&["master-key", "rotate"]);
    let told_why = |status: &Value| status["waiting"].as_str().is_some_and(|why| why.contains("space"));
    wait_for("the reason is stored", || site.status().is_some_and(|status| told_why(&status)));
    let status = site.status().unwrap();
    assert_eq!((&status["stage"], &status["changed"]), (&json!("staging"), &json!(0)));
    disk.relieve();
    let ended = asking.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(site.status().unwrap()["changed"], 3);
    check(&server, &stored);
    done(&run(&mut site.admin(&["project-key", "rotate", "--all"])));
    check(&server, &stored);
    assert!(server.stop().success());
}
