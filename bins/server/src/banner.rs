//! What the server prints for people. Whether anybody reads it does not matter: a server whose output nobody
//! takes still serves.

use std::io::{self, Write as _};
use std::path::Path;

use strongroom_runtime::{FirstRun, Shown};

use crate::flags::Output;

/// One line per setting: key, value, source.
pub(crate) fn print_settings(shown: &[Shown], output: Output) {
    match output {
        Output::Json => say(&serde_json::json!(shown).to_string()),
        Output::Table => {
            let width = shown.iter().map(|setting| setting.key.len()).max().unwrap_or(0);
            for setting in shown {
                say(&format!("{:width$}  {}  ({})", setting.key, setting.value, setting.source));
            }
        }
    }
}

/// What a first-time user needs to go on. `open` tells whether callers need no credentials.
pub(crate) fn print_first_run(data_dir: &Path, endpoint: &str, made: &FirstRun, open: bool) {
    let folder = data_dir.display();
    if made.made_master_key {
        say(&format!("Made a new master key, database and audit journal in {folder}."));
        say(&format!("Keep a copy of {folder}/master.key elsewhere: without it no secret can be read.\n"));
    } else {
        say(&format!("Using the master key, database and audit journal in {folder}.\n"));
    }
    print_ready(endpoint);
    if open {
        say("Anyone on this machine can act as any project (unauthenticated context, loopback only).\n");
    }
    if let Some(certificate) = &made.self_signed {
        let certificate = shell_word(certificate);
        say(&format!(
            "Its certificate is its own, made for this machine. Clients trust it by the file\n\
             {certificate}{}.\n",
            if open { ", as below" } else { "" }
        ));
    }
    if open {
        print_lines_to_try(endpoint, made);
    }
    say("\nStop with Ctrl-C.");
}

fn print_lines_to_try(endpoint: &str, made: &FirstRun) {
    let trust = |flag| {
        made.self_signed.as_ref().map_or(String::new(), |file| format!(" {flag} {}", shell_word(file)))
    };
    say(&format!(
        "Try:\n  \
         curl{} -H 'X-Project-Id: demo' -H 'Content-Type: application/json' \
         -d '{{\"name\": \"first\", \"payload\": \"correct horse\", \"payload_content_type\": \"text/plain\"}}' \
         {endpoint}/v1/secrets\n  \
         openstack{} --os-auth-type none --os-endpoint {endpoint}/v1 secret store --name second --payload s3cret",
        trust("--cacert"),
        trust("--os-cacert")
    ));
}

/// The service is up.
pub(crate) fn print_ready(endpoint: &str) {
    say(&format!("Strongroom serves the Key Manager API at {endpoint}/v1"));
}

/// Why the program ends.
pub(crate) fn print_error(message: &str) {
    writeln!(io::stderr(), "strongroom-server: {message}").ok();
}

/// A path as a word for the shell.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn say(text: &str) {
    writeln!(io::stdout(), "{text}").ok();
}
