use std::io;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::destination::TlsFiles;
use super::receiver::{DeliveryError, Outgoing, Receiver, SetUpError};
use super::rfc5424::Formatter;
use super::tls::Tls;

/// Syslog by octet counting over TCP (RFC 6587 section 3.4.1) or TLS (RFC 5425).
///
/// Syslog has no confirmations: what was written into a connection may never be read. So each delivery has a
/// connection of its own, which this side ends first; only when the receiver has then read to that end, and
/// ends it too, does the delivery count.
pub(super) struct SyslogStream {
    address: String,
    tls: Option<Tls>,
    formatter: Formatter,
}

impl SyslogStream {
    pub(super) fn new(
        address: String,
        tls: Option<&TlsFiles>,
        node: &str,
        most: usize,
    ) -> Result<Self, SetUpError> {
        let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let tls = tls.map(|files| Tls::new(files, host)).transpose()?;
        Ok(Self { formatter: Formatter::new(node, most), tls, address })
    }
}

#[async_trait]
impl Receiver for SyslogStream {
    async fn deliver(&mut self, records: &[Outgoing]) -> Result<(), DeliveryError> {
        let mut text = Vec::new();
        for record in records {
            let message = self.formatter.message(record);
            text.extend_from_slice(format!("{} ", message.len()).as_bytes());
            text.extend_from_slice(&message);
        }
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            Some(tls) => hand_over(tls.connect(stream).await?, &text).await?,
            None => hand_over(stream, &text).await?,
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
