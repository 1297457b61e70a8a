use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Load, assert_complete, certificates, numbers, server, until};

/// Debian's rsyslog, as a receiver of syslog that writes what it takes into a file.
pub(crate) struct Rsyslog {
    child: Child,
}

impl Rsyslog {
    /// Over TLS, with the certificates in its folder.
    pub(crate) fn configure(folder: &Path, port: u16) {
        let place = folder.display();
        let files = format!(
            " defaultNetstreamDriverCAFile=\"{place}/ca.pem\"\n\
             \u{20}defaultNetstreamDriverCertFile=\"{place}/receiver.pem\"\n\
             \u{20}defaultNetstreamDriverKeyFile=\"{place}/receiver.key\""
        );
        let tls =
            "streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"x509/certvalid\"";
        Self::write(folder, port, &files, "imtcp", tls);
    }

    /// In datagrams.
    fn configure_udp(folder: &Path, port: u16) {
        Self::write(folder, port, "", "imudp", "");
    }

    fn write(folder: &Path, port: u16, files: &str, input: &str, options: &str) {
        let place = folder.display();
        let text = format!(
            "global(workDirectory=\"{place}\" net.enableDNS=\"off\" maxMessageSize=\"64k\"\n{files})\n\
             module(load=\"{input}\" {options})\n\
             template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
             ruleset(name=\"keep\" queue.type=\"Direct\") {{\n\
             \u{20}action(type=\"omfile\" file=\"{place}/received\" template=\"raw\")\n}}\n\
             input(type=\"{input}\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"keep\")\n"
        );
        fs::write(folder.join("rsyslog.conf"), text).unwrap();
    }

    pub(crate) fn start(folder: &Path, port: u16) -> Self {
        Self::start_until(folder, || TcpStream::connect(("127.0.0.1", port)).is_ok())
    }

    fn start_until(folder: &Path, listens: impl FnMut() -> bool) -> Self {
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
        until("rsyslog listens", listens);
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
    let load = Load::on(&server, 4);
    for _ in 0..3 {
        let before = received(&output).len();
        let receiver = Rsyslog::start(folder.path(), port);
        until("more has come", || received(&output).len() > before + 50);
        drop(receiver);
    }
    drop(load);
    let _receiver = Rsyslog::start(folder.path(), port);
    let journal = server.records();
    until("all has come", || received(&output).len() >= journal.len());
    assert_complete(&journal, &received(&output)[..journal.len()]);
    let text = fs::read_to_string(&output).unwrap_or_default();
    assert!(text.contains("[strongroom@32473 node=\"") && text.contains(" strongroom "), "{text:.300}");
}

/// Priority, version, time, host, program, process, kind, structured data and message (RFC 5424, section 6).
fn is_well_formed(line: &str) -> bool {
    let Some((head, rest)) = line.split_once(" [strongroom@32473 ") else { return false };
    let words: Vec<&str> = head.split(' ').collect();
    let [priority, time, host, "strongroom", _process, _kind] = words[..] else { return false };
    let facility_and_severity = priority.strip_prefix('<').and_then(|text| text.strip_suffix(">1"));
    facility_and_severity.is_some_and(|number| number.parse::<u8>().is_ok_and(|number| number / 8 == 13))
        && chrono::DateTime::parse_from_rfc3339(time).is_ok()
        && !host.is_empty()
        && rest
            .split_once("\"] ")
            .is_some_and(|(_, message)| message.starts_with('{') && message.ends_with('}'))
}

#[test]
fn datagrams_are_well_formed_and_in_order_and_may_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    Rsyslog::configure_udp(folder.path(), port);
    let start = || Rsyslog::start_until(folder.path(), || UdpSocket::bind(("127.0.0.1", port)).is_err());
    let output = folder.path().join("received");
    let mut receiver = start();
    let server = server(
        &folder.path().join("data"),
        &format!("[[audit.forwarders]]\nname = 'siem'\nkind = 'syslog-udp'\naddress = '127.0.0.1:{port}'\n"),
    );
    let client = server.client("demo");
    for _ in 0..2 {
        for _ in 0..100 {
            assert_eq!(client.get("/v1/secrets").status, 200);
        }
        let newest = server.records().last().unwrap()["seq"].as_u64().unwrap();
        until("what was sent last has come", || received(&output).last().is_some_and(|last| *last >= newest));
        // What is sent while nobody listens is lost, and nothing waits for it.
        drop(receiver);
        for _ in 0..20 {
            assert_eq!(client.get("/v1/secrets").status, 200);
        }
        receiver = start();
    }
    drop(receiver);
    let text = fs::read_to_string(&output).unwrap();
    for line in text.lines() {
        assert!(is_well_formed(line), "{line}");
    }
    let (sent, came) = (server.records().len(), received(&output));
    assert!(came.is_sorted() && came.len() > 100 && came.len() <= sent, "{} of {sent}: {came:?}", came.len());
}
