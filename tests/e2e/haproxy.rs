//! The real HAProxy with the sample configuration, in front of two servers.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_tests::{Ended, Server, python, records, run};
use tempfile::TempDir;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/haproxy.cfg");
/// Longer than anything takes, on a busy machine as well.
const SOON: Duration = Duration::from_secs(30);

/// Two servers, each with data of its own, behind HAProxy.
struct Setup {
    folder: TempDir,
    address: String,
    servers: Vec<Option<Server>>,
    proxy: Child,
}

impl Setup {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let servers: Vec<_> = ["one", "two"].map(|name| Some(server(folder.path(), name))).into();
        let address = free_address();
        let config = folder.path().join("haproxy.cfg");
        let sample = fs::read_to_string(SAMPLE).unwrap();
        let mut text = sample.clone();
        let addresses = servers.iter().flatten().map(Server::address);
        let pem = folder.path().join("key-manager.pem");
        let own = folder.path().join("one/tls");
        let read = |name: &str| fs::read_to_string(own.join(name)).unwrap();
        fs::write(&pem, read("certificate.pem") + &read("key.pem")).unwrap();
        for (from, to) in ["127.0.0.1:9411", "127.0.0.1:9412"].into_iter().zip(addresses).chain([
            ("127.0.0.1:9311", &*address),
            ("/etc/haproxy/key-manager.pem", pem.to_str().unwrap()),
            ("src 127.0.0.0/24 10.0.0.0/8", "src 127.0.0.1 127.0.0.2"),
        ]) {
            assert!(text.contains(from), "the sample has no {from}");
            text = text.replace(from, to);
        }
        fs::write(&config, text).unwrap();
        let log = fs::File::create(folder.path().join("haproxy.log")).unwrap();
        let proxy = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("haproxy is installed; run `cargo xtask setup`");
        let setup = Self { folder, address, servers, proxy };
        setup.wait_until("it lets requests through", || setup.curl(1, &[]).code == Some(0));
        setup
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("haproxy.log")).unwrap()
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("one/tls/certificate.pem")
    }

    /// A request from 127.0.0.`last`, for the versions unless the arguments name an URL.
    fn curl(&self, last: u8, arguments: &[&str]) -> Ended {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--fail", "--max-time", "20", "--cacert"]);
        command.arg(self.certificate()).args(["--interface", &format!("127.0.0.{last}")]);
        command.args(["--header", "X-Project-Id: demo"]).args(arguments);
        if !arguments.iter().any(|argument| argument.starts_with("https://")) {
            command.arg(self.url("/v1/secrets"));
        }
        run(&mut command)
    }

    fn wait_until(&self, what: &str, done: impl Fn() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < SOON, "not so in time: {what}\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn records(&self, name: &str) -> Vec<Value> {
        records(&self.folder.path().join(name).join("journal"))
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        // Either fails only when it has ended already.
        self.proxy.kill().ok();
        self.proxy.wait().ok();
    }
}

/// A server that knows the proxy. Its first run makes a certificate, which HAProxy uses here.
fn server(folder: &Path, name: &str) -> Server {
    let data = folder.join(name);
    let first = Server::try_start(Server::https_command(&data), &data).unwrap();
    assert!(first.stop().success());
    let mut command = Server::command(&data);
    command.env("STRONGROOM_EDGE__PROXIES", "[\"127.0.0.1\"]");
    command.env("STRONGROOM_EDGE__PROXY_PROTOCOL", "true");
    command.env("STRONGROOM_EDGE__FORWARDING_HEADERS", "x-forwarded");
    command.env("STRONGROOM_API__HEALTHCHECK_DISABLE_FILE", folder.join(format!("{name}.drain")));
    Server::try_start(command, &data).unwrap()
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn the_sample_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "one");
    let tls = server.data_dir().join("tls");
    let pem = folder.path().join("key-manager.pem");
    let read = |name: &str| fs::read_to_string(tls.join(name)).unwrap();
    fs::write(&pem, read("certificate.pem") + &read("key.pem")).unwrap();
    let config = folder.path().join("haproxy.cfg");
    let text = fs::read_to_string(SAMPLE).unwrap();
    fs::write(&config, text.replace("/etc/haproxy/key-manager.pem", pem.to_str().unwrap())).unwrap();
    let ended = run(Command::new("haproxy").args(["-c", "-f"]).arg(&config));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("WARNING"), "{}", ended.stderr);
}

#[test]
fn clients_come_through_with_their_own_address_and_nobody_else_does() {
    let setup = Setup::start();
    let secret = json!({"name": "through", "payload": "s3cret", "payload_content_type": "text/plain"});
    let stored = setup.curl(2, &["--json", &secret.to_string()]);
    let stored: Value = serde_json::from_str(&stored.stdout).unwrap_or_else(|_| panic!("{stored:?}"));
    let reference = stored["secret_ref"].as_str().unwrap();
    assert!(reference.starts_with(&setup.url("/v1/secrets/")), "{reference}");
    let all = [setup.records("one"), setup.records("two")].concat();
    let created: Vec<_> = all.iter().filter(|record| record["action"] == "secret.create").collect();
    assert!(!created.is_empty() && created.iter().all(|record| record["origin"]["address"] == "127.0.0.2"));

    // What a client says about itself is not believed.
    let forged = ["--header", "X-Forwarded-For: 198.51.100.1", "--header", "Forwarded: for=198.51.100.1"];
    assert_eq!(setup.curl(1, &forged).code, Some(0));
    let all = [setup.records("one"), setup.records("two")].concat();
    assert!(!all.iter().any(|record| record["origin"]["address"] == "198.51.100.1"));

    // HAProxy refuses a source, and a server whoever is no proxy, before a byte.
    assert_ne!(setup.curl(3, &[]).code, Some(0));
    let direct = setup.servers[0].as_ref().unwrap().address().to_owned();
    let mut stranger = std::net::TcpStream::connect(&direct).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\nHost: kms\r\n\r\n").ok();
    let mut answer = Vec::new();
    stranger.read_to_end(&mut answer).ok();
    assert_eq!(answer, b"", "it did not begin with a PROXY header");

    // The released client, unchanged.
    let mut openstack = python("openstack");
    openstack.env("OS_AUTH_TYPE", "none").env("OS_ENDPOINT", setup.url("/v1"));
    openstack.env("OS_CACERT", setup.certificate());
    let ended =
        run(openstack.args(["secret", "store", "--name", "client", "-f", "value", "-c", "Secret href"]));
    assert!(ended.stdout.starts_with(&setup.url("/v1/secrets/")), "{ended:?}\n{}", setup.log());
}

/// Clients that ask without a pause until they are stopped.
struct Clients {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<Vec<Ended>>>,
}

impl Clients {
    fn start(setup: &Setup) -> Self {
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let client = || {
            let (stop, asked) = (Arc::clone(&stop), Arc::clone(&asked));
            let (url, certificate) = (setup.url("/v1/secrets"), setup.certificate());
            move || {
                let mut failed = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let mut curl = Command::new("curl");
                    curl.args(["--silent", "--show-error", "--fail", "--max-time", "20", "--cacert"]);
                    curl.arg(&certificate).args(["--header", "X-Project-Id: demo"]);
                    // Several on one connection, so that kept ones are drained too.
                    for _ in 0..5 {
                        curl.args(["--output", "/dev/null", &url]);
                    }
                    let ended = run(&mut curl);
                    failed.extend(Some(ended).filter(|ended| ended.code != Some(0)));
                    asked.fetch_add(5, Ordering::Relaxed);
                }
                failed
            }
        };
        let threads = (0..4).map(|_| thread::spawn(client())).collect();
        Self { stop, asked, threads }
    }

    /// Waits until many more requests have been answered.
    fn go_on(&self, setup: &Setup) {
        let before = self.asked.load(Ordering::Relaxed);
        setup.wait_until("clients go on", || self.asked.load(Ordering::Relaxed) > before + 40);
    }

    /// The requests that failed.
    fn stop(self) -> Vec<Ended> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    }
}

#[test]
fn a_server_is_drained_and_stopped_without_a_failed_request() {
    let mut setup = Setup::start();
    let clients = Clients::start(&setup);
    clients.go_on(&setup);
    fs::write(setup.folder.path().join("one.drain"), "").unwrap();
    setup.wait_until("it is marked down", || setup.log().contains("Server strongroom/one is DOWN"));
    assert!(setup.servers[0].take().unwrap().stop().success(), "it stops when every request is finished");
    clients.go_on(&setup);
    let failed = clients.stop();
    assert!(failed.is_empty(), "{failed:?}\n{}", setup.log());
    let served = |name| setup.records(name).iter().filter(|record| record["action"] == "secret.list").count();
    assert!(served("one") > 0 && served("two") > 0);
}

#[test]
fn a_server_that_dies_is_left_out() {
    let mut setup = Setup::start();
    setup.servers[0].take().unwrap().kill();
    setup.wait_until("it is marked down", || setup.log().contains("Server strongroom/one is DOWN"));
    for _ in 0..10 {
        let ended = setup.curl(1, &[]);
        assert_eq!(ended.code, Some(0), "{ended:?}\n{}", setup.log());
    }
    setup.servers[1].take().unwrap().kill();
    setup.wait_until("nobody is left", || setup.log().contains("has no server available"));
    let answer = setup.curl(1, &["--write-out", "%{http_code}"]);
    assert!(answer.stdout.ends_with("503"), "{answer:?}");
}
