use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::Payload;

/// The padding is wrong or a character is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadPadding;

const UNPADDED: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Decodes as the reference does (spec section 6.2, rule 6): characters outside the alphabet are skipped,
/// a completed padding ends the text, and a length that leaves an unfinished group is refused.
pub(crate) fn decode_leniently(text: &[u8]) -> Result<Payload, BadPadding> {
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut pads = 0;
    let mut complete = false;
    for &byte in text {
        if byte == b'=' {
            let in_group = digits.len() % 4;
            if in_group >= 2 {
                pads += 1;
                if in_group + pads >= 4 {
                    complete = true;
                    break;
                }
            }
        } else if byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/' {
            pads = 0;
            digits.push(byte);
        }
    }
    if !complete && digits.len() % 4 != 0 {
        return Err(BadPadding);
    }
    UNPADDED.decode(digits.as_slice()).map(Payload::new).map_err(|_| BadPadding)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose;
    use proptest::prelude::*;

    use super::*;

    fn decode(text: &str) -> Result<Vec<u8>, BadPadding> {
        decode_leniently(text.as_bytes()).map(|payload| payload.expose().to_vec())
    }

    #[test]
    fn follows_the_reference_on_odd_input() {
        for (text, expected) in [
            ("YWJj", Ok(b"abc".to_vec())),
            ("YW Jj\n", Ok(b"abc".to_vec())),
            ("YWI=", Ok(b"ab".to_vec())),
            ("YQ==", Ok(b"a".to_vec())),
            ("YQ=!=", Ok(b"a".to_vec())),
            ("YQ==YWJj", Ok(b"a".to_vec())),
            ("YWJj=", Ok(b"abc".to_vec())),
            ("!!!!", Ok(Vec::new())),
            ("abc", Err(BadPadding)),
            ("a", Err(BadPadding)),
            ("YQ=", Err(BadPadding)),
        ] {
            assert_eq!(decode(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn well_formed_text_decodes_to_its_bytes(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&general_purpose::STANDARD.encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn no_text_makes_the_decoder_panic(bytes: Vec<u8>) {
            decode_leniently(&bytes).ok();
        }
    }
}
