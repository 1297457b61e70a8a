use strongroom_core::expiry::Ending;
use strongroom_core::secret::Label;
use strongroom_core::{DueNotice, Secret, Timestamp};
use strongroom_notify::{Notice, Severity, Topic};

const DAY: i64 = 86_400_000_000;
/// With fewer days left than this, somebody has to see to it at once.
const URGENT: i64 = 7;
/// With fewer days left than this, somebody has to see to it.
const SOON: i64 = 30;

/// What people are told. Never anything of a payload but what a certificate shows to whoever asks.
pub(super) fn notice(due: &DueNotice, now: Timestamp) -> Notice {
    let DueNotice { secret, ending, window } = due;
    let left = days_left(ending, now);
    let mut facts = vec![
        ("secret", secret.id.to_string()),
        ("name", name(secret).to_owned()),
        ("project", secret.project.to_string()),
        ("type", secret.secret_type.to_string()),
        ("ends", ending.ends.to_string()),
        ("days_left", left.to_string()),
        ("window_days", window.to_string()),
    ];
    if let Some(certificate) = &ending.certificate {
        facts.extend([
            ("certificate_ends", certificate.ends.to_string()),
            ("subject", certificate.subject.clone()),
            ("issuer", certificate.issuer.clone()),
            ("serial", certificate.serial.clone()),
            ("fingerprint", certificate.fingerprint_hex()),
        ]);
    }
    Notice {
        id: due.id(),
        topic: Topic::Expiry,
        severity: match left {
            ..URGENT => Severity::Critical,
            URGENT..SOON => Severity::Warning,
            SOON.. => Severity::Info,
        },
        at: now,
        summary: summary(secret, ending, now),
        facts,
    }
}

fn summary(secret: &Secret, ending: &Ending, now: Timestamp) -> String {
    let what = match &ending.certificate {
        Some(certificate) if certificate.ends == ending.ends => {
            format!("The certificate of '{}' in the secret", certificate.subject)
        }
        _ => "The secret".to_owned(),
    };
    let when = match days_left(ending, now) {
        ..0 => format!("has ended on {}", ending.ends),
        0 => format!("ends within a day, on {}", ending.ends),
        1 => format!("ends in a day, on {}", ending.ends),
        left => format!("ends in {left} days, on {}", ending.ends),
    };
    format!("{what} '{}' ({}) of project {} {when}.", name(secret), secret.id, secret.project)
}

fn name(secret: &Secret) -> &str {
    secret.name.as_ref().map_or("", Label::as_str)
}

/// Whole days until then; negative once it is over.
fn days_left(ending: &Ending, now: Timestamp) -> i64 {
    ending.ends.as_micros().saturating_sub(now.as_micros()).div_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use strongroom_core::expiry::Window;
    use strongroom_core::{Certificate, ProjectId, SecretId, SecretType};

    use super::*;

    fn told(days_left: i64, with_certificate: bool) -> Notice {
        let now = Timestamp::EPOCH;
        let ends = now.plus_seconds(days_left * 86_400 + 60);
        let certificate = Certificate {
            ends,
            subject: "CN=www".to_owned(),
            issuer: "CN=ca".to_owned(),
            serial: "01".to_owned(),
            fingerprint: [0xab; 32],
        };
        let secret = Secret {
            id: SecretId::parse("94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f").unwrap(),
            project: ProjectId::new("p").unwrap(),
            creator: None,
            name: Some(Label::new("name", "site").unwrap()),
            secret_type: SecretType::Certificate,
            algorithm: None,
            mode: None,
            bit_length: None,
            expiration: (!with_certificate).then_some(ends),
            created: now,
            updated: now,
            content_type: None,
        };
        let ending = Ending {
            secret: secret.id,
            ends,
            certificate: with_certificate.then_some(certificate),
            told: None,
            due: Some(now),
            acknowledgement: None,
        };
        notice(&DueNotice { secret, ending, window: Window::new(30).unwrap() }, now)
    }

    #[test]
    fn a_notice_tells_what_ends_and_when() {
        let of_certificate = told(20, true);
        assert_eq!(
            of_certificate.summary,
            "The certificate of 'CN=www' in the secret 'site' (94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f) of project \
             p ends in 20 days, on 1970-01-21T00:01:00."
        );
        assert_eq!(of_certificate.id, "expiry/94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f/1970-01-21T00:01:00/30");
        let fact = |name| of_certificate.facts.iter().find(|(known, _)| *known == name).unwrap().1.as_str();
        assert_eq!((fact("days_left"), fact("window_days"), fact("serial")), ("20", "30", "01"));
        assert_eq!(fact("fingerprint"), "ab".repeat(32));
        let of_secret = told(20, false);
        assert!(of_secret.summary.starts_with("The secret 'site' ("), "{}", of_secret.summary);
        assert!(of_secret.facts.iter().all(|(name, _)| *name != "subject"));
    }

    #[test]
    fn it_is_the_more_urgent_the_nearer_the_end() {
        for (left, severity, words) in [
            (89, Severity::Info, "ends in 89 days"),
            (30, Severity::Info, "ends in 30 days"),
            (29, Severity::Warning, "ends in 29 days"),
            (7, Severity::Warning, "ends in 7 days"),
            (6, Severity::Critical, "ends in 6 days"),
            (1, Severity::Critical, "ends in a day"),
            (0, Severity::Critical, "ends within a day"),
            (-2, Severity::Critical, "has ended on"),
        ] {
            let notice = told(left, true);
            assert_eq!(notice.severity, severity, "{left}");
            assert!(notice.summary.contains(words), "{}", notice.summary);
        }
    }
}
