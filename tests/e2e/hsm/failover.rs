//! Tokens of two makers behind one server, and how soon a server is back when its tokens are.

use std::time::{Duration, Instant};

use strongroom_faulty_pkcs11::rig::Maker;

use super::{PAYLOAD, Site, path, store};

#[test]
fn another_makers_token_takes_over() {
    let site = Site::new();
    let kryoptic = site.tokens.by(Maker::Kryoptic);
    site.tokens.token("one");
    kryoptic.token("two");
    let modules = [site.tokens.faulty_module("first"), kryoptic.faulty_module("second")];
    site.settings("", &[(&modules[0].0, "one"), (&modules[1].0, "two")]);
    let server = site.start();
    let client = server.client("demo");
    let mut stored = vec![store(&client)];
    for (down, up) in [(0, 1), (1, 0), (0, 1)] {
        modules[up].heal();
        let began = Instant::now();
        while site.admin(&["list"]).0 != Some(0) {
            assert!(began.elapsed() < Duration::from_secs(20), "a token stays down");
        }
        // The server's own keeper tries at least twice a second.
        std::thread::sleep(Duration::from_secs(2));
        modules[down].order("* 0x32");
        stored.push(store(&client));
        for reference in &stored {
            assert_eq!(client.payload(path(reference), "text/plain").text(), PAYLOAD);
        }
    }
    assert!(server.stop().success());
}

/// All tokens are lost for longer than requests wait, and come back. Half a second is the longest that the keeper
/// waits between two attempts, so that most of a second is left for a busy machine.
#[test]
fn the_first_success_after_the_loss_of_all_tokens_comes_within_a_second() {
    let site = Site::new();
    site.tokens.token("one");
    site.tokens.token("two");
    let modules = ["first", "second"].map(|name| site.tokens.faulty_module(name));
    site.settings("", &[(&modules[0].0, "one"), (&modules[1].0, "two")]);
    let server = site.start();
    let client = server.client("demo");
    let reference = store(&client);
    let mut took = Vec::new();
    for _ in 0..7 {
        for module in &modules {
            module.order("* 0x32");
        }
        let lost = Instant::now();
        while lost.elapsed() < Duration::from_millis(1500) {
            assert_eq!(client.payload(&reference, "text/plain").status, 503);
        }
        modules.iter().for_each(strongroom_faulty_pkcs11::rig::Faulty::heal);
        let back = Instant::now();
        while client.payload(&reference, "text/plain").status != 200 {
            assert!(back.elapsed() < Duration::from_secs(20), "no recovery");
        }
        took.push(back.elapsed());
    }
    took.sort_unstable();
    assert!(took[took.len() / 2] < Duration::from_secs(1), "{took:?}");
    assert!(server.stop().success());
}
