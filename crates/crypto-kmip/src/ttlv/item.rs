use std::fmt;

/// What an item is: three bytes, of which the first is 0x42 in every tag of the standard.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(pub u32);

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06x}", self.0)
    }
}

/// A tag and what stands behind it. Texts and bytes are borrowed: from the caller when a message is built,
/// from the message when it is read, so that a key lies in memory once.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<'a> {
    /// What it is.
    pub tag: Tag,
    /// What it says.
    pub value: Value<'a>,
}

/// What an item says. Printed without the bytes: they may be a key.
#[derive(Clone, PartialEq)]
pub enum Value<'a> {
    /// Items in their order.
    Structure(Vec<Item<'a>>),
    /// A number.
    Integer(i32),
    /// A large number.
    LongInteger(i64),
    /// A number of any size, big-endian, in two's complement; its length is a multiple of eight.
    BigInteger(&'a [u8]),
    /// One of a list of values. Those that the standard does not have are kept as they are.
    Enumeration(u32),
    /// Yes or no.
    Boolean(bool),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Seconds since 1970.
    DateTime(i64),
    /// Seconds.
    Interval(u32),
}

impl<'a> Item<'a> {
    /// An item of several.
    pub fn structure(tag: Tag, items: Vec<Item<'a>>) -> Self {
        Self { tag, value: Value::Structure(items) }
    }

    /// A number.
    pub fn integer(tag: Tag, number: i32) -> Self {
        Self { tag, value: Value::Integer(number) }
    }

    /// One of a list of values.
    pub fn enumeration(tag: Tag, value: u32) -> Self {
        Self { tag, value: Value::Enumeration(value) }
    }

    /// Yes or no.
    pub fn boolean(tag: Tag, value: bool) -> Self {
        Self { tag, value: Value::Boolean(value) }
    }

    /// Text.
    pub fn text(tag: Tag, text: &'a str) -> Self {
        Self { tag, value: Value::Text(text) }
    }

    /// Bytes.
    pub fn bytes(tag: Tag, bytes: &'a [u8]) -> Self {
        Self { tag, value: Value::Bytes(bytes) }
    }

    /// The items of a structure; none when it is no structure.
    pub fn items(&self) -> &[Item<'a>] {
        match &self.value {
            Value::Structure(items) => items,
            _ => &[],
        }
    }

    /// The first item with that tag.
    pub fn find(&self, tag: Tag) -> Option<&Item<'a>> {
        self.items().iter().find(|item| item.tag == tag)
    }

    /// What the first item with that tag says.
    pub fn value_of(&self, tag: Tag) -> Option<&Value<'a>> {
        self.find(tag).map(|item| &item.value)
    }

    /// The text of the first item with that tag.
    pub fn text_of(&self, tag: Tag) -> Option<&'a str> {
        match self.value_of(tag) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The bytes of the first item with that tag.
    pub fn bytes_of(&self, tag: Tag) -> Option<&'a [u8]> {
        match self.value_of(tag) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// The value, of a list of values, of the first item with that tag.
    pub fn enumeration_of(&self, tag: Tag) -> Option<u32> {
        match self.value_of(tag) {
            Some(Value::Enumeration(value)) => Some(*value),
            _ => None,
        }
    }

    /// The number of the first item with that tag.
    pub fn integer_of(&self, tag: Tag) -> Option<i32> {
        match self.value_of(tag) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Structure(items) => f.debug_list().entries(items).finish(),
            Self::Integer(number) => write!(f, "Integer({number})"),
            Self::LongInteger(number) => write!(f, "LongInteger({number})"),
            Self::BigInteger(bytes) => write!(f, "BigInteger({} bytes)", bytes.len()),
            Self::Enumeration(value) => write!(f, "Enumeration({value:#x})"),
            Self::Boolean(value) => write!(f, "Boolean({value})"),
            Self::Text(text) => write!(f, "Text({text:?})"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::DateTime(seconds) => write!(f, "DateTime({seconds})"),
            Self::Interval(seconds) => write!(f, "Interval({seconds})"),
        }
    }
}
