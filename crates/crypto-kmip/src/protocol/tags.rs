//! The tags in use (KMIP 1.4, section 9.1.3.1).
#![expect(missing_docs, reason = "each has the standard's own name")]

use crate::ttlv::Tag;

pub const ATTRIBUTE: Tag = Tag(0x42_0008);
pub const ATTRIBUTE_NAME: Tag = Tag(0x42_000A);
pub const ATTRIBUTE_VALUE: Tag = Tag(0x42_000B);
pub const BATCH_COUNT: Tag = Tag(0x42_000D);
pub const BATCH_ITEM: Tag = Tag(0x42_000F);
pub const BLOCK_CIPHER_MODE: Tag = Tag(0x42_0011);
pub const CRYPTOGRAPHIC_ALGORITHM: Tag = Tag(0x42_0028);
pub const CRYPTOGRAPHIC_LENGTH: Tag = Tag(0x42_002A);
pub const CRYPTOGRAPHIC_PARAMETERS: Tag = Tag(0x42_002B);
pub const IV_COUNTER_NONCE: Tag = Tag(0x42_003D);
pub const KEY_BLOCK: Tag = Tag(0x42_0040);
pub const KEY_FORMAT_TYPE: Tag = Tag(0x42_0042);
pub const KEY_MATERIAL: Tag = Tag(0x42_0043);
pub const KEY_VALUE: Tag = Tag(0x42_0045);
pub const MAXIMUM_RESPONSE_SIZE: Tag = Tag(0x42_0050);
pub const OBJECT_TYPE: Tag = Tag(0x42_0057);
pub const OPERATION: Tag = Tag(0x42_005C);
pub const PROTOCOL_VERSION: Tag = Tag(0x42_0069);
pub const PROTOCOL_VERSION_MAJOR: Tag = Tag(0x42_006A);
pub const PROTOCOL_VERSION_MINOR: Tag = Tag(0x42_006B);
pub const QUERY_FUNCTION: Tag = Tag(0x42_0074);
pub const REQUEST_HEADER: Tag = Tag(0x42_0077);
pub const REQUEST_MESSAGE: Tag = Tag(0x42_0078);
pub const REQUEST_PAYLOAD: Tag = Tag(0x42_0079);
pub const RESPONSE_HEADER: Tag = Tag(0x42_007A);
pub const RESPONSE_MESSAGE: Tag = Tag(0x42_007B);
pub const RESPONSE_PAYLOAD: Tag = Tag(0x42_007C);
pub const RESULT_MESSAGE: Tag = Tag(0x42_007D);
pub const RESULT_REASON: Tag = Tag(0x42_007E);
pub const RESULT_STATUS: Tag = Tag(0x42_007F);
pub const REVOCATION_REASON: Tag = Tag(0x42_0081);
pub const REVOCATION_REASON_CODE: Tag = Tag(0x42_0082);
pub const SECRET_DATA: Tag = Tag(0x42_0085);
pub const SECRET_DATA_TYPE: Tag = Tag(0x42_0086);
pub const TEMPLATE_ATTRIBUTE: Tag = Tag(0x42_0091);
pub const UNIQUE_BATCH_ITEM_ID: Tag = Tag(0x42_0093);
pub const UNIQUE_IDENTIFIER: Tag = Tag(0x42_0094);
pub const VENDOR_IDENTIFICATION: Tag = Tag(0x42_009D);
pub const DATA: Tag = Tag(0x42_00C2);
pub const TAG_LENGTH: Tag = Tag(0x42_00CE);
pub const AUTHENTICATED_ENCRYPTION_ADDITIONAL_DATA: Tag = Tag(0x42_00FE);
pub const AUTHENTICATED_ENCRYPTION_TAG: Tag = Tag(0x42_00FF);
