//! Symmetric keys: random bytes of the right number.

use strongroom_core::Payload;
use strongroom_core::ports::{GenerationError, KeyRequest};

use super::Algorithms;
use crate::random::{NoRandom, Random};

/// Any of these for any algorithm but triple DES, as in Barbican.
const LENGTHS: [u16; 4] = [64, 128, 192, 256];
/// XTS uses two keys, which count together.
const XTS_LENGTHS: [u16; 4] = [128, 256, 384, 512];
/// Two keys, or three with their parity bits left out (168) or included (192).
const TRIPLE_DES_LENGTHS: [u16; 3] = [128, 168, 192];

/// A key as the bytes that its algorithm takes.
///
/// DES keys have eight bits to the byte of which one is parity, and it is set: some hardware refuses a key
/// without. The sixteen weak and semi-weak keys are not looked for, since one comes up once in 2⁵² keys.
pub(super) fn key(
    request: &KeyRequest,
    algorithms: Algorithms,
    random: Random<'_>,
) -> Result<Payload, GenerationError> {
    let (algorithm, xts) = (request.algorithm.as_str(), request.mode.as_deref() == Some("xts"));
    let triple_des = match algorithm {
        "3des" | "desede" if algorithms.triple_des => true,
        "aes" | "des" | "hmacsha1" | "hmacsha256" | "hmacsha384" | "hmacsha512" => false,
        _ => return Err(GenerationError::Algorithm),
    };
    let lengths = match (triple_des, xts) {
        (true, false) => TRIPLE_DES_LENGTHS.as_slice(),
        (true, true) => &[],
        (false, false) => &LENGTHS,
        (false, true) => &XTS_LENGTHS,
    };
    if !lengths.contains(&request.bits) {
        return Err(GenerationError::Length);
    }
    let stored_bits = if request.bits == 168 { 192 } else { request.bits };
    let mut bytes = vec![0; usize::from(stored_bits / 8)];
    random(&mut bytes).map_err(|_| GenerationError::Backend(NoRandom.into()))?;
    if triple_des || (algorithm == "des" && request.bits == 64) {
        bytes.iter_mut().for_each(set_odd_parity);
    }
    Ok(Payload::new(bytes))
}

fn set_odd_parity(byte: &mut u8) {
    if byte.count_ones().is_multiple_of(2) {
        *byte ^= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parity_is_odd_and_only_the_last_bit_is_touched() {
        for before in 0..=u8::MAX {
            let mut after = before;
            set_odd_parity(&mut after);
            assert_eq!((after.count_ones() % 2, after & 0xfe), (1, before & 0xfe));
        }
    }
}
