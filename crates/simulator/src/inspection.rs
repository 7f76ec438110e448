//! Who looks at everything that simulated devices are given. The tests do: they hold it against Apple's rules, whichever device it was
//! for. One inspector a process, so that no device is forgotten.

use crate::model::Hardware;
use std::sync::OnceLock;

/// What a server gave to a device: all of it that has a body.
#[derive(Debug)]
pub struct Given<'a> {
    pub to: &'a Hardware,
    /// Whether the device is managed by User Enrollment; `None` before it is managed.
    pub user_enrollment: Option<bool>,
    pub content_type: &'a str,
    pub body: &'a [u8],
}

static INSPECTOR: OnceLock<fn(&Given<'_>)> = OnceLock::new();

/// Has everything shown to `inspector` from now on. The first one stays.
pub fn inspect_with(inspector: fn(&Given<'_>)) {
    INSPECTOR.get_or_init(|| inspector);
}

/// Shows what was given.
pub(crate) fn show(given: &Given<'_>) {
    if let (Some(inspector), false) = (INSPECTOR.get(), given.body.is_empty()) {
        inspector(given);
    }
}

/// The content type of an answer; empty where it has none.
pub(crate) fn content_type(answer: &reqwest::Response) -> String {
    let header = answer.headers().get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    header.unwrap_or_default().to_owned()
}
