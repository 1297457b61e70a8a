use std::thread;
use std::time::{Duration, Instant};

/// Waits until it is so, asking again and again; a test that waits a minute in vain fails.
pub fn eventually(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_mins(1), "it never came to be so");
        thread::sleep(Duration::from_millis(20));
    }
}
