//! The configuration file that `muster init` writes: every field, each with what it means.

/// What the file says differently from one installation to the next.
#[derive(Debug, Clone)]
pub struct Answers {
    pub public_url: String,
    pub listen: String,
    pub metrics_listen: String,
    pub push_base_url: String,
    /// A push certificate lies in the `pki` directory.
    pub push_certificate: bool,
    /// The CA of a push server of ours lies in the `pki` directory (trials).
    pub push_root: bool,
}

impl Answers {
    pub fn new(public_url: &str) -> Answers {
        Answers {
            public_url: public_url.into(),
            listen: "0.0.0.0:8443".into(),
            metrics_listen: "127.0.0.1:9443".into(),
            push_base_url: "https://api.push.apple.com".into(),
            push_certificate: false,
            push_root: false,
        }
    }
}

/// The text of `muster.toml`.
pub fn file(answers: &Answers) -> String {
    let Answers { public_url, listen, metrics_listen, push_base_url, .. } = answers;
    let given = |given: bool| if given { "" } else { "# " };
    let (certificate, root) = (given(answers.push_certificate), given(answers.push_root));
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
# Addresses of reverse proxies whose X-Forwarded-For is believed, such as ["10.0.0.1"].
trusted_proxies = []

[store]
# Directory of events.db (the log: back it up), keys.db and projections.db. On a local disk, never a network mount.
directory = "data"
# The master key, 32 bytes in hex. Back it up apart from the directory: without it personal data reads as nothing.
master_key = "master.key"

[pki]
# The CA that signs the identities of devices, and its key: whoever has the key can make devices.
identity_ca_certificate = "pki/identity-ca.pem"
# PEM, readable by this server alone.
identity_ca_key = "pki/identity-ca.key"
# The registration authority: SCEP requests are encrypted to it, answers signed by it.
registration_authority_certificate = "pki/registration-authority.pem"
# PEM, readable by this server alone.
registration_authority_key = "pki/registration-authority.key"
# Signs the profiles; a publicly trusted certificate, followed by its intermediates, shows them as "Verified".
profile_signer_certificate = "pki/profile-signer.pem"
# PEM, readable by this server alone.
profile_signer_key = "pki/profile-signer.key"
# The TLS certificate for the name in public_url, followed by its intermediates.
tls_certificate = "pki/tls.pem"
# PEM, readable by this server alone.
tls_key = "pki/tls.key"
# The root that people install in steps 3 to 6. Leave it out where the TLS certificate is publicly trusted, and set
# skip_ca_profile with `muster settings apply`.
tls_root = "pki/tls-root.pem"

[push]
# Apple's push service, unless this is a trial.
base_url = "{push_base_url}"
# The MDM push certificate (https://identity.apple.com/pushcert); its subject's UID is the topic. Without it no device
# can enroll.
{certificate}certificate = "pki/push.pem"
# PEM, readable by this server alone.
{certificate}key = "pki/push.key"
# The CA of the push server, only where it is not publicly trusted (trials).
{root}root = "pki/push-root.pem"

[logging]
# "text" for people, "json" for machines: one object a line, on standard error.
format = "text"
# What is logged, such as "info,muster=debug".
filter = "info"
"#
    )
}
