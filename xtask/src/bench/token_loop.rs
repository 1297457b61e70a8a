//! What a token itself can do: the call that opening a data key comes down to, in a loop, by several threads; and
//! the same by whoever else takes such orders.
//!
//! It runs in a process of its own, since SoftHSM2 finds its tokens by a variable of the environment.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Args;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::Attribute;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use strongroom_faulty_pkcs11::rig::Tokens;

use super::figures::Slice;
use super::process::Running;

/// A data key, in bytes.
const CONTENT: [u8; 32] = [b'.'; 32];
/// What it is bound to, in bytes: about as long as the server's.
const BOUND: [u8; 128] = [b'.'; 128];
/// In bits.
const TAG: u64 = 128;

/// Which token.
#[derive(Args)]
pub(crate) struct LoopOptions {
    /// The PKCS#11 module
    module: PathBuf,
    /// The token's label
    label: String,
    /// The file with the user's PIN
    pin_file: PathBuf,
}

/// The loop, in a process of its own.
pub(super) struct TokenLoop {
    _process: Running,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl TokenLoop {
    /// Logs in to the token of that label.
    pub(super) fn start(module: &Path, label: &str, tokens: &Tokens) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("token-loop");
        Self::start_by(command, module, label, tokens)
    }

    /// The same by a program that takes its arguments and answers as this one does.
    pub(super) fn start_by(
        mut command: Command,
        module: &Path,
        label: &str,
        tokens: &Tokens,
    ) -> Result<Self> {
        command.arg(module).arg(label).arg(tokens.pin());
        command.envs(tokens.environment()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("can't start the token's loop")?;
        let orders = child.stdin.take().context("the loop has no input")?;
        let answers = BufReader::new(child.stdout.take().context("the loop has no output")?);
        Ok(Self { _process: Running(child), orders, answers })
    }

    /// Has that many threads open data keys for that long.
    pub(super) fn run(&mut self, threads: usize, duration: Duration) -> Result<Slice> {
        writeln!(self.orders, "{threads} {}", duration.as_millis())?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let nanos: Vec<u64> = serde_json::from_str(&line).context("the token's loop failed")?;
        let latencies = nanos.into_iter().map(Duration::from_nanos).collect();
        Ok(Slice { elapsed: duration, latencies })
    }
}

/// Answers each line of standard input, a number of threads and of milliseconds, by a list of latencies.
pub(crate) fn serve(options: &LoopOptions) -> Result<()> {
    let pkcs11 = Pkcs11::new(&options.module)?;
    pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let slot = slot(&pkcs11, &options.label)?;
    let pin = AuthPin::new(std::fs::read_to_string(&options.pin_file)?.into());
    // The login holds for every session of the process, as long as one is open.
    let first = pkcs11.open_rw_session(slot)?;
    first.login(UserType::User, Some(&pin))?;
    for line in std::io::stdin().lines() {
        let line = line?;
        let (threads, millis) = line.split_once(' ').context("a number of threads, and of milliseconds")?;
        let (threads, millis): (usize, u64) = (threads.parse()?, millis.parse()?);
        let nanos = thread::scope(|scope| {
            let run = || open_keys(&pkcs11, slot, Duration::from_millis(millis));
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
            let mut all = Vec::new();
            for worker in workers {
                all.append(&mut worker.join().map_err(|_| anyhow!("a thread panicked"))??);
            }
            anyhow::Ok(all)
        })?;
        println!("{}", serde_json::to_string(&nanos)?);
    }
    Ok(())
}

fn slot(pkcs11: &Pkcs11, label: &str) -> Result<Slot> {
    for slot in pkcs11.get_slots_with_token()? {
        if pkcs11.get_token_info(slot)?.label().trim_end() == label {
            return Ok(slot);
        }
    }
    Err(anyhow!("no token is labelled {label}"))
}

/// Opens one data key after the other in a session of its own; gives how long each took, in nanoseconds.
fn open_keys(pkcs11: &Pkcs11, slot: Slot, duration: Duration) -> Result<Vec<u64>> {
    let session = pkcs11.open_ro_session(slot)?;
    let key = session.generate_key(
        &Mechanism::AesKeyGen,
        &[
            Attribute::ValueLen(32.into()),
            Attribute::Token(false),
            Attribute::Sensitive(true),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
        ],
    )?;
    let mut nonce = [0; 12];
    let sealed = session.encrypt(&gcm(&mut nonce)?, key, &CONTENT)?;
    let (begun, mut nanos) = (Instant::now(), Vec::new());
    while begun.elapsed() < duration {
        let before = Instant::now();
        let opened = open(&session, key, &mut nonce, &sealed)?;
        ensure!(opened == CONTENT, "the token opened something else");
        nanos.push(u64::try_from(before.elapsed().as_nanos())?);
    }
    Ok(nanos)
}

fn open(
    session: &Session,
    key: cryptoki::object::ObjectHandle,
    nonce: &mut [u8],
    sealed: &[u8],
) -> Result<Vec<u8>> {
    Ok(session.decrypt(&gcm(nonce)?, key, sealed)?)
}

fn gcm(nonce: &mut [u8]) -> Result<Mechanism<'_>> {
    Ok(Mechanism::AesGcm(GcmParams::new(nonce, &BOUND, TAG.into())?))
}
