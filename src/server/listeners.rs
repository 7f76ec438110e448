//! Binds the sockets and configures TLS.

use crate::app::start_error::StartError;
use crate::config::{Config, acceptor};
use crate::mdm;
use openssl::ssl::{SslAcceptorBuilder, SslVerifyMode};
use openssl::x509::X509Ref;
use pki::PkiFiles;
use std::net::{SocketAddr, TcpListener};
use url::Url;

/// The server's sockets. They are bound first, so that a port conflict is found before the log is opened.
pub(crate) struct Listeners {
    pub public: TcpListener,
    /// Listener for devices with TLS client certificates, if it is configured.
    pub devices: Option<TcpListener>,
    pub metrics: TcpListener,
}

impl Listeners {
    /// Binds the configured addresses. If port 0 was configured, the configuration contains the real ports afterwards,
    /// also in `public_url` and `devices.url`.
    ///
    /// # Errors
    /// Returns an error if an address cannot be bound.
    pub(crate) fn bind(config: &mut Config) -> Result<Listeners, StartError> {
        let public = bind("server.listen", &mut config.server.listen)?;
        let metrics = bind("server.metrics_listen", &mut config.server.metrics_listen)?;
        fill_port(&mut config.server.public_url, config.server.listen);
        let devices = config.devices.listen.as_mut().map(|address| bind("devices.listen", address)).transpose()?;
        if let (Some(url), Some(address)) = (&mut config.devices.url, config.devices.listen) {
            fill_port(url, address);
        }
        Ok(Listeners { public, devices, metrics })
    }
}

fn fill_port(address: &mut String, listened: SocketAddr) {
    if let Ok(mut url) = Url::parse(address)
        && url.port() == Some(0)
        && url.set_port(Some(listened.port())).is_ok()
    {
        *address = url.as_str().trim_end_matches('/').to_owned();
    }
}

fn bind(setting: &'static str, address: &mut SocketAddr) -> Result<TcpListener, StartError> {
    let asked = *address;
    let unusable = |why| StartError::Listen { setting, address: asked, why };
    let listener = TcpListener::bind(asked).map_err(unusable)?;
    *address = listener.local_addr().map_err(unusable)?;
    Ok(listener)
}

/// Same as [`acceptor::build`], with the error type of the server start.
///
/// # Errors
/// Returns an error if the certificate or its key cannot be used.
pub(crate) fn tls(pki: &PkiFiles) -> Result<SslAcceptorBuilder, StartError> {
    acceptor::build(pki).map_err(|why| StartError::Tls {
        certificate: pki.tls_certificate.clone(),
        key: pki.tls_key.clone(),
        why,
    })
}

/// Same as [`tls`], and requests an optional client certificate. This layer does not decide which certificates are
/// trusted: TLS proves that the client holds the key, and [`devices::identify`] checks that this server issued the
/// certificate and that it is valid. So a device with an expired identity gets a response instead of a broken
/// connection. A chain that no device would present ([`mdm::claim::is_fair`]) ends the connection before a signature is
/// verified.
///
/// # Errors
/// Returns an error if the certificate or its key cannot be used.
pub(crate) fn mutual_tls(pki: &PkiFiles, identity_ca: &X509Ref) -> Result<SslAcceptorBuilder, StartError> {
    let unusable = |why: openssl::error::ErrorStack| StartError::Tls {
        certificate: pki.identity_ca_certificate.clone(),
        key: pki.tls_key.clone(),
        why,
    };
    let mut acceptor = tls(pki)?;
    acceptor.add_client_ca(identity_ca).map_err(unusable)?;
    acceptor.set_verify_callback(SslVerifyMode::PEER, |_, presented| mdm::claim::is_fair(presented));
    // Required for session resumption: without it, OpenSSL rejects a resumed session with "internal error"
    // (SSL_CTX_set_session_id_context(3)).
    acceptor.set_session_id_context(b"muster-devices").map_err(unusable)?;
    Ok(acceptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_address_is_told_by_the_setting_that_names_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        for setting in ["server.listen", "server.metrics_listen", "devices.listen"] {
            let told = bind(setting, &mut taken.local_addr().unwrap()).unwrap_err().to_string();
            assert!(told.contains(&format!("`{setting}`")) && told.contains("stop it"), "{told}");
        }
    }
}
