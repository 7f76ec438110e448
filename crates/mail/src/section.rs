//! Section `[mail]` of the configuration.

use serde::Deserialize;
use std::path::PathBuf;

/// `[mail]`: the mail server (a relay or a submission server) that takes the mails of this server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Name of the mail server. Its certificate must contain this name.
    pub host: String,
    /// Default: 587 for `starttls`, 465 for `implicit`, 25 for `none`.
    pub port: Option<u16>,
    #[serde(default)]
    pub tls: Tls,
    /// Name for the authentication (SASL PLAIN or LOGIN). Without it, the server is used without authentication.
    pub user_name: Option<String>,
    /// File with the password of `user_name`. Its first line is used.
    pub password_file: Option<PathBuf>,
    /// Sender that people see: an address, or `Name <address>`.
    pub from: String,
    /// Address that bounces go to (the envelope sender). Default: the address in `from`.
    pub bounces_to: Option<String>,
    /// PEM file with the CA of the server's certificate. Public CAs are then not trusted. Default: the system's CAs.
    pub ca_file: Option<PathBuf>,
    /// Name with which this server introduces itself (EHLO). Default: the name in `server.public_url`.
    pub hello_name: Option<String>,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// STARTTLS, required (RFC 3207). A server that does not offer it gets no mail.
    #[default]
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// No encryption: whoever is on the network between reads and changes the mails.
    None,
}

impl Mail {
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Tls::StartTls => 587,
            Tls::Implicit => 465,
            Tls::None => 25,
        })
    }
}
