//! The section `[push]` of the configuration.

use serde::Deserialize;
use std::path::PathBuf;
use url::Url;

/// `[push]`: how devices are woken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// `https://api.push.apple.com`, unless this is a trial.
    pub base_url: String,
    /// The MDM push certificate; its subject's UID is the topic. Without it no MDM profile is offered.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// The CA of the push server, where it is not a publicly trusted one (trials).
    pub root: Option<PathBuf>,
}

/// Whether this `push.base_url` names a push service of Apple's.
pub fn is_service_of_apple(base_url: &str) -> bool {
    let host = Url::parse(base_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host == "apple.com" || host.ends_with(".apple.com"))
}
