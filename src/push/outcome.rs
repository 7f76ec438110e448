//! What the push service answered, sorted by what there is to do about it.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The push service took the notification; whether the device gets it is another matter.
    Accepted { apns_id: Option<String> },
    /// The token is dead since that time (milliseconds since 1970): nothing is to be pushed to it any more, unless a
    /// TokenUpdate came after it.
    Unregistered { since_unix_ms: Option<i64> },
    /// Trying again with the same token and certificate will not help.
    Rejected { status: u16, reason: String },
    /// The push service or the way to it has a problem; the notification may be tried again.
    RetryLater { reason: String, after_seconds: Option<u64> },
}

#[derive(Deserialize, Default)]
struct Refusal {
    reason: Option<String>,
    timestamp: Option<i64>,
}

impl Outcome {
    /// From a status other than 200 and the body that came with it, `{"reason": …, "timestamp": …}`.
    pub(super) fn refused(status: u16, body: &[u8], after_seconds: Option<u64>) -> Outcome {
        let Refusal { reason, timestamp } = serde_json::from_slice(body).unwrap_or_default();
        let reason = reason.unwrap_or_else(|| format!("status {status} without a reason"));
        match status {
            410 => Outcome::Unregistered { since_unix_ms: timestamp },
            429 | 500..=599 => Outcome::RetryLater { reason, after_seconds },
            _ => Outcome::Rejected { status, reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_token_is_told_with_its_time() {
        let outcome = Outcome::refused(410, br#"{"reason":"Unregistered","timestamp":1700000000000}"#, None);
        assert_eq!(outcome, Outcome::Unregistered { since_unix_ms: Some(1_700_000_000_000) });
    }

    #[test]
    fn too_many_requests_and_server_errors_are_tried_again() {
        for status in [429, 500, 503] {
            let outcome = Outcome::refused(status, b"", Some(5));
            assert!(matches!(outcome, Outcome::RetryLater { after_seconds: Some(5), .. }), "{status}: {outcome:?}");
        }
    }

    #[test]
    fn a_bad_token_is_rejected_with_the_reason_of_the_push_service() {
        let outcome = Outcome::refused(400, br#"{"reason":"BadDeviceToken"}"#, None);
        assert_eq!(outcome, Outcome::Rejected { status: 400, reason: "BadDeviceToken".into() });
    }

    #[test]
    fn a_body_that_is_no_json_is_no_panic() {
        let outcome = Outcome::refused(403, b"<html>", None);
        assert_eq!(outcome, Outcome::Rejected { status: 403, reason: "status 403 without a reason".into() });
    }
}
