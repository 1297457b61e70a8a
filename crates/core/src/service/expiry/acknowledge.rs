use super::Expiry;
use crate::access::{Caller, IdentitySource, Roles};
use crate::audit::{Action, Origin, Target};
use crate::error::Error;
use crate::expiry::{Acknowledgement, Ending};
use crate::id::{SecretId, UserId};
use crate::ports::Writer;
use crate::service::attempt::{Attempt, CallContext, Done, Permit, Refused};
use crate::time::Timestamp;

/// Leaves, as part of a change, for whoever serves to put on record that somebody knows of a secret's end.
/// Nothing is delivered about that end any more from then on. Gives nothing for a secret that does not end.
pub fn acknowledge(
    writer: &mut dyn Writer,
    id: SecretId,
    by: &UserId,
    note: &str,
    now: Timestamp,
) -> Result<Option<Ending>, Error> {
    let secret = writer.secret(id)?.filter(|secret| !secret.is_expired(now));
    let Some(ending) = writer.ending(id)?.filter(|_| secret.is_some()) else { return Ok(None) };
    let given = Acknowledgement { at: now, by: by.clone(), note: note.to_owned(), on_record: false };
    // Before whatever else waits.
    let ending = Ending { acknowledgement: Some(given), due: Some(Timestamp::EPOCH), ..ending };
    writer.put_ending(&ending)?;
    Ok(Some(ending))
}

impl Expiry<'_> {
    /// Puts an acknowledgement on record, from when on it holds.
    pub(super) async fn record_acknowledgement(self, ending: Ending) -> Result<(), Error> {
        let Some(given) = ending.acknowledgement else { return Ok(()) };
        let id = ending.secret;
        let caller = Caller {
            user: Some(given.by.clone()),
            project: None,
            roles: Roles::default(),
            source: IdentitySource::Operator,
        };
        let context = CallContext { caller, origin: Origin::default() };
        let attempt =
            Attempt::new(self.engine, &context, Action::ExpiryAcknowledge, Some(Target::Secret(id)));
        let change = attempt.intend(Permit::granted_earlier()).await.map_err(Refused::into_error)?;
        let verdict = change.carry_out(move |writer| {
            // Another one may have been given meanwhile, which is put on record by itself.
            let Some(ending) =
                writer.ending(id)?.filter(|found| found.acknowledgement.as_ref() == Some(&given))
            else {
                return Ok(());
            };
            let acknowledgement = Some(Acknowledgement { on_record: true, ..given.clone() });
            Ok(writer.put_ending(&Ending { acknowledgement, due: None, ..ending })?)
        });
        verdict.await.map(Done::release).map_err(Refused::into_error)
    }
}
