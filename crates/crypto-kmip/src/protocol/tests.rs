//! Requests byte by byte, and what is no answer.

use proptest::prelude::*;

use super::codes::Operation;
use super::*;
use crate::ttlv::{Item, Value, encode};

const ID: BatchId = BatchId([0, 0, 0, 0, 0, 0, 0, 7]);

/// As PyKMIP 0.11.0 encodes the same requests.
const GET: &str = "42007801000000904200770100000048420069010000002042006a0200000004000000010000000042006b0200000004\
     00000004000000004200500200000004001000000000000042000d0200000004000000010000000042000f0100000038\
     42005c05000000040000000a000000004200930800000008000000000000000742007901000000104200940700000001\
     3700000000000000";
const DECRYPT: &str = "42007801000001184200770100000048420069010000002042006a0200000004000000010000000042006b0200000004\
     00000004000000004200500200000004001000000000000042000d0200000004000000010000000042000f01000000c0\
     42005c050000000400000020000000004200930800000008000000000000000742007901000000984200940700000001\
     370000000000000042002b01000000304200110500000004000000090000000042002805000000040000000300000000\
     4200ce020000000400000010000000004200c20800000003010203000000000042003d080000000c0001020304050607\
     08090a0b000000004200fe080000000361616400000000004200ff080000001055555555555555555555555555555555";
const CREATE: &str = "42007801000001404200770100000048420069010000002042006a0200000004000000010000000042006b0200000004\
     00000004000000004200500200000004001000000000000042000d0200000004000000010000000042000f01000000e8\
     42005c050000000400000001000000004200930800000008000000000000000742007901000000c04200570500000004\
     000000020000000042009101000000a8420008010000003042000a070000001743727970746f6772617068696320416c\
     676f726974686d0042000b05000000040000000300000000420008010000003042000a070000001443727970746f6772\
     6170686963204c656e6774680000000042000b02000000040000010000000000420008010000003042000a0700000018\
     43727970746f67726170686963205573616765204d61736b42000b02000000040000000c00000000";

const CREATE_MARKED: &str = "42007801000001f84200770100000048420069010000002042006a0200000004000000010000000042006b02000000\
     0400000004000000004200500200000004001000000000000042000d0200000004000000010000000042000f01000001\
     a042005c0500000004000000010000000042009308000000080000000000000007420079010000017842005705000000\
     0400000002000000004200910100000160420008010000003042000a070000001743727970746f677261706869632041\
     6c676f726974686d0042000b05000000040000000300000000420008010000003042000a070000001443727970746f67\
     726170686963204c656e6774680000000042000b02000000040000008000000000420008010000003042000a07000000\
     1843727970746f67726170686963205573616765204d61736b42000b02000000040000004c0000000042000801000000\
     5842000a07000000204170706c69636174696f6e20537065636966696320496e666f726d6174696f6e42000b01000000\
     28420003070000000a7374726f6e67726f6f6d0000000000004200020700000001310000000000000042000801000000\
     5042000a070000000c4f626a6563742047726f75700000000042000b070000002b7365637265742f3934633365306132\
     2d366238622d346237652d386539662d3061316232633364346535660000000000";
const LOCATE: &str = "42007801000001004200770100000048420069010000002042006a0200000004000000010000000042006b02000000\
     0400000004000000004200500200000004001000000000000042000d0200000004000000010000000042000f01000000\
     a842005c0500000004000000080000000042009308000000080000000000000007420079010000008042004f02000000\
     04000003e8000000004200d40200000004000007d000000000420008010000005842000a07000000204170706c696361\
     74696f6e20537065636966696320496e666f726d6174696f6e42000b0100000028420003070000000a7374726f6e6772\
     6f6f6d00000000000042000207000000013100000000000000";
const GET_MARK: &str = "42007801000000e84200770100000048420069010000002042006a0200000004000000010000000042006b02000000\
     0400000004000000004200500200000004001000000000000042000d0200000004000000010000000042000f01000000\
     9042005c05000000040000000b0000000042009308000000080000000000000007420079010000006842009407000000\
     01370000000000000042000a07000000204170706c69636174696f6e20537065636966696320496e666f726d6174696f\
     6e42000a070000000c4f626a6563742047726f75700000000042000a070000000c496e697469616c2044617465000000\
     00";

/// As a server of another maker's, Cosmian KMS 5.28.0, answered requests of ours: that for `CREATE_MARKED`, the search
/// for what that gave, the question whose it is, and one for an object that is not there.
const COSMIAN_MADE: &str = "42007b01000000d042007a0100000048420069010000002042006a0200000004000000010000000042006b02000000\
     0400000004000000004200920900000008000000006b05ce4142000d0200000004000000010000000042000f01000000\
     7842005c050000000400000001000000004200930800000008000000000000000742007f050000000400000000000000\
     0042007c010000004042005705000000040000000200000000420094070000002435383635356436312d623361372d34\
     3639662d623531362d66313137323335393630373300000000";
const COSMIAN_LOCATED: &str = "42007b01000000c042007a0100000048420069010000002042006a0200000004000000010000000042006b02000000\
     0400000004000000004200920900000008000000006b05ce4142000d0200000004000000010000000042000f01000000\
     6842005c050000000400000008000000004200930800000008000000000000000742007f050000000400000000000000\
     0042007c0100000030420094070000002435383635356436312d623361372d343639662d623531362d66313137323335\
     393630373300000000";
const COSMIAN_MARKED: &str = "42007b01000001a842007a0100000048420069010000002042006a0200000004000000010000000042006b02000000\
     0400000004000000004200920900000008000000006b05ce4142000d0200000004000000010000000042000f01000001\
     5042005c05000000040000000b000000004200930800000008000000000000000742007f050000000400000000000000\
     0042007c0100000118420094070000002435383635356436312d623361372d343639662d623531362d66313137323335\
     393630373300000000420008010000005842000a07000000204170706c69636174696f6e20537065636966696320496e\
     666f726d6174696f6e42000b0100000028420003070000000a7374726f6e67726f6f6d00000000000042000207000000\
     013100000000000000420008010000002842000a070000000c496e697469616c20446174650000000042000b09000000\
     08000000006b05ce41420008010000005042000a070000000c4f626a6563742047726f75700000000042000b07000000\
     2b7365637265742f39346333653061322d366238622d346237652d386539662d30613162326333643465356600000000\
     00";
const COSMIAN_REFUSED: &str = "42007b01000000c842007a0100000048420069010000002042006a0200000004000000010000000042006b02000000\
     0400000004000000004200920900000008000000006b05ce4142000d0200000004000000010000000042000f01000000\
     7042005c05000000040000000a000000004200930800000008000000000000000742007f050000000400000001000000\
     0042007e0500000004000000370000000042007d07000000216f626a656374206e6f7420666f756e6420666f72206964\
     656e746966696572203700000000000000";
const COSMIAN_UID: &str = "58655d61-b3a7-469f-b516-f11723596073";

/// What is in the mark of `CREATE_MARKED`.
const MARK: Mark<'_> = Mark { deployment: "1", purpose: "secret/94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f" };

/// What a master key is made by.
const MASTER_KEY: Request<'_> =
    Request::Create(KeyKind { algorithm: codes::AES, bits: 256 }, codes::ENCRYPT_AND_DECRYPT, None);

/// KMIP Use Cases 1.0 (OASIS, committee specification 01), 3.1.1: the answer to Create. These bytes are the
/// standard's, so neither ours nor PyKMIP's.
const CREATED: &str = "42007B01000000C042007A0100000048420069010000002042006A0200000004000000010000000042006B0200000004\
     00000000000000004200920900000008000000004AFBE7C242000D0200000004000000010000000042000F0100000068\
     42005C0500000004000000010000000042007F0500000004000000000000000042007C01000000404200570500000004\
     0000000200000000420094070000002466633838333364652D373064322D346563652D623036332D6665646533613363\
     3539666500000000";

#[test]
fn the_standards_own_answer_is_read_and_written_alike() {
    let bytes = hex::decode(CREATED).unwrap();
    let answer = crate::ttlv::decode(&bytes).unwrap();
    assert_eq!(*encode(&answer), bytes);
    let uid = "fc8833de-70d2-4ece-b063-fede3a3c59fe";
    let payload = answer.items()[1].find(tags::RESPONSE_PAYLOAD).unwrap();
    assert_eq!(payload.text_of(tags::UNIQUE_IDENTIFIER), Some(uid));
    // It is of version 1.0, and so no answer to a request of ours; in ours it is one.
    let judged = Reply::judge(&bytes, &MASTER_KEY, ID);
    assert!(matches!(judged, Err(Fault::Wrong(what)) if what.contains("version")));
    let mut ours = bytes;
    let minor = ours.windows(3).position(|tag| tag == [0x42, 0, 0x6B]).unwrap() + 11;
    ours[minor] = 4;
    assert_eq!(Reply::judge(&ours, &MASTER_KEY, ID).unwrap().uid().unwrap(), uid);
}

#[test]
fn requests_are_those_of_another_implementation() {
    let gcm = Gcm {
        nonce: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
        associated: b"aad",
        text: &[1, 2, 3],
        tag: Some(&[0x55; 16]),
    };
    let usage = codes::EXPORT | codes::ENCRYPT_AND_DECRYPT;
    for (request, golden) in [
        (Request::Get("7"), GET),
        (Request::Decrypt("7", gcm), DECRYPT),
        (MASTER_KEY, CREATE),
        (Request::Create(KeyKind { algorithm: codes::AES, bits: 128 }, usage, Some(MARK)), CREATE_MARKED),
        (Request::LocateMade("1", Window { offset: 2000, most: 1000 }), LOCATE),
        (Request::GetMark("7"), GET_MARK),
    ] {
        assert_eq!(hex::encode(&*request.encode(ID)), golden, "{}", request.operation());
    }
}

#[test]
fn answers_of_another_makers_server_are_read_and_written_alike() {
    let bytes = |hex: &str| hex::decode(hex).unwrap();
    for golden in [COSMIAN_MADE, COSMIAN_LOCATED, COSMIAN_MARKED, COSMIAN_REFUSED].map(bytes) {
        assert_eq!(*encode(&crate::ttlv::decode(&golden).unwrap()), golden);
    }
    let (made, located) = (bytes(COSMIAN_MADE), bytes(COSMIAN_LOCATED));
    assert_eq!(Reply::judge(&made, &MASTER_KEY, ID).unwrap().uid().unwrap(), COSMIAN_UID);
    let search = Request::LocateMade("1", Window { offset: 0, most: 1000 });
    assert_eq!(Reply::judge(&located, &search, ID).unwrap().located(), [COSMIAN_UID]);
    let marked = bytes(COSMIAN_MARKED);
    let reply = Reply::judge(&marked, &Request::GetMark(COSMIAN_UID), ID).unwrap();
    assert_eq!(reply.mark(), Some(MARK));
    assert!(reply.made().unwrap() > 1_700_000_000);
    let refused = Reply::judge(&bytes(COSMIAN_REFUSED), &Request::Get("7"), ID).unwrap_err();
    let Fault::Refused { operation, reason, .. } = refused else { panic!("{refused:?}") };
    assert_eq!((operation, reason), (Operation::GET, codes::OBJECT_NOT_FOUND));
}

/// An answer to `Get` of the object `7`, but for what `alter` does to it.
fn answer(alter: impl FnOnce(&mut Vec<Item<'static>>)) -> Vec<u8> {
    let version = Item::structure(
        tags::PROTOCOL_VERSION,
        vec![Item::integer(tags::PROTOCOL_VERSION_MAJOR, 1), Item::integer(tags::PROTOCOL_VERSION_MINOR, 4)],
    );
    let header = Item::structure(tags::RESPONSE_HEADER, vec![version, Item::integer(tags::BATCH_COUNT, 1)]);
    let mut items = vec![
        Item::enumeration(tags::OPERATION, Operation::GET.0),
        Item::bytes(tags::UNIQUE_BATCH_ITEM_ID, &ID.0),
        Item::enumeration(tags::RESULT_STATUS, codes::SUCCESS),
        Item::structure(tags::RESPONSE_PAYLOAD, vec![Item::text(tags::UNIQUE_IDENTIFIER, "7")]),
    ];
    alter(&mut items);
    let item = Item::structure(tags::BATCH_ITEM, items);
    encode(&Item::structure(tags::RESPONSE_MESSAGE, vec![header, item])).to_vec()
}

fn fault(message: &[u8]) -> Fault {
    Reply::judge(message, &Request::Get("7"), ID).unwrap_err()
}

#[test]
fn an_answer_is_to_this_very_question() {
    assert!(Reply::judge(&answer(|_| {}), &Request::Get("7"), ID).is_ok());
    // Servers need not echo the id.
    assert!(Reply::judge(&answer(|items| drop(items.remove(1))), &Request::Get("7"), ID).is_ok());
    for (message, told) in [
        (answer(|items| items[0] = Item::enumeration(tags::OPERATION, 18)), "another operation"),
        (answer(|items| drop(items.remove(0))), "another operation"),
        (answer(|items| items[1] = Item::bytes(tags::UNIQUE_BATCH_ITEM_ID, &[1; 8])), "another request"),
        (
            answer(|items| {
                let other = vec![Item::text(tags::UNIQUE_IDENTIFIER, "8")];
                items[3] = Item::structure(tags::RESPONSE_PAYLOAD, other);
            }),
            "another object",
        ),
        (answer(|items| drop(items.remove(3))), "another object"),
    ] {
        let Fault::Wrong(found) = fault(&message) else { panic!("{told}") };
        assert!(found.contains(told), "{found}");
    }
}

#[test]
fn a_mark_is_read_only_when_it_is_one() {
    let note = |namespace, data| {
        let said = vec![
            Item::text(tags::APPLICATION_NAMESPACE, namespace),
            Item::text(tags::APPLICATION_DATA, data),
        ];
        Item::structure(
            tags::ATTRIBUTE,
            vec![
                Item::text(tags::ATTRIBUTE_NAME, "Application Specific Information"),
                Item::structure(tags::ATTRIBUTE_VALUE, said),
            ],
        )
    };
    let date = Item::structure(
        tags::ATTRIBUTE,
        vec![
            Item::text(tags::ATTRIBUTE_NAME, "Initial Date"),
            Item { tag: tags::ATTRIBUTE_VALUE, value: Value::DateTime(7) },
        ],
    );
    let group = |purpose| {
        let said = vec![
            Item::text(tags::ATTRIBUTE_NAME, "Object Group"),
            Item::text(tags::ATTRIBUTE_VALUE, purpose),
        ];
        Item::structure(tags::ATTRIBUTE, said)
    };
    let (ours, purpose) = (note("strongroom", "1"), group("secret/x"));
    let whole = Some(Mark { deployment: "1", purpose: "secret/x" });
    for (notes, found) in [
        (vec![note("backup", "7"), ours.clone(), purpose.clone()], whole),
        (vec![purpose.clone(), ours.clone()], whole),
        (vec![ours.clone()], None),
        (vec![purpose.clone()], None),
        (vec![ours.clone(), purpose.clone(), note("strongroom", "2")], None),
        (vec![ours.clone(), purpose.clone(), group("secret/y")], None),
        (vec![note("Strongroom", "1"), purpose], None),
        (Vec::new(), None),
    ] {
        let message = answer(|items| {
            items[0] = Item::enumeration(tags::OPERATION, Operation::GET_ATTRIBUTES.0);
            let mut said = vec![Item::text(tags::UNIQUE_IDENTIFIER, "7"), date.clone()];
            said.extend(notes);
            items[3] = Item::structure(tags::RESPONSE_PAYLOAD, said);
        });
        let reply = Reply::judge(&message, &Request::GetMark("7"), ID).unwrap();
        assert_eq!((reply.mark(), reply.made()), (found, Some(7)));
    }
}

#[test]
fn a_refusal_is_told_with_its_reason_and_without_control_characters() {
    let refusal = answer(|items| {
        items[2] = Item::enumeration(tags::RESULT_STATUS, 1);
        items.insert(3, Item::text(tags::RESULT_MESSAGE, "no\nsuch\u{1b}object"));
        items.insert(3, Item::enumeration(tags::RESULT_REASON, 0x37));
    });
    assert_eq!(
        fault(&refusal),
        Fault::Refused {
            operation: Operation::GET,
            reason: codes::OBJECT_NOT_FOUND,
            text: "nosuchobject".to_owned()
        }
    );
}

proptest! {
    /// Real messages with some bytes altered and the end cut off: what still decodes is encoded to the very same
    /// bytes, and whatever is judged, nothing panics.
    #[test]
    fn damaged_messages_are_refused_or_read_for_what_they_are(
        golden in prop::sample::select(vec![GET, DECRYPT, CREATE, LOCATE, GET_MARK, CREATED, COSMIAN_LOCATED, COSMIAN_MARKED]),
        altered in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = hex::decode(golden).unwrap();
        for (at, byte) in altered {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(item) = crate::ttlv::decode(&bytes) {
            prop_assert_eq!(&*encode(&item), &bytes);
        }
        for request in [Request::Get("7"), Request::Query, MASTER_KEY, Request::GetMark("7")] {
            if let Ok(reply) = Reply::judge(&bytes, &request, ID) {
                drop((reply.uid(), reply.object(), reply.data(), reply.tag(), reply.state()));
                drop((reply.versions(), reply.operations(), reply.vendor()));
                drop((reply.located(), reply.mark(), reply.made()));
            }
        }
    }
}
