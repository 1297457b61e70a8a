use std::fs;
use std::net::IpAddr;
use std::path::Path;

use async_trait::async_trait;
use lettre::address::AddressError;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use ring::digest;
use strongroom_outbound::{SetUpError, host_name, read_secret};

use crate::channel::{Carrier, CarryError, EmailOptions, EmailSecurity};
use crate::notice::{Notice, one_line};

/// Longest subject, in characters.
const LONGEST_SUBJECT: usize = 150;

/// Sends an e-mail for each notice, each on a connection of its own.
pub(crate) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    node: String,
}

impl Email {
    pub(crate) fn new(options: &EmailOptions, node: &str) -> Result<Self, SetUpError> {
        let refused = |problem| SetUpError::Address { address: options.server.clone(), problem };
        let (host, port) = options.server.rsplit_once(':').ok_or_else(|| refused("no host and port"))?;
        let port = port.parse().map_err(|_| refused("no host and port"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let tls = match &options.security {
            EmailSecurity::StartTls(authorities) => Tls::Required(parameters(host, authorities)?),
            EmailSecurity::Tls(authorities) => Tls::Wrapper(parameters(host, authorities)?),
            EmailSecurity::None if local => Tls::None,
            EmailSecurity::None => return Err(refused("not on this machine, and needs TLS")),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(tls)
            .hello_name(ClientId::Domain(host_name()))
            // Whoever sends bounds how long that may take.
            .timeout(None);
        if let Some((user, file)) = &options.login {
            let secret = read_secret(file)?;
            let password = std::str::from_utf8(secret.trim_ascii()).ok().filter(|text| !text.is_empty());
            let missing = || SetUpError::Content { path: file.clone(), wanted: "password" };
            builder =
                builder.credentials(Credentials::new(user.clone(), password.ok_or_else(missing)?.to_owned()));
        }
        Ok(Self {
            transport: builder.build(),
            from: mailbox(&options.from)?,
            to: options.to.iter().map(|address| mailbox(address)).collect::<Result<_, _>>()?,
            node: node.to_owned(),
        })
    }

    fn message(&self, notice: &Notice) -> Result<Message, CarryError> {
        let subject: String =
            one_line(&format!("[strongroom] {}: {}", notice.topic.as_str(), notice.summary));
        // The same notice has the same id wherever it arrives (RFC 5322 section 3.6.4).
        let id = digest::digest(&digest::SHA256, notice.id.as_bytes());
        let mut headers: MessageBuilder = Message::builder()
            .from(self.from.clone())
            .subject(subject.chars().take(LONGEST_SUBJECT).collect::<String>())
            .message_id(Some(format!("<{}@strongroom.invalid>", hex::encode(id))))
            // Nobody's holiday greeting is wanted in return (RFC 3834 section 5).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            headers = headers.to(to.clone());
        }
        let mut text = format!("{}\n\n", one_line(&notice.summary));
        let own = [("id", notice.id.clone()), ("node", self.node.clone()), ("at", format!("{}Z", notice.at))];
        for (name, value) in notice.facts.iter().chain(&own) {
            text.extend([name, ": ", &one_line(value), "\n"]);
        }
        headers.body(text).map_err(|error| CarryError::Form(error.to_string()))
    }
}

#[async_trait]
impl Carrier for Email {
    async fn carry(&self, notice: &Notice) -> Result<(), CarryError> {
        self.transport.send(self.message(notice)?).await?;
        Ok(())
    }
}

fn mailbox(address: &str) -> Result<Mailbox, SetUpError> {
    address.parse().map_err(|_: AddressError| SetUpError::Address {
        address: address.to_owned(),
        problem: "no e-mail address",
    })
}

/// TLS to that host, whose certificate has to name it.
fn parameters(host: &str, authorities: &Path) -> Result<TlsParameters, SetUpError> {
    let text =
        fs::read(authorities).map_err(|source| SetUpError::File { path: authorities.to_owned(), source })?;
    let unusable =
        |_| SetUpError::Content { path: authorities.to_owned(), wanted: "certificates in PEM form" };
    let certificate = Certificate::from_pem(&text).map_err(unusable)?;
    TlsParameters::builder(host.to_owned())
        .certificate_store(CertificateStore::None)
        .add_root_certificate(certificate)
        .build_rustls()
        .map_err(unusable)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strongroom_core::Timestamp;

    use super::*;
    use crate::notice::{Severity, Topic};

    fn options(server: &str, security: EmailSecurity) -> EmailOptions {
        EmailOptions {
            server: server.to_owned(),
            security,
            from: "Strongroom <strongroom@example.org>".to_owned(),
            to: vec!["ops@example.org".to_owned(), "night@example.org".to_owned()],
            login: None,
        }
    }

    #[test]
    fn mail_does_not_leave_this_machine_in_the_clear() {
        assert!(Email::new(&options("mail.example:25", EmailSecurity::None), "n").is_err());
        assert!(Email::new(&options("[::1]:25", EmailSecurity::None), "n").is_ok());
        let missing = EmailSecurity::StartTls("/nonexistent".into());
        assert!(matches!(Email::new(&options("localhost:25", missing), "n"), Err(SetUpError::File { .. })));
        let odd =
            EmailOptions { to: vec!["nobody".to_owned()], ..options("localhost:25", EmailSecurity::None) };
        assert!(matches!(Email::new(&odd, "n"), Err(SetUpError::Address { .. })));
    }

    proptest! {
        /// Whatever callers are called, they add no header and no recipient.
        #[test]
        fn no_text_adds_a_header(
            summary in "\\PC{0,300}|[\r\n:a]{0,40}", value in "\\PC{0,300}|[\r\n:a]{0,40}", id in "\\PC{0,40}",
        ) {
            let email = Email::new(&options("localhost:25", EmailSecurity::None), "n").unwrap();
            let notice = Notice {
                id,
                topic: Topic::Alert,
                severity: Severity::Critical,
                at: Timestamp::from_micros(0).unwrap(),
                summary,
                facts: vec![("caller", value)],
            };
            let message = email.message(&notice).unwrap();
            prop_assert_eq!(message.envelope().to().len(), 2);
            let text = String::from_utf8(message.formatted()).unwrap();
            let (head, _) = text.split_once("\r\n\r\n").unwrap();
            let mut names: Vec<_> = head.split("\r\n").filter(|line| !line.starts_with(' '))
                .map(|line| line.split_once(':').unwrap().0).collect();
            names.sort_unstable();
            let expected = [
                "Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "MIME-Version",
                "Message-ID", "Subject", "To",
            ];
            prop_assert!(names.iter().all(|name| expected.contains(name)), "{head}");
        }
    }
}
