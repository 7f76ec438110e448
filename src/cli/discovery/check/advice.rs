//! Explains why a device would stop, and how to correct it.

use super::{Trouble, kept_the_query};
use simulator::account::{Asked, DiscoveryError, Hop};
use simulator::device::DeviceError;
use simulator::model::IosVersion;
use url::Url;

/// From this version on, a device shows the server's message to its user (mdm/errors/well-known.failed.yaml).
const FIRST_MESSAGE: IosVersion = IosVersion::new(17, 5);

/// The first version with account-driven enrollment.
pub(super) const FIRST_BY_ACCOUNT: IosVersion = IosVersion::new(15, 0);

/// From this version on, a device asks Apple if the domain does not answer.
const FIRST_FALLBACK: IosVersion = IosVersion::new(18, 2);

fn trouble(wrong: impl Into<String>, mend: impl Into<String>) -> Trouble {
    Trouble { wrong: wrong.into(), mend: mend.into() }
}

/// The fault is on this machine, not on the server.
pub(super) fn own(error: &dyn std::error::Error) -> Trouble {
    trouble(format!("the check itself failed: {error}"), "try it on another machine")
}

pub(super) fn untrusted(host: &str) -> Trouble {
    trouble(
        format!("“Cannot verify server identity”: no root that devices trust has signed the certificate of {host}"),
        "install a publicly trusted certificate on the host; if your own root is installed on the devices, pass it with --root",
    )
}

pub(super) fn unreachable(url: &Url, error: &DeviceError) -> Trouble {
    if is_untrusted(error) {
        return untrusted(url.host_str().unwrap_or_default());
    }
    match error {
        DeviceError::Unreachable(error) => network(error),
        _ => trouble(
            format!("{url} cannot be reached: {}", causes(error)),
            "check that the address is correct and reachable from the internet",
        ),
    }
}

pub(super) fn no_such_way(ios: IosVersion) -> Trouble {
    trouble(
        format!("iOS {ios} does not support account-driven enrollment: it requires iOS {FIRST_BY_ACCOUNT} or later"),
        "enroll it at the portal, or set a later version with --ios",
    )
}

// Explains a failure below HTTP. The libraries report it only as text, so the text is matched.
fn network(error: &reqwest::Error) -> Trouble {
    let host = error.url().and_then(Url::host_str).unwrap_or("the host").to_owned();
    let why = causes(error);
    let says = |word: &str| why.to_lowercase().contains(word);
    let [wrong, mend] = if says("dns error") || says("lookup") {
        [
            "the name is not known to DNS",
            "correct the name, or add a DNS record for it (A or AAAA) that is visible on the internet",
        ]
    } else if says("connection refused") {
        ["nothing listens there", "start a web server there, on port 443, and open that port in the firewall"]
    } else if says("ssl") || says("tls") {
        ["TLS fails", "see that TLS 1.2 or later is enabled on that port, with a certificate for the name"]
    } else if error.is_timeout() || says("timed out") {
        ["there is no answer in time", "check that no firewall blocks that port, and that the server is running"]
    } else {
        ["the connection fails", "check that a web server is reachable there from the internet"]
    };
    trouble(format!("{host} cannot be reached: {wrong} ({why})"), mend)
}

// Joins the error with its causes: "error sending request" alone does not help.
fn causes(error: &dyn std::error::Error) -> String {
    let told: Vec<String> =
        std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect();
    told.join(": ")
}

fn asks_apple_next(trouble: Trouble, ios: IosVersion) -> Trouble {
    if ios < FIRST_FALLBACK {
        return trouble;
    }
    Trouble {
        wrong: format!(
            "{}; from iOS {FIRST_FALLBACK} on the device asks Apple next, which this check cannot do",
            trouble.wrong
        ),
        mend: format!("{}; or register with Apple what `muster discovery show` prints", trouble.mend),
    }
}

fn is_untrusted(error: &DeviceError) -> bool {
    matches!(error, DeviceError::Unreachable(error) if simulator::trust::is_untrusted(error))
}

pub(super) fn discovery(error: &DiscoveryError, hops: &[Hop], ios: IosVersion) -> Trouble {
    let show = "`muster discovery show` prints the answer that the domain must give";
    if !kept_the_query(hops) {
        return trouble(
            format!("the redirect dropped the query, and then: {error}"),
            "add the query to the redirect (with nginx: $is_args$args), because devices do not keep it",
        );
    }
    match error {
        DiscoveryError::Unreachable(why) if simulator::trust::is_untrusted(why) => untrusted("the domain"),
        DiscoveryError::Unreachable(why) => asks_apple_next(network(why), ios),
        DiscoveryError::NoDomain(_) => trouble(error.to_string(), "pass only the domain, such as example.com"),
        DiscoveryError::Refused { message, .. } => trouble(
            match ios >= FIRST_MESSAGE {
                true => format!("the server refuses this kind of device; the person sees “{message}”"),
                false => format!(
                    "the server refuses this kind of device (“{message}”); before iOS {FIRST_MESSAGE} the person sees a text by Apple"
                ),
            },
            "to let it enroll, add its family to the setting account_driven.families; otherwise nothing needs to change",
        ),
        DiscoveryError::Status { .. } => asks_apple_next(trouble(error.to_string(), show), ios),
        _ => trouble(error.to_string(), show),
    }
}

pub(super) fn no_challenge(asked: &Asked, wrong: String) -> Trouble {
    let mend = match asked.status {
        403 => {
            "the settings do not allow account-driven enrollment for such a device (families, versions, models, genuine devices); the audit trail has the reason"
        }
        404 => {
            "the address in the document does not belong to Muster, or belongs to an older version; `muster discovery show` prints the correct one"
        }
        500..=599 => "the server has an error: see its log",
        _ => {
            "check that nothing between the internet and the server changes requests: the server must get the original body and answer 401 with WWW-Authenticate"
        }
    };
    trouble(format!("{wrong} (status {})", asked.status), mend)
}

pub(super) fn no_page(status: u16, title: &str) -> Trouble {
    trouble(
        format!("the sign-in page answers {status} (“{title}”)"),
        "check that the address that people open leads to the same server, with an unchanged path",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(address: &str, ios: IosVersion) -> Trouble {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let error = client.get(address).send().await.unwrap_err();
        discovery(&DiscoveryError::Unreachable(error), &[], ios)
    }

    // Starts a server that does not speak TLS.
    fn plain() -> u16 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
            }
        });
        port
    }

    #[tokio::test]
    async fn a_name_without_address_a_closed_port_and_a_broken_tls_are_told_apart_with_their_causes() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let no_tls = format!("https://127.0.0.1:{}", plain());
        for (address, wrong, mend) in [
            ("https://nowhere.invalid", "not known to DNS (", "correct the name"),
            (&format!("https://{closed}"), "nothing listens there (", "start a web server"),
            (&no_tls, "TLS fails (", "see that TLS"),
        ] {
            let told = told(address, IosVersion::new(17, 5)).await;
            assert!(told.wrong.contains(wrong) && !told.wrong.contains("Apple"), "{}", told.wrong);
            assert!(told.mend.starts_with(mend), "{}", told.mend);
        }
    }

    #[tokio::test]
    async fn a_device_that_gets_no_answer_asks_apple_from_18_2_on() {
        let told = told("https://nowhere.invalid", FIRST_FALLBACK).await;
        assert!(told.wrong.contains("asks Apple next") && told.mend.contains("register with Apple"), "{}", told.wrong);
    }

    #[test]
    fn before_ios_15_no_device_enrolls_by_account() {
        let told = no_such_way(IosVersion::new(14, 8));
        assert!(told.wrong.contains("iOS 14.8 does not") && told.wrong.contains("15.0"), "{}", told.wrong);
    }
}
