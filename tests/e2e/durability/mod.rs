//! What was acknowledged survives `kill -9`; what was not is wholly there or wholly not.
//!
//! Several writers, each with a ledger of what it was promised, work on the real server until it is killed at
//! a random moment. The next server's answers are held against the ledgers, and the load goes on.

pub(crate) mod dice;
mod ledger;
mod secret;
mod trail;
mod writer;

use std::path::Path;
use std::process::Stdio;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use strongroom_tests::{Client, Server, records};

use self::dice::Dice;
use self::ledger::Ledger;

const ROUNDS: u32 = 200;
const WRITERS: usize = 4;

#[test]
fn acknowledged_changes_survive_kills_and_no_half_of_others_does() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut ledgers: Vec<_> = (0..WRITERS).map(Ledger::new).collect();
    let mut dice = Dice::new();
    for round in 0..ROUNDS {
        if round % 8 == 7 {
            kill_while_starting(&data, &mut dice);
        }
        one_life(start(&data), &mut ledgers, &mut dice);
    }

    let server = start(&data);
    thread::scope(|scope| {
        for ledger in &mut ledgers {
            let endpoint = server.endpoint();
            scope.spawn(move || {
                ledger.resolve(&Client::new(&endpoint));
                ledger.check_all(&Client::new(&endpoint));
            });
        }
    });
    let verified = server.admin(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(server.stop().success());
    trail::check(&records(&data.join("journal")), &ledgers);

    let acknowledged: usize = ledgers.iter().map(|ledger| ledger.acknowledged.len()).sum();
    assert!(acknowledged > 1000, "only {acknowledged} changes were acknowledged: the load was none");
    let cut: usize = ledgers.iter().map(|ledger| ledger.cut_off).sum();
    assert!(cut > 100, "only {cut} changes were cut off by a kill");
}

/// Journal files as small as they may be, so that kills also hit the moments between two of them.
fn start(data: &Path) -> Server {
    let mut command = Server::command(data);
    command.env("STRONGROOM_AUDIT__SEGMENT_BYTES", "65536");
    Server::try_start(command, data).unwrap_or_else(|ended| panic!("no start: {ended:?}"))
}

/// Checks what the last life left, loads the server, and kills it at a random moment.
fn one_life(server: Server, ledgers: &mut [Ledger], dice: &mut Dice) {
    let checked = Barrier::new(ledgers.len() + 1);
    thread::scope(|scope| {
        for ledger in ledgers {
            let (endpoint, checked) = (server.endpoint(), &checked);
            scope.spawn(move || {
                let client = Client::new(&endpoint);
                ledger.resolve(&client);
                ledger.check_latest(&client);
                checked.wait();
                writer::work(ledger, &client);
            });
        }
        let endpoint = server.endpoint();
        scope.spawn(move || writer::read(&Client::new(&endpoint)));
        checked.wait();
        thread::sleep(Duration::from_millis(dice.below(150)));
        server.kill();
    });
}

/// A start is cut off as well as a life, while it settles and mends what the last one left.
fn kill_while_starting(data: &Path, dice: &mut Dice) {
    let mut command = Server::command(data);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(dice.below(40)));
    child.kill().unwrap();
    child.wait().unwrap();
}
