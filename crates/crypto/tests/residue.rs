//! Looks for keys and payloads in the whole memory of a process that has just worked with them.
//!
//! The process is a second one, started from this same program, so that what the search itself holds does
//! not count.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use pkcs8::DecodePrivateKey as _;
use pkcs8::der::pem;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use rsa::traits::PrivateKeyParts as _;
use strongroom_core::ports::{BackendId, KeyRequest, ProjectKey, Sealed, SecretBackend as _};
use strongroom_core::{Clock as _, Payload, ProjectId, SystemClock, Timestamp};
use strongroom_crypto::{Caching, MasterKeys, SoftBackend, create_key_file};

/// With the place of the private number in the encoded key, where that is all there is to it.
const PAIRS: [(&str, u16, usize); 4] =
    [("rsa", 2048, 0), ("dsa", 1024, 0), ("ec", 256, 36), ("ed25519", 256, 16)];

fn main() {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("--work-with-keys") => tokio::runtime::Runtime::new().unwrap().block_on(work(&arguments[2])),
        _ => search(),
    }
}

/// The watched process: uses keys in every way there is, tells what it stored, and waits to be searched.
async fn work(key_file: &str) {
    let masters = MasterKeys::load(Path::new(key_file)).unwrap();
    let backend = SoftBackend::new(BackendId::new("soft"), masters, Caching::default()).unwrap();
    let project = ProjectId::new("project").unwrap();
    let key = backend.create_project_key(&project, 1, SystemClock.now()).await.unwrap();
    let payload = random_payload(4096);
    let mut sealed = vec![backend.seal(&key, b"binding", &payload).await.unwrap()];
    drop(payload);
    drop(backend.open(&key, b"binding", &sealed[0]).await.unwrap());
    backend.open(&key, b"another", &sealed[0]).await.unwrap_err();
    backend.health().await.unwrap();
    make_pairs(&backend, &key, &mut sealed).await;
    let told = format!(
        "{} {} {} {}\n",
        hex::encode(key.id.as_bytes()),
        key.created.as_micros(),
        hex::encode(key.wrapped),
        sealed.into_iter().map(|sealed| hex::encode(sealed.0)).collect::<Vec<_>>().join(" ")
    );
    io::stdout().write_all(told.as_bytes()).unwrap();
    io::stdin().lines().next();
}

/// Makes every kind of pair with and without a passphrase, and seals the passphrase and the private halves.
async fn make_pairs(backend: &SoftBackend, key: &ProjectKey, sealed: &mut Vec<Sealed>) {
    let passphrase = random_payload(64);
    sealed.push(backend.seal(key, b"binding", &passphrase).await.unwrap());
    for (algorithm, bits, _) in PAIRS {
        let request = KeyRequest { algorithm: algorithm.to_owned(), bits, mode: None };
        backend.generate_pair(&request, Some(&passphrase)).await.unwrap();
        let pair = backend.generate_pair(&request, None).await.unwrap();
        sealed.push(backend.seal(key, b"binding", &pair.private).await.unwrap());
    }
    // The threads that made them clean up as they leave.
    while key_makers() > 0 {
        thread::yield_now();
    }
}

fn key_makers() -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path().join("comm"));
    // A thread may be gone before its name is read.
    threads.filter(|name| fs::read_to_string(name).is_ok_and(|name| name == "key-maker\n")).count()
}

fn random_payload(length: usize) -> Payload {
    let mut bytes = vec![0; length];
    SystemRandom::new().fill(&mut bytes).unwrap();
    Payload::new(bytes)
}

fn search() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    create_key_file(&path, SystemClock.now()).unwrap();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--work-with-keys", path.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut told).unwrap();
    let found = Secrets::recover(&fs::read_to_string(&path).unwrap(), told.trim()).search(child.id());
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());

    for (name, places) in &found {
        assert!(
            places.iter().all(|place| place.locked),
            "the {name} lies outside locked memory: {places:x?}"
        );
    }
    let counts: Vec<_> = found.iter().map(|(name, places)| (*name, places.len())).collect();
    // Halves are searched, and the two halves of a key in its locked place are both found.
    assert_eq!(counts[..4], [("master key", 2), ("project key", 2), ("data key", 0), ("payload", 0)]);
    // A passphrase, the text of three keys, three numbers of the first and one of each other, both ways round.
    assert_eq!(
        counts[4..].iter().map(|(_, count)| count).collect::<Vec<_>>(),
        [&0; 1 + 3 + (3 + 1 + 1 + 1) * 2]
    );
}

/// What must not be found where it does not belong.
struct Secrets(Vec<(&'static str, Vec<u8>)>);

#[derive(Debug)]
#[expect(dead_code, reason = "shown when the test fails")]
struct Place {
    address: u64,
    region: String,
    locked: bool,
}

impl Secrets {
    /// Opens the stored rows step by step, by the documented layout.
    fn recover(key_file: &str, told: &str) -> Self {
        let master = STANDARD.decode(key_file.split(' ').nth(3).unwrap()).unwrap();
        let told: Vec<&str> = told.split(' ').collect();
        let id = hex::decode(told[0]).unwrap();
        let created = Timestamp::from_micros(told[1].parse().unwrap()).unwrap().as_micros().to_be_bytes();
        let wrapped = hex::decode(told[2]).unwrap();

        let owner = [id.as_slice(), &created, b"project\0soft"].concat();
        let project = open_box(&master, "strongroom project key", &wrapped[..10], &owner, &wrapped[10..]);
        let owner = [id.as_slice(), b"binding"].concat();
        let mut opened = told[3..].iter().map(|sealed| {
            let sealed = hex::decode(sealed).unwrap();
            let data = open_box(&project, "strongroom data key", &sealed[..6], &owner, &sealed[6..66]);
            let payload = open_box(&data, "strongroom payload", &sealed[..66], &owner, &sealed[66..]);
            (data, payload)
        });
        let (data, payload) = opened.next().unwrap();
        // Not the payload's first bytes: the allocator writes its own over the front of freed memory.
        let payload = payload[payload.len() - 64..].to_vec();
        let (_, passphrase) = opened.next().unwrap();
        let private: Vec<_> = opened.map(|(_, key)| key).collect();
        let mut all =
            vec![("master key", master), ("project key", project), ("data key", data), ("payload", payload)];
        all.push(("passphrase", passphrase));
        for ((algorithm, _, place), text) in PAIRS.into_iter().zip(private) {
            for number in private_numbers(algorithm, &text, place) {
                all.push((algorithm, number.iter().rev().copied().collect()));
                all.push((algorithm, number));
            }
            if algorithm != "dsa" {
                // Some of the first line. A DSA key is not text, and begins with what is public.
                all.push((algorithm, text[44..92].to_vec()));
            }
        }
        Self(all)
    }

    /// Every place in that process's memory where sixteen bytes of a secret stand.
    fn search(&self, process: u32) -> Vec<(&'static str, Vec<Place>)> {
        let mut found: Vec<_> = self.0.iter().map(|(name, _)| (*name, Vec::new())).collect();
        let memory = File::open(format!("/proc/{process}/mem")).unwrap();
        let mut searched = 0;
        for (from, length, region, locked) in regions(process) {
            let mut bytes = vec![0; length];
            if memory.read_exact_at(&mut bytes, from).is_err() {
                assert!(
                    region.ends_with("[vvar]") || region.contains("[vvar_") || region.ends_with("[vsyscall]"),
                    "{region}"
                );
                continue;
            }
            searched += length;
            for ((_, secret), (_, places)) in self.0.iter().zip(&mut found) {
                for part in secret.chunks(16) {
                    for at in memmem::find_iter(&bytes, part) {
                        let address = from + u64::try_from(at).unwrap();
                        places.push(Place { address, region: region.clone(), locked });
                    }
                }
            }
        }
        assert!(searched > 1 << 20, "only {searched} bytes could be searched");
        found
    }
}

/// The numbers that are the private key, most significant byte first.
fn private_numbers(algorithm: &str, text: &[u8], place: usize) -> Vec<Vec<u8>> {
    if algorithm == "dsa" {
        // It comes last.
        return vec![text[text.len() - 16..].to_vec()];
    }
    let (_, der) = pem::decode_vec(text).unwrap();
    if place > 0 {
        return vec![der[place..place + 32].to_vec()];
    }
    let key = rsa::PrivateKey::from_pkcs8_der(&der).unwrap();
    [key.d(), key.primes()[0].as_ref(), key.primes()[1].as_ref()]
        .map(|number| number.to_be_bytes().to_vec())
        .to_vec()
}

fn open_box(key: &[u8], purpose: &str, front: &[u8], owner: &[u8], boxed: &[u8]) -> Vec<u8> {
    let (nonce, text) = boxed.split_at(12);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let associated = [purpose.as_bytes(), &[0], front, owner].concat();
    let mut text = text.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
    key.open_in_place(nonce, Aad::from(associated), &mut text).unwrap().to_vec()
}

/// Readable mappings: start, length, description, whether locked and kept out of dumps.
fn regions(process: u32) -> Vec<(u64, usize, String, bool)> {
    let smaps = fs::read_to_string(format!("/proc/{process}/smaps")).unwrap();
    let mut regions = Vec::new();
    let mut header = "";
    for line in smaps.lines() {
        let first = line.split(' ').next().unwrap_or_default();
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            let flags: Vec<_> = flags.split_whitespace().collect();
            if flags.contains(&"rd") {
                let (from, to) = header.split(' ').next().unwrap().split_once('-').unwrap();
                let (from, to) =
                    (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
                let locked = flags.contains(&"lo") && flags.contains(&"dd");
                regions.push((from, usize::try_from(to - from).unwrap(), header.to_owned(), locked));
            }
        } else if !first.ends_with(':') {
            header = line;
        }
    }
    regions
}
