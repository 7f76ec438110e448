//! Section `[pki]` of the configuration.

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// `[pki]`: certificates and keys in PEM files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PkiFiles {
    /// The CA that signs device identities. Its key needs the strongest protection.
    pub identity_ca_certificate: PathBuf,
    pub identity_ca_key: PathBuf,
    /// The registration authority: clients encrypt SCEP requests to it, and it signs the answers.
    pub registration_authority_certificate: PathBuf,
    pub registration_authority_key: PathBuf,
    /// Signs profiles. With a publicly trusted certificate iOS shows them as "Verified". Its intermediates may follow
    /// in the file.
    pub profile_signer_certificate: PathBuf,
    pub profile_signer_key: PathBuf,
    /// TLS certificate of the server, followed by its intermediates.
    pub tls_certificate: PathBuf,
    pub tls_key: PathBuf,
    /// Root that people install in the certificate step, if the TLS chain is not publicly trusted.
    pub tls_root: Option<PathBuf>,
    /// PEM files with further trusted roots of hardware attestations, in addition to Apple's. For tests with
    /// simulated devices: the holder of such a root's key can end the record of any device.
    #[serde(default)]
    pub attestation_roots: Vec<PathBuf>,
}

/// Files of the push certificate, from the section `[push]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct PushFiles<'a> {
    pub certificate: Option<&'a Path>,
    pub key: Option<&'a Path>,
}
