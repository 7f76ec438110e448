//! What is wrong where the way of a device ends, and what to do about it.

use super::{Trouble, kept_the_query};
use crate::simulator::account::{Asked, DiscoveryError, Hop};
use crate::simulator::device::DeviceError;
use crate::simulator::model::IosVersion;
use url::Url;

/// From this version on the person is shown what the server says (mdm/errors/well-known.failed.yaml).
const FIRST_MESSAGE: IosVersion = IosVersion::new(17, 5);

/// From this version on a device whose domain does not answer asks Apple.
const FIRST_FALLBACK: IosVersion = IosVersion::new(18, 2);

fn trouble(wrong: impl Into<String>, mend: impl Into<String>) -> Trouble {
    Trouble { wrong: wrong.into(), mend: mend.into() }
}

/// This machine is at fault, not the server.
pub(super) fn own(error: &dyn std::error::Error) -> Trouble {
    trouble(format!("the check itself failed: {error}"), "try it on another machine")
}

pub(super) fn untrusted(host: &str) -> Trouble {
    trouble(
        format!("“Cannot verify server identity”: no root that devices trust has signed the certificate of {host}"),
        "give the host a publicly trusted certificate; if devices have your own root installed, give it with --root",
    )
}

pub(super) fn unreachable(url: &Url, error: &DeviceError) -> Trouble {
    if is_untrusted(error) {
        return untrusted(url.host_str().unwrap_or_default());
    }
    trouble(
        format!("{url} cannot be reached: {error}"),
        "see that the address is right and reachable from the internet",
    )
}

fn is_untrusted(error: &DeviceError) -> bool {
    matches!(error, DeviceError::Unreachable(error) if crate::simulator::trust::is_untrusted(error))
}

pub(super) fn discovery(error: &DiscoveryError, hops: &[Hop], ios: IosVersion) -> Trouble {
    let show = "`muster discovery show` prints what the domain has to answer";
    if !kept_the_query(hops) {
        return trouble(
            format!("the redirect dropped the query, and then: {error}"),
            "have the redirect put the query back, with nginx by $is_args$args: devices do not carry it over",
        );
    }
    match error {
        DiscoveryError::Unreachable(why) if crate::simulator::trust::is_untrusted(why) => untrusted("the domain"),
        DiscoveryError::NoDomain(_) => trouble(error.to_string(), "give the domain alone, such as example.com"),
        DiscoveryError::Refused { message, .. } => trouble(
            match ios >= FIRST_MESSAGE {
                true => format!("the server refuses this kind of device; the person is shown “{message}”"),
                false => format!(
                    "the server refuses this kind of device (“{message}”); before iOS {FIRST_MESSAGE} the person is shown a text of Apple's"
                ),
            },
            "if it is to enroll, name an enrollment for it in the setting account_driven.families; if not, all is well",
        ),
        DiscoveryError::Status { .. } if ios >= FIRST_FALLBACK => trouble(
            format!("{error}; from iOS {FIRST_FALLBACK} on it asks Apple next, which this check cannot"),
            format!("{show}, and what to register with Apple"),
        ),
        _ => trouble(error.to_string(), show),
    }
}

pub(super) fn no_challenge(asked: &Asked, wrong: String) -> Trouble {
    let mend = match asked.status {
        403 => {
            "the settings do not let such a device enroll by account (families, versions, models, genuine devices); the audit trail says why"
        }
        404 => {
            "the address in the document is not one of a Muster, or of an older one; `muster discovery show` prints the right one"
        }
        500..=599 => "the server is in trouble: see its log",
        _ => {
            "see that nothing between the internet and the server changes requests: it has to see the body as it was sent and to answer 401 with WWW-Authenticate"
        }
    };
    trouble(format!("{wrong} (status {})", asked.status), mend)
}

pub(super) fn no_page(status: u16, title: &str) -> Trouble {
    trouble(
        format!("the page to sign in answers {status} (“{title}”)"),
        "see that the address that people open reaches the same server, with its path as it is",
    )
}
