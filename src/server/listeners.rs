//! Sockets and TLS.

use crate::app::assemble::StartError;
use crate::config::{Config, PkiFiles};
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod};
use std::net::{SocketAddr, TcpListener};
use url::Url;

/// The server's sockets, bound before anything else, so that a taken port is known before the log is touched.
pub struct Listeners {
    pub public: TcpListener,
    pub metrics: TcpListener,
}

impl Listeners {
    /// Binds the configured addresses. Where port 0 was asked for, the configuration says the real ports afterwards, in
    /// `public_url` too.
    ///
    /// # Errors
    /// If an address cannot be listened on.
    pub fn bind(config: &mut Config) -> Result<Listeners, StartError> {
        let public = bind(&mut config.server.listen)?;
        let metrics = bind(&mut config.server.metrics_listen)?;
        if let Ok(mut url) = Url::parse(&config.server.public_url)
            && url.port() == Some(0)
            && url.set_port(Some(config.server.listen.port())).is_ok()
        {
            config.server.public_url = url.as_str().trim_end_matches('/').to_owned();
        }
        Ok(Listeners { public, metrics })
    }
}

fn bind(address: &mut SocketAddr) -> Result<TcpListener, StartError> {
    let unusable = |why| StartError::Listen { address: *address, why };
    let listener = TcpListener::bind(*address).map_err(unusable)?;
    *address = listener.local_addr().map_err(unusable)?;
    Ok(listener)
}

/// TLS 1.2 and 1.3 with Mozilla's intermediate settings.
///
/// # Errors
/// If certificate and key cannot be used.
pub fn tls(pki: &PkiFiles) -> Result<SslAcceptorBuilder, StartError> {
    let unusable = |why: openssl::error::ErrorStack| StartError::Tls {
        certificate: pki.tls_certificate.clone(),
        key: pki.tls_key.clone(),
        why,
    };
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).map_err(unusable)?;
    acceptor.set_certificate_chain_file(&pki.tls_certificate).map_err(unusable)?;
    acceptor.set_private_key_file(&pki.tls_key, SslFiletype::PEM).map_err(unusable)?;
    acceptor.check_private_key().map_err(unusable)?;
    Ok(acceptor)
}
