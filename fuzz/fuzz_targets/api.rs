//! Arbitrary requests against the whole API: nothing may panic or be answered as a fault of the service's.
#![no_main]

mod request;
mod stage;

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;

use request::Request;
use stage::Stage;

/// After that many inputs everything begins anew, so that the folder does not grow without end.
const INPUTS_PER_STAGE: u32 = 20_000;
/// Later requests of one input can be about secrets that earlier ones made.
const REQUESTS_PER_INPUT: usize = 6;

thread_local! {
    static STAGE: RefCell<(u32, Option<Stage>)> = const { RefCell::new((0, None)) };
}

fuzz_target!(|requests: Vec<Request>| {
    STAGE.with_borrow_mut(|(inputs, stage)| {
        if inputs.is_multiple_of(INPUTS_PER_STAGE) {
            // The folder's lock is free only once the one before is gone.
            *stage = None;
        }
        *inputs = inputs.wrapping_add(1);
        let stage = stage.get_or_insert_with(Stage::set);
        for request in requests.into_iter().take(REQUESTS_PER_INPUT) {
            stage.play(request);
        }
    });
});
