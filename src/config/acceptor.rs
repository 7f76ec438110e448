//! TLS configuration of the listeners. `serve` uses it to listen, and `check-config` to check that `serve` can.

use super::PkiFiles;
use openssl::error::ErrorStack;
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod};

/// TLS 1.2 cipher suites: those that devices with OS 27 require (support.apple.com/126655), and ChaCha20 for other
/// clients. DHE is excluded, because a DHE handshake costs the server many times what it costs the client
/// (CVE-2002-20001). Extended Master Secret is OpenSSL's default.
const SUITES: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
    ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/// Key exchange groups of TLS 1.2 and 1.3: those that devices offer. OpenSSL's default also has finite-field groups
/// (ffdhe2048 and larger), which cost as much as DHE.
pub(crate) const GROUPS: &str = "?X25519MLKEM768:X25519:P-256:P-384:P-521";

/// Builds a TLS 1.2 and 1.3 acceptor with Mozilla's intermediate settings, but without DHE.
///
/// # Errors
/// Returns an error if the certificate or the key cannot be read, if they do not belong together, or if OpenSSL's
/// security level rejects them.
pub(crate) fn build(pki: &PkiFiles) -> Result<SslAcceptorBuilder, ErrorStack> {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    acceptor.set_cipher_list(SUITES)?;
    acceptor.set_groups_list(GROUPS)?;
    acceptor.set_certificate_chain_file(&pki.tls_certificate)?;
    acceptor.set_private_key_file(&pki.tls_key, SslFiletype::PEM)?;
    acceptor.check_private_key()?;
    Ok(acceptor)
}
