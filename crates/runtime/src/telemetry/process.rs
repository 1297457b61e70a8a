//! What the process takes of the machine, as the kernel tells (`proc(5)`).

use std::fs;

use rustix::param::page_size;

/// Memory held, in bytes.
pub(super) fn resident() -> Option<u64> {
    let pages: u64 = fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    pages.checked_mul(u64::try_from(page_size()).ok()?)
}

/// Files and connections that are open.
pub(super) fn descriptors() -> Option<u64> {
    // The folder itself is open while it is read.
    u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_some_of_each() {
        assert!(resident().unwrap() > 1 << 20);
        let before = descriptors().unwrap();
        let files: Vec<_> = (0..100).map(|_| fs::File::open("/proc/self/statm").unwrap()).collect();
        assert!(descriptors().unwrap() >= before.max(100));
        drop(files);
    }
}
