//! Tokens in a temporary folder, and a process for each test that finds no others.

use std::fs::{self, File};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::UserType;
use strongroom_core::ports::{BackendError, ProjectKey, Sealed, SecretBackend as _};
use strongroom_core::{Payload, ProjectId, Timestamp};
use strongroom_crypto_pkcs11::{
    Custody, PinSource, Pkcs11Backend, Pkcs11Config, Pkcs11Error, TokenConfig, TokenSelector,
};
use strongroom_faulty_pkcs11::rig::Tokens;

pub(crate) use strongroom_faulty_pkcs11::rig::{Faulty, Maker, PIN};

/// How long one test may take: far longer than any of them does on a busy machine.
const LONGEST: Duration = Duration::from_mins(3);
const FOLDER: &str = "STRONGROOM_HSM_TEST_FOLDER";

/// Runs the rest of a test in a process of its own, whose modules know the tokens of one folder only: they read
/// where these are from the environment.
pub(crate) fn isolated(test: &str, body: impl AsyncFnOnce(Hsm)) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        return runtime.block_on(body(Hsm(Tokens::of(Path::new(&folder), Maker::SoftHsm))));
    }
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::prepare(folder.path());
    let said = folder.path().join("said");
    let output = File::create(&said).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(FOLDER, folder.path())
        .envs(tokens.environment())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let until = Instant::now() + LONGEST;
    let ended = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > until {
            let threads = threads(child.id());
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it hung: {threads:#?}\n{}", fs::read_to_string(&said).unwrap());
        }
        thread::sleep(Duration::from_millis(20));
    };
    let said = fs::read_to_string(&said).unwrap();
    assert!(said.contains("1 passed"), "{ended}: {said}");
}

/// The threads of a process: its name, what it waits for in the kernel, and the system call it is in.
fn threads(process: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let tell = |task: PathBuf| {
        let part = |name| fs::read_to_string(task.join(name)).unwrap_or_default().trim_end().to_owned();
        format!("{} {} {}", part("comm"), part("wchan"), part("syscall"))
    };
    tasks.map(|task| tell(task.unwrap().path())).collect()
}

/// One test for each function named and each maker of tokens.
macro_rules! by_each_maker {
    ($file:literal; $($test:ident)*) => {
        mod softhsm {
            $(#[test]
            fn $test() {
                $crate::support::isolated(
                    concat!($file, "::softhsm::", stringify!($test)),
                    async |hsm| super::$test(&hsm).await,
                );
            })*
        }
        mod kryoptic {
            $(#[test]
            fn $test() {
                $crate::support::isolated(
                    concat!($file, "::kryoptic::", stringify!($test)),
                    async |hsm| super::$test(&hsm.by($crate::support::Maker::Kryoptic)).await,
                );
            })*
        }
    };
}

/// The tokens of one test.
pub(crate) struct Hsm(Tokens);

impl Deref for Hsm {
    type Target = Tokens;

    fn deref(&self) -> &Tokens {
        &self.0
    }
}

impl Hsm {
    /// The same folder, with another maker's tokens.
    pub(crate) fn by(&self, maker: Maker) -> Self {
        Self(self.0.by(maker))
    }

    /// How to use a token through a module.
    pub(crate) fn config(&self, module: &Path, label: &str) -> TokenConfig {
        TokenConfig {
            module: module.to_owned(),
            selector: TokenSelector::Label(label.to_owned()),
            pin: PinSource::File(self.pin()),
        }
    }

    /// Puts a key for HMAC, of that byte 32 times, beside a version of the master key.
    pub(crate) fn import_mac(&self, token: &str, byte: u8, id: &[u8]) {
        self.import_guarded(token, Pkcs11Config::DEFAULT_LABEL, (byte, id), true);
    }

    /// Puts a key for HMAC into a token, which can be read and taken out unless it is guarded. No maker's tool can.
    pub(crate) fn import_guarded(&self, token: &str, label: &str, (byte, id): (u8, &[u8]), guarded: bool) {
        let pkcs11 = Pkcs11::new(self.module(&format!("import-{token}"))).unwrap();
        pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        let slots = pkcs11.get_slots_with_initialized_token().unwrap().into_iter();
        let slot =
            slots.into_iter().find(|slot| pkcs11.get_token_info(*slot).unwrap().label().trim_end() == token);
        let session = pkcs11.open_rw_session(slot.unwrap()).unwrap();
        session.login(UserType::User, Some(&PIN.into())).unwrap();
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::Label(label.into()),
            Attribute::Id(id.to_vec()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(guarded),
            Attribute::Extractable(!guarded),
            Attribute::Sign(true),
            Attribute::Value(vec![byte; 32]),
        ];
        session.create_object(&template).unwrap();
        drop(session);
        pkcs11.finalize().unwrap();
    }

    /// A backend over one token with the usual master key.
    pub(crate) async fn backend(&self, custody: Custody) -> Pkcs11Backend {
        self.token("one");
        connect(vec![self.config(&self.module("plain"), "one")], custody).await.unwrap()
    }
}

pub(crate) async fn connect(
    tokens: Vec<TokenConfig>,
    custody: Custody,
) -> Result<Pkcs11Backend, Pkcs11Error> {
    Pkcs11Backend::connect(Pkcs11Config {
        custody,
        sessions: 4,
        // A busy machine is no stuck token.
        call_timeout: Duration::from_secs(5),
        ..Pkcs11Config::new(tokens)
    })
    .await
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000).unwrap()
}

pub(crate) async fn project_key(backend: &Pkcs11Backend) -> ProjectKey {
    backend.create_project_key(&ProjectId::new("project").unwrap(), 1, now()).await.unwrap()
}

/// A backend, a project key of its own, and a payload sealed by it.
pub(crate) struct Sample {
    pub(crate) key: ProjectKey,
    pub(crate) sealed: Sealed,
}

impl Sample {
    pub(crate) async fn of(backend: &Pkcs11Backend) -> Self {
        let key = project_key(backend).await;
        let sealed = backend.seal(&key, b"binding", &Payload::new(b"payload".to_vec())).await.unwrap();
        Self { key, sealed }
    }

    pub(crate) async fn open(&self, backend: &Pkcs11Backend) -> Result<(), BackendError> {
        let payload = backend.open(&self.key, b"binding", &self.sealed).await?;
        assert_eq!(payload.expose(), b"payload");
        Ok(())
    }

    /// Waits until it opens again, which must be soon; gives how long that took.
    pub(crate) async fn opens_again(&self, backend: &Pkcs11Backend) -> Duration {
        let began = Instant::now();
        loop {
            match self.open(backend).await {
                Ok(()) => return began.elapsed(),
                Err(error) if began.elapsed() > Duration::from_secs(20) => panic!("no recovery: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}
