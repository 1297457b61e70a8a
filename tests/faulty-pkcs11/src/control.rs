//! What the control file orders.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use cryptoki_sys::CK_RV;

use crate::{forget_sessions, own_path};

static OBEYED: Mutex<Option<Obeyed>> = Mutex::new(None);
static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();

#[derive(Default)]
struct Obeyed {
    text: String,
    /// How often each line has been obeyed.
    times: HashMap<usize, u64>,
    initialised: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Order {
    Fail(CK_RV),
    Sleep(Duration),
    Forget,
}

/// Does what is ordered for that function; a code that it is to give instead of being called.
pub(crate) fn ordered(function: &str) -> Option<CK_RV> {
    let order = next(function)?;
    match order {
        Order::Fail(code) => Some(code),
        Order::Sleep(time) => {
            thread::sleep(time);
            None
        }
        Order::Forget => {
            forget_sessions();
            None
        }
    }
}

fn next(function: &str) -> Option<Order> {
    let file = FILE.get_or_init(|| {
        let mut path = own_path()?.into_os_string();
        path.push(".control");
        Some(path.into())
    });
    let text = fs::read_to_string(file.as_ref()?).unwrap_or_default();
    let mut obeyed = OBEYED.lock().unwrap_or_else(PoisonError::into_inner);
    let obeyed = obeyed.get_or_insert_default();
    if obeyed.text != text {
        *obeyed = Obeyed { text, ..Obeyed::default() };
    }
    if function == "C_Initialize" {
        obeyed.initialised = true;
    }
    for (number, line) in obeyed.text.lines().enumerate() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(order)) = (words.next(), words.next().and_then(parse)) else { continue };
        let over = match words.next() {
            None => false,
            Some("until-initialize") => obeyed.initialised,
            Some(times) => {
                let done = obeyed.times.get(&number).copied().unwrap_or_default();
                times.parse::<u64>().is_ok_and(|times| done >= times)
            }
        };
        if !over && (name == "*" || name == function) {
            *obeyed.times.entry(number).or_default() += 1;
            return Some(order);
        }
    }
    None
}

fn parse(order: &str) -> Option<Order> {
    if order == "forget" {
        return Some(Order::Forget);
    }
    if let Some(time) = order.strip_prefix("sleep:") {
        return time.parse().ok().map(Duration::from_millis).map(Order::Sleep);
    }
    let digits = order.strip_prefix("0x")?;
    CK_RV::from_str_radix(digits, 16).ok().map(Order::Fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_codes_delays_and_lost_sessions() {
        assert_eq!(parse("0x30"), Some(Order::Fail(0x30)));
        assert_eq!(parse("sleep:1500"), Some(Order::Sleep(Duration::from_millis(1500))));
        assert_eq!(parse("forget"), Some(Order::Forget));
        assert_eq!((parse("30"), parse("sleep:x"), parse("0x")), (None, None, None));
    }
}
