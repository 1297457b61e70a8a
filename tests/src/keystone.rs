use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::program::python;
use crate::server::Server;

const ADMIN_PASSWORD: &str = "admin's password";
const SERVICE_PASSWORD: &str = "the service user's password";

/// The real Keystone as a process of its own, with its database in a folder of its own.
///
/// It ends when its standard input does: with this value, or with the test process, however that ends.
pub struct Keystone {
    process: Option<Process>,
    port: u16,
    token_seconds: u32,
    folder: TempDir,
    /// The administrator's token, unless tokens are valid for a moment only.
    admin_token: String,
    /// The key manager's id in the catalogue.
    service: String,
}

struct Process {
    child: Child,
    /// Held open for as long as it is to serve.
    _stdin: ChildStdin,
}

/// A project of a [`Keystone`].
#[derive(Debug, Clone)]
pub struct Project {
    /// Its id.
    pub id: String,
}

/// A user of a [`Keystone`].
#[derive(Debug, Clone)]
pub struct User {
    /// Its id.
    pub id: String,
    /// Its name, in the default domain.
    pub name: String,
}

impl Keystone {
    /// Every user's password.
    pub const USER_PASSWORD: &str = "a user's password";

    /// The one that all tests of a process share: it takes seconds to start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Keystone> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(3600))
    }

    /// One of its own, whose tokens are valid for so many seconds. It has a user for the service.
    pub fn start(token_seconds: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut keystone = Self {
            process: None,
            port: 0,
            token_seconds,
            folder,
            admin_token: String::new(),
            service: String::new(),
        };
        keystone.resume();
        write_private(&keystone.password_file(), SERVICE_PASSWORD);
        let project = keystone.project_named("service");
        let user = keystone.user_named("strongroom", SERVICE_PASSWORD);
        keystone.grant(&user, &project, "service");
        keystone.grant_on("system", &user, "reader");
        keystone.service =
            made(&keystone.admin(), "service", &json!({"type": "key-manager", "name": "strongroom"}));
        keystone
    }

    /// Serves again, at the same address and with the same database.
    pub fn resume(&mut self) {
        let mut command = python("python");
        command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/serve_keystone.py"));
        command.arg(self.folder.path()).args([self.port.to_string(), self.token_seconds.to_string()]);
        let mut child = command
            .arg(ADMIN_PASSWORD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let stdin = child.stdin.take().expect("stdin is piped");
        let mut stderr = child.stderr.take().expect("stderr is piped");
        let complaints = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).ok();
            text
        });
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("Keystone tells its port");
        let Ok(port) = line.trim().parse() else {
            child.wait().expect("it ends");
            panic!("Keystone does not start: {}", complaints.join().expect("what it printed"));
        };
        self.port = port;
        self.process = Some(Process { child, _stdin: stdin });
        self.admin_token = self.admin_log_in();
    }

    /// Kills it at once (SIGKILL).
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Its URL, with `/v3`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v3", self.port)
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The file with the password of the service's user.
    pub fn password_file(&self) -> PathBuf {
        self.folder.path().join("service-password")
    }

    /// The settings of a server that believes this Keystone, at that URL.
    pub fn settings_at(&self, url: &str) -> Vec<(String, String)> {
        let password_file = self.password_file().to_string_lossy().into_owned();
        [
            ("IDENTITY__SOURCES", "[\"keystone\"]"),
            ("IDENTITY__KEYSTONE__URL", url),
            ("IDENTITY__KEYSTONE__USERNAME", "strongroom"),
            ("IDENTITY__KEYSTONE__PROJECT_NAME", "service"),
            ("IDENTITY__KEYSTONE__PASSWORD_FILE", &password_file),
            // A machine that runs many tests at once takes its time.
            ("IDENTITY__KEYSTONE__TIMEOUT_SECONDS", "25"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// A server that believes this Keystone, with settings of its own beside.
    pub fn server(&self, more: &[(&str, &str)]) -> Server {
        let settings = self.settings_at(&self.url());
        let ours = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Server::start_with(&ours.chain(more.iter().copied()).collect::<Vec<_>>())
    }

    /// A project that nobody else uses.
    pub fn project(&self) -> Project {
        self.project_named(&unique("project"))
    }

    /// A user that nobody else uses, with these roles in that project.
    pub fn user(&self, project: &Project, roles: &[&str]) -> User {
        let user = self.user_named(&unique("user"), Self::USER_PASSWORD);
        for role in roles {
            self.grant(&user, project, role);
        }
        user
    }

    /// Takes a project away.
    pub fn delete_project(&self, project: &Project) {
        assert_eq!(self.admin().delete(&format!("/projects/{}", project.id)).status, 204);
    }

    /// Takes a user away.
    pub fn delete_user(&self, user: &User) {
        assert_eq!(self.admin().delete(&format!("/users/{}", user.id)).status, 204);
    }

    /// Says whether a project can be used.
    pub fn enable_project(&self, project: &Project, enabled: bool) {
        let changed = json!({"project": {"enabled": enabled}});
        let reply = self.admin().json("PATCH", &format!("/projects/{}", project.id), &changed);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// A token for that user, in that project.
    pub fn token(&self, user: &User, project: &Project) -> String {
        self.log_in(&json!({"id": user.id}), Self::USER_PASSWORD, &json!({"project": {"id": project.id}}))
    }

    /// A token for that user and no project.
    pub fn unscoped_token(&self, user: &User) -> String {
        self.log_in(&json!({"id": user.id}), Self::USER_PASSWORD, &json!("unscoped"))
    }

    /// A token for the administrator and the whole system.
    pub fn system_token(&self) -> String {
        self.log_in(&admin(), ADMIN_PASSWORD, &json!({"system": {"all": true}}))
    }

    /// Makes a token invalid.
    pub fn revoke(&self, token: &str) {
        let reply = self.admin().header("X-Subject-Token", token).delete("/auth/tokens");
        assert_eq!(reply.status, 204, "{}", reply.text());
    }

    /// Puts that key manager into the catalogue, in a region of its own, and gives the region's name.
    pub fn register(&self, server: &Server) -> String {
        let region = made(&self.admin(), "region", &json!({"id": unique("region")}));
        let endpoint = json!({
            "service_id": self.service,
            "interface": "public",
            "region_id": region,
            "url": server.endpoint(),
        });
        made(&self.admin(), "endpoint", &endpoint);
        region
    }

    /// The variables by which the OpenStack clients log in as that user.
    pub fn client_settings(&self, user: &User, project: &Project, region: &str) -> Vec<(String, String)> {
        [
            ("OS_AUTH_TYPE", "password"),
            ("OS_AUTH_URL", self.url().as_str()),
            ("OS_USERNAME", &user.name),
            ("OS_PASSWORD", Self::USER_PASSWORD),
            ("OS_USER_DOMAIN_ID", "default"),
            ("OS_PROJECT_ID", &project.id),
            ("OS_REGION_NAME", region),
            ("OS_IDENTITY_API_VERSION", "3"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    fn admin(&self) -> Client {
        let client = Client::new(&self.url());
        if self.token_seconds < 600 {
            return client.header("X-Auth-Token", &self.admin_log_in());
        }
        client.header("X-Auth-Token", &self.admin_token)
    }

    fn admin_log_in(&self) -> String {
        let scope = json!({"project": {"name": "admin", "domain": {"id": "default"}}});
        self.log_in(&admin(), ADMIN_PASSWORD, &scope)
    }

    fn log_in(&self, user: &Value, password: &str, scope: &Value) -> String {
        let mut user = user.clone();
        user["password"] = password.into();
        let identity = json!({"methods": ["password"], "password": {"user": user}});
        let body = json!({"auth": {"identity": identity, "scope": scope}});
        let reply = Client::new(&self.url()).json("POST", "/auth/tokens", &body);
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.header("x-subject-token").expect("a token").to_owned()
    }

    fn project_named(&self, name: &str) -> Project {
        Project { id: made(&self.admin(), "project", &json!({"name": name})) }
    }

    fn user_named(&self, name: &str, password: &str) -> User {
        let id = made(&self.admin(), "user", &json!({"name": name, "password": password}));
        User { id, name: name.to_owned() }
    }

    fn grant(&self, user: &User, project: &Project, role: &str) {
        self.grant_on(&format!("projects/{}", project.id), user, role);
    }

    fn grant_on(&self, what: &str, user: &User, role: &str) {
        let admin = self.admin();
        let found = admin.get(&format!("/roles?name={role}")).value()["roles"][0]["id"].clone();
        let id = found.as_str().map_or_else(|| made(&admin, "role", &json!({"name": role})), str::to_owned);
        let reply = admin.send("PUT", &format!("/{what}/users/{}/roles/{id}", user.id), b"");
        assert_eq!(reply.status, 204, "{}", reply.text());
    }
}

/// Makes something, and gives its id.
fn made(admin: &Client, what: &str, fields: &Value) -> String {
    let reply = admin.json("POST", &format!("/{what}s"), &json!({what: fields}));
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.value()[what]["id"].as_str().expect("an id").to_owned()
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn admin() -> Value {
    json!({"name": "admin", "domain": {"id": "default"}})
}

fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Writes a file that only its owner can read.
pub fn write_private(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
}
