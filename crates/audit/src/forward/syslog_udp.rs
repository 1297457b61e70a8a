use async_trait::async_trait;
use tokio::net::{UdpSocket, lookup_host};

use super::receiver::{DeliveryError, Outgoing, Receiver};
use super::rfc5424::Formatter;

/// Syslog in datagrams (RFC 5426). What was sent counts as delivered: nothing will ever tell.
pub(super) struct SyslogUdp {
    address: String,
    formatter: Formatter,
}

impl SyslogUdp {
    pub(super) fn new(address: String, node: &str, most: usize) -> Self {
        Self { address, formatter: Formatter::new(node, most) }
    }
}

#[async_trait]
impl Receiver for SyslogUdp {
    async fn deliver(&mut self, records: &[Outgoing]) -> Result<(), DeliveryError> {
        let to = lookup_host(&self.address).await?.next();
        let to = to.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::AddrNotAvailable))?;
        let own: (&str, u16) = if to.is_ipv4() { ("0.0.0.0", 0) } else { ("::", 0) };
        let socket = UdpSocket::bind(own).await?;
        socket.connect(to).await?;
        for record in records {
            socket.send(&self.formatter.message(record)).await?;
        }
        Ok(())
    }
}
