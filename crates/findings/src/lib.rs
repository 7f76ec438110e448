//! Findings: what is wrong with a configuration and how to correct it. Also contains findings about files, which
//! several sections share.

pub mod files;

use serde::Serialize;
use std::fmt;

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The server does not start with it, or devices refuse the server.
    Error,
    /// The server starts, but some people or devices will be stopped by it.
    Warning,
    /// Information only.
    Note,
}

/// A problem of the configuration, or information about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// Stable name of this kind of finding, for programs.
    pub code: &'static str,
    /// The configuration key that it is about, such as `server.public_url`.
    pub about: String,
    pub wrong: String,
    pub mend: String,
}

impl Finding {
    pub fn new(severity: Severity, code: &'static str, about: &str, wrong: impl Into<String>, mend: &str) -> Finding {
        Finding { severity, code, about: about.into(), wrong: wrong.into(), mend: mend.into() }
    }

    pub fn error(code: &'static str, about: &str, wrong: impl Into<String>, mend: &str) -> Finding {
        Finding::new(Severity::Error, code, about, wrong, mend)
    }

    pub fn warning(code: &'static str, about: &str, wrong: impl Into<String>, mend: &str) -> Finding {
        Finding::new(Severity::Warning, code, about, wrong, mend)
    }

    pub fn note(code: &'static str, about: &str, wrong: impl Into<String>, mend: &str) -> Finding {
        Finding::new(Severity::Note, code, about, wrong, mend)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        write!(f, "{severity}: {}: {}\n    {}", self.about, self.wrong, self.mend)
    }
}
