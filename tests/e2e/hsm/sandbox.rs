//! A vendor's module in the sandbox that `serve` puts itself into.

use std::path::Path;

use strongroom_faulty_pkcs11::rig::Maker;
use strongroom_tests::{Ended, Server, program};

use super::{PAYLOAD, Site, store, wait_until_read};

/// `serve`, after a first run has made what it needs.
fn serve(site: &Site, writable: &[&Path]) -> Result<Server, Ended> {
    let data = site.folder.path().join("data");
    let mut command = site.with_settings(program("strongroom-server"));
    command.arg("--data-dir").arg(&data).arg("serve").env("STRONGROOM_API__LISTEN", "127.0.0.1:0");
    let list: Vec<_> = writable.iter().map(|path| format!("{:?}", path.display().to_string())).collect();
    command.env("STRONGROOM_SANDBOX__WRITABLE", format!("[{}]", list.join(",")));
    Server::try_start(command, &data)
}

fn assert_confined(server: &Server) {
    let log = server.log();
    assert!(log.contains("the sandbox is complete") || log.contains("files=Full"), "{log}");
}

/// What lies in the folders that settings name can be read, and software tokens write nothing to serve.
#[test]
fn a_token_beside_its_module_needs_nothing_more_than_the_settings_name() {
    let site = Site::new();
    site.tokens.token("one");
    site.settings("", &[(&site.tokens.module("plain"), "one")]);
    assert!(site.start().stop().success());

    let server = serve(&site, &[]).unwrap_or_else(|ended| panic!("{ended:?}"));
    assert_confined(&server);
    let reference = store(&server.client("demo"));
    assert_eq!(server.client("demo").payload(&reference, "text/plain").text(), PAYLOAD);
    assert!(server.stop().success());
}

/// As where SoftHSM2 is installed: its settings and tokens lie in folders that no setting of ours names.
#[test]
fn what_a_module_opens_elsewhere_has_to_be_let_in() {
    let site = Site::new();
    site.tokens.token("one");
    let apart = tempfile::tempdir().unwrap();
    let (module, pin) = (apart.path().join("module.so"), apart.path().join("pin"));
    std::fs::copy(site.tokens.module("plain"), &module).unwrap();
    std::fs::copy(site.tokens.pin(), &pin).unwrap();
    let text = format!(
        "[stores]\nenabled = ['pkcs11']\n[[pkcs11.tokens]]\nmodule = '{}'\nlabel = 'one'\npin_file = '{}'\n",
        module.display(),
        pin.display()
    );
    std::fs::write(site.folder.path().join("strongroom.toml"), text).unwrap();
    assert!(site.start().stop().success());

    let refused = serve(&site, &[]).err().expect("no token without its files");
    assert!(refused.stderr.contains("no token can be used"), "{refused:?}");
    let let_in = [site.tokens.environment()[0].1.clone(), site.folder.path().join("tokens")];
    let server = serve(&site, &let_in.each_ref().map(std::path::PathBuf::as_path));
    let server = server.unwrap_or_else(|ended| panic!("{ended:?}"));
    assert_confined(&server);
    store(&server.client("demo"));
    assert!(server.stop().success());
}

/// What mends a lost token needs no more than what first connected it.
#[test]
fn a_token_is_mended_inside_the_sandbox() {
    let site = Site::new();
    let kryoptic = site.tokens.by(Maker::Kryoptic);
    kryoptic.token("one");
    let module = kryoptic.faulty_module("faulty");
    site.settings("", &[(&module.0, "one")]);
    assert!(site.start().stop().success());

    let server = serve(&site, &[]).unwrap_or_else(|ended| panic!("{ended:?}"));
    assert_confined(&server);
    let client = server.client("demo");
    let reference = store(&client);
    module.order("* 0x32");
    assert_eq!(client.payload(&reference, "text/plain").status, 503);
    // Its module works again only once it was initialised anew, inside the sandbox.
    module.order("* 0x32 until-initialize");
    wait_until_read(&client, &reference);
    assert!(server.stop().success());
}
