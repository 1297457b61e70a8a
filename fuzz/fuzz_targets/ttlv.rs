//! Arbitrary bytes as KMIP messages: what decodes must encode to the very same bytes, and no answer may panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_crypto_kmip::protocol::{BatchId, KeyKind, Reply, Request, Window, codes};
use strongroom_crypto_kmip::ttlv::{decode, encode};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(item) = decode(bytes) {
        assert_eq!(*encode(&item), bytes);
    }
    let (aes, window) = (KeyKind { algorithm: codes::AES, bits: 256 }, Window { offset: 0, most: 9 });
    for request in [
        Request::Get("7"),
        Request::Query,
        Request::Create(aes, codes::EXPORT, None),
        Request::LocateMade("1", window),
        Request::GetState("7"),
        Request::GetMark("7"),
    ] {
        if let Ok(reply) = Reply::judge(bytes, &request, BatchId([7; 8])) {
            drop((reply.uid(), reply.object(), reply.data(), reply.tag(), reply.state()));
            drop((reply.versions(), reply.operations(), reply.vendor()));
            drop((reply.located(), reply.mark(), reply.made()));
        }
    }
});
