//! What `check-config` finds about an identity provider that speaks SAML.

use super::Saml;
use super::metadata::Provider;
use crate::config;
use findings::Finding;
use world::Timestamp;

/// A document this close to its end should be exchanged.
const SOON_SECONDS: i64 = 30 * 86_400;

/// Everything that can be found about one `[[identity.saml]]`.
pub fn check(config: &config::Saml, public_url: &str, now: Timestamp) -> Vec<Finding> {
    let about = |key: &str| format!("identity.saml.{}.{key}", config.name);
    let mut findings = Vec::new();
    match Provider::read(&config.metadata) {
        Ok(provider) => {
            findings.extend(provider.passed_over.iter().map(|why| {
                let mend = "nothing, if the provider signs with another one; else let it make a new key";
                Finding::warning("saml-key-passed-over", &about("metadata"), why.clone(), mend)
            }));
            findings.extend(check_provider(&provider, config, &about, now));
        }
        Err(error) => {
            let mend =
                "give the metadata document of this one identity provider, as a file with its signing certificate";
            findings.push(Finding::error("saml-metadata-unusable", &about("metadata"), error, mend));
        }
    }
    if findings.iter().all(|finding| finding.code != "saml-metadata-unusable") {
        findings.push(match Saml::load(config, public_url) {
            Ok(saml) => {
                let mend = format!(
                    "give it our metadata document (where it keeps one address alone with ?place=portal, and with ?place=console \
                     for an application of another name): {}",
                    saml.entity_id
                );
                Finding::note("saml-metadata-address", &about("name"), "the provider must know this server", &mend)
            }
            Err(error) => {
                let mend = "give the two files that were made together, PEM, an RSA key of 2048 bits or more";
                Finding::error("saml-key-pair-unusable", &about("signing_key"), error, mend)
            }
        });
    }
    if config.allow_unsolicited {
        let wrong = "answers that nobody asked for are accepted: a link can sign somebody in as another";
        let mend = "leave allow_unsolicited out unless people must come from the identity provider's own page";
        findings.push(Finding::warning("saml-unsolicited-allowed", &about("allow_unsolicited"), wrong, mend));
    }
    findings
}

fn check_provider(
    provider: &Provider,
    config: &config::Saml,
    about: &impl Fn(&str) -> String,
    now: Timestamp,
) -> Option<Finding> {
    if provider.wants_signed_requests && config.signing_key.is_none() {
        let wrong =
            "the identity provider wants signed requests (WantAuthnRequestsSigned), and there is no signing_key";
        let mend =
            "make a key pair, name it in signing_certificate and signing_key, and give the provider our metadata";
        return Some(Finding::warning("saml-requests-unsigned", &about("signing_key"), wrong, mend));
    }
    let end = provider.valid_until?;
    if let Err(error) = provider.in_force(now) {
        let mend = "export the metadata document again: until then nobody signs in through this provider";
        return Some(Finding::warning("saml-metadata-expired", &about("metadata"), error, mend));
    }
    (end < now.plus_seconds(SOON_SECONDS)).then(|| {
        let wrong = format!("the provider's metadata is valid until {} only", end.to_rfc3339());
        let mend = "export the metadata document again before that day";
        Finding::warning("saml-metadata-expires-soon", &about("metadata"), wrong, mend)
    })
}
