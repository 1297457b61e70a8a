//! The public parameters of DSA: p, q and g.
//!
//! They are of the shape that FIPS 186-4 describes in its appendix A (random primes q and p where q divides
//! p - 1, and g of order q), found by chance and not from a seed, so they carry no proof of how they came
//! about. The `dsa` crate can find them too, but tests every candidate in full: a minute for p of 2048 bits.
//! Here candidates with a small factor are passed over. Nothing in this file is secret.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BitOps as _, BoxedUint, Limb, NonZero, Odd, RandomBits as _, Resize as _};
use crypto_primes::{Flavor, is_prime};
use dsa::Components;

use super::dsa::DsaSize;
use super::workshop::make_way;
use crate::random::{NoRandom, SystemRng};

/// Below it are the small factors.
const SIEVE_LIMIT: u32 = 1 << 14;
/// How many candidates for p follow from one random number, as in FIPS 186-4.
const CANDIDATES: u64 = 4096;

/// Fresh parameters.
pub(super) fn find(size: DsaSize) -> Result<Components, NoRandom> {
    let small = small_primes();
    loop {
        let q = random_prime(size.q_bits)?;
        let from = random_with_top_bit(size.p_bits)?;
        if let Some(p) = prime_above(&from, &q, size.p_bits, &small)
            && let Some(components) = with_generator(p, q)
        {
            return Ok(components);
        }
    }
}

/// The first prime p above or at `from` with p - 1 divisible by 2q, if it is not far and has that length.
fn prime_above(from: &BoxedUint, q: &Odd<BoxedUint>, bits: u32, small: &[u32]) -> Option<Odd<BoxedUint>> {
    let step = q.as_ref().resize(bits).shl(1);
    let past = from % NonZero::new(step.clone()).into_option()?;
    let mut base = from - &past + BoxedUint::one_with_precision(bits);
    // The sums below wrap around past the length; what has wrapped is too short.
    let residues = small.iter().filter_map(|prime| {
        let divisor = NonZero::new(Limb::from(*prime)).into_option()?;
        Some((u64::from(*prime), u64::from(base.rem_limb(divisor)), u64::from(step.rem_limb(divisor))))
    });
    let residues: Vec<_> = residues.collect();
    for index in 0..CANDIDATES {
        let has_small_factor = residues.iter().any(|(prime, at, by)| (at + index * by) % prime == 0);
        if !has_small_factor && base.bit_width() == bits {
            make_way();
            if is_prime(Flavor::Any, &base) {
                return Odd::new(base).into_option();
            }
        }
        base = base.wrapping_add(&step);
    }
    None
}

/// Completes p and q with the g that the smallest number leads to, as in FIPS 186-4, A.2.1.
fn with_generator(p: Odd<BoxedUint>, q: Odd<BoxedUint>) -> Option<Components> {
    let bits = p.as_ref().bits_precision();
    let one = BoxedUint::one_with_precision(bits);
    let cofactor = (p.as_ref() - &one) / NonZero::new(q.as_ref().resize(bits)).into_option()?;
    let params = BoxedMontyParams::new_vartime(p.clone());
    let mut base = one.clone();
    loop {
        base = base.wrapping_add(&one);
        let g = BoxedMontyForm::new(base.clone(), &params).pow(&cofactor).retrieve();
        if g != one {
            return Components::from_components_unchecked(p.get(), q.get(), g).ok();
        }
    }
}

fn random_prime(bits: u32) -> Result<Odd<BoxedUint>, NoRandom> {
    loop {
        let candidate = random_with_top_bit(bits)?;
        if let Some(odd) = Odd::new(candidate).into_option()
            && is_prime(Flavor::Any, odd.as_ref())
        {
            return Ok(odd);
        }
    }
}

fn random_with_top_bit(bits: u32) -> Result<BoxedUint, NoRandom> {
    let mut number = BoxedUint::try_random_bits(&mut SystemRng, bits).map_err(|_| NoRandom)?;
    number.set_bit_vartime(bits - 1, true);
    Ok(number)
}

/// Without two, since every candidate is odd.
fn small_primes() -> Vec<u32> {
    let mut primes: Vec<u32> = Vec::new();
    for number in (3..SIEVE_LIMIT).step_by(2) {
        let possible = primes.iter().take_while(|prime| *prime * *prime <= number);
        if possible.into_iter().all(|prime| number % prime != 0) {
            primes.push(number);
        }
    }
    primes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_primes_are_all_there() {
        let primes = small_primes();
        assert_eq!(primes[..8], [3, 5, 7, 11, 13, 17, 19, 23]);
        assert_eq!(primes.last(), Some(&16_381));
        // There are 1900 primes below 2^14.
        assert_eq!(primes.len(), 1900 - 1);
    }

    #[test]
    fn parameters_have_the_shape_that_the_standard_describes() {
        for (p_bits, q_bits) in [(512, 160), (1024, 160)] {
            let found = find(DsaSize { p_bits, q_bits }).unwrap();
            let (p, q, g) = (found.p().as_ref(), found.q().as_ref(), found.g().as_ref());
            assert_eq!((p.bit_width(), q.bit_width()), (p_bits, q_bits));
            assert!(is_prime(Flavor::Any, p) && is_prime(Flavor::Any, q));
            let one = BoxedUint::one_with_precision(p_bits);
            let wide = NonZero::new(q.resize(p_bits)).unwrap();
            assert!(bool::from(((p - &one) % wide).is_zero()), "q does not divide p - 1");
            let params = BoxedMontyParams::new_vartime(found.p().clone());
            assert!(*g != one && *g < *p);
            assert_eq!(BoxedMontyForm::new(g.clone(), &params).pow(q).retrieve(), one);
        }
    }
}
