//! Generated pairs as another implementation sees them: the `openssl` command reads every half, checks that
//! they belong together, and signs and verifies with them.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use strongroom_core::container::ContainerType;
use strongroom_core::ports::{BackendId, KeyPair, KeyRequest, SecretBackend as _};
use strongroom_core::{Clock as _, Payload, SystemClock};
use strongroom_crypto::{Caching, MasterKeys, SoftBackend, create_key_file};
use tempfile::TempDir;

/// Not UTF-8, and without the bytes that end a line, at which `openssl` would stop reading.
const PASSPHRASE: &[u8] = b"correct h\xf6rse \xff battery";

const RSA: [(&str, u16); 4] = [("rsa", 1024), ("rsa", 2048), ("rsa", 3072), ("rsa", 4096)];
const DSA: [(&str, u16); 4] = [("dsa", 1024), ("dsa", 2048), ("dsa", 3072), ("dsa", 4096)];
const CURVES: [(&str, u16); 3] = [("ec", 256), ("ec", 384), ("ed25519", 256)];

#[tokio::test]
async fn rsa_pairs_are_pem() {
    for (algorithm, bits) in RSA {
        let files = Files::of(algorithm, bits, None).await;
        assert_eq!(files.container_type, ContainerType::Rsa);
        files.are_a_pair("PEM");
        let text = files.text("PEM");
        assert!(text.contains(&format!("({bits} bit")), "{text}");
        assert!(text.contains("publicExponent: 65537 "), "{text}");
    }
}

#[tokio::test]
async fn dsa_pairs_are_der() {
    for (algorithm, bits) in DSA {
        let files = Files::of(algorithm, bits, None).await;
        assert_eq!(files.container_type, ContainerType::Dsa);
        files.are_a_pair("DER");
        let text = files.text("DER");
        assert!(text.contains(&format!("({bits} bit")), "{text}");
    }
}

#[tokio::test]
async fn elliptic_curve_pairs_are_pem() {
    for (algorithm, bits) in CURVES {
        let files = Files::of(algorithm, bits, None).await;
        assert_eq!(files.container_type, ContainerType::Ec);
        files.are_a_pair("PEM");
        let name = match (algorithm, bits) {
            ("ec", 256) => "prime256v1",
            ("ec", _) => "secp384r1",
            _ => "ED25519",
        };
        assert!(files.text("PEM").contains(name), "{}", files.text("PEM"));
    }
}

#[tokio::test]
async fn a_passphrase_encrypts_the_private_half_and_opens_it() {
    for (algorithm, bits) in [RSA[1], DSA[0], CURVES[0], CURVES[1], CURVES[2]] {
        let form = if algorithm == "dsa" { "DER" } else { "PEM" };
        let files = Files::of(algorithm, bits, Some(PASSPHRASE)).await;
        files.are_a_pair(form);
        let private = fs::read(&files.private).unwrap();
        if form == "PEM" {
            assert!(private.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        }
        let structure = files.openssl(
            "asn1parse",
            ["-in".as_ref(), files.private.as_os_str(), "-inform".as_ref(), form.as_ref()],
        );
        for part in ["PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc", ":0927C0"] {
            assert!(structure.contains(part), "{part} is not in {structure}");
        }
        fs::write(&files.passphrase, b"another").unwrap();
        let refused = files.run("pkey", files.reading(form));
        assert!(!refused.status.success(), "another passphrase opened the key");
    }
}

#[tokio::test]
async fn no_pair_comes_twice() {
    for (algorithm, bits) in [("rsa", 1024), ("dsa", 1024), ("ec", 256), ("ed25519", 256)] {
        let (first, second) = (made(algorithm, bits, None).await, made(algorithm, bits, None).await);
        assert!(first.private.expose() != second.private.expose(), "{algorithm}");
        assert!(first.public.expose() != second.public.expose(), "{algorithm}");
    }
}

async fn made(algorithm: &str, bits: u16, passphrase: Option<&[u8]>) -> KeyPair {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("master.key");
    create_key_file(&path, SystemClock.now()).unwrap();
    let masters = MasterKeys::load(&path).unwrap();
    let backend = SoftBackend::new(BackendId::new("soft"), masters, Caching::default()).unwrap();
    let request = KeyRequest { algorithm: algorithm.to_owned(), bits, mode: None };
    let passphrase = passphrase.map(|text| Payload::new(text.to_vec()));
    backend.generate_pair(&request, passphrase.as_ref()).await.unwrap()
}

/// A pair in files, as `openssl` wants it.
struct Files {
    folder: TempDir,
    container_type: ContainerType,
    private: PathBuf,
    public: PathBuf,
    passphrase: PathBuf,
}

impl Files {
    async fn of(algorithm: &str, bits: u16, passphrase: Option<&[u8]>) -> Self {
        let pair = made(algorithm, bits, passphrase).await;
        let folder = TempDir::new().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        Self {
            private: file("private", pair.private.expose()),
            public: file("public", pair.public.expose()),
            passphrase: file("passphrase", passphrase.unwrap_or(b"not needed")),
            container_type: pair.container_type,
            folder,
        }
    }

    /// The private half is sound, the public half is its own, and what the one signs the other verifies.
    fn are_a_pair(&self, form: &str) {
        self.openssl("pkey", self.reading(form).chain(["-check", "-noout"].map(Into::into)));
        let derived = self.folder.path().join("derived");
        let options =
            ["-pubout".into(), "-outform".into(), form.into(), "-out".into(), derived.clone().into()];
        self.openssl("pkey", self.reading(form).chain(options));
        assert_eq!(fs::read(&derived).unwrap(), fs::read(&self.public).unwrap());

        let (text, signature) = (self.folder.path().join("text"), self.folder.path().join("signature"));
        fs::write(&text, "what is signed").unwrap();
        let sign = |key: &Path| {
            let key = ["-inkey".into(), key.to_owned().into(), "-keyform".into(), form.into()];
            let text = ["-rawin".into(), "-in".into(), text.clone().into()];
            key.into_iter().chain(text)
        };
        let options =
            ["-sign".into(), "-out".into(), signature.clone().into(), "-passin".into(), self.opener()];
        self.openssl("pkeyutl", sign(&self.private).chain(options));
        let verifying = || {
            let options = ["-verify".into(), "-pubin".into(), "-sigfile".into(), signature.clone().into()];
            sign(&self.public).chain(options)
        };
        self.openssl("pkeyutl", verifying());
        fs::write(&text, "what is not signed").unwrap();
        assert!(!self.run("pkeyutl", verifying()).status.success(), "another text was verified");
    }

    fn text(&self, form: &str) -> String {
        self.openssl("pkey", self.reading(form).chain(["-text", "-noout"].map(Into::into)))
    }

    /// Options that read the private half.
    fn reading(&self, form: &str) -> impl Iterator<Item = std::ffi::OsString> + use<> {
        let key = ["-in".into(), self.private.clone().into(), "-inform".into(), form.into()];
        key.into_iter().chain(["-passin".into(), self.opener()])
    }

    fn opener(&self) -> std::ffi::OsString {
        let mut option = std::ffi::OsString::from("file:");
        option.push(&self.passphrase);
        option
    }

    fn openssl<A: AsRef<OsStr>>(&self, command: &str, arguments: impl IntoIterator<Item = A>) -> String {
        let output = self.run(command, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {command}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn run<A: AsRef<OsStr>>(&self, command: &str, arguments: impl IntoIterator<Item = A>) -> Output {
        Command::new("openssl").arg(command).args(arguments).current_dir(self.folder.path()).output().unwrap()
    }
}
