use zeroize::Zeroizing;

use super::codes::Operation;
use super::tags;
use crate::ttlv::{Item, MAX_MESSAGE, encode};

/// The version of the protocol that is spoken, major and minor: the first with AES-GCM's associated data.
pub const VERSION: (i32, i32) = (1, 4);

/// Tells the requests of a connection apart. A server that echoes it proves which one it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchId(pub [u8; 8]);

/// The protocol version as an item.
pub(super) fn version() -> Item<'static> {
    Item::structure(
        tags::PROTOCOL_VERSION,
        vec![
            Item::integer(tags::PROTOCOL_VERSION_MAJOR, VERSION.0),
            Item::integer(tags::PROTOCOL_VERSION_MINOR, VERSION.1),
        ],
    )
}

/// A message with one request in it.
pub(super) fn request(operation: Operation, id: BatchId, payload: Vec<Item<'_>>) -> Zeroizing<Vec<u8>> {
    let largest = i32::try_from(MAX_MESSAGE).unwrap_or(i32::MAX);
    encode(&Item::structure(
        tags::REQUEST_MESSAGE,
        vec![
            Item::structure(
                tags::REQUEST_HEADER,
                vec![
                    version(),
                    Item::integer(tags::MAXIMUM_RESPONSE_SIZE, largest),
                    Item::integer(tags::BATCH_COUNT, 1),
                ],
            ),
            Item::structure(
                tags::BATCH_ITEM,
                vec![
                    Item::enumeration(tags::OPERATION, operation.0),
                    Item::bytes(tags::UNIQUE_BATCH_ITEM_ID, &id.0),
                    Item::structure(tags::REQUEST_PAYLOAD, payload),
                ],
            ),
        ],
    ))
}
