//! The configuration file that `muster init` writes: every field with a comment.

mod directory;

use super::{PkiFiles, Push};
use std::path::Path;

/// Values that differ between installations.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    pub public_url: String,
    pub listen: String,
    pub metrics_listen: String,
    pub pki: PkiFiles,
    pub push: Push,
}

/// Returns the text of `muster.toml` for `directory`. Paths below the directory are written relative to it.
pub(crate) fn file(directory: &Path, answers: &Answers) -> String {
    let Answers { public_url, listen, metrics_listen, pki, push } = answers;
    let path = |path: &Path| quoted(path.strip_prefix(directory).unwrap_or(path));
    // A field without a value is commented out, with its usual file name.
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
        r#"# Muster. Relative paths are relative to the directory of this file. Unknown keys are rejected.
# `muster check-config` finds mistakes in this file and says how to correct them. What people see (texts, switches, which kinds of
# device may enroll) is not here: `muster settings show`, `muster settings apply FILE`.

[server]
# The URL that people type: scheme https, no path. Every URL in a profile begins with it, and enrolled devices keep it:
# if it changes later, they can no longer reach the server.
public_url = "{public_url}"
# Address and port to listen on for people and devices. Port 0 selects any free port.
listen = "{listen}"
# Address and port for /metrics, /healthz and /readyz. Keep it on the loopback interface.
metrics_listen = "{metrics_listen}"
# Reverse proxies whose X-Forwarded-For header is trusted, such as ["10.0.0.1"]: single IP addresses, not ranges.
trusted_proxies = []

[store]
# Directory of events.db (the log: back it up), keys.db and the projections. Use a local disk, never a network mount.
directory = "data"
# File with the master key, 32 bytes in hex. Back it up separately from the directory: without it, personal data cannot be read.
master_key = "master.key"

[pki]
# The CA that signs the identity certificates of devices, and its key. Anyone who has the key can impersonate any device.
identity_ca_certificate = {ca_certificate}
# PEM, readable only by this server.
identity_ca_key = {ca_key}
# The SCEP registration authority: requests are encrypted to it, and responses are signed by it.
registration_authority_certificate = {ra_certificate}
# PEM, readable only by this server.
registration_authority_key = {ra_key}
# Signs the profiles. With a publicly trusted certificate, followed by its intermediates, iOS shows them as "Verified".
profile_signer_certificate = {signer_certificate}
# PEM, readable only by this server.
profile_signer_key = {signer_key}
# The TLS certificate for the name in public_url, followed by its intermediates.
tls_certificate = {tls_certificate}
# PEM, readable only by this server.
tls_key = {tls_key}
# The root that people install in the certificate step. Omit it if the TLS certificate is publicly trusted, and set
# skip_ca_profile with `muster settings apply`.
{tls_root}
# PEM files with further roots for hardware attestations, in addition to Apple's, which is built in. Only for tests with
# simulated devices: anyone who has the key of such a root can end the record of any device.
attestation_roots = []

[push]
# URL of the push service: Apple's, unless this is a trial.
base_url = "{push_base_url}"
# The MDM push certificate. The UID in its subject is the topic. Without it no device can enroll. `muster push request` says
# how to get one, and `muster push import` writes it here.
{push_certificate}
# PEM, readable only by this server.
{push_key}
# The CA of the push server, only if it is not publicly trusted (trials).
{push_root}

# The mail server that takes mails of this server: docs/mail.md. Without this section, no mail is sent.
# [mail]
# # Name of the mail server, as in its certificate.
# host = "mail.example.com"
# # If omitted: 587 for "starttls", 465 for "implicit", 25 for "none".
# port = 587
# # "starttls" requires STARTTLS, "implicit" is TLS from the first byte. "none" is dangerous: whoever is on the network between can
# # read and change the mails. It is not possible together with user_name.
# tls = "starttls"
# # Name for the authentication (PLAIN or LOGIN). If omitted, together with password_file: none.
# user_name = "muster"
# # File with the password, readable only by this server. Its first line is used.
# password_file = "mail.password"
# # Sender: an address, or a name and an address.
# from = "Example School <muster@example.com>"
# # Mailbox for bounces (the envelope sender), which people read: Muster does not. If omitted: the address in from.
# bounces_to = "helpdesk@example.com"
# # The CA of the mail server's certificate, PEM, if it is not publicly trusted. Other CAs are then not trusted.
# ca_file = "mail-ca.pem"
# # Name with which this server introduces itself (EHLO). If omitted: the name in public_url.
# hello_name = "enroll.example.com"

[devices]
# URL at which devices prove their identity with a TLS client certificate: scheme https, no path. Without it they
# sign each message and send it to public_url. Enrolled devices keep it: if it changes later, they can no longer reach the server.
# url = "https://mdm.example.com"
# Address and port of a separate listener for that URL. It requests the device's certificate.
# listen = "0.0.0.0:8443"
# A reverse proxy in trusted_proxies terminates TLS there and passes the certificate in Client-Cert (RFC 9440). It must
# remove that header from client requests; otherwise anyone can impersonate any device.
client_cert_header = false
# PEM files with further CAs of built-in device identities, in addition to "Apple iPhone Device CA", which is built in. A device
# whose identity one of them signed counts as a genuine Apple device. A trial with the simulator sets the simulator's CA here.
device_ca_certificates = []

# Identity providers with OpenID Connect, at which people sign in. The setting sign_in says which ones people are offered.
# `muster check-config` prints the addresses that must be registered at the provider.
# [[identity.openid_connect]]
# # Short name in settings, URLs and the log: lower-case letters, digits and hyphens.
# name = "school"
# # Text of the button after "Sign in with".
# title = "Example School"
# # The issuer URL, exactly as the provider writes it: a trailing slash matters.
# issuer = "https://id.example.com"
# client_id = "muster"
# # Further accepted audiences (aud) of ID tokens, in addition to client_id. Needed only if a token has several and no azp that says it is
# # for client_id.
# audiences = ["300000000000000001"]
# # File with the client secret. Its first line is used.
# client_secret = "school.secret"
# # Scopes to request in addition to "openid".
# scopes = ["profile", "email"]
# # Accepted signature algorithms of ID tokens, whatever the provider announces. Algorithms with a shared secret are not possible.
# algorithms = ["RS256", "ES256"]
# user_name_claim = "preferred_username"
# groups_claim = "groups"
# # Claims by which imported records find their owner (docs/previous-records-owners.md), and whether all mail addresses are
# # checked by the provider or set by administrators. If false: only those that it marks as verified find an owner.
# user_principal_name_claim = "upn"
# employee_number_claim = "employee_number"
# mail_is_verified = false
# # Fills in the Managed Apple ID step.
# managed_apple_id_claim = "managed_apple_id"
# # Further claims that access rules may use.
# claims = ["department"]
# # Meaning of missing groups: "unknown", so that a rule about groups is not skipped by accident, or "none", for a provider
# # that omits an empty list.
# absent_groups = "unknown"
# # The same for claims.
# absent_claims = "unknown"
# # Maximum age of the person's authentication at the provider, in seconds. If omitted: no limit.
# max_age_seconds = 3600
# # The acr value that the provider must confirm. If omitted: any.
# acr = "urn:example:two-factors"
# # After signing out here, people are also signed out at the provider, if it supports that.
# sign_out_at_provider = true
# # The CA of the provider's TLS certificate, PEM. If omitted: the system's CAs.
# root = "school-root.pem"

{directory_example}

# Identity providers with SAML 2.0. The setting sign_in says which ones people are offered. The provider needs Muster's metadata,
# which is at /saml/NAME/metadata of public_url.
# [[identity.saml]]
# # Short name in settings, URLs and the log: lower-case letters, digits and hyphens.
# name = "federation"
# # Text of the button after "Sign in with".
# title = "Example Federation"
# # File with the provider's metadata document, including its signing certificates. Muster fetches nothing from URLs in it.
# # While the provider changes its key, include both certificates.
# metadata = "federation.xml"
# # Certificate and RSA key (PEM) for signing requests. If omitted: requests are not signed.
# signing_certificate = "saml-signing.pem"
# signing_key = "saml-signing.key"
# # Certificate and RSA key (PEM) for assertions encrypted with RSA-OAEP and AES-GCM. If omitted: encrypted
# # assertions are rejected.
# decryption_certificate = "saml-decryption.pem"
# decryption_key = "saml-decryption.key"
# # Also accept unsolicited responses at the portal. Dangerous: a link can sign a person in as somebody else.
# allow_unsolicited = false
# # Require a new authentication at the provider for each sign-in (ForceAuthn). Without it, the next user of a shared device may be
# # signed in as the previous one.
# force_authentication = true
# # Attribute with a permanent identifier of the person. If omitted: the NameID, which then must not be transient.
# subject_attribute = "eduPersonUniqueId"
# # Attribute with the user name. If omitted: the mail address, else a NameID that is a name, else the display name.
# user_name_attribute = "uid"
# display_name_attribute = "displayName"
# mail_attribute = "mail"
# groups_attribute = "groups"
# # Attributes by which imported records find their owner (docs/previous-records-owners.md).
# user_principal_name_attribute = "userPrincipalName"
# employee_number_attribute = "employeeNumber"
# # Fills in the Managed Apple ID step.
# managed_apple_id_attribute = "managedAppleId"
# # Further attributes that access rules may use.
# claims = ["department"]
# # Meaning of missing groups: "unknown", so that a rule about groups is not skipped by accident, or "none", for a provider
# # that omits an empty list.
# absent_groups = "unknown"
# # The same for claims.
# absent_claims = "unknown"

[logging]
# Format of the log on standard error: "text" for people, "json" for machines (one object per line).
format = "text"
# Log filter, such as "info,muster=debug".
filter = "info"
"#
    )
}

// Formats a path as a TOML string. TOML basic strings have the same escapes as JSON strings.
fn quoted(path: &Path) -> String {
    serde_json::Value::from(path.display().to_string()).to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::Config;

    /// The file of an installation in `directory` with every field set.
    pub(crate) fn full(directory: &Path) -> String {
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
    fn the_example_of_mail_is_understood_once_its_marks_are_taken_away() {
        let directory = Path::new("/srv/muster");
        let mut text = full(directory);
        let example = text.lines().skip_while(|line| *line != "# [mail]").take_while(|line| !line.is_empty());
        let example: Vec<&str> = example.map(|line| line.strip_prefix("# ").unwrap()).collect();
        text.push_str(&example.join("\n"));
        let mail = Config::parse(&text, directory).unwrap_or_else(|error| panic!("{error}")).mail.unwrap();
        assert_eq!(mail.password_file.as_deref(), Some(Path::new("/srv/muster/mail.password")));
        assert_eq!(mail.ca_file.as_deref(), Some(Path::new("/srv/muster/mail-ca.pem")));
        // The error for an unknown field lists all known fields.
        let known = toml::from_str::<mail::Mail>("no_such_field = 1").unwrap_err().to_string();
        let fields: Vec<&str> = known.split("expected one of").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert_eq!(fields.len(), 9, "{fields:?}");
        for field in fields {
            assert!(example_has(&full(directory), field), "{field} is not in the example");
        }
    }

    fn example_has(text: &str, field: &str) -> bool {
        text.split("# [mail]").nth(1).unwrap().split("[devices]").next().unwrap().contains(&format!("\n# {field} = "))
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
