use proptest::prelude::*;

use super::*;

/// KMIP 1.4, section 9.1.2, "Examples", in its order.
const EXAMPLES: [(&str, Value<'static>); 10] = [
    ("42002002000000040000000800000000", Value::Integer(8)),
    ("420020030000000801B69B4BA5749200", Value::LongInteger(123_456_789_000_000_000)),
    (
        "42002004000000100000000003FD35EB6BC2DF4618080000",
        Value::BigInteger(&[0, 0, 0, 0, 3, 0xFD, 0x35, 0xEB, 0x6B, 0xC2, 0xDF, 0x46, 0x18, 8, 0, 0]),
    ),
    ("4200200500000004000000FF00000000", Value::Enumeration(255)),
    ("42002006000000080000000000000001", Value::Boolean(true)),
    ("420020070000000B48656C6C6F20576F726C640000000000", Value::Text("Hello World")),
    ("42002008000000030102030000000000", Value::Bytes(&[1, 2, 3])),
    ("42002009000000080000000047DA67F8", Value::DateTime(0x47DA_67F8)),
    ("4200200A00000004000D2F0000000000", Value::Interval(864_000)),
    (
        "42002001000000204200040500000004000000FE000000004200050200000004000000FF00000000",
        Value::Structure(Vec::new()),
    ),
];

#[test]
fn the_examples_of_the_standard_encode_and_decode() {
    for (hex, value) in EXAMPLES {
        let value = match value {
            Value::Structure(_) => Value::Structure(vec![
                Item::enumeration(Tag(0x42_0004), 254),
                Item::integer(Tag(0x42_0005), 255),
            ]),
            plain => plain,
        };
        let item = Item { tag: Tag(0x42_0020), value };
        let bytes = hex::decode(hex).unwrap();
        assert_eq!(*encode(&item), bytes);
        assert_eq!(decode(&bytes).unwrap(), item);
    }
}

#[test]
fn each_fault_is_told() {
    for (hex, fault) in [
        ("", DecodeError::Truncated),
        ("420020", DecodeError::Truncated),
        ("42002002000000040000000800", DecodeError::Truncated),
        ("42002008FFFFFFFF00", DecodeError::Truncated),
        ("4200200200000004000000080000000000", DecodeError::Trailing(1)),
        ("42002002000000040000000800000001", DecodeError::Padding),
        ("4200200B000000080000000000000001", DecodeError::UnknownType(0x0B)),
        ("420020020000000800000000000000FF", DecodeError::Length { kind: 2, length: 8 }),
        ("4200200400000000", DecodeError::Length { kind: 4, length: 0 }),
        ("42002006000000080000000000000002", DecodeError::Boolean),
        ("4200200700000001FF00000000000000", DecodeError::Text),
    ] {
        assert_eq!(decode(&hex::decode(hex).unwrap()), Err(fault), "{hex}");
    }
}

#[test]
fn nesting_and_size_are_bounded() {
    let nested = |levels: usize| {
        (1..levels).fold(Item::structure(Tag(0x42_0020), vec![]), |inner, _| {
            Item::structure(Tag(0x42_0020), vec![inner])
        })
    };
    assert!(decode(&encode(&nested(MAX_DEPTH))).is_ok());
    assert_eq!(decode(&encode(&nested(MAX_DEPTH + 1))), Err(DecodeError::TooDeep));
    assert_eq!(decode(&vec![0; MAX_MESSAGE + 1]), Err(DecodeError::TooLong(MAX_MESSAGE + 1)));
    assert_eq!(message_length([0x42, 0, 0x7B, 1, 0, 0, 0, 16]), Ok(24));
    assert_eq!(message_length([0x42, 0, 0x7B, 1, 0, 0x10, 0, 0]), Err(DecodeError::TooLong(MAX_MESSAGE + 8)));
    assert_eq!(message_length(*b"HTTP/1.1"), Err(DecodeError::UnknownType(b'P')));
}

#[test]
fn bytes_are_not_printed() {
    let printed = format!("{:?}", Item::bytes(Tag(0x42_0043), b"\x7b\x7b\x7b"));
    assert!(printed.contains("3 bytes") && !printed.contains("123"), "{printed}");
}

/// An item that owns what it holds.
#[derive(Debug, Clone)]
enum Owned {
    Structure(Vec<(u32, Owned)>),
    Integer(i32),
    LongInteger(i64),
    BigInteger(Vec<u8>),
    Enumeration(u32),
    Boolean(bool),
    Text(String),
    Bytes(Vec<u8>),
    DateTime(i64),
    Interval(u32),
}

impl Owned {
    fn item(&self, tag: u32) -> Item<'_> {
        let value = match self {
            Self::Structure(items) => {
                Value::Structure(items.iter().map(|(tag, value)| value.item(*tag)).collect())
            }
            Self::Integer(number) => Value::Integer(*number),
            Self::LongInteger(number) => Value::LongInteger(*number),
            Self::BigInteger(bytes) => Value::BigInteger(bytes),
            Self::Enumeration(value) => Value::Enumeration(*value),
            Self::Boolean(value) => Value::Boolean(*value),
            Self::Text(text) => Value::Text(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::DateTime(seconds) => Value::DateTime(*seconds),
            Self::Interval(seconds) => Value::Interval(*seconds),
        };
        Item { tag: Tag(tag), value }
    }
}

fn owned() -> impl Strategy<Value = Owned> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Owned::Integer),
        any::<i64>().prop_map(Owned::LongInteger),
        prop::collection::vec(any::<[u8; 8]>(), 1..4).prop_map(|parts| Owned::BigInteger(parts.concat())),
        any::<u32>().prop_map(Owned::Enumeration),
        any::<bool>().prop_map(Owned::Boolean),
        ".{0,20}".prop_map(Owned::Text),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Owned::Bytes),
        any::<i64>().prop_map(Owned::DateTime),
        any::<u32>().prop_map(Owned::Interval),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop::collection::vec((0..=0xFF_FFFF_u32, inner), 0..8).prop_map(Owned::Structure)
    })
}

proptest! {
    #[test]
    fn what_was_encoded_decodes(tag in 0..=0xFF_FFFF_u32, owned in owned()) {
        let item = owned.item(tag);
        let bytes = encode(&item);
        prop_assert_eq!(bytes.capacity(), bytes.len());
        prop_assert_eq!(decode(&bytes), Ok(item));
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(
        owned in owned(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = encode(&owned.item(0x42_0078));
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(item) = decode(&bytes) {
            prop_assert_eq!(encode(&item), bytes.clone());
        }
    }

    #[test]
    fn a_message_that_was_cut_does_not_decode(owned in owned(), at in any::<prop::sample::Index>()) {
        let bytes = encode(&owned.item(0x42_0078));
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert_eq!(decode(cut), Err(DecodeError::Truncated));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(decode(&bytes));
    }
}
