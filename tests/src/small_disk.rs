use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::program::run;

/// A file system in memory with little room. It is unmounted when dropped.
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// One of that many KiB.
    pub fn new(kib: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = format!("size={kib}k,mode=0700");
        let mounted =
            run(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()));
        assert_eq!(
            mounted.code,
            Some(0),
            "a small disk can't be mounted; run the tests as root, or by `unshare --map-root-user --mount`: {}",
            mounted.stderr
        );
        Self { folder }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves no room for a single page.
    pub fn fill(&self) {
        let mut ballast = File::create(self.path().join("ballast")).expect("a file");
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }

    /// Leaves room for so many KiB only.
    pub fn fill_but(&self, kib: u64) {
        self.fill();
        let ballast = OpenOptions::new().write(true).open(self.path().join("ballast")).expect("a file");
        let length = ballast.metadata().expect("its length").len();
        ballast.set_len(length.saturating_sub(kib * 1024)).expect("a shorter file");
    }

    /// Gives the room back.
    pub fn relieve(&self) {
        fs::remove_file(self.path().join("ballast")).expect("the ballast is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is just being killed may still have files open.
        run(Command::new("umount").arg("--lazy").arg(self.path()));
    }
}
