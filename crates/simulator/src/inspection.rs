//! An inspector that sees everything simulated devices receive. The tests use it to compare that with Apple's rules,
//! for every device. There is one inspector per process, so that no device is forgotten.

use crate::model::Hardware;
use std::sync::OnceLock;

/// A server's answer to a device, if it has a body.
#[derive(Debug)]
pub struct Given<'a> {
    pub to: &'a Hardware,
    /// Whether the device is managed by User Enrollment; `None` before it is managed.
    pub user_enrollment: Option<bool>,
    pub content_type: &'a str,
    pub body: &'a [u8],
}

static INSPECTOR: OnceLock<fn(&Given<'_>)> = OnceLock::new();

/// Sets the inspector. Only the first call has an effect.
pub fn inspect_with(inspector: fn(&Given<'_>)) {
    INSPECTOR.get_or_init(|| inspector);
}

/// Shows an answer to the inspector.
pub(crate) fn show(given: &Given<'_>) {
    if let (Some(inspector), false) = (INSPECTOR.get(), given.body.is_empty()) {
        inspector(given);
    }
}

/// Content type of an answer; empty if it has none.
pub(crate) fn content_type(answer: &reqwest::Response) -> String {
    let header = answer.headers().get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    header.unwrap_or_default().to_owned()
}
