//! Under a service manager: the sample unit, and what the server tells.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use strongroom_tests::{Server, run};

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/strongroom.service");

#[test]
fn the_sample_unit_exposes_next_to_nothing() {
    // In tenths: the command fails when the exposure is above 1.5 of 10.
    let mut analyze = Command::new("systemd-analyze");
    let ended = run(analyze.args(["security", "--offline=true", "--threshold=15", "--no-pager"]).arg(UNIT));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("Overall exposure level for strongroom.service"), "{ended:?}");
}

#[test]
fn the_server_tells_when_it_is_ready_alive_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let heard = || {
        let mut message = [0; 512];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let data = folder.path().join("data");
    // The service manager names the process that it waits for; the shell becomes that process.
    let server = Server::command(&data);
    let mut command = Command::new("sh");
    command
        .args(["-c", "WATCHDOG_PID=$$ exec \"$@\"", "sh"])
        .arg(server.get_program())
        .args(server.get_args());
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let server = Server::try_start(command, &data).unwrap();
    let ready = heard();
    assert!(ready.contains("READY=1\n") && ready.contains(&server.endpoint()), "{ready}");
    for _ in 0..3 {
        assert_eq!(heard().trim(), "WATCHDOG=1");
    }
    let stopping = std::thread::spawn(move || server.stop());
    while heard().trim() != "STOPPING=1" {}
    assert!(stopping.join().unwrap().success());
}
