use super::{Expiry, note_ending};
use crate::audit::{Action, Target};
use crate::certificate::Certificate;
use crate::error::Error;
use crate::ports::{BackendError, Writer};

/// How long a secret that could not be read is left alone, in seconds.
const LEASE: i64 = 120;

impl Expiry<'_> {
    /// Opens a secret that was stored before certificates were read as they come, and keeps what the certificate in
    /// it says; `false` when there is none left that is not being read. Each opening is on record.
    pub async fn read_certificate(self) -> Result<bool, Error> {
        let now = self.engine.clock.now();
        let claimed = self.engine.claim(
            move |reader| Ok(reader.has_unread_certificate(now)?),
            move |writer| Ok(writer.claim_unread_certificate(now, now.plus_seconds(LEASE))?),
        );
        let Some(id) = claimed.await? else { return Ok(false) };
        let found = self.engine.read(move |reader| Ok(reader.sealed_secret(id)?)).await?;
        let Some((secret, Some((stored, key)))) = found.filter(|(secret, _)| !secret.is_expired(now)) else {
            self.engine.upkeep(move |writer| Ok(writer.forget_unread_certificate(id)?)).await?;
            return Ok(true);
        };
        let read = self.engine.own_act(Action::CertificateRead, Target::Secret(id), async |change| {
            let payload = self.engine.open(&secret, &stored, &key).await?;
            let certificate = Certificate::read(payload.expose());
            drop(payload);
            let found = certificate.and_then(|certificate| self.engine.ending(&secret, Some(certificate)));
            let keep = move |writer: &mut dyn Writer| {
                // Its owner may have deleted it meanwhile.
                if let Some(found) = &found
                    && writer.secret(id)?.is_some()
                {
                    note_ending(writer, found)?;
                }
                Ok(writer.forget_unread_certificate(id)?)
            };
            self.engine.write(change, keep).await
        });
        match read.await {
            Err(error @ (Error::Integrity | Error::Backend(BackendError::KeyMissing(_)))) => {
                let given_up = self.engine.upkeep(move |writer| {
                    // One that was sealed anew since it was looked up is looked at once more, after its time.
                    let same = writer.payload(id)?.as_ref() == Some(&stored);
                    if same {
                        writer.forget_unread_certificate(id)?;
                    }
                    Ok(same)
                });
                if given_up.await? {
                    tracing::error!(secret = %id, %error, "a secret can't be opened to read its certificate");
                }
                Ok(true)
            }
            Err(error) => Err(error),
            Ok(()) => Ok(true),
        }
    }
}
