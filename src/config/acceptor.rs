//! TLS as the listeners offer it. Built by `serve` to listen and by `check-config` to find out whether `serve` can.

use super::PkiFiles;
use openssl::error::ErrorStack;
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod};

/// Suites of TLS 1.2: what devices with OS 27 ask for (support.apple.com/126655), and ChaCha20 for others. Without DHE: a handshake with
/// it costs the server many times what it costs the client (CVE-2002-20001). Extended Master Secret is OpenSSL's default.
const SUITES: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
    ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/// Groups of TLS 1.2 and 1.3: those that devices offer. OpenSSL's default has finite-field groups too (ffdhe2048 and larger), with the
/// cost of DHE.
pub const GROUPS: &str = "?X25519MLKEM768:X25519:P-256:P-384:P-521";

/// TLS 1.2 and 1.3 with Mozilla's intermediate settings, but for DHE.
///
/// # Errors
/// If certificate and key cannot be read, do not belong together, or OpenSSL's security level refuses them.
pub fn build(pki: &PkiFiles) -> Result<SslAcceptorBuilder, ErrorStack> {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    acceptor.set_cipher_list(SUITES)?;
    acceptor.set_groups_list(GROUPS)?;
    acceptor.set_certificate_chain_file(&pki.tls_certificate)?;
    acceptor.set_private_key_file(&pki.tls_key, SslFiletype::PEM)?;
    acceptor.check_private_key()?;
    Ok(acceptor)
}
