use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::Barrier;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn now() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_123_456).unwrap()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A folder with a good key file in it.
fn with_key() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("master.key");
    create_key_file(&path, now()).unwrap();
    (folder, path)
}

fn me() -> u32 {
    geteuid().as_raw()
}

/// The refusal's message, and the place it is about.
fn refusal(result: Result<MasterKeys, KeyFileError>) -> String {
    result.unwrap_err().to_string()
}

fn bytes(keys: &MasterKeys, version: u32) -> [u8; 32] {
    keys.get(MasterKeyVersion(version)).unwrap().with(|key| Ok(*key)).unwrap()
}

#[test]
fn a_new_file_is_private_complete_and_loads() {
    let (folder, path) = with_key();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.nlink()), (0o400, 1));
    let keys = MasterKeys::load(&path).unwrap();
    assert_eq!(keys.versions().collect::<Vec<_>>(), [(MasterKeyVersion(1), now())]);
    assert_ne!(bytes(&keys, 1), [0; 32]);
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["master.key"]);
}

#[test]
fn an_existing_file_is_left_untouched() {
    let (folder, path) = with_key();
    let before = fs::read(&path).unwrap();
    let error = create_key_file(&path, now()).unwrap_err();
    assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn of_many_creating_at_once_one_succeeds() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("master.key");
    let barrier = Barrier::new(8);
    let made = std::thread::scope(|scope| {
        let creating = || {
            barrier.wait();
            create_key_file(&path, now()).is_ok()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(creating)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|made| *made).count()
    });
    assert_eq!((made, fs::read_dir(folder.path()).unwrap().count()), (1, 1));
    MasterKeys::load(&path).unwrap();
}

#[test]
fn an_added_version_is_the_newest_and_the_older_stay() {
    let (folder, path) = with_key();
    let first = bytes(&MasterKeys::load(&path).unwrap(), 1);
    let later = now().plus_seconds(1);
    for version in 2..=5 {
        assert_eq!(add_key_version(&path, later).unwrap(), MasterKeyVersion(version));
    }
    let keys = MasterKeys::load(&path).unwrap();
    let times = [now(), later, later, later, later];
    assert_eq!(
        keys.versions().collect::<Vec<_>>(),
        (1..).map(MasterKeyVersion).zip(times).collect::<Vec<_>>()
    );
    assert_eq!(bytes(&keys, 1), first);
    assert_eq!((1..=5).map(|version| bytes(&keys, version)).collect::<HashSet<_>>().len(), 5);
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.nlink()), (0o400, 1));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn of_many_adding_at_once_each_gets_a_version_of_its_own() {
    let (folder, path) = with_key();
    let mut added: Vec<u32> = std::thread::scope(|scope| {
        let adding = || (0..5).map(|_| add_key_version(&path, now()).unwrap().0).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(adding)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    added.sort_unstable();
    assert_eq!(added, (2..=41).collect::<Vec<_>>());
    assert_eq!(MasterKeys::load(&path).unwrap().versions().count(), 41);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_version_is_added_only_to_a_file_that_would_load() {
    let (folder, path) = with_key();
    let good = fs::read(&path).unwrap();
    set_mode(&path, 0o440);
    let error = add_key_version(&path, now()).unwrap_err();
    assert!(matches!(error, KeyFileError::Mode { .. }), "{error}");
    set_mode(&path, 0o600);
    fs::write(&path, &good[..good.len() - 3]).unwrap();
    set_mode(&path, 0o400);
    let error = add_key_version(&path, now()).unwrap_err();
    assert!(matches!(error, KeyFileError::Malformed { line: 2, .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), good[..good.len() - 3]);
    let error = add_key_version(&folder.path().join("none"), now()).unwrap_err();
    assert!(matches!(error, KeyFileError::Missing { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// The same as a disk on which nothing can be written: the name that the new content needs is not to be had.
#[test]
fn when_the_new_content_can_not_be_written_the_old_stays() {
    let (folder, path) = with_key();
    let before = fs::read(&path).unwrap();
    fs::create_dir(folder.path().join(".master.key.next")).unwrap();
    let error = add_key_version(&path, now()).unwrap_err();
    assert!(matches!(error, KeyFileError::Io { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn what_a_killed_process_left_is_overwritten() {
    let (folder, path) = with_key();
    fs::write(folder.path().join(".master.key.next"), "strongroom-master-key 1\n1 20").unwrap();
    assert_eq!(add_key_version(&path, now()).unwrap(), MasterKeyVersion(2));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_full_file_takes_no_more_and_still_loads() {
    let (_folder, path) = with_key();
    let last = format::render(MasterKeyVersion(u32::MAX), now(), &[1; 32]);
    let mut large = Zeroizing::new(b"strongroom-master-key 1\n".to_vec());
    for version in 1..=600 {
        format::append(&mut large, MasterKeyVersion(version), now(), &[1; 32]);
    }
    for text in [last, large] {
        set_mode(&path, 0o600);
        fs::write(&path, &*text).unwrap();
        set_mode(&path, 0o400);
        let error = loop {
            if let Err(error) = add_key_version(&path, now()) {
                break error;
            }
        };
        assert!(matches!(error, KeyFileError::Full { .. }), "{error}");
        MasterKeys::load(&path).unwrap();
    }
}

#[test]
fn a_missing_file_says_how_keys_are_made() {
    let folder = TempDir::new().unwrap();
    let error = MasterKeys::load(&folder.path().join("none")).unwrap_err();
    assert!(matches!(error, KeyFileError::Missing { .. }), "{error}");
    assert!(error.to_string().contains("strongroom-admin master-key generate"), "{error}");
}

#[test]
fn every_mode_but_0400_is_refused_with_the_command_that_mends_it() {
    let (_folder, path) = with_key();
    for mode in [0o000, 0o440, 0o404, 0o600, 0o500, 0o644, 0o640, 0o777, 0o4400, 0o2400, 0o1400] {
        set_mode(&path, mode);
        let message = refusal(MasterKeys::load(&path));
        let expected = format!(
            "{path} has mode {mode:04o}, but must have 0400, readable by its owner alone; run: chmod 0400 {path}",
            path = path.display()
        );
        assert_eq!(message, expected);
    }
    set_mode(&path, 0o400);
    MasterKeys::load(&path).unwrap();
}

#[test]
fn another_owner_is_refused_with_the_command_that_mends_it() {
    let (_folder, path) = with_key();
    let (owner, service) = (me(), me() + 1);
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.uid(), owner);
    // The folders above are fine for their own user only, so the check of the file is asked by itself.
    let status = rustix::fs::stat(&path).unwrap();
    let message = guard::check_file(&status, &path, Keeper::Service, service).unwrap_err().to_string();
    let expected = format!(
        "{path} is owned by user id {owner}, but must be owned by the service's user; run: chown {service} {path}",
        path = path.display()
    );
    assert_eq!(message, expected);
}

#[test]
fn links_folders_and_pipes_are_refused() {
    let (folder, path) = with_key();
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .unwrap();
    let inner = folder.path().join("folder");
    fs::create_dir(&inner).unwrap();
    for other in [&link, &pipe, &inner, Path::new("/")] {
        let error = MasterKeys::load(other).unwrap_err();
        assert!(matches!(error, KeyFileError::NotAFile { .. }), "{error}");
    }
}

#[test]
fn a_folder_that_others_can_write_to_is_refused_wherever_it_is_above_the_file() {
    let root = TempDir::new().unwrap();
    let (upper, lower) = (root.path().join("upper"), root.path().join("upper/lower"));
    fs::create_dir_all(&lower).unwrap();
    let path = lower.join("master.key");
    create_key_file(&path, now()).unwrap();
    for folder in [&upper, &lower] {
        for mode in [0o770, 0o707, 0o777] {
            set_mode(folder, mode);
            for message in [
                refusal(MasterKeys::load(&path)),
                create_key_file(&lower.join("other"), now()).unwrap_err().to_string(),
            ] {
                let folder = fs::canonicalize(folder).unwrap();
                assert!(message.ends_with(&format!("run: chmod go-w {}", folder.display())), "{message}");
                assert!(message.contains(&format!("has mode {mode:04o}")), "{message}");
            }
        }
        set_mode(folder, 0o1777);
        MasterKeys::load(&path).unwrap();
        set_mode(folder, 0o755);
    }
    assert!(!lower.join("other").exists());
}

#[test]
fn a_folder_of_another_user_is_refused() {
    let (folder, path) = with_key();
    let owner = fs::metadata(folder.path()).unwrap().uid();
    let mut status = rustix::fs::stat(folder.path()).unwrap();
    for (user, fine) in [(owner, true), (owner + 1, owner == 0)] {
        assert_eq!(guard::check_folder(&status, &path, user).is_ok(), fine);
    }
    status.st_uid = owner + 2;
    let message = guard::check_folder(&status, folder.path(), owner).unwrap_err().to_string();
    assert!(message.ends_with(&format!("run: chown 0 {}", folder.path().display())), "{message}");
}

#[test]
fn a_folder_reached_by_a_link_is_checked_where_it_really_is() {
    let root = TempDir::new().unwrap();
    let real = root.path().join("real");
    fs::create_dir(&real).unwrap();
    create_key_file(&real.join("master.key"), now()).unwrap();
    symlink(&real, root.path().join("link")).unwrap();
    let path = root.path().join("link/master.key");
    MasterKeys::load(&path).unwrap();
    set_mode(&real, 0o777);
    assert!(refusal(MasterKeys::load(&path)).contains("has mode 0777"));
}

#[test]
fn credentials_are_taken_as_systemd_leaves_them() {
    let (folder, path) = with_key();
    MasterKeys::load_credential(folder.path(), "master.key").unwrap();
    for name in ["", ".", "..", "../master.key", "/etc/passwd", "a/b", "master.key/"] {
        let error = MasterKeys::load_credential(folder.path(), name).unwrap_err();
        assert!(matches!(error, KeyFileError::NotAFile { .. }), "{name}: {error}");
    }
    let mut status = rustix::fs::stat(&path).unwrap();
    let regular = status.st_mode & !0o7777;
    let service = 1234;
    for (mode, uid, gid, fine) in [
        (0o400, 0, 0, true),
        (0o440, 0, 0, true),
        (0o400, service, service, true),
        (0o440, service, service, false),
        (0o440, 0, 50, false),
        (0o444, 0, 0, false),
        (0o460, 0, 0, false),
        (0o400, 999, 0, false),
    ] {
        (status.st_mode, status.st_uid, status.st_gid) = (regular | mode, uid, gid);
        let checked = guard::check_file(&status, &path, Keeper::Systemd, service);
        assert_eq!(checked.is_ok(), fine, "{mode:o} {uid} {gid}");
    }
}

/// The check values were computed by another implementation of HMAC.
const GOLDEN: &str = "strongroom-master-key 1\n\
    1 2023-11-14T22:13:20.123456 ERERERERERERERERERERERERERERERERERERERERERE= 2ee119acb253d07f\n\
    7 2023-11-14T22:13:20.123456 IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI= dbd763accfc8c153\n";

fn parse(text: &[u8]) -> Result<MasterKeys, KeyFileError> {
    format::parse(text, Path::new("the-file"))
}

#[test]
fn a_file_written_long_ago_is_read() {
    let keys = parse(GOLDEN.as_bytes()).unwrap();
    assert_eq!(keys.newest().version, MasterKeyVersion(7));
    assert_eq!((bytes(&keys, 1), bytes(&keys, 7)), ([0x11; 32], [0x22; 32]));
    assert!(keys.get(MasterKeyVersion(2)).is_none());
    let first = format::render(MasterKeyVersion(1), now(), &[0x11; 32]);
    assert!(GOLDEN.as_bytes().starts_with(&first));
}

#[test]
fn damage_to_any_byte_is_detected_and_the_line_named() {
    for at in 0..GOLDEN.len() {
        for mask in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            let mut text = GOLDEN.as_bytes().to_vec();
            text[at] ^= mask;
            let error = parse(&text).unwrap_err();
            assert!(matches!(error, KeyFileError::Malformed { line: 1..=3, .. }), "{at}: {error}");
        }
    }
}

#[test]
fn lost_swapped_and_repeated_parts_are_detected() {
    let lines: Vec<&str> = GOLDEN.split_inclusive('\n').collect();
    for text in [
        String::new(),
        lines[0].to_owned(),
        lines[1].to_owned(),
        [lines[0], lines[2], lines[1]].concat(),
        [lines[0], lines[1], lines[1]].concat(),
        [lines[0], lines[1], "\n"].concat(),
        [lines[0], "\n", lines[1]].concat(),
        GOLDEN.replace('\n', "\r\n"),
        GOLDEN.replace(' ', "  "),
    ] {
        assert!(matches!(parse(text.as_bytes()), Err(KeyFileError::Malformed { .. })), "{text}");
    }
    // A file cut at the end of a line is whole as far as it goes; a lost version is noticed by whoever
    // needs it.
    for end in (0..GOLDEN.len()).filter(|end| *end != lines[0].len() + lines[1].len()) {
        assert!(parse(&GOLDEN.as_bytes()[..end]).is_err(), "cut to {end}");
    }
}

#[test]
fn a_file_too_large_to_be_one_is_refused() {
    let (_folder, path) = with_key();
    set_mode(&path, 0o600);
    fs::write(&path, vec![b'x'; LARGEST_FILE + 1]).unwrap();
    set_mode(&path, 0o400);
    assert!(refusal(MasterKeys::load(&path)).contains("larger than 64 KiB"));
}

#[test]
fn neither_errors_nor_debug_show_a_key() {
    let (_folder, path) = with_key();
    let text = fs::read_to_string(&path).unwrap();
    let encoded = text.split(' ').nth(3).unwrap();
    assert_eq!(encoded.len(), 44);
    let shown = format!("{:?}", MasterKeys::load(&path).unwrap());
    assert!(!shown.contains(encoded), "{shown}");
    let error = parse(text.replace("2023", "2024").as_bytes()).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(&encoded[..8]), "{shown}");
}

proptest! {
    #[test]
    fn what_is_written_reads_back(version in 1..=u32::MAX, micros in 0..2_000_000_000_000_000_i64, key: [u8; 32]) {
        let created = Timestamp::from_micros(micros).unwrap();
        let keys = parse(&format::render(MasterKeyVersion(version), created, &key)).unwrap();
        prop_assert_eq!(bytes(&keys, version), key);
        prop_assert_eq!(keys.newest().created, created);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(parse(&[b"strongroom-master-key 1\n".as_slice(), &text].concat()).is_err());
        prop_assert!(parse(&text).is_err());
    }
}
