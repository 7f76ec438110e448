//! The configuration file that `muster init` writes: every field, each with what it means.

mod directory;

use super::{PkiFiles, Push};
use std::path::Path;

/// What the file says differently from one installation to the next.
#[derive(Debug, Clone)]
pub struct Answers {
    pub public_url: String,
    pub listen: String,
    pub metrics_listen: String,
    pub pki: PkiFiles,
    pub push: Push,
}

/// The text of `muster.toml` in `directory`: paths below it are written relative to it.
pub fn file(directory: &Path, answers: &Answers) -> String {
    let Answers { public_url, listen, metrics_listen, pki, push } = answers;
    let path = |path: &Path| quoted(path.strip_prefix(directory).unwrap_or(path));
    // What is not given stands in a comment, with the name it would have.
    let optional = |key: &str, given: Option<&Path>, otherwise: &str| match given {
        Some(given) => format!("{key} = {}", path(given)),
        None => format!("# {key} = \"{otherwise}\""),
    };
    let [ca_certificate, ca_key, ra_certificate, ra_key, signer_certificate, signer_key, tls_certificate, tls_key] = [
        &pki.identity_ca_certificate,
        &pki.identity_ca_key,
        &pki.registration_authority_certificate,
        &pki.registration_authority_key,
        &pki.profile_signer_certificate,
        &pki.profile_signer_key,
        &pki.tls_certificate,
        &pki.tls_key,
    ]
    .map(|file| path(file));
    let tls_root = optional("tls_root", pki.tls_root.as_deref(), "pki/tls-root.pem");
    let push_certificate = optional("certificate", push.certificate.as_deref(), "pki/push.pem");
    let push_key = optional("key", push.key.as_deref(), "pki/push.key");
    let push_root = optional("root", push.root.as_deref(), "pki/push-root.pem");
    let push_base_url = &push.base_url;
    let directory_example = directory::EXAMPLE;
    format!(
        r#"# Muster. Relative paths are taken from the directory of this file; unknown keys are refused.
# `muster check-config` says what is wrong here and how to mend it. What people see (texts, switches, which kinds of
# device may enroll) is not here: `muster settings show`, `muster settings apply FILE`.

[server]
# The address people type: scheme https, no path. Every URL in a profile begins with it and enrolled devices keep it:
# changing it later orphans them.
public_url = "{public_url}"
# Address and port to listen on for people and devices. Port 0 takes any free one.
listen = "{listen}"
# Address and port for /metrics, /healthz and /readyz. Keep it on the loopback interface.
metrics_listen = "{metrics_listen}"
# Addresses of reverse proxies whose X-Forwarded-For is believed, such as ["10.0.0.1"]: each by its own address, not ranges.
trusted_proxies = []

[store]
# Directory of events.db (the log: back it up), keys.db and projections.db. On a local disk, never a network mount.
directory = "data"
# The master key, 32 bytes in hex. Back it up apart from the directory: without it personal data reads as nothing.
master_key = "master.key"

[pki]
# The CA that signs the identities of devices, and its key: whoever has the key can make devices.
identity_ca_certificate = {ca_certificate}
# PEM, readable by this server alone.
identity_ca_key = {ca_key}
# The registration authority: SCEP requests are encrypted to it, answers signed by it.
registration_authority_certificate = {ra_certificate}
# PEM, readable by this server alone.
registration_authority_key = {ra_key}
# Signs the profiles; a publicly trusted certificate, followed by its intermediates, shows them as "Verified".
profile_signer_certificate = {signer_certificate}
# PEM, readable by this server alone.
profile_signer_key = {signer_key}
# The TLS certificate for the name in public_url, followed by its intermediates.
tls_certificate = {tls_certificate}
# PEM, readable by this server alone.
tls_key = {tls_key}
# The root that people install in the certificate step. Leave it out where the TLS certificate is publicly trusted, and set
# skip_ca_profile with `muster settings apply`.
{tls_root}
# PEM files with roots that attestations of hardware are trusted from, beside Apple's, which is known. For tests with
# simulated devices only: whoever has the key of such a root can end the record of any device.
attestation_roots = []

[push]
# Apple's push service, unless this is a trial.
base_url = "{push_base_url}"
# The MDM push certificate; its subject's UID is the topic. Without it no device can enroll: `muster push request` says
# how to get one, `muster push import` puts it here.
{push_certificate}
# PEM, readable by this server alone.
{push_key}
# The CA of the push server, only where it is not publicly trusted (trials).
{push_root}

[devices]
# Address that devices are told to talk to, where they prove their identity in TLS: scheme https, no path. Without it they
# sign each message, at public_url. Enrolled devices keep it: changing it later orphans them.
# url = "https://mdm.example.com"
# Address and port of a listener of its own for that address; it asks devices for their certificate.
# listen = "0.0.0.0:8443"
# A reverse proxy among trusted_proxies ends TLS there and passes the certificate in Client-Cert (RFC 9440). It must
# remove that header from what clients send, or anybody can speak for any device.
client_cert_header = false
# PEM files with CAs that certify devices when they are made, beside "Apple iPhone Device CA", which is known: what they
# signed counts as a genuine device of Apple's. A trial with the simulator names the simulator's here.
device_ca_certificates = []

# Identity providers that speak OpenID Connect: people sign in there. Who is offered which is a setting (sign_in).
# `muster check-config` says which addresses have to be registered at the provider.
# [[identity.openid_connect]]
# # Short name in settings, addresses and the log: lower-case letters, digits and hyphens.
# name = "school"
# # What the button says after "Log in with".
# title = "Example School"
# # Exactly as the provider writes it: a slash at the end counts.
# issuer = "https://id.example.com"
# client_id = "muster"
# # Readers of ID tokens (aud) that are trusted beside client_id. Needed only where a token names several and no azp says that it was made
# # for client_id.
# audiences = ["300000000000000001"]
# # A file with the client secret: its first line.
# client_secret = "school.secret"
# # Asked for beside "openid".
# scopes = ["profile", "email"]
# # Signature algorithms of ID tokens that are accepted, whatever the provider says; none with a shared secret.
# algorithms = ["RS256", "ES256"]
# user_name_claim = "preferred_username"
# groups_claim = "groups"
# # Fills in the Managed Apple ID step.
# managed_apple_id_claim = "managed_apple_id"
# # Further claims that access rules may ask for.
# claims = ["department"]
# # What it means that groups do not come: "unknown", so that no rule about groups is passed over by chance, or "none", for a provider
# # that leaves out an empty list.
# absent_groups = "unknown"
# # The same for claims.
# absent_claims = "unknown"
# # The person must have proved themselves at the provider no longer ago than so many seconds; left out: any time.
# max_age_seconds = 3600
# # The acr that the provider must vouch for; left out: any.
# acr = "urn:example:two-factors"
# # Whoever signs out here is led to sign out at the provider too, where it offers that.
# sign_out_at_provider = true
# # The CA that the provider's certificate comes from, PEM; left out: the system's.
# root = "school-root.pem"

{directory_example}

# Identity providers that speak SAML 2.0. Who is offered which is a setting (sign_in). The provider is given our metadata,
# which is at /saml/NAME/metadata of public_url.
# [[identity.saml]]
# # Short name in settings, addresses and the log: lower-case letters, digits and hyphens.
# name = "federation"
# # What the button says after "Log in with".
# title = "Example Federation"
# # The provider's metadata document with its signing certificates, a file: nothing is fetched by an address in it.
# # While the provider changes its key, put in both certificates.
# metadata = "federation.xml"
# # Certificate and RSA key (PEM) that requests are signed with; left out: they are unsigned.
# signing_certificate = "saml-signing.pem"
# signing_key = "saml-signing.key"
# # Certificate and RSA key (PEM) that assertions may be encrypted to, with RSA-OAEP and AES-GCM; left out: encrypted
# # ones are refused.
# decryption_certificate = "saml-decryption.pem"
# decryption_key = "saml-decryption.key"
# # Also accept, at the portal, answers that nobody asked for. Dangerous: a link can sign somebody in as another.
# allow_unsolicited = false
# # Whoever signs in must prove themselves at the provider each time (ForceAuthn): else the next person at a shared device may go on as
# # the one before.
# force_authentication = true
# # The attribute by which a person is known for good; left out: the NameID, which must then not be a transient one.
# subject_attribute = "eduPersonUniqueId"
# # The attribute with the name to show; left out: the mail address, else a NameID that is a name, else the display name.
# user_name_attribute = "uid"
# display_name_attribute = "displayName"
# mail_attribute = "mail"
# groups_attribute = "groups"
# # Fills in the Managed Apple ID step.
# managed_apple_id_attribute = "managedAppleId"
# # Further attributes that access rules may ask for.
# claims = ["department"]
# # What it means that groups do not come: "unknown", so that no rule about groups is passed over by chance, or "none", for a provider
# # that leaves out an empty list.
# absent_groups = "unknown"
# # The same for claims.
# absent_claims = "unknown"

[logging]
# "text" for people, "json" for machines: one object a line, on standard error.
format = "text"
# What is logged, such as "info,muster=debug".
filter = "info"
"#
    )
}

// A path as a TOML string: basic strings know the same escapes as JSON.
fn quoted(path: &Path) -> String {
    serde_json::Value::from(path.display().to_string()).to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::Config;

    /// The file of an installation in `directory` that has everything.
    pub fn full(directory: &Path) -> String {
        let pki = |name: &str| directory.join("pki").join(name);
        let files = PkiFiles {
            identity_ca_certificate: pki("identity-ca.pem"),
            identity_ca_key: pki("identity-ca.key"),
            registration_authority_certificate: pki("scep.pem"),
            registration_authority_key: pki("scep.key"),
            profile_signer_certificate: pki("profile-signer.pem"),
            profile_signer_key: pki("profile-signer.key"),
            tls_certificate: pki("tls.pem"),
            tls_key: pki("tls.key"),
            tls_root: Some(pki("tls-root.pem")),
            attestation_roots: vec![],
        };
        let push = Push {
            base_url: "https://localhost:7".into(),
            certificate: Some(pki("push.pem")),
            key: Some("/etc/muster/push \"1\".key".into()),
            root: None,
        };
        let (public_url, listen) = ("https://enroll.example.com".into(), "0.0.0.0:443".into());
        let answers = Answers { public_url, listen, metrics_listen: "127.0.0.1:9443".into(), pki: files, push };
        file(directory, &answers)
    }

    #[test]
    fn the_file_says_what_it_was_given_and_paths_elsewhere_stay_whole() {
        let directory = Path::new("/srv/muster");
        let text = full(directory);
        assert!(text.contains("identity_ca_key = \"pki/identity-ca.key\""), "{text}");
        let config = Config::parse(&text, directory).unwrap();
        assert_eq!(config.pki.tls_root.as_deref(), Some(Path::new("/srv/muster/pki/tls-root.pem")));
        assert_eq!(config.push.key.as_deref(), Some(Path::new("/etc/muster/push \"1\".key")));
        assert_eq!(config.push.root, None);
        assert_eq!(config.push.base_url, "https://localhost:7");
        assert_eq!(config.server.listen.port(), 443);
    }
    #[test]
    fn the_examples_of_providers_are_understood_once_their_marks_are_taken_away() {
        let directory = Path::new("/srv/muster");
        let mut text = full(directory);
        let blocks =
            text.split("\n\n").map(|block| block.lines().skip_while(|line| !line.starts_with("# [[identity.")));
        let examples: Vec<String> = blocks
            .flat_map(|lines| lines.map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned()).collect::<Vec<_>>())
            .collect();
        text.push_str(&examples.join("\n"));
        let config = Config::parse(&text, directory).unwrap_or_else(|error| panic!("{error}"));
        let provider = &config.identity.openid_connect[0];
        assert_eq!(provider.client_secret, Path::new("/srv/muster/school.secret"));
        assert_eq!((provider.max_age_seconds, provider.sign_out_at_provider), (Some(3_600), true));
    }
}
