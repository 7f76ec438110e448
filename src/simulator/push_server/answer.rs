//! What APNs answers: the checks on a request, in its own words.

use crate::simulator::chance;
use hyper::http::request::Parts;
use hyper::{Method, Response};
use openssl::nid::Nid;
use openssl::x509::X509;
use serde_json::{Value, json};

/// A status with its `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub reason: &'static str,
}

/// The topic that a push certificate is for: the UID of its subject.
pub fn topic(certificate: &X509) -> Option<String> {
    let entry = certificate.subject_name().entries_by_nid(Nid::USERID).next()?;
    entry.data().to_string().ok()
}

/// The PushMagic of a notification that is well-formed for MDM.
///
/// # Errors
/// As APNs refuses it.
pub fn judge(head: &Parts, body: Option<&[u8]>, topic: &str) -> Result<String, Refusal> {
    let refuse = |status, reason| Err(Refusal { status, reason });
    if head.method != Method::POST {
        return refuse(405, "MethodNotAllowed");
    }
    let token = head.uri.path().strip_prefix("/3/device/").ok_or(Refusal { status: 404, reason: "BadPath" })?;
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
    push_magic(body).ok_or(Refusal { status: 400, reason: "BadPayload" })
}

// Exactly {"mdm": …}: a device ignores notifications with anything else in them.
fn push_magic(body: &[u8]) -> Option<String> {
    let Value::Object(keys) = serde_json::from_slice(body).ok()? else { return None };
    let magic = keys.get("mdm")?.as_str()?;
    (keys.len() == 1 && !magic.is_empty()).then(|| magic.to_owned())
}

/// The response, with its `apns-id`.
pub fn response(refusal: Option<Refusal>) -> Response<String> {
    let (status, body) = match refusal {
        None => (200, String::new()),
        Some(Refusal { status: 410, reason }) => {
            let timestamp = chance::Clock::default().now() * 1000;
            (410, json!({ "reason": reason, "timestamp": timestamp }).to_string())
        }
        Some(Refusal { status, reason }) => (status, json!({ "reason": reason }).to_string()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(id) = chance::uuid().parse() {
        response.headers_mut().insert("apns-id", id);
    }
    response
}
