//! The released OpenStack clients, as they are, against the real server.

mod keystone;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_tests::{Server, python, run};

/// A Python program of this folder, run to its end.
fn python_program(name: &str, server: &Server) {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("e2e/clients").join(name);
    let ended = run(python("python").arg("-B").arg(program).arg(server.endpoint()));
    assert_eq!((ended.code, ended.stdout.trim()), (Some(0), "done"), "{}\n{}", ended.stderr, server.log());
}

#[test]
fn the_barbican_library() {
    python_program("library.py", &Server::start());
}

#[test]
fn the_openstack_sdk() {
    python_program("sdk.py", &Server::start());
}

/// Commands of one `openstack` session without Keystone; each line of what they print.
fn openstack(server: &Server, commands: &[String]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    fs::write(&script, commands.join("\n") + "\n").unwrap();
    let mut command = python("openstack");
    command.env("OS_AUTH_TYPE", "none").env("OS_ENDPOINT", format!("{}/v1", server.endpoint()));
    let ended = run(command.stdin(File::open(&script).unwrap()));
    assert_eq!(ended.stderr, "", "{ended:?}\n{}", server.log());
    ended.stdout.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_openstack_command() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let (given, got) = (folder.path().join("given"), folder.path().join("got"));
    let bytes: Vec<u8> = (0..=255).cycle().take(2048).collect();
    fs::write(&given, STANDARD.encode(&bytes)).unwrap();

    let types = "--payload-content-type application/octet-stream --payload-content-encoding base64";
    let stored = openstack(
        &server,
        &[
            "secret store --name text --payload Grüße-世界 -f value".to_owned(),
            format!("secret store --name bytes {types} --file {} -f value", given.display()),
            "secret store --name later -f value".to_owned(),
        ],
    );
    // The session splits its lines at every space, so that this column can't be asked for by its name.
    let stored: Vec<_> = stored.into_iter().filter(|line| line.starts_with("http")).collect();
    let [text, binary, later] = stored.as_slice() else { panic!("{stored:?}") };
    assert!(text.starts_with(&format!("{}/v1/secrets/", server.endpoint())), "{stored:?}");
    let client = server.client("demo");
    assert_eq!(client.payload(text, "text/plain").text(), "Grüße-世界");
    assert_eq!(client.payload(binary, "application/octet-stream").body, bytes);

    let printed = openstack(
        &server,
        &[
            format!("secret get {text} --payload -f value"),
            format!("secret get {text} -f value -c Name -c Status -c Algorithm -c Mode"),
            format!("secret get {binary} -t application/octet-stream --file {}", got.display()),
            format!("secret update {later} afterwards"),
            format!("secret get {later} --payload -f value"),
            "secret list -f value -c Name".to_owned(),
            "secret list --name bytes -f value -c Name".to_owned(),
            format!("secret delete {text}"),
            format!("secret delete {later}"),
            "secret list -f value -c Name".to_owned(),
        ],
    );
    let expected = [
        &["Grüße-世界"][..],
        &["text", "ACTIVE", "aes", "cbc"],
        &["afterwards"],
        &["text", "bytes", "later"],
        &["bytes"],
        &["bytes"],
    ];
    assert_eq!(printed, expected.concat());
    assert_eq!(fs::read(&got).unwrap(), bytes);
}

/// What a first-time user is told to try works as it is printed, over TLS and without.
#[test]
fn the_lines_that_the_first_run_prints() {
    for command in [Server::https_command, Server::command] {
        // A folder whose name the shell would take apart.
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a folder");
        let server = Server::try_start(command(&data), &data).unwrap();
        try_the_printed_lines(&server);
        assert!(server.stop().success());
        check_what_was_stored(&Server::start_in(&data));
    }
}

fn try_the_printed_lines(server: &Server) {
    let printed = loop {
        let printed = server.printed();
        if printed.contains("Stop with Ctrl-C") {
            break printed;
        }
        thread::yield_now();
    };
    let (_, lines) = printed.split_once("Try:\n").unwrap();
    let lines: Vec<_> = lines.lines().map_while(|line| line.strip_prefix("  ")).collect();
    assert_eq!(lines.len(), 2, "{printed}");
    let tools = python("openstack").get_program().to_owned();
    let tools = Path::new(&tools).parent().unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    for line in lines {
        let ended = run(Command::new("sh").args(["-c", line]).env("PATH", &path));
        assert_eq!(ended.code, Some(0), "{line}: {ended:?}");
        assert!(ended.stdout.contains(&format!("{}/v1/secrets/", server.endpoint())), "{line}: {ended:?}");
    }
}

fn check_what_was_stored(server: &Server) {
    let list = server.client("demo").get("/v1/secrets").value();
    let secrets: Vec<_> = list["secrets"].as_array().unwrap().iter().collect();
    let names: Vec<_> = secrets.iter().map(|secret| secret["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["first", "second"]);
    for (secret, payload) in secrets.iter().zip(["correct horse", "s3cret"]) {
        let reference = secret["secret_ref"].as_str().unwrap();
        assert_eq!(server.client("demo").payload(reference, "text/plain").text(), payload);
    }
}
