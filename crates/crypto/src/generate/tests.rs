use std::future::{Future, poll_fn};
use std::pin::pin;

use super::*;

fn request(algorithm: &str, bits: u16, mode: Option<&str>) -> KeyRequest {
    KeyRequest { algorithm: algorithm.to_owned(), bits, mode: mode.map(str::to_owned) }
}

fn generator(triple_des: bool) -> Generator {
    Generator { algorithms: Algorithms { triple_des }, workshop: Workshop::default() }
}

/// `Ok` with the number of bytes, or what is wrong.
fn length(generator: &Generator, request: &KeyRequest) -> Result<usize, &'static str> {
    match generator.key(request) {
        Ok(key) => Ok(key.len()),
        Err(GenerationError::Algorithm) => Err("algorithm"),
        Err(GenerationError::Length) => Err("length"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_algorithm_has_its_lengths_and_no_other() {
    let generator = generator(true);
    for algorithm in ["aes", "des", "hmacsha1", "hmacsha256", "hmacsha384", "hmacsha512"] {
        for bits in 0..=1024 {
            for (mode, lengths) in [
                (None, [64, 128, 192, 256]),
                (Some("cbc"), [64, 128, 192, 256]),
                (Some("xts"), [128, 256, 384, 512]),
            ] {
                let wanted = if lengths.contains(&bits) { Ok(usize::from(bits / 8)) } else { Err("length") };
                let request = request(algorithm, bits, mode);
                assert_eq!(length(&generator, &request), wanted, "{request:?}");
            }
        }
    }
}

#[test]
fn triple_des_has_whole_keys_with_parity_and_can_be_off() {
    for algorithm in ["3des", "desede"] {
        for bits in 0..=1024 {
            let wanted = match bits {
                128 => Ok(16),
                168 | 192 => Ok(24),
                _ => Err("length"),
            };
            assert_eq!(length(&generator(true), &request(algorithm, bits, None)), wanted);
            assert_eq!(length(&generator(true), &request(algorithm, bits, Some("xts"))), Err("length"));
            assert_eq!(length(&generator(false), &request(algorithm, bits, None)), Err("algorithm"));
        }
    }
    for (algorithm, bits) in [("3des", 128), ("3des", 168), ("desede", 192), ("des", 64)] {
        let key = generator(true).key(&request(algorithm, bits, None)).unwrap();
        assert!(key.expose().iter().all(|byte| byte.count_ones() % 2 == 1), "{algorithm} {bits}");
    }
    assert_eq!(length(&generator(false), &request("des", 64, None)), Ok(8));
}

#[test]
fn keys_of_other_algorithms_keep_all_their_bits() {
    let even = |byte: &u8| byte.count_ones().is_multiple_of(2);
    let key = |algorithm, bits| generator(true).key(&request(algorithm, bits, None)).unwrap();
    let found = (0..64).any(|_| key("aes", 64).expose().iter().any(even));
    assert!(found && (0..64).any(|_| key("des", 128).expose().iter().any(even)));
}

#[test]
fn pairs_have_their_lengths_and_no_other() {
    let known: [(&str, &[u16]); 4] = [
        ("rsa", &[1024, 2048, 3072, 4096]),
        ("dsa", &[1024, 2048, 3072, 4096]),
        ("ec", &[256, 384]),
        ("ed25519", &[256]),
    ];
    for (algorithm, lengths) in known {
        for bits in (0..=5000).chain([u16::MAX]) {
            let result = Pair::wanted(&request(algorithm, bits, None)).map(drop);
            if lengths.contains(&bits) {
                assert!(result.is_ok(), "{algorithm} {bits}");
            } else {
                assert!(matches!(result, Err(GenerationError::Length)), "{algorithm} {bits}: {result:?}");
            }
        }
    }
    for algorithm in ["", "aes", "3des", "diffie_hellman", "RSA", "ecdsa", "x25519"] {
        let result = Pair::wanted(&request(algorithm, 256, None)).map(drop);
        assert!(matches!(result, Err(GenerationError::Algorithm)), "{algorithm}: {result:?}");
    }
}

/// Nothing of it is done on the thread that asks: one poll of the future comes back at once, unfinished.
#[tokio::test]
async fn making_a_pair_does_not_hold_the_caller() {
    let generator = generator(true);
    let wanted = request("rsa", 4096, None);
    let mut making = pin!(generator.pair(&wanted, None));
    let pending = poll_fn(|context| std::task::Poll::Ready(making.as_mut().poll(context).is_pending())).await;
    assert!(pending);
}

#[tokio::test]
async fn an_empty_passphrase_is_refused() {
    let refusal = generator(true).pair(&request("ec", 256, None), Some(&Payload::new(Vec::new()))).await;
    assert!(matches!(refusal, Err(GenerationError::Passphrase)), "{refusal:?}");
}
