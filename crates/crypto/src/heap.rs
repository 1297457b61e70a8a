//! Puts zeros over memory that the calling thread has freed.
//!
//! The crates that make RSA and DSA keys wipe the key when it is dropped, but not every number on the way to
//! it, and one prime is as good as the whole key. Safe Rust can't reach a block that was freed, but it can be
//! given it again: glibc keeps freed blocks by size, for each thread, and hands them out before any other.
//!
//! What remains: blocks in an arena that many other threads have filled with more free ones than are asked
//! for here. A test looks for them.

use std::hint::black_box;

/// No number on the way to a key is larger, in bytes; larger blocks are made of the same memory.
const LARGEST: usize = 2048;
/// The sizes that glibc tells apart.
const STEP: usize = 16;
/// As many of each size as a thread's cache holds, and as many again for what is kept elsewhere.
const EACH: usize = 16;

/// Takes freed blocks of every size, two megabytes in all, and fills them with zeros.
pub(crate) fn scrub() {
    let sizes = (STEP..=LARGEST).step_by(STEP);
    let blocks: Vec<_> = sizes.flat_map(|size| (0..EACH).map(move |_| zeros(size))).collect();
    black_box(&blocks);
}

#[expect(clippy::slow_vector_initialization, reason = "the fast way takes memory that is known to be zero")]
fn zeros(size: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(size);
    block.resize(size, 0);
    black_box(block)
}
