use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{assert_complete, certificates, numbers, server, until};

/// Debian's rsyslog, as a receiver of syslog over TLS that writes what it takes into a file.
pub(crate) struct Rsyslog {
    child: Child,
}

impl Rsyslog {
    pub(crate) fn configure(folder: &Path, port: u16) {
        let place = folder.display();
        let text = format!(
            "global(workDirectory=\"{place}\" net.enableDNS=\"off\" maxMessageSize=\"64k\"\n\
             \u{20}defaultNetstreamDriverCAFile=\"{place}/ca.pem\"\n\
             \u{20}defaultNetstreamDriverCertFile=\"{place}/receiver.pem\"\n\
             \u{20}defaultNetstreamDriverKeyFile=\"{place}/receiver.key\")\n\
             module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" \
             streamDriver.authMode=\"x509/certvalid\")\n\
             template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
             ruleset(name=\"keep\" queue.type=\"Direct\") {{\n\
             \u{20}action(type=\"omfile\" file=\"{place}/received\" template=\"raw\")\n}}\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"keep\")\n"
        );
        fs::write(folder.join("rsyslog.conf"), text).unwrap();
    }

    pub(crate) fn start(folder: &Path, port: u16) -> Self {
        let log = fs::File::create(folder.join("rsyslog.log")).unwrap();
        let child = Command::new("/usr/sbin/rsyslogd")
            .arg("-n")
            .arg("-f")
            .arg(folder.join("rsyslog.conf"))
            .arg("-i")
            .arg(folder.join("rsyslog.pid"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("rsyslogd is missing ({error}); run `cargo xtask setup`"));
        until("rsyslog listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { child }
    }
}

impl Drop for Rsyslog {
    /// Kills it at once: nothing that it has not written down is left.
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The numbers of the records in the file: each message is the journal's own line.
fn received(path: &Path) -> Vec<u64> {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    numbers(text.lines().filter_map(|line| line.find("] {\"hash\"").and_then(|at| line.get(at + 2..))))
}

#[test]
fn rsyslog_over_mutual_tls_killed_and_restarted_under_load_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    certificates::make(folder.path(), &["receiver", "sender"]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = folder.path().display();
    Rsyslog::configure(folder.path(), port);
    let output = folder.path().join("received");
    let server = server(
        &folder.path().join("data"),
        &format!(
            "[[audit.forwarders]]\nname = 'siem'\nkind = 'syslog-tls'\naddress = 'localhost:{port}'\n\
             ca_file = '{place}/ca.pem'\ncertificate_file = '{place}/sender.pem'\nkey_file = '{place}/sender.key'\n"
        ),
    );
    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        for caller in 0..4 {
            let client = server.client(&format!("p{caller}"));
            let enough = &enough;
            scope.spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    assert_eq!(client.get("/v1/secrets").status, 200);
                }
            });
        }
        for _ in 0..3 {
            let before = received(&output).len();
            let receiver = Rsyslog::start(folder.path(), port);
            until("more has come", || received(&output).len() > before + 50);
            drop(receiver);
        }
        enough.store(true, Ordering::Relaxed);
    });
    let _receiver = Rsyslog::start(folder.path(), port);
    let journal = server.records();
    until("all has come", || received(&output).len() >= journal.len());
    assert_complete(&journal, &received(&output)[..journal.len()]);
    let text = fs::read_to_string(&output).unwrap_or_default();
    assert!(text.contains("[strongroom@32473 node=\"") && text.contains(" strongroom "), "{text:.300}");
}
