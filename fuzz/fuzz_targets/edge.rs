//! Arbitrary bytes where the edge of the network looks for a client's address.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use strongroom_edge::{ForwardingHeaders, Networks, parse_proxy_header};

const NAMES: [&str; 4] = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fuzz_target!(|input: (bool, Vec<u8>, Vec<(u8, Vec<u8>)>)| {
    let (version_2, header, lines) = input;
    // Most inputs would else end at the first byte.
    let start: &[u8] = if version_2 { SIGNATURE } else { b"PROXY TCP" };
    parse_proxy_header(&header);
    parse_proxy_header(&[start, &header].concat());

    let proxies = Networks::parse(["192.0.2.0/24"]).expect("a network");
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            headers.append(HeaderName::from_static(NAMES[usize::from(name) % NAMES.len()]), value);
        }
    }
    for kind in [ForwardingHeaders::Off, ForwardingHeaders::XForwarded, ForwardingHeaders::Forwarded] {
        if let Ok(told) = kind.read(&headers, &proxies) {
            assert!(kind != ForwardingHeaders::Off || told.address.is_none());
        }
    }
});
