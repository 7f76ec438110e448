//! Answers of the push service, grouped by what to do about them.
//!
//! They are grouped by the exact `reason` if there is one, otherwise by status (Apple, "Handling notification
//! responses from APNs").

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// The push service accepted the notification. This does not mean that the device receives it.
    Accepted { apns_id: Option<String> },
    /// The token has been invalid since this time (milliseconds since 1970). Nothing must be pushed to it, unless a
    /// TokenUpdate came later.
    Unregistered { reason: String, since_unix_ms: Option<i64> },
    /// Another try with the same token and certificate will not help.
    Rejected { status: u16, reason: String, fault: Fault },
    /// A temporary problem. The notification may be tried again.
    RetryLater { trouble: Trouble, status: Option<u16>, reason: String, after_seconds: Option<u64> },
}

/// Cause of a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The device's token does not belong to this push service.
    Token,
    /// The certificate is for another topic than the one the device enrolled with.
    Topic,
    /// The push service does not accept the request: an error of this server.
    Request,
}

/// Kind of a temporary problem, and which notifications it affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// This device got too many notifications. Other devices are not affected.
    Device,
    /// The push service is busy, has an error or cannot be reached. All notifications are affected.
    Service,
    /// The push service rejects the push certificate. All notifications are affected until a person corrects it.
    Certificate,
}

#[derive(Deserialize, Default)]
struct Refusal {
    reason: Option<String>,
    timestamp: Option<i64>,
}

impl PushOutcome {
    /// Creates the outcome for a status other than 200 and its body, `{"reason": …, "timestamp": …}`.
    pub(super) fn refused(status: u16, body: &[u8], after_seconds: Option<u64>) -> PushOutcome {
        let Refusal { reason, timestamp } = serde_json::from_slice(body).unwrap_or_default();
        let reason = reason.and_then(word).unwrap_or_else(|| format!("status {status} without a reason"));
        let later = |trouble, reason| PushOutcome::RetryLater { trouble, status: Some(status), reason, after_seconds };
        let rejected = |fault, reason| PushOutcome::Rejected { status, reason, fault };
        match (status, reason.as_str()) {
            (_, "BadCertificate" | "BadCertificateEnvironment") | (403, _) => later(Trouble::Certificate, reason),
            (410, _) => PushOutcome::Unregistered { reason, since_unix_ms: timestamp },
            (_, "BadDeviceToken" | "MissingDeviceToken") => rejected(Fault::Token, reason),
            (_, "DeviceTokenNotForTopic" | "BadTopic" | "MissingTopic" | "TopicDisallowed") => {
                rejected(Fault::Topic, reason)
            }
            // These are not about the device: they concern how often the server authenticates, and an idle
            // connection.
            (_, "TooManyProviderTokenUpdates" | "IdleTimeout") => later(Trouble::Service, reason),
            (429, _) => later(Trouble::Device, reason),
            (500..=599, _) => later(Trouble::Service, reason),
            _ => rejected(Fault::Request, reason),
        }
    }

    /// Creates the outcome for an error before an answer. `causes` are the texts of the error and its causes, the
    /// outermost first.
    pub(super) fn broken(causes: &[String]) -> PushOutcome {
        let said = causes.iter().find_map(|text| said_in_farewell(text));
        let refused_in_handshake = causes.iter().any(|text| {
            let text = text.to_ascii_lowercase();
            text.contains("alert") && (text.contains("certificate") || text.contains("unknown ca"))
        });
        let trouble = match said.as_deref() {
            Some("BadCertificate" | "BadCertificateEnvironment" | "Forbidden") => Trouble::Certificate,
            None if refused_in_handshake => Trouble::Certificate,
            _ => Trouble::Service,
        };
        let reason = said.or_else(|| causes.last().cloned()).unwrap_or_else(|| "no answer".into());
        PushOutcome::RetryLater { trouble, status: None, reason, after_seconds: None }
    }
}

/// Returns the reason if it is one word, as Apple's reasons are. Other texts are not repeated, because they would
/// appear in logs and pages.
fn word(reason: String) -> Option<String> {
    let is_word = (1..=64).contains(&reason.len()) && reason.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_word.then_some(reason)
}

/// Returns whether one of the texts contains the reason why a connection was closed.
pub(super) fn is_told(causes: &[String]) -> bool {
    causes.iter().any(|text| said_in_farewell(text).is_some())
}

/// Parses the reason in the JSON of a GOAWAY frame. The HTTP/2 library shows it only as a byte string in its text.
fn said_in_farewell(text: &str) -> Option<String> {
    let (begin, end) = (text.find('{')?, text.rfind('}')?);
    let json = text.get(begin..=end)?.replace("\\\"", "\"");
    serde_json::from_str::<Refusal>(&json).ok()?.reason.and_then(word)
}

/// Parses `Retry-After` into seconds (RFC 9110 section 10.2.3): a number, or a date, which is relative to the `Date`
/// of the answer.
pub(super) fn retry_after(retry_after: &str, date: Option<&str>) -> Option<u64> {
    if let Ok(seconds) = retry_after.trim().parse() {
        return Some(seconds);
    }
    let parse = |text: &str| {
        let rfc2822 = time::format_description::well_known::Rfc2822;
        time::OffsetDateTime::parse(&text.trim().replace("GMT", "+0000"), &rfc2822).ok()
    };
    u64::try_from((parse(retry_after)? - parse(date?)?).whole_seconds()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, reason: &str) -> PushOutcome {
        PushOutcome::refused(status, format!(r#"{{"reason":"{reason}"}}"#).as_bytes(), None)
    }

    fn trouble(outcome: &PushOutcome) -> Option<Trouble> {
        if let PushOutcome::RetryLater { trouble, .. } = outcome { Some(*trouble) } else { None }
    }

    fn fault(outcome: &PushOutcome) -> Option<Fault> {
        if let PushOutcome::Rejected { fault, .. } = outcome { Some(*fault) } else { None }
    }

    #[test]
    fn a_dead_token_is_told_with_its_time() {
        for reason in ["Unregistered", "ExpiredToken"] {
            let body = format!(r#"{{"reason":"{reason}","timestamp":1700000000000}}"#);
            let outcome = PushOutcome::refused(410, body.as_bytes(), None);
            let since_unix_ms = Some(1_700_000_000_000);
            assert_eq!(outcome, PushOutcome::Unregistered { reason: reason.into(), since_unix_ms });
        }
    }

    #[test]
    fn too_many_requests_hold_up_one_device_and_server_errors_all() {
        assert_eq!(trouble(&refused(429, "TooManyRequests")), Some(Trouble::Device));
        for (status, reason) in [
            (500, "InternalServerError"),
            (503, "ServiceUnavailable"),
            (503, "Shutdown"),
            (502, "somebody in between"),
            (429, "TooManyProviderTokenUpdates"),
            (400, "IdleTimeout"),
        ] {
            assert_eq!(trouble(&refused(status, reason)), Some(Trouble::Service), "{status} {reason}");
        }
        let outcome = PushOutcome::refused(503, b"", Some(5));
        assert!(matches!(outcome, PushOutcome::RetryLater { after_seconds: Some(5), .. }), "{outcome:?}");
    }

    #[test]
    fn a_certificate_that_is_refused_is_told_apart_whatever_the_status() {
        for (status, reason) in [
            (400, "BadCertificate"),
            (400, "BadCertificateEnvironment"),
            (403, "BadCertificate"),
            (403, "BadCertificateEnvironment"),
            (403, "Forbidden"),
            (403, "InvalidProviderToken"),
        ] {
            assert_eq!(trouble(&refused(status, reason)), Some(Trouble::Certificate), "{status} {reason}");
        }
    }

    #[test]
    fn a_token_and_a_topic_are_told_apart() {
        assert_eq!(fault(&refused(400, "BadDeviceToken")), Some(Fault::Token));
        for reason in ["DeviceTokenNotForTopic", "BadTopic", "MissingTopic", "TopicDisallowed"] {
            assert_eq!(fault(&refused(400, reason)), Some(Fault::Topic), "{reason}");
        }
        for (status, reason) in
            [(400, "BadMessageId"), (404, "BadPath"), (405, "MethodNotAllowed"), (413, "PayloadTooLarge")]
        {
            assert_eq!(fault(&refused(status, reason)), Some(Fault::Request), "{status} {reason}");
        }
    }

    #[test]
    fn a_body_that_is_no_json_is_no_panic() {
        let PushOutcome::RetryLater { reason, .. } = PushOutcome::refused(403, b"<html>", None) else { panic!("403") };
        assert_eq!(reason, "status 403 without a reason");
    }

    #[test]
    fn a_reason_that_is_no_word_of_apples_is_not_repeated() {
        let PushOutcome::Rejected { reason, .. } = refused(400, "ada@example.com is not here") else { panic!("400") };
        assert_eq!(reason, "status 400 without a reason");
    }

    #[test]
    fn what_a_connection_was_closed_with_is_read_from_its_farewell() {
        let texts = |text: &str| vec!["client error (SendRequest)".to_owned(), text.to_owned()];
        let farewell = r#"connection error received: not a result of an error (b"{\"reason\":\"BadCertificate\"}")"#;
        let PushOutcome::RetryLater { trouble, reason, .. } = PushOutcome::broken(&texts(farewell)) else {
            panic!("later")
        };
        assert_eq!((trouble, reason.as_str()), (Trouble::Certificate, "BadCertificate"));
        let shutdown = r#"connection error received: not a result of an error (b"{\"reason\":\"Shutdown\"}")"#;
        assert_eq!(trouble_of(&texts(shutdown)), Trouble::Service);
        assert_eq!(trouble_of(&texts("connection refused")), Trouble::Service);
        assert_eq!(
            trouble_of(&texts("error:0A000415:SSL routines::sslv3 alert certificate expired")),
            Trouble::Certificate
        );
        assert_eq!(trouble_of(&texts("certificate verify failed")), Trouble::Service, "theirs, not ours");
        assert_eq!(trouble_of(&[]), Trouble::Service);
    }

    fn trouble_of(causes: &[String]) -> Trouble {
        trouble(&PushOutcome::broken(causes)).expect("a broken connection can be tried again")
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(retry_after("120", None), Some(120));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:51:37 GMT", date), Some(120));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:00 GMT", date), None, "the time is in the past");
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:51:37 GMT", None), None);
        assert_eq!(retry_after("soon", date), None);
    }
}
