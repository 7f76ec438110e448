//! Offline checks of `[[identity.saml]]` for `check-config`.

use super::Saml;
use super::metadata::Provider;
use crate::config;
use findings::Finding;
use world::Timestamp;

/// Remaining validity below which the metadata document should be replaced.
const SOON_SECONDS: i64 = 30 * 86_400;

/// Returns all findings about one `[[identity.saml]]`.
pub fn check(config: &config::Saml, public_url: &str, now: Timestamp) -> Vec<Finding> {
    let about = |key: &str| format!("identity.saml.{}.{key}", config.name);
    let mut findings = Vec::new();
    match Provider::read(&config.metadata) {
        Ok(provider) => {
            findings.extend(provider.passed_over.iter().map(|why| {
                let mend = "nothing to do if the provider signs with another key; otherwise let it make a new one";
                Finding::warning("saml-key-passed-over", &about("metadata"), why.clone(), mend)
            }));
            findings.extend(check_provider(&provider, config, &about, now));
        }
        Err(error) => {
            let mend = "provide a file with the metadata document of only this identity provider, with its signing certificate";
            findings.push(Finding::error("saml-metadata-unusable", &about("metadata"), error, mend));
        }
    }
    if findings.iter().all(|finding| finding.code != "saml-metadata-unusable") {
        findings.push(match Saml::load(config, public_url) {
            Ok(saml) => {
                let mend = format!(
                    "give the provider the metadata document of this server; if the provider keeps only one address, add ?place=portal and \
                     register a second application with ?place=console: {}",
                    saml.entity_id
                );
                Finding::note("saml-metadata-address", &about("name"), "the provider must know this server", &mend)
            }
            Err(error) => {
                let mend = "configure a matching certificate and key as PEM files, with an RSA key of at least 2048 bits";
                Finding::error("saml-key-pair-unusable", &about("signing_key"), error, mend)
            }
        });
    }
    if config.allow_unsolicited {
        let wrong = "unsolicited answers are accepted: a link can sign a person in to another person's account";
        let mend = "remove allow_unsolicited unless people must start from the identity provider's own page";
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
            "the identity provider requires signed requests (WantAuthnRequestsSigned), but signing_key is not set";
        let mend = "make a key pair, name it in signing_certificate and signing_key, and give the provider the metadata of this server";
        return Some(Finding::warning("saml-requests-unsigned", &about("signing_key"), wrong, mend));
    }
    let end = provider.valid_until?;
    if let Err(error) = provider.in_force(now) {
        let mend = "export the metadata document again: until then nobody can sign in through this provider";
        return Some(Finding::warning("saml-metadata-expired", &about("metadata"), error, mend));
    }
    (end < now.plus_seconds(SOON_SECONDS)).then(|| {
        let wrong = format!("the provider's metadata expires at {}", end.to_rfc3339());
        let mend = "export the metadata document again before that day";
        Finding::warning("saml-metadata-expires-soon", &about("metadata"), wrong, mend)
    })
}
