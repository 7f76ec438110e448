//! The mail server as it is configured, with its password and its CA read from their files.

use crate::address::{ascii_domain, is_ascii, parse, parse_mailbox};
use crate::section::{Mail, Tls};
use findings::files::unreadable_secret;
use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use openssl::x509::X509;
use secrecy::{ExposeSecret as _, SecretString};
use std::net::IpAddr;
use std::path::Path;
use world::regular_file;

/// Why the section `[mail]` cannot be used. The message names the key; it contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    #[error(
        "mail.host is {0:?}, which is no name of a server: write it without port and scheme, such as \"mail.example.com\""
    )]
    Host(String),
    #[error("mail.port is 0")]
    Port,
    #[error("mail.from is {0:?}, which is no address: write \"muster@example.com\" or \"Muster <muster@example.com>\"")]
    From(String),
    #[error("mail.bounces_to is {0:?}, which is no address: write it as \"bounces@example.com\"")]
    BouncesTo(String),
    #[error("mail.hello_name is {0:?}, which is no name of a host: write it as \"muster.example.com\"")]
    HelloName(String),
    #[error("only one of mail.user_name and mail.password_file is set: set both, or neither")]
    HalfOfCredentials,
    #[error(
        "mail.tls is \"none\", and mail.user_name is set: the password would go over the network without encryption"
    )]
    CredentialsWithoutTls,
    #[error("mail.password_file: {0}")]
    Password(String),
    #[error("mail.ca_file: {0}")]
    Ca(String),
    #[error("TLS for the mail server cannot be set up: {0}")]
    Tls(String),
}

pub(crate) enum Security {
    StartTls(TlsParameters),
    Implicit(TlsParameters),
    InClear,
}

/// User name and password. `Debug` shows neither.
pub(crate) struct Login {
    user_name: String,
    password: SecretString,
}

impl Login {
    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::new(self.user_name.clone(), self.password.expose_secret().to_owned())
    }
}

/// The configured mail server.
pub(crate) struct Relay {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<Login>,
    pub from: Mailbox,
    /// The envelope sender.
    pub bounces_to: Address,
    pub hello: ClientId,
}

impl Relay {
    /// Reads the files. `own_name` is the name of this server, for EHLO.
    pub(crate) fn load(mail: &Mail, own_name: &str) -> Result<Relay, MailError> {
        let host = host(mail)?;
        let port = port(mail)?;
        let from = from(mail)?;
        let bounces_to = bounces_to(mail)?.unwrap_or_else(|| from.email.clone());
        let hello = hello(mail, own_name)?;
        let login = login(mail)?;
        let security = match mail.tls {
            Tls::StartTls => Security::StartTls(tls(mail, &host)?),
            Tls::Implicit => Security::Implicit(tls(mail, &host)?),
            Tls::None => Security::InClear,
        };
        Ok(Relay { host, port, security, login, from, bounces_to, hello })
    }
}

pub(crate) fn host(mail: &Mail) -> Result<String, MailError> {
    let bare = mail.host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return Ok(bare.to_owned());
    }
    ascii_domain(&mail.host).ok_or_else(|| MailError::Host(mail.host.clone()))
}

pub(crate) fn port(mail: &Mail) -> Result<u16, MailError> {
    Some(mail.port()).filter(|port| *port != 0).ok_or(MailError::Port)
}

// Senders in ASCII only: a server without SMTPUTF8 would refuse every mail.
pub(crate) fn from(mail: &Mail) -> Result<Mailbox, MailError> {
    let from = parse_mailbox(&mail.from).filter(|from| is_ascii(&from.email));
    from.ok_or_else(|| MailError::From(mail.from.clone()))
}

pub(crate) fn bounces_to(mail: &Mail) -> Result<Option<Address>, MailError> {
    let Some(text) = &mail.bounces_to else { return Ok(None) };
    let address = parse(text).filter(is_ascii);
    address.map(Some).ok_or_else(|| MailError::BouncesTo(text.clone()))
}

pub(crate) fn hello(mail: &Mail, own_name: &str) -> Result<ClientId, MailError> {
    let name = mail.hello_name.as_deref().unwrap_or(own_name).trim_matches(['[', ']']);
    match name.parse() {
        Ok(IpAddr::V4(address)) => Ok(ClientId::Ipv4(address)),
        Ok(IpAddr::V6(address)) => Ok(ClientId::Ipv6(address)),
        Err(_) => ascii_domain(name).map(ClientId::Domain).ok_or_else(|| MailError::HelloName(name.to_owned())),
    }
}

/// Returns the name and the file of the password, if both are set and TLS protects them.
pub(crate) fn credentials(mail: &Mail) -> Result<Option<(&str, &Path)>, MailError> {
    match (&mail.user_name, &mail.password_file) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) if mail.tls == Tls::None => Err(MailError::CredentialsWithoutTls),
        (Some(user_name), Some(file)) => Ok(Some((user_name, file))),
        _ => Err(MailError::HalfOfCredentials),
    }
}

fn login(mail: &Mail) -> Result<Option<Login>, MailError> {
    let Some((user_name, file)) = credentials(mail)? else { return Ok(None) };
    let password = password(file).map_err(MailError::Password)?;
    Ok(Some(Login { user_name: user_name.to_owned(), password }))
}

pub(crate) fn password(path: &Path) -> Result<SecretString, String> {
    let text = regular_file::read_to_string(path).map_err(|error| unreadable_secret(path, &error))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(SecretString::from(line)),
        _ => Err(format!("the first line of {} is empty: it must be the password of user_name", path.display())),
    }
}

/// Returns the certificates of `ca_file`; `None` if the system's CAs are used.
pub(crate) fn roots(mail: &Mail) -> Result<Option<Vec<X509>>, MailError> {
    let Some(path) = &mail.ca_file else { return Ok(None) };
    let pem =
        regular_file::read(path).map_err(|why| MailError::Ca(format!("{} cannot be read: {why}", path.display())))?;
    let roots = X509::stack_from_pem(&pem).unwrap_or_default();
    if roots.is_empty() {
        return Err(MailError::Ca(format!("{} contains no PEM certificate", path.display())));
    }
    Ok(Some(roots))
}

fn tls(mail: &Mail, host: &str) -> Result<TlsParameters, MailError> {
    let unusable = |why: &dyn std::error::Error| MailError::Tls(why.to_string());
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(roots) = roots(mail)? {
        parameters = parameters.certificate_store(CertificateStore::None);
        for root in roots {
            let pem = root.to_pem().map_err(|why| unusable(&why))?;
            parameters = parameters.add_root_certificate(Certificate::from_pem(&pem).map_err(|why| unusable(&why))?);
        }
    }
    parameters.build_native().map_err(|why| unusable(&why))
}
