//! Wipes the stack that an operation with keys has used.
//!
//! ring expands keys into schedules on the stack and does not wipe them, nor the copies that moves leave.
//! Safe Rust can't reach a frame that has ended, but it can put zeros over it: run the operation in a frame
//! of its own, then a second frame at the same place that does nothing but fill itself with zeros.
//!
//! What remains: registers that the system saves when it switches threads, and, should the system run
//! out of memory at that very moment, a stack page in swap. Both last well below a millisecond.

use std::hint::black_box;

/// Twice what was measured to reach down to the deepest frame that holds part of a key; frames of a build
/// without optimisation are far larger.
const DEPTH: usize = if cfg!(debug_assertions) { 32 * 1024 } else { 8 * 1024 };

/// Runs `act` and wipes the stack that it used. What `act` returns must hold no key.
pub(crate) fn wiped<R>(act: impl FnOnce() -> R) -> R {
    let result = framed(act);
    wipe();
    result
}

#[inline(never)]
fn framed<R>(act: impl FnOnce() -> R) -> R {
    black_box(act())
}

#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "to be on the stack is what it is for")]
fn wipe() {
    // A variable, since a bare array of constants would not be on the stack at all.
    let zeros = [0_u8; DEPTH];
    black_box(&zeros);
}
