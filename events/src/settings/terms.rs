//! Terms of use: a version, and its text in each language.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Terms of use. A new version is asked again of everybody who enrolls after it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Any text that tells one version from the next, such as `2026-09`.
    pub version: String,
    /// Markdown by language tag; `en` is shown to everybody whose language is not there.
    pub text: BTreeMap<String, String>,
}
