//! Notice about problems with push. The console shows it to administrators on each page until the problem is solved.

use crate::Devices;
use plural::counted;
use push::Condition;

/// Number of days before the push certificate expires at which the notice starts.
const DAYS_BEFORE: i64 = 30;

const DAY: i64 = 86_400;

impl Devices {
    /// Returns the notice about the current problem with push, if there is one.
    pub fn push_notice(&self) -> Option<String> {
        let condition = self.pusher.as_ref().map(push::Pusher::condition).unwrap_or_default();
        notice(self.pki.push_not_after(), &condition, self.platform.world.now().0.div_euclid(1_000_000))
    }
}

/// `not_after`: time at which the certificate expires. Both times are in seconds since 1970.
fn notice(not_after: Option<i64>, condition: &Condition, now: i64) -> Option<String> {
    let renew = "run `muster push request` on the server, then Renew (not Create) at identity.apple.com/pushcert";
    let Some(not_after) = not_after else {
        return Some(
            "There is no push certificate: no device can enroll. Run `muster push request` on the server to get one."
                .into(),
        );
    };
    if not_after <= now {
        return Some(format!(
            "The push certificate expired on {}: no device can be woken. Now {renew}.",
            day(not_after)
        ));
    }
    if let Condition::CertificateRefused { reason } = condition {
        return Some(format!(
            "Apple's push service refuses the push certificate ({reason}): no device can be woken. `muster check-config` on \
             the server reports the details; if the certificate was revoked, {renew}."
        ));
    }
    let days = (not_after - now) / DAY;
    if days < DAYS_BEFORE {
        let left = counted(days, "day");
        return Some(format!(
            "The push certificate expires in {left}, on {}. After that no device can be woken: {renew}.",
            day(not_after)
        ));
    }
    match condition {
        Condition::Troubled { reason } => Some(format!(
            "Apple's push service does not work at the moment ({reason}). Commands stay queued, and devices are woken when \
             it works again."
        )),
        _ => None,
    }
}

fn day(unix: i64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp(unix).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    format!("{} {} {}", at.day(), at.month(), at.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn text(days: i64, condition: &Condition) -> String {
        notice(Some(NOW + days * DAY), condition, NOW).unwrap_or_default()
    }

    #[test]
    fn given_a_certificate_that_lasts_and_a_push_service_that_answers_then_nothing_is_said() {
        assert_eq!(notice(Some(NOW + 31 * DAY), &Condition::Well, NOW), None);
    }

    #[test]
    fn given_an_end_within_thirty_days_then_it_is_said_with_what_to_do() {
        assert!(text(29, &Condition::Well).contains("expires in 29 days, on 13 December 2023"));
        assert!(text(1, &Condition::Well).contains("in 1 day,"));
        assert!(text(29, &Condition::Well).contains("Renew (not Create)"));
        assert!(text(-1, &Condition::Well).contains("expired on 13 November 2023"));
    }

    #[test]
    fn given_a_refused_certificate_or_trouble_then_it_is_said() {
        let refused = Condition::CertificateRefused { reason: "BadCertificate".into() };
        assert!(text(300, &refused).contains("refuses the push certificate (BadCertificate)"));
        let troubled = Condition::Troubled { reason: "Shutdown".into() };
        assert!(text(300, &troubled).contains("(Shutdown)"));
        assert!(text(3, &troubled).contains("expires in 3 days"), "what somebody must do comes first");
    }

    #[test]
    fn given_no_certificate_then_it_is_said() {
        assert!(notice(None, &Condition::Well, NOW).unwrap().contains("muster push request"));
    }
}
