//! Errors of a directory: what is wrong and how to correct it.

use ldap3::{LdapError, LdapResult};
use std::time::Duration;

/// The directory did not answer, or answered neither yes nor no. The message names no person. `said` may, so it is
/// shown only to the administrator who tries the directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{wrong}")]
pub struct Trouble {
    /// What is wrong, as a clause without a full stop.
    pub wrong: String,
    /// How to correct it, in the imperative, without a full stop.
    pub mend: String,
    /// The server's own message.
    pub said: Option<String>,
    /// The connection or server cannot be used any more; another one may work.
    pub(super) lost: bool,
    /// There was no answer within the time limit. Another attempt would cost that time again.
    pub(super) mute: bool,
    /// LDAP result code (RFC 4511, appendix A); `None` if there was no result.
    pub(super) code: Option<u32>,
}

/// LDAP result codes that are used here (RFC 4511, appendix A).
pub(super) const SUCCESS: u32 = 0;
pub(super) const SIZE_LIMIT_EXCEEDED: u32 = 4;
pub(super) const REFERRAL: u32 = 10;
pub(super) const NO_SUCH_OBJECT: u32 = 32;
pub(super) const INVALID_DN: u32 = 34;
pub(super) const INVALID_CREDENTIALS: u32 = 49;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;

impl Trouble {
    pub(super) fn new(wrong: impl Into<String>, mend: impl Into<String>) -> Trouble {
        Trouble { wrong: wrong.into(), mend: mend.into(), said: None, lost: false, mute: false, code: None }
    }

    fn lost(wrong: impl Into<String>, mend: impl Into<String>) -> Trouble {
        Trouble { lost: true, ..Trouble::new(wrong, mend) }
    }

    pub(super) fn cut_short() -> Trouble {
        Trouble::new(
            "the directory returned an incomplete result (size limit exceeded)",
            "raise the size limit for bind_dn, or choose a smaller base",
        )
    }

    pub(super) fn timeout(after: Duration) -> Trouble {
        let lost = Trouble::lost(
            format!("no answer within {} s", after.as_secs()),
            "check whether the server is overloaded or a firewall drops packets; \
             connect_timeout_seconds and timeout_seconds set the time limits",
        );
        Trouble { mute: true, ..lost }
    }

    /// Combines the errors of all servers.
    pub(super) fn of_all(troubles: Vec<(String, Trouble)>) -> Trouble {
        let said: Vec<String> = troubles.iter().map(|(server, trouble)| format!("{server}: {trouble}")).collect();
        let mend = troubles.first().map_or_else(String::new, |(_, trouble)| trouble.mend.clone());
        let mute = troubles.iter().any(|(_, trouble)| trouble.mute);
        Trouble { mute, ..Trouble::lost(said.join("; "), mend) }
    }

    pub(super) fn of_error(error: LdapError, timeout: Duration) -> Trouble {
        match error {
            LdapError::Timeout { .. } => Trouble::timeout(timeout),
            LdapError::Io { source } => Trouble::lost(format!("no connection: {source}"), MEND_CONNECTION),
            LdapError::NativeTLS { source } => Trouble::lost(
                format!("no TLS connection: {source}"),
                "name the CA of the server's certificate in root, and write the server with a name that is in its certificate",
            ),
            LdapError::LdapResult { result } => Trouble::of_result(&result),
            LdapError::OpSend { .. } | LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
                Trouble::lost("the server closed the connection", MEND_CONNECTION)
            }
            LdapError::FilterParsing => Trouble::new(
                "the filter cannot be parsed",
                "correct user_filter: RFC 4515 defines the syntax of filters",
            ),
            other => Trouble::lost(other.to_string(), MEND_CONNECTION),
        }
    }

    /// Returns the error for a result other than success.
    pub(super) fn of_result(result: &LdapResult) -> Trouble {
        let (words, mend) = words(result.rc);
        let said = (!result.text.is_empty()).then(|| result.text.clone());
        Trouble {
            wrong: format!("{words} (result {})", result.rc),
            mend: mend.into(),
            said,
            lost: matches!(result.rc, BUSY | UNAVAILABLE),
            mute: false,
            code: Some(result.rc),
        }
    }
}

const MEND_CONNECTION: &str =
    "check that the server runs, that its name and port are right, and that no firewall blocks this machine";

fn words(code: u32) -> (&'static str, &'static str) {
    match code {
        1 => (
            "the directory refused the operation",
            "an anonymous or failed bind may be the cause: see the log of the directory",
        ),
        3 => {
            ("the directory's time limit is exceeded", "index the attributes in user_filter, or choose a smaller base")
        }
        SIZE_LIMIT_EXCEEDED => (
            "the directory's size limit is exceeded",
            "raise the size limit for the account of bind_dn, or choose a smaller base",
        ),
        8 => ("the directory requires stronger authentication", "allow bind_dn to bind with a password over TLS"),
        REFERRAL => (
            "the directory refers to another server",
            "name the server that holds the base: Muster does not follow referrals",
        ),
        11 => (
            "an administrative limit is exceeded",
            "raise the limits of bind_dn, or index the attributes in user_filter",
        ),
        13 => ("the directory requires an encrypted connection", "use ldaps://, or a server that supports StartTLS"),
        16 | 17 => ("the directory does not know an attribute", "correct the attribute names in the configuration"),
        NO_SUCH_OBJECT => ("there is no such entry", "correct the base, or let bind_dn read it"),
        INVALID_DN => ("a DN is malformed", "correct bind_dn and base: RFC 4514 defines the syntax of DNs"),
        INVALID_CREDENTIALS => ("the directory rejected the name or password", "correct bind_dn and bind_password"),
        50 => ("the directory denied access", "give bind_dn the right to read people and groups"),
        BUSY => ("the directory is busy", "try again later"),
        UNAVAILABLE => ("the directory is not available", "try again later, or check why it is shut down"),
        53 => ("the directory is unwilling to perform the operation", "see the log of the directory"),
        _ => ("the directory returned an error", "see the log of the directory"),
    }
}
