//! What is said of an object besides its bytes.

use super::tags;
use crate::ttlv::{Item, Tag};

/// What is asked for of an object's attributes to learn whose it is and how old.
pub(super) const WHOSE: [&str; 3] = [APPLICATION, GROUP, INITIAL_DATE];
/// In which state an object is.
pub(super) const STATE: &str = "State";
/// When an object was made, as the server counts time.
pub(super) const INITIAL_DATE: &str = "Initial Date";
/// What the standard has for what clients note for themselves.
pub(super) const APPLICATION: &str = "Application Specific Information";

/// What the standard has for objects that belong together.
pub(super) const GROUP: &str = "Object Group";

/// Under which name a note says whose deployment made an object.
pub(super) const DEPLOYMENT: &str = "strongroom";

/// What tells the objects that a deployment makes from all others, and from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark<'a> {
    /// Which deployment makes it.
    pub deployment: &'a str,
    /// What for: the group that it belongs to.
    pub purpose: &'a str,
}

impl<'a> Mark<'a> {
    /// The two attributes that it is, to be made with an object. One of each kind: not every server keeps more.
    pub(super) fn attributes(self) -> [Item<'a>; 2] {
        [made_by(self.deployment), attribute(GROUP, |tag| Item::text(tag, self.purpose))]
    }
}

/// The note that all objects of a deployment have, to look for them by.
pub(super) fn made_by(deployment: &str) -> Item<'_> {
    attribute(APPLICATION, |_| application(DEPLOYMENT, deployment))
}

/// For what a key may be used.
pub(super) fn usage(mask: i32) -> Item<'static> {
    attribute("Cryptographic Usage Mask", |tag| Item::integer(tag, mask))
}

/// Of what algorithm and how long a key is to be.
pub(super) fn kind(algorithm: u32, bits: i32) -> [Item<'static>; 2] {
    [
        attribute("Cryptographic Algorithm", |tag| Item::enumeration(tag, algorithm)),
        attribute("Cryptographic Length", |tag| Item::integer(tag, bits)),
    ]
}

/// What the attributes of an answer say under that name, which may be several things.
pub(super) fn said<'a, 'b>(
    payload: &'b Item<'a>,
    name: &'static str,
) -> impl Iterator<Item = &'b Item<'a>> + use<'a, 'b> {
    let attributes = payload.items().iter().filter(|item| item.tag == tags::ATTRIBUTE);
    attributes
        .filter(move |attribute| attribute.text_of(tags::ATTRIBUTE_NAME) == Some(name))
        .filter_map(|attribute| attribute.find(tags::ATTRIBUTE_VALUE))
}

fn application<'a>(namespace: &'a str, data: &'a str) -> Item<'a> {
    Item::structure(
        tags::ATTRIBUTE_VALUE,
        vec![Item::text(tags::APPLICATION_NAMESPACE, namespace), Item::text(tags::APPLICATION_DATA, data)],
    )
}

fn attribute<'a>(name: &'a str, value: impl FnOnce(Tag) -> Item<'a>) -> Item<'a> {
    Item::structure(
        tags::ATTRIBUTE,
        vec![Item::text(tags::ATTRIBUTE_NAME, name), value(tags::ATTRIBUTE_VALUE)],
    )
}
