use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use strongroom_core::expiry::{Acknowledgement, Ending, Window};
use strongroom_core::{Certificate, Timestamp};

use crate::column;
use crate::fault::Fault;
use crate::schema::endings;

/// A row without whoever has a claim on it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = endings)]
pub(super) struct Row {
    secret: Vec<u8>,
    ends: i64,
    certificate_ends: Option<i64>,
    subject: Option<String>,
    issuer: Option<String>,
    serial: Option<String>,
    fingerprint: Option<Vec<u8>>,
    told: Option<i64>,
    due: Option<i64>,
    ack_at: Option<i64>,
    ack_by: Option<String>,
    ack_note: Option<String>,
    ack_recorded: Option<bool>,
}

impl Row {
    /// The ending, when the row is one that this program can have written.
    pub(super) fn of(self) -> Result<Ending, Fault> {
        let certificate =
            match (self.certificate_ends, self.subject, self.issuer, self.serial, self.fingerprint) {
                (None, None, None, None, None) => None,
                (Some(ends), Some(subject), Some(issuer), Some(serial), Some(fingerprint)) => {
                    Some(Certificate {
                        ends: column::time(ends, "endings.certificate_ends")?,
                        subject,
                        issuer,
                        serial,
                        fingerprint: fingerprint
                            .try_into()
                            .map_err(|_| Fault::corrupt("endings.fingerprint"))?,
                    })
                }
                _ => return Err(Fault::corrupt("endings.certificate_ends")),
            };
        let acknowledgement = match (self.ack_at, self.ack_by, self.ack_note, self.ack_recorded) {
            (None, None, None, None) => None,
            (Some(at), Some(by), Some(note), Some(on_record)) => Some(Acknowledgement {
                at: column::time(at, "endings.ack_at")?,
                by: column::opaque(by, "endings.ack_by")?,
                note,
                on_record,
            }),
            _ => return Err(Fault::corrupt("endings.ack_at")),
        };
        Ok(Ending {
            secret: column::id(&self.secret, "endings.secret")?,
            ends: column::time(self.ends, "endings.ends")?,
            certificate,
            told: self.told.map(window).transpose()?,
            due: self.due.map(|due| column::time(due, "endings.due")).transpose()?,
            acknowledgement,
        })
    }
}

fn window(days: i64) -> Result<Window, Fault> {
    u16::try_from(days).ok().and_then(Window::new).ok_or(Fault::corrupt("endings.told"))
}

/// What is known about an end, as it lies in the columns.
#[derive(AsChangeset, Insertable, Serialize, Deserialize)]
#[diesel(table_name = endings, treat_none_as_null = true)]
pub(crate) struct Stored {
    ends: i64,
    certificate_ends: Option<i64>,
    subject: Option<String>,
    issuer: Option<String>,
    serial: Option<String>,
    fingerprint: Option<Vec<u8>>,
    told: Option<i64>,
    due: Option<i64>,
    ack_at: Option<i64>,
    ack_by: Option<String>,
    ack_note: Option<String>,
    ack_recorded: Option<bool>,
}

impl Stored {
    pub(super) fn of(ending: &Ending) -> Self {
        let certificate = ending.certificate.as_ref();
        let given = ending.acknowledgement.as_ref();
        Self {
            ends: ending.ends.as_micros(),
            certificate_ends: certificate.map(|certificate| certificate.ends.as_micros()),
            subject: certificate.map(|certificate| certificate.subject.clone()),
            issuer: certificate.map(|certificate| certificate.issuer.clone()),
            serial: certificate.map(|certificate| certificate.serial.clone()),
            fingerprint: certificate.map(|certificate| certificate.fingerprint.to_vec()),
            told: ending.told.map(|window| i64::from(window.days())),
            due: ending.due.map(Timestamp::as_micros),
            ack_at: given.map(|given| given.at.as_micros()),
            ack_by: given.map(|given| given.by.to_string()),
            ack_note: given.map(|given| given.note.clone()),
            ack_recorded: given.map(|given| given.on_record),
        }
    }
}
