//! The section `[logging]` of `muster.toml`.

use serde::Deserialize;

/// `[logging]`: log output on standard error while the server runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logging {
    /// `text` for people, or `json` for machines: one object per line.
    pub format: LogFormat,
    /// Log filter in the syntax of `tracing-subscriber`, such as `info,muster=debug`. Default: `info`.
    pub filter: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}
