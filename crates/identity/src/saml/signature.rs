//! Signatures of the provider, verified with the keys of its metadata and with no others.

use super::tree::Tree;
use crate::{Disbelief, Fault};
use bergshamra_dsig::VerifyResult;
use bergshamra_keys::{KeysManager, loader};
use gamlastan::crypto::{AlgorithmPolicy, SamlVerifier};
use openssl::pkey::{PKey, Public};

/// Verifies with one pinned key each: a verifier that holds two keys of a kind tries the first only, and a provider has
/// two while it changes from one to the next. The keys count, not the certificates around them: those may have expired
/// and are issued by whomever.
pub struct Pinned(Vec<SamlVerifier>);

impl Pinned {
    /// From the keys of certificates in the metadata. OpenSSL read these: nothing reads them a second time, by other rules.
    ///
    /// # Errors
    /// If a key is of a kind that cannot be used.
    pub fn new(keys: &[PKey<Public>]) -> Result<Pinned, String> {
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

    /// The IDs of the elements that are signed. Every signature that is there must be good, all of one key.
    pub fn verify(&self, tree: &Tree<'_>, text: &str) -> Result<Vec<String>, Disbelief> {
        let mut why = String::new();
        for verifier in &self.0 {
            match verifier.verify_all_enveloped(text).map_err(|error| error.to_string()).and_then(signed) {
                Ok(ids) => return Ok(ids),
                Err(error) => why = error,
            }
        }
        let root = tree.name(tree.root);
        let detail = format!("no signing key of the metadata verifies the {root}: {why}");
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
            ids.push(reference.uri.strip_prefix('#').ok_or("a reference without an ID")?.to_owned());
        }
    }
    Ok(ids)
}
