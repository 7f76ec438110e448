//! Section `[push]` of the configuration.

use serde::Deserialize;
use std::path::PathBuf;
use url::Url;

/// `[push]`: the push service and the push certificate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// `https://api.push.apple.com`, except in trials.
    pub base_url: String,
    /// The MDM push certificate. The UID of its subject is the topic. Without it, no MDM profile is offered.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// CA of the push server, if it is not publicly trusted (trials).
    pub root: Option<PathBuf>,
}

/// Returns whether this `push.base_url` is a push service of Apple.
pub fn is_service_of_apple(base_url: &str) -> bool {
    let host = Url::parse(base_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host == "apple.com" || host.ends_with(".apple.com"))
}
