//! The samples of the handbook's page on the network.

use std::process::Command;

use strongroom_tests::run;

#[test]
fn the_sample_firewall_is_sound() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/nftables.conf");
    let ended = run(Command::new("nft").args(["-c", "-f", rules]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
