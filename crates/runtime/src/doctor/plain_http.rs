//! A request without TLS, to each listener that is to speak TLS only: it must not be answered.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::{Control, Examined, Severity, Site};
use crate::settings::OperatorPlace;

/// How long to wait for a connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) const CONTROLS: [Control; 1] = [Control {
    id: "NET-04",
    severity: Severity::Critical,
    title: "plain HTTP is not answered where HTTPS is spoken",
    at_start: false,
    examine: refused,
}];

/// What came of a plain request.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    /// Nobody listens.
    Nobody,
    /// The connection ended, or stayed, without an answer in HTTP; or the answer was a refusal.
    Refused,
    /// It was answered.
    Answered(String),
}

fn refused(site: &Site<'_>) -> Examined {
    let settings = site.settings;
    if settings.tls.is_none() {
        return Examined::not_applicable("TLS is not spoken here");
    }
    let mut listeners = vec![settings.listen];
    // On the loopback interface the operator's listener speaks plain HTTP; elsewhere as the API does.
    if let Some(OperatorPlace::Address(address)) = settings.operator.listen
        && !address.ip().to_canonical().is_loopback()
    {
        listeners.push(address);
    }
    let (mut refusing, mut silent) = (Vec::new(), Vec::new());
    for listener in listeners {
        match ask(reachable(listener)) {
            Ok(Reply::Answered(line)) => {
                return Examined::fail(
                    format!("{listener} answers plain HTTP: {line}"),
                    "restart the server with the settings as they are, and see what else listens there: ss -ltnp",
                );
            }
            Ok(Reply::Refused) => refusing.push(format!("{listener} refuses a plain request")),
            Ok(Reply::Nobody) => silent.push(format!("nobody listens on {listener}")),
            Err(error) => silent.push(format!("{listener} can't be asked: {error}")),
        }
    }
    if silent.is_empty() {
        Examined::pass(refusing.join("; "))
    } else {
        Examined::not_applicable(silent.join("; "))
    }
}

/// Where a listener is reached from this machine.
fn reachable(mut listener: SocketAddr) -> SocketAddr {
    match listener.ip() {
        IpAddr::V4(address) if address.is_unspecified() => listener.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(address) if address.is_unspecified() => listener.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    listener
}

fn ask(address: SocketAddr) -> io::Result<Reply> {
    let mut stream = match TcpStream::connect_timeout(&address, PATIENCE) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(Reply::Nobody),
        connected => connected?,
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    // Whoever hangs up amid this has not answered either.
    if stream.write_all(request.as_bytes()).is_ok() {
        stream.take(64).read_to_end(&mut answer).ok();
    }
    let answer = String::from_utf8_lossy(&answer);
    let line = answer.lines().next().unwrap_or_default();
    let status = line.strip_prefix("HTTP/").and_then(|rest| rest.split(' ').nth(1)?.parse::<u16>().ok());
    Ok(match status {
        Some(..400) => Reply::Answered(line.to_owned()),
        _ => Reply::Refused,
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use tokio::net::TcpSocket;

    use super::*;

    fn reply(answer: &'static [u8]) -> Reply {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
            stream.write_all(answer).unwrap();
        });
        let reply = ask(address).unwrap();
        server.join().unwrap();
        reply
    }

    #[test]
    fn a_port_that_nobody_listens_on_is_told_apart() {
        // Held, so that nobody else comes to listen there meanwhile.
        let held = TcpSocket::new_v4().unwrap();
        held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_eq!(ask(held.local_addr().unwrap()).unwrap(), Reply::Nobody);
    }

    #[test]
    fn only_an_answer_is_an_answer() {
        let answered = |line: &str| Reply::Answered(line.to_owned());
        assert_eq!(reply(b"HTTP/1.1 200 OK\r\n\r\n"), answered("HTTP/1.1 200 OK"));
        assert_eq!(reply(b"HTTP/1.1 301 Moved Permanently\r\n"), answered("HTTP/1.1 301 Moved Permanently"));
        assert_eq!(reply(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reply::Refused);
        assert_eq!(reply(b"\x15\x03\x03\x00\x02\x02\x46"), Reply::Refused);
        assert_eq!(reply(b""), Reply::Refused);
    }
}
