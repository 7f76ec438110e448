//! The configuration file (`muster.toml`): addresses, paths, the store and keys. What users see is configured in the
//! settings instead (`muster settings apply`).

pub(crate) mod acceptor;
pub(crate) mod check;
pub(crate) mod template;

use identity::config::Identity;
use mail::{Mail, MailError, Mailer};
use pki::{PkiFiles, PushFiles};
use push::Push;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use telemetry::{LogFormat, Logging, Metrics};
use url::Url;
use world::regular_file;

/// `muster.toml`. Relative paths are relative to the directory of the file. Unknown keys are rejected.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub store: Store,
    pub pki: PkiFiles,
    pub push: Push,
    /// Without it, no mail is sent.
    pub mail: Option<Mail>,
    #[serde(default)]
    pub devices: Devices,
    #[serde(default)]
    pub identity: Identity,
    #[serde(default)]
    pub logging: Logging,
}

/// `[server]`: listening addresses and the public URL.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Public URL that people type, such as `https://enroll.example.com`: scheme `https`, no path. Every URL in a
    /// profile begins with it, and enrolled devices keep it: if it changes, enrolled devices can no longer reach the
    /// server.
    pub public_url: String,
    /// Address and port to listen on for people and devices, such as `0.0.0.0:443`. Port 0 selects any free port.
    pub listen: SocketAddr,
    /// Address and port for `/metrics`, `/healthz` and `/readyz`. Keep it on the loopback interface.
    pub metrics_listen: SocketAddr,
    /// IP addresses of the reverse proxies whose `X-Forwarded-For` header is trusted. Default: none.
    #[serde(default, deserialize_with = "addresses")]
    pub trusted_proxies: Vec<IpAddr>,
}

// Replaces the library's "invalid IP address syntax", which does not say that a range is the mistake.
fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpAddr>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let wrong = |text: &str| match text.contains('/') {
        true => format!(
            "{text:?} is a range, and ranges are not supported: list each proxy by its own address, such as \"10.0.0.1\""
        ),
        false => {
            format!("{text:?} is not an IP address: write it as \"10.0.0.1\" or \"2001:db8::1\", without port or name")
        }
    };
    texts.iter().map(|text| text.parse().map_err(|_| D::Error::custom(wrong(text)))).collect()
}

/// `[store]`: paths of the log, the keys, the projections and the staff sessions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Directory of `events.db`, `index.db`, `keys.db`, `projections/`, `sessions.db` and `states.db`. It must be on
    /// a local disk, never on a network mount.
    pub directory: PathBuf,
    /// File with the master key, 32 bytes in hex. Back it up separately from the directory: without it, personal data
    /// cannot be read.
    pub master_key: PathBuf,
    /// Start with keys that are older than the log, and record the missing ones as lost. Only a command-line option
    /// (`serve --accept-lost-keys`), so that it is an explicit decision each time.
    #[serde(skip)]
    pub accept_lost_keys: bool,
    /// Start with a log that ends before the position that `keys.db` has recorded. Like `accept_lost_keys`, only a
    /// command-line option: `serve --accept-older-log`.
    #[serde(skip)]
    pub accept_older_log: bool,
}

/// `[devices]`: how devices prove their identity. Without this section they sign each message (`SignMessage`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Devices {
    /// URL that devices use for MDM messages, such as `https://mdm.example.com`: scheme `https`, no path. There they
    /// prove their identity with a TLS client certificate. Enrolled devices keep this URL: if it changes, they can no
    /// longer reach the server.
    pub url: Option<String>,
    /// Address and port of a separate listener for `url`, such as `0.0.0.0:8443`. It requests the device's certificate.
    /// People do not use it, because a browser would ask them for a certificate too.
    pub listen: Option<SocketAddr>,
    /// A reverse proxy in `server.trusted_proxies` terminates TLS for `url` and passes the certificate in the
    /// `Client-Cert` header (RFC 9440). It must remove that header from client requests.
    pub client_cert_header: bool,
    /// PEM files with further CAs of built-in device identities, in addition to "Apple iPhone Device CA", which is
    /// built in. A device whose identity one of them signed counts as a genuine Apple device. Expiry of these CAs is
    /// not checked.
    pub device_ca_certificates: Vec<PathBuf>,
}

/// Reads only the log format from a configuration file that is otherwise invalid (for example, one with an unknown
/// key). Returns `None` if it does not set the format.
pub(crate) fn log_format(path: &Path) -> Option<LogFormat> {
    let file: toml::Table = toml::from_str(&regular_file::read_to_string(path).ok()?).ok()?;
    file.get("logging")?.get("format")?.clone().try_into().ok()
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration {}: {why}; create one with `muster init DIRECTORY`, or name another one with `--config FILE`", .path.display())]
    Unreadable { path: PathBuf, why: std::io::Error },
    #[error("the configuration {} is not valid: {why}", .path.display())]
    Invalid { path: PathBuf, why: String },
}

impl Config {
    /// Reads a configuration file. Relative paths in it are resolved against its directory.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or is invalid. The message names the wrong key and the known keys.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let unreadable = |why| ConfigError::Unreadable { path: path.to_owned(), why };
        let text = regular_file::read_to_string(path).map_err(unreadable)?;
        let directory = std::path::absolute(path).map_err(unreadable)?;
        let directory = directory.parent().unwrap_or(Path::new("/"));
        Config::parse(&text, directory)
            .map_err(|why| ConfigError::Invalid { path: path.to_owned(), why: why.to_string() })
    }

    /// Parses the configuration in `text`. Relative paths in it are resolved against `directory`.
    ///
    /// # Errors
    /// Returns an error if the text is invalid. The message names the wrong key and the known keys.
    pub fn parse(text: &str, directory: &Path) -> Result<Config, toml::de::Error> {
        let mut config: Config = toml::from_str(text)?;
        for path in config.paths_mut() {
            *path = directory.join(&*path);
        }
        Ok(config)
    }

    /// Returns the files that the configuration names, including the master key.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut copy = self.clone();
        let paths = copy.paths_mut().into_iter().map(|path| path.clone());
        paths.filter(|path| *path != self.store.directory).collect()
    }

    /// Returns the files of the push certificate.
    pub(crate) fn push_files(&self) -> PushFiles<'_> {
        PushFiles { certificate: self.push.certificate.as_deref(), key: self.push.key.as_deref() }
    }

    /// Loads the mailer. Without a section `[mail]` it refuses each mail as not configured.
    ///
    /// # Errors
    /// Returns an error that says which key or file of `[mail]` cannot be used.
    pub(crate) fn mailer(&self, metrics: Metrics) -> Result<Mailer, MailError> {
        Mailer::load(self.mail.as_ref(), &self.own_name(), metrics)
    }

    /// Returns the host name in `server.public_url`, with which the server introduces itself to the mail server. Empty
    /// if the URL is not valid, which another finding reports.
    pub(crate) fn own_name(&self) -> String {
        let url = Url::parse(&self.server.public_url).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let Config { store, pki, push, mail, devices, identity, .. } = self;
        let mut paths = vec![
            &mut store.directory,
            &mut store.master_key,
            &mut pki.identity_ca_certificate,
            &mut pki.identity_ca_key,
            &mut pki.registration_authority_certificate,
            &mut pki.registration_authority_key,
            &mut pki.profile_signer_certificate,
            &mut pki.profile_signer_key,
            &mut pki.tls_certificate,
            &mut pki.tls_key,
        ];
        let optional = [&mut pki.tls_root, &mut push.certificate, &mut push.key, &mut push.root];
        paths.extend(optional.into_iter().flatten());
        let of_mail = mail.iter_mut().flat_map(|mail| [&mut mail.password_file, &mut mail.ca_file]);
        paths.extend(of_mail.flatten());
        paths.extend(&mut pki.attestation_roots);
        paths.extend(&mut devices.device_ca_certificates);
        paths.extend(identity.paths_mut());
        paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> String {
        template::tests::full(Path::new("/srv/muster"))
    }

    #[test]
    fn the_file_that_init_writes_is_understood_and_its_paths_are_relative_to_it() {
        let config = Config::parse(&file(), Path::new("/srv/muster")).unwrap();
        assert_eq!(config.store.directory, Path::new("/srv/muster/data"));
        assert_eq!(config.pki.identity_ca_key, Path::new("/srv/muster/pki/identity-ca.key"));
        assert_eq!(config.logging.format, LogFormat::Text);
    }

    #[test]
    fn an_unknown_key_is_refused_and_the_known_ones_are_named() {
        let text = file().replace("listen = ", "lissten = ");
        let error = Config::parse(&text, Path::new("/")).unwrap_err().to_string();
        assert!(
            error.contains("lissten") && error.contains("public_url") && error.contains("trusted_proxies"),
            "{error}"
        );
    }

    #[test]
    fn a_range_of_proxies_is_refused_as_what_it_is() {
        for (given, told) in [("10.0.0.0/8", "ranges are not supported"), ("proxy.example", "not an IP address")] {
            let text = file().replace("trusted_proxies = []", &format!("trusted_proxies = [{given:?}]"));
            let error = Config::parse(&text, Path::new("/")).unwrap_err().to_string();
            assert!(error.contains(told) && error.contains(given), "{error}");
        }
    }

    #[test]
    fn an_unknown_section_is_refused_and_the_known_ones_are_named() {
        let error = Config::parse(&format!("{}\n[sever]\n", file()), Path::new("/")).unwrap_err().to_string();
        assert!(error.contains("sever") && error.contains("`store`") && error.contains("`pki`"), "{error}");
    }

    #[test]
    fn a_missing_key_is_named() {
        let text = file().replace("public_url = ", "# public_url = ");
        let error = Config::parse(&text, Path::new("/")).unwrap_err().to_string();
        assert!(error.contains("missing field `public_url`"), "{error}");
    }

    #[test]
    fn every_field_is_documented_in_the_file_that_init_writes() {
        let text = file();
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let is_field = line.contains(" = ") && !line.starts_with("# ");
            assert!(!is_field || lines[number - 1].starts_with('#'), "no comment above {line:?}");
        }
        for field in ["trusted_proxies", "tls_root", "root", "filter", "format"] {
            assert!(text.contains(&format!("{field} = ")), "{field} is not in the file");
        }
    }
}
