//! Answers of APNs: the checks of a request, with APNs' own reasons.

use crate::chance;
use hyper::http::request::Parts;
use hyper::{Method, Response};
use openssl::nid::Nid;
use openssl::x509::X509;
use serde_json::{Value, json};

/// Every status that APNs documents, with its reasons ("Handling notification responses from APNs").
pub const DOCUMENTED: [(u16, &str); 32] = [
    (400, "BadCollapseId"),
    (400, "BadDeviceToken"),
    (400, "BadExpirationDate"),
    (400, "BadMessageId"),
    (400, "BadPriority"),
    (400, "BadTopic"),
    (400, "DeviceTokenNotForTopic"),
    (400, "DuplicateHeaders"),
    (400, "IdleTimeout"),
    (400, "InvalidPushType"),
    (400, "MissingDeviceToken"),
    (400, "MissingTopic"),
    (400, "PayloadEmpty"),
    (400, "TopicDisallowed"),
    (403, "BadCertificate"),
    (403, "BadCertificateEnvironment"),
    (403, "ExpiredProviderToken"),
    (403, "Forbidden"),
    (403, "InvalidProviderToken"),
    (403, "MissingProviderToken"),
    (403, "UnrelatedKeyIdInToken"),
    (403, "BadEnvironmentKeyIdInToken"),
    (404, "BadPath"),
    (405, "MethodNotAllowed"),
    (410, "ExpiredToken"),
    (410, "Unregistered"),
    (413, "PayloadTooLarge"),
    (429, "TooManyProviderTokenUpdates"),
    (429, "TooManyRequests"),
    (500, "InternalServerError"),
    (503, "ServiceUnavailable"),
    (503, "Shutdown"),
];

/// A status with its `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub reason: &'static str,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// `timestamp` of a 410, in milliseconds since 1970. The default is the current time.
    pub timestamp: Option<i64>,
}

impl Refusal {
    pub const fn new(status: u16, reason: &'static str) -> Refusal {
        Refusal { status, reason, retry_after: None, timestamp: None }
    }
}

/// Returns the topic of a push certificate, which is the UID of its subject.
pub(crate) fn topic(certificate: &X509) -> Option<String> {
    let entry = certificate.subject_name().entries_by_nid(Nid::USERID).next()?;
    entry.data().to_string().ok()
}

/// Checks a notification and returns its PushMagic.
///
/// # Errors
/// Returns the rejection that APNs would send.
pub(crate) fn judge(head: &Parts, body: Option<&[u8]>, topic: &str) -> Result<String, Refusal> {
    let refuse = |status, reason| Err(Refusal::new(status, reason));
    if head.method != Method::POST {
        return refuse(405, "MethodNotAllowed");
    }
    let token = head.uri.path().strip_prefix("/3/device/").ok_or(Refusal::new(404, "BadPath"))?;
    if token.is_empty() || !token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return refuse(400, "BadDeviceToken");
    }
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if header("apns-topic").is_some_and(|given| given != topic) {
        return refuse(400, "BadTopic");
    }
    if header("apns-push-type").is_some_and(|kind| kind != "mdm") {
        return refuse(400, "InvalidPushType");
    }
    let Some(body) = body else { return refuse(413, "PayloadTooLarge") };
    push_magic(body).ok_or(Refusal::new(400, "BadPayload"))
}

// Exactly {"mdm": …}: a device ignores notifications that contain anything else.
fn push_magic(body: &[u8]) -> Option<String> {
    let Value::Object(keys) = serde_json::from_slice(body).ok()? else { return None };
    let magic = keys.get("mdm")?.as_str()?;
    (keys.len() == 1 && !magic.is_empty()).then(|| magic.to_owned())
}

/// Creates the response, with an `apns-id`.
pub(crate) fn response(refusal: Option<Refusal>) -> Response<String> {
    let body = match refusal {
        None => String::new(),
        Some(Refusal { status: 410, reason, timestamp, .. }) => {
            let timestamp = timestamp.unwrap_or_else(|| chance::Clock::default().now_in_milliseconds());
            json!({ "reason": reason, "timestamp": timestamp }).to_string()
        }
        Some(Refusal { reason, .. }) => json!({ "reason": reason }).to_string(),
    };
    let mut response = Response::new(body);
    let status = refusal.map_or(200, |refusal| refusal.status);
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(id) = chance::uuid().parse() {
        response.headers_mut().insert("apns-id", id);
    }
    if let Some(seconds) = refusal.and_then(|refusal| refusal.retry_after) {
        response.headers_mut().insert(hyper::header::RETRY_AFTER, seconds.into());
    }
    response
}
