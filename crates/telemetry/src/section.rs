//! The section `[logging]` of `muster.toml`.

use serde::Deserialize;

/// `[logging]`: what is written to standard error while the server runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logging {
    /// `text` for people, `json` for machines: one object a line.
    pub format: LogFormat,
    /// What is logged, in the words of `tracing-subscriber`: `info` unless given, or such as `info,muster=debug`.
    pub filter: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}
