//! Whether the system's firewall lets anybody reach the API whom no rule names. Where that can't be told for sure,
//! somebody may.

mod iptables;
mod nft;
mod ruleset;

use std::process::Command;

use self::ruleset::{Family, Packet};
use super::{Control, Examined, Severity, Site};

/// Where the programs are, whoever runs this.
const PATH: &str = "/usr/sbin:/sbin:/usr/bin:/bin";

pub(super) const CONTROLS: [Control; 1] = [Control {
    id: "NET-05",
    severity: Severity::Medium,
    title: "a firewall lets only named sources reach the API",
    at_start: false,
    examine: limited,
}];

fn limited(site: &Site<'_>) -> Examined {
    if site.is_local() {
        return Examined::not_applicable("the API can be reached from this machine only");
    }
    let (listen, mut closed) = (site.settings.listen, Vec::new());
    for family in Family::reached_by(listen.ip()) {
        let packet = Packet { port: listen.port(), family };
        match ask(packet) {
            Ok(Some(by)) => closed.push(format!("{by} drops {family} from where no rule names")),
            Ok(None) => {
                let evidence = format!("{family} reaches port {} from anywhere", packet.port);
                let remedy =
                    "limit the port by source, as docs/examples/nftables.conf does: nft -f nftables.conf";
                // The server turns others away itself.
                let guarded = !site.settings.edge.allowed.is_empty();
                return if guarded {
                    Examined::warn(evidence, remedy)
                } else {
                    Examined::fail(evidence, remedy)
                };
            }
            Err(reasons) => {
                return Examined::not_applicable(format!("the firewall's rules can't be read: {reasons}"));
            }
        }
    }
    Examined::pass(closed.join("; "))
}

/// Which program's rules keep the packet out, if any do. A packet has to get through all of them.
fn ask(packet: Packet) -> Result<Option<&'static str>, String> {
    let tables = match packet.family {
        Family::V4 => "iptables-save",
        Family::V6 => "ip6tables-save",
    };
    let (mut read, mut reasons) = (false, Vec::new());
    let found = [
        ("nft", run("nft", &["-j", "list", "ruleset"]).and_then(|text| nft::read(&text, packet))),
        (tables, run(tables, &[]).map(|text| iptables::read(&text, packet))),
    ];
    for (by, found) in found {
        match found {
            Ok(rules) if rules.keeps_out() => return Ok(Some(by)),
            Ok(_) => read = true,
            Err(reason) => reasons.push(format!("{by}: {reason}")),
        }
    }
    if read { Ok(None) } else { Err(reasons.join("; ")) }
}

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).env_clear().env("PATH", PATH).output();
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(|error| error.to_string());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(complaint.lines().next().unwrap_or("it failed without a word").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_tells_nothing_says_why() {
        assert_eq!(run("sh", &["-c", "echo rules"]), Ok("rules\n".to_owned()));
        let forbidden = run("sh", &["-c", "echo 'you must be root' >&2; exit 1"]);
        assert_eq!(forbidden, Err("you must be root".to_owned()));
        assert_eq!(run("false", &[]), Err("it failed without a word".to_owned()));
        assert!(run("no-such-program", &[]).unwrap_err().contains("No such file"));
    }
}
