//! The released clients with real tokens of the real Keystone, finding the service in its catalogue.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use strongroom_tests::{Ended, Keystone, Project, Server, User, python, run};

/// Somebody who uses a client, and somebody else.
struct Scene {
    server: Server,
    project: Project,
    user: User,
    other: User,
    settings: Vec<(String, String)>,
}

fn scene() -> Scene {
    let keystone = Keystone::shared();
    let project = keystone.project();
    let user = keystone.user(&project, &["member"]);
    let other = keystone.user(&keystone.project(), &["member"]);
    let server = keystone.server(&[]);
    let region = keystone.register(&server);
    let settings = keystone.client_settings(&user, &project, &region);
    Scene { server, project, user, other, settings }
}

fn logged_in(command: &mut Command, scene: &Scene) -> Ended {
    run(command.envs(scene.settings.iter().map(|(name, value)| (name, value))))
}

/// A Python program of this folder, run to its end.
fn python_program(name: &str, argument: &str, scene: &Scene) {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("e2e/clients").join(name);
    let ended = logged_in(python("python").arg("-B").arg(program).arg(argument), scene);
    assert_eq!(
        (ended.code, ended.stdout.trim()),
        (Some(0), "done"),
        "{}\n{}",
        ended.stderr,
        scene.server.log()
    );
    let records = scene.server.records();
    let callers = records.iter().filter(|record| record["action"] == "secret.payload.read");
    let mut callers = callers.map(|record| &record["caller"]).peekable();
    assert!(callers.peek().is_some());
    for caller in callers {
        assert_eq!(caller["source"], "keystone");
        assert_eq!(caller["user"], scene.user.id.as_str());
        assert_eq!(caller["project"], scene.project.id.as_str());
    }
}

#[test]
fn the_barbican_library() {
    let scene = scene();
    python_program("keystone_library.py", &scene.other.id, &scene);
}

#[test]
fn the_openstack_sdk() {
    let scene = scene();
    python_program("keystone_sdk.py", &scene.other.id, &scene);
}

#[test]
fn castellan() {
    let scene = scene();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("certificate.pem");
    fs::write(&path, include_str!("certificate.pem")).unwrap();
    python_program("castellan_backend.py", path.to_str().unwrap(), &scene);
}

/// Commands of one `openstack` session; each line of what they print.
fn openstack(scene: &Scene, commands: &[String]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    fs::write(&script, commands.join("\n") + "\n").unwrap();
    let ended = logged_in(python("openstack").stdin(File::open(&script).unwrap()), scene);
    assert_eq!(ended.stderr, "", "{ended:?}\n{}", scene.server.log());
    ended.stdout.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Of each kind of thing that a command has made, the reference.
fn references(printed: &[String], kind: &str) -> Vec<String> {
    let start = format!("/v1/{kind}/");
    printed.iter().filter(|line| line.contains(&start)).cloned().collect()
}

#[test]
fn the_openstack_command() {
    let scene = scene();
    let made = openstack(
        &scene,
        &[
            "secret store --name text --payload Grüße-世界 -f value".to_owned(),
            "secret order create key --name made --algorithm aes --bit-length 256 -f value".to_owned(),
        ],
    );
    let [text] = &references(&made, "secrets")[..] else { panic!("{made:?}") };
    let [order] = &references(&made, "orders")[..] else { panic!("{made:?}") };
    assert!(text.starts_with(&scene.server.endpoint()), "{text}");
    let other = &scene.other.id;
    let printed = openstack(
        &scene,
        &[
            format!("secret get {text} --payload -f value"),
            "secret list -f value -c Name".to_owned(),
            format!("secret order get {order} -f value -c Type -c Status"),
            format!("secret container create --name box --secret one={text} -f value -c Name -c Type"),
            "secret container list -f value -c Name".to_owned(),
            format!(
                "secret consumer create --service-type-name volume --resource-type volume --resource-id 7 {text}"
            ),
            format!("secret consumer list {text} -f value"),
            format!(
                "secret consumer delete --service-type-name volume --resource-type volume --resource-id 7 {text}"
            ),
            format!("acl submit {text} --user {other} --no-project-access -f csv --quote none -c Users"),
            format!("acl get {text} -f csv --quote none -c Users"),
            format!("acl delete {text}"),
            format!("acl get {text} -f csv --quote none -c Users"),
            format!("secret order delete {order}"),
            format!("secret delete {text}"),
            "secret list -f value -c Name".to_owned(),
        ],
    );
    let users = format!("['{other}']");
    let expected = [
        &["Grüße-世界", "text", "made", "Key", "ACTIVE", "box", "generic", "box"][..],
        &["volume volume 7"],
        &["Users", &users, "Users", &users, "Users", "[]"],
        &["made"],
    ];
    // The session splits its lines at every space, so that the column with the time can't be left out.
    let without_time = |line: &String| match line.strip_prefix("volume volume 7 ") {
        Some(_) => "volume volume 7".to_owned(),
        None => line.clone(),
    };
    assert_eq!(printed.iter().map(without_time).collect::<Vec<_>>(), expected.concat());
}
