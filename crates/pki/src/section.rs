//! The section `[pki]` of the configuration.

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// `[pki]`: certificates and keys, PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PkiFiles {
    /// The CA that signs the devices' identities. The most guarded file.
    pub identity_ca_certificate: PathBuf,
    pub identity_ca_key: PathBuf,
    /// The registration authority: SCEP requests are encrypted to it, answers signed by it.
    pub registration_authority_certificate: PathBuf,
    pub registration_authority_key: PathBuf,
    /// Signs the profiles; a publicly trusted certificate shows them as "Verified". May be followed by its intermediates.
    pub profile_signer_certificate: PathBuf,
    pub profile_signer_key: PathBuf,
    /// The server's TLS certificate, followed by its intermediates.
    pub tls_certificate: PathBuf,
    pub tls_key: PathBuf,
    /// The root that people install in the certificate step, where the TLS chain is not publicly trusted.
    pub tls_root: Option<PathBuf>,
    /// PEM files with roots that attestations of hardware are trusted from, beside Apple's. For tests with simulated devices:
    /// whoever has the key of such a root can end the record of any device.
    #[serde(default)]
    pub attestation_roots: Vec<PathBuf>,
}

/// The files of the push certificate, which the section `[push]` names.
#[derive(Debug, Clone, Copy, Default)]
pub struct PushFiles<'a> {
    pub certificate: Option<&'a Path>,
    pub key: Option<&'a Path>,
}
