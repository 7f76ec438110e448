//! Terms of use: a version, and its text in each language.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Terms of use of one version. After a change of the version, people accept the terms again at their next enrollment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Any text that identifies the version, such as `2026-09`.
    pub version: String,
    /// Text in Markdown by language tag. `en` is shown if the person's language is missing.
    pub text: BTreeMap<String, String>,
}
