//! Checks the push certificate: whether it exists, whether it is an MDM push certificate, and whether the push service
//! at `push.base_url` accepts its issuer.

use super::reading::Reading;
use crate::config::Config;
use findings::Finding;
use openssl::nid::Nid;
use pki::push::{is_apple, issuer};
use push::is_service_of_apple;

/// Prefix of every MDM push topic (mdm/profiles/com.apple.mdm.yaml, `Topic`).
const TOPIC_PREFIX: &str = "com.apple.mgmt.";

pub(crate) fn check(config: &Config, reading: &Reading) -> Option<Finding> {
    let get_one =
        "run `muster push request`: it creates the request, and says who must sign it and where to submit it to Apple";
    match (&config.push.certificate, &config.push.key) {
        (None, None) => {
            let wrong = "there is no push certificate: no MDM profile is offered, so no device can enroll";
            return Some(Finding::warning("push-certificate-missing", "push.certificate", wrong, get_one));
        }
        (Some(_), Some(_)) => {}
        _ => {
            let wrong = "only one of push.certificate and push.key is set";
            return Some(Finding::error("push-pair-incomplete", "push", wrong, "set both, or neither"));
        }
    }
    let certificate = reading.first("push.certificate")?;
    let topic = certificate.subject_name().entries_by_nid(Nid::USERID).next();
    let topic = topic.and_then(|uid| uid.data().to_string().ok());
    (!topic.is_some_and(|topic| topic.starts_with(TOPIC_PREFIX))).then(|| {
        let wrong = "the certificate's subject has no topic: an MDM push certificate has a UID that begins with com.apple.mgmt.";
        Finding::error("push-certificate-without-topic", "push.certificate", wrong, get_one)
    })
}

/// Finds a certificate that Apple did not issue (for example, one from `muster init --trial`) in use with Apple's push
/// service, which would reject every push.
pub(crate) fn check_issuer(config: &Config, reading: &Reading) -> Option<Finding> {
    let certificate = reading.first("push.certificate")?;
    if is_apple(&issuer(certificate)) || !is_service_of_apple(&config.push.base_url) {
        return None;
    }
    let wrong = format!(
        "the certificate was issued by {}, not by Apple: Apple's push service rejects it, so no device is woken; this applies to every certificate of \
         `muster init --trial`",
        issuer(certificate)
    );
    let mend = "for real devices, get a certificate from Apple (`muster push request`); for a trial with simulated devices, set \
                base_url = \"https://localhost:8444\" in the section [push], restart the server and start `muster simulate` with \
                --push-listen 127.0.0.1:8444 --push-files and the directory of push-root.pem";
    Some(Finding::warning("push-certificate-not-of-apple", "push.certificate", wrong, mend))
}
