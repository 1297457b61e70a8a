use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket, lookup_host};

use crate::error::{SendError, SetUpError};
use crate::tls::{Tls, TlsFiles};

/// Where syslog messages go, and over what.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyslogAddress {
    /// Over TLS (RFC 5425).
    Tls {
        /// `host:port`.
        address: String,
        /// Whom to trust, and who to be.
        tls: TlsFiles,
    },
    /// Over TCP with octet counting (RFC 6587 section 3.4.1), to `host:port`.
    Tcp(String),
    /// In datagrams (RFC 5426), to `host:port`. Nothing tells whether anything arrives.
    Udp(String),
}

/// Hands syslog messages over.
///
/// Syslog has no confirmations: what was written into a connection may never be read. So each delivery has a
/// connection of its own, which this side ends first; only when the receiver has then read to that end, and
/// ends it too, does the delivery count. Of datagrams what was sent counts as delivered.
pub struct Syslog {
    address: String,
    way: Way,
}

enum Way {
    Tls(Tls),
    Tcp,
    Udp,
}

impl Syslog {
    /// To that address. Reads the files for TLS; connects to nobody yet.
    pub fn new(to: SyslogAddress) -> Result<Self, SetUpError> {
        Ok(match to {
            SyslogAddress::Tls { address, tls } => {
                let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
                let host = host.trim_start_matches('[').trim_end_matches(']');
                Self { way: Way::Tls(Tls::new(&tls, host)?), address }
            }
            SyslogAddress::Tcp(address) => Self { way: Way::Tcp, address },
            SyslogAddress::Udp(address) => Self { way: Way::Udp, address },
        })
    }

    /// Sends these, in order; on an error the receiver may have some of them.
    pub async fn send(&self, messages: &[Vec<u8>]) -> Result<(), SendError> {
        if matches!(self.way, Way::Udp) {
            return Ok(self.datagrams(messages).await?);
        }
        let mut text = Vec::new();
        for message in messages {
            text.extend_from_slice(format!("{} ", message.len()).as_bytes());
            text.extend_from_slice(message);
        }
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        match &self.way {
            Way::Tls(tls) => hand_over(tls.connect(stream).await?, &text).await?,
            Way::Tcp | Way::Udp => hand_over(stream, &text).await?,
        }
        Ok(())
    }

    async fn datagrams(&self, messages: &[Vec<u8>]) -> io::Result<()> {
        let to = lookup_host(&self.address).await?.next();
        let to = to.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
        let own: (&str, u16) = if to.is_ipv4() { ("0.0.0.0", 0) } else { ("::", 0) };
        let socket = UdpSocket::bind(own).await?;
        socket.connect(to).await?;
        for message in messages {
            socket.send(message).await?;
        }
        Ok(())
    }
}

/// Writes everything, ends this side's half, and waits until the other side has ended its own.
async fn hand_over(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &[u8]) -> io::Result<()> {
    stream.write_all(text).await?;
    stream.shutdown().await?;
    let mut ignored = [0; 512];
    loop {
        match stream.read(&mut ignored).await {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // A receiver that ends TLS without a farewell has ended the connection nevertheless, and in order:
            // a reset would be another error.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
