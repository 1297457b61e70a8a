//! Asking for a PIN at the terminal.

use std::fs::OpenOptions;
use std::io::{self, BufRead as _, BufReader, Write as _};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use secrecy::SecretString;
use zeroize::Zeroize as _;

/// Longer than any token's PIN; what is read is never moved to a larger place.
const ROOM: usize = 512;

/// Asks at the terminal, which shows nothing of the answer. Fails without one.
pub(crate) fn pin(whose: &str) -> io::Result<SecretString> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let shown = tcgetattr(&terminal)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Flush, &hidden)?;
    let mut typed = String::with_capacity(ROOM);
    // Asked for only now: what is typed before that would be shown, and then thrown away.
    let asked = write!(terminal, "PIN of {whose}: ").and_then(|()| terminal.try_clone());
    let read = asked.and_then(|from| BufReader::with_capacity(1, from).read_line(&mut typed));
    // Before anything else can go wrong.
    tcsetattr(&terminal, OptionalActions::Flush, &shown)?;
    writeln!(terminal)?;
    let pin = SecretString::from(typed.trim_end_matches('\n'));
    typed.zeroize();
    read?;
    Ok(pin)
}
