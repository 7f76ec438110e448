//! What can go wrong with a directory, in words: what is wrong, and how to mend it.

use ldap3::{LdapError, LdapResult};
use std::time::Duration;

/// The directory did not answer, or not with yes or no. Names nobody; `said` may, and is only for the administrator who
/// tries the directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{wrong}")]
pub struct Trouble {
    pub wrong: String,
    pub mend: String,
    /// The server's own words.
    pub said: Option<String>,
    /// The connection, or the server, is of no use any more: another one may do.
    pub(super) lost: bool,
    /// Nothing was said within the time: asking costs that time again.
    pub(super) mute: bool,
    pub(super) code: Option<u32>,
}

/// LDAP result codes (RFC 4511, appendix A) that are spoken of here.
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
            "the directory cut its answer short (size limit exceeded): what is missing is not known",
            "raise the size limit for the searcher, or choose a smaller base",
        )
    }

    pub(super) fn timeout(after: Duration) -> Trouble {
        let lost = Trouble::lost(
            format!("no answer within {} s", after.as_secs()),
            "see whether the server is overloaded, or something between swallows what is sent; \
             connect_timeout_seconds and timeout_seconds say how long to wait",
        );
        Trouble { mute: true, ..lost }
    }

    /// None of the servers could be used.
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
                "name the CA of the server's certificate in root, and the server by a name that is in its certificate",
            ),
            LdapError::LdapResult { result } => Trouble::of_result(&result),
            LdapError::OpSend { .. } | LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
                Trouble::lost("the server closed the connection", MEND_CONNECTION)
            }
            LdapError::FilterParsing => Trouble::new(
                "the filter is not understood",
                "correct user_filter: RFC 4515 says how filters are written",
            ),
            other => Trouble::lost(other.to_string(), MEND_CONNECTION),
        }
    }

    /// Of a result that is not the one hoped for.
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
    "see whether the server runs, its name and port are right, and a firewall lets this machine through";

fn words(code: u32) -> (&'static str, &'static str) {
    match code {
        1 => (
            "the directory refuses the operation",
            "an anonymous or failed bind may be why: look into the directory's log",
        ),
        3 => {
            ("the directory's time limit is exceeded", "index the attributes in user_filter, or choose a smaller base")
        }
        SIZE_LIMIT_EXCEEDED => (
            "the directory's size limit is exceeded",
            "raise the size limit for the searcher, or choose a smaller base",
        ),
        8 => ("the directory wants stronger authentication", "allow the searcher to bind with a password over TLS"),
        REFERRAL => (
            "the directory refers to another server",
            "name the server that holds the base: referrals are never followed",
        ),
        11 => (
            "an administrative limit is exceeded",
            "raise the searcher's limits, or index the attributes in user_filter",
        ),
        13 => ("the directory wants an encrypted connection", "use ldaps://, or a server that knows StartTLS"),
        16 | 17 => ("the directory does not know an attribute", "correct the names of attributes"),
        NO_SUCH_OBJECT => ("there is no such entry", "correct the base, or let the searcher see it"),
        INVALID_DN => ("a DN is not one", "correct bind_dn and base: RFC 4514 says how DNs are written"),
        INVALID_CREDENTIALS => ("the directory does not accept name and password", "correct bind_dn and bind_password"),
        50 => ("the directory does not allow it", "give the searcher the right to read people and groups"),
        BUSY => ("the directory is busy", "try again later"),
        UNAVAILABLE => ("the directory is not available", "try again later, or see why it is shut down"),
        53 => ("the directory is unwilling", "look into the directory's log"),
        _ => ("the directory answers with an error", "look into the directory's log"),
    }
}
