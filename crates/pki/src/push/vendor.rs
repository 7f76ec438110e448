//! The signature of an MDM vendor on a request: creates the property list for <https://identity.apple.com/pushcert>.

use crate::files::{Credential, PkiError, is_issued_by};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::sign::Signer;
use openssl::x509::X509;
use plist::{Dictionary, Value};
use std::path::Path;

/// An MDM CSR signing certificate from Apple with its key and its issuers' certificates.
pub struct VendorSigner {
    credential: Credential,
}

impl VendorSigner {
    /// Reads the certificate and the key. The certificate's file must contain the chain up to Apple's root, each
    /// certificate followed by its issuer: for an incomplete chain Apple's portal reports only "invalid certificate
    /// signing request".
    ///
    /// # Errors
    /// Returns an error that says which certificate is missing.
    pub fn read(certificate: &Path, key: &Path) -> Result<VendorSigner, PkiError> {
        let credential = Credential::read(certificate, key)?;
        let chain: Vec<&X509> = std::iter::once(&credential.certificate).chain(&credential.intermediates).collect();
        let broken = chain.windows(2).find(|pair| !is_issued_by(pair[0], pair[1])).map(|pair| pair[0]);
        let last = *chain.last().unwrap_or(&&credential.certificate);
        let ends = broken.or_else(|| (!is_issued_by(last, last)).then_some(last));
        if let Some(ends) = ends {
            let problem = format!("does not lead to Apple's root: the issuer of {} is missing", named(ends));
            let cure = "append the intermediate (Worldwide Developer Relations) and the Apple root certificate in PEM; \
                        both are at https://www.apple.com/certificateauthority/";
            return Err(PkiError::new(certificate, problem, cure));
        }
        Ok(VendorSigner { credential })
    }

    /// Signs a request (PKCS #10 in DER) and returns the file for Apple's portal: an XML property list in Base64.
    ///
    /// # Errors
    /// Returns an error if OpenSSL fails.
    pub fn sign(&self, request: &[u8]) -> Result<String, ErrorStack> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.credential.key)?;
        let signature = signer.sign_oneshot_to_vec(request)?;
        let mut chain = self.credential.certificate.to_pem()?;
        for certificate in &self.credential.intermediates {
            chain.extend(certificate.to_pem()?);
        }
        let fields = [
            ("PushCertRequestCSR", STANDARD.encode(request)),
            ("PushCertCertificateChain", String::from_utf8_lossy(&chain).into_owned()),
            ("PushCertSignature", STANDARD.encode(signature)),
        ];
        let fields: Dictionary = fields.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
        let mut xml = Vec::new();
        // A dictionary of strings can always be written, and writing to a Vec does not fail.
        let _ = Value::Dictionary(fields).to_writer_xml(&mut xml);
        Ok(STANDARD.encode(xml))
    }
}

fn named(certificate: &X509) -> String {
    let name = certificate.subject_name().entries_by_nid(openssl::nid::Nid::COMMONNAME).next();
    name.and_then(|name| name.data().to_string().ok()).unwrap_or_else(|| "a certificate without a name".into())
}

#[cfg(test)]
mod tests {
    use super::super::PushRequest;
    use super::*;
    use crate::create::{Given, Plan, create};
    use openssl::sign::Verifier;
    use world::World;

    /// Returns the files of a certificate, its key and its root. Any chain of ours has the same form as a vendor's.
    fn chain(directory: &Path) -> (std::path::PathBuf, std::path::PathBuf, std::path::PathBuf) {
        let plan = Plan { organization: "Vendor", hosts: &["localhost".into()], trial: true, given: Given::default() };
        let made = create(&directory.join("pki"), &plan, &World::system()).unwrap();
        (made.push_certificate.unwrap(), made.push_key.unwrap(), made.push_server.unwrap().root)
    }

    #[test]
    fn the_property_list_for_the_portal_is_signed_and_has_the_whole_chain() {
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key, root) = chain(directory.path());
        let mut whole = std::fs::read(&certificate).unwrap();
        whole.extend(std::fs::read(root).unwrap());
        let vendor = directory.path().join("vendor.pem");
        std::fs::write(&vendor, whole).unwrap();
        let request = PushRequest::make("Example School", None).unwrap().request.to_der().unwrap();
        let file = VendorSigner::read(&vendor, &key).unwrap().sign(&request).unwrap();

        let fields: Dictionary = plist::from_bytes(&STANDARD.decode(file).unwrap()).unwrap();
        let text = |name: &str| fields.get(name).and_then(Value::as_string).unwrap();
        assert_eq!(STANDARD.decode(text("PushCertRequestCSR")).unwrap(), request);
        let pem = text("PushCertCertificateChain");
        assert!(pem.lines().all(|line| line.len() <= 64), "Apple wants lines of 64 characters");
        let chain = X509::stack_from_pem(pem.as_bytes()).unwrap();
        assert_eq!(chain.len(), 2);
        let signer = chain[0].public_key().unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha256(), &signer).unwrap();
        let signature = STANDARD.decode(text("PushCertSignature")).unwrap();
        assert!(verifier.verify_oneshot(&signature, &request).unwrap());
    }

    #[test]
    fn a_chain_that_ends_before_its_root_is_refused_and_says_where() {
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key, _) = chain(directory.path());
        let error = VendorSigner::read(&certificate, &key).err().unwrap().to_string();
        assert!(error.contains("APSP:") && error.contains("apple.com/certificateauthority"), "{error}");
    }
}
