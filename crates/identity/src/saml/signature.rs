//! Verifies signatures of the provider with the keys in its metadata and with no others.

use super::tree::Tree;
use crate::{Disbelief, Fault};
use bergshamra_dsig::VerifyResult;
use bergshamra_keys::{KeysManager, loader};
use gamlastan::crypto::{AlgorithmPolicy, SamlVerifier};
use openssl::pkey::{PKey, Public};

/// Verifiers with one pinned key each: a verifier with two keys of a kind tries only the first one, and a provider
/// has two while it changes its key. Only the keys matter, not their certificates, which may have expired and may
/// have any issuer.
pub(crate) struct Pinned(Vec<SamlVerifier>);

impl Pinned {
    /// Creates verifiers for the keys of the certificates in the metadata. OpenSSL parsed the keys, so no second
    /// parser with other rules does.
    ///
    /// # Errors
    /// Returns an error if a key is of an unsupported kind.
    pub(crate) fn new(keys: &[PKey<Public>]) -> Result<Pinned, String> {
        let verifier = |key: &PKey<Public>| {
            let der = key.public_key_to_der().map_err(|error| error.to_string())?;
            let key = loader::load_spki_der(&der).map_err(|error| error.to_string())?;
            let mut keys = KeysManager::new();
            keys.add_key(key);
            let mut verifier = SamlVerifier::new(keys).with_algorithm_policy(AlgorithmPolicy::default());
            verifier.set_trusted_keys_only(true);
            verifier.set_strict_verification(true);
            Ok(verifier)
        };
        Ok(Pinned(keys.iter().map(verifier).collect::<Result<_, String>>()?))
    }

    /// Returns the IDs of the signed elements. Every signature must be valid, and all must come from the same key.
    pub(crate) fn verify(&self, tree: &Tree<'_>, text: &str) -> Result<Vec<String>, Disbelief> {
        let mut why = String::new();
        for verifier in &self.0 {
            match verifier.verify_all_enveloped(text).map_err(|error| error.to_string()).and_then(signed) {
                Ok(ids) => return Ok(ids),
                Err(error) => why = error,
            }
        }
        let root = tree.name(tree.root);
        let detail = format!("no signing key in the metadata verifies the {root}: {why}");
        Err(Disbelief::new(Fault::SignatureInvalid, detail))
    }
}

fn signed(results: Vec<VerifyResult>) -> Result<Vec<String>, String> {
    let mut ids = Vec::new();
    for result in results {
        if !result.all_reference_digests_verified() {
            let VerifyResult::Invalid { reason } = result else { return Err("a digest was not verified".into()) };
            return Err(reason);
        }
        let VerifyResult::Valid { references, .. } = result else { continue };
        for reference in references {
            ids.push(reference.uri.strip_prefix('#').ok_or("a reference has no ID")?.to_owned());
        }
    }
    Ok(ids)
}
