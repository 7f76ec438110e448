//! Certificates and keys in PEM files: reading with errors that name the file and the remedy, and writing keys for
//! the owner only.

use findings::files::holds_private_key;
use openssl::pkey::{Id, PKey, Private};
use openssl::x509::{X509, X509Ref, X509VerifyResult};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt};
use std::path::{Path, PathBuf};
use world::regular_file;

/// A problem with a file and how to correct it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}; {cure}", path.display())]
pub struct PkiError {
    pub path: PathBuf,
    /// What is wrong, as a predicate about the file, such as `contains no certificate in PEM`.
    pub problem: String,
    /// How to correct it, as a clause without a full stop.
    pub cure: String,
}

impl PkiError {
    pub(crate) fn new(path: &Path, problem: impl Into<String>, cure: impl Into<String>) -> PkiError {
        PkiError { path: path.to_owned(), problem: problem.into(), cure: cure.into() }
    }
}

/// A certificate with its private key and the intermediates that follow it in its file.
pub struct Credential {
    pub certificate_path: PathBuf,
    pub certificate: X509,
    pub intermediates: Vec<X509>,
    pub key: PKey<Private>,
}

impl Credential {
    /// Reads certificate and key and checks that they match.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or the key does not match the certificate.
    pub fn read(certificate_path: &Path, key_path: &Path) -> Result<Credential, PkiError> {
        let mut chain = certificates(certificate_path)?;
        let key = private_key(key_path)?;
        let certificate = chain.remove(0);
        if !certificate.public_key().is_ok_and(|public| public.public_eq(&key)) {
            let problem = format!("is not the key of the (first) certificate in {}", certificate_path.display());
            let cure = "give the key made together with that certificate; in a chain, the server's own certificate must be first";
            return Err(PkiError::new(key_path, problem, cure));
        }
        Ok(Credential { certificate_path: certificate_path.to_owned(), certificate, intermediates: chain, key })
    }

    /// Requires a CA certificate (basicConstraints) whose key usage, if present, permits signing certificates, with
    /// an RSA key, which SCEP clients expect.
    pub(super) fn must_be_ca(&self) -> Result<(), PkiError> {
        let usage = KeyUsage::of(&self.certificate);
        if !is_ca(&self.certificate) || !usage.key_cert_sign {
            let problem = "cannot sign certificates: it is not a CA (basicConstraints CA:TRUE, keyUsage keyCertSign)";
            return Err(self.wrong(problem, "give a CA certificate, or let `muster init` create one"));
        }
        self.must_be_rsa()
    }

    /// Requires the key usages of a SCEP registration authority: clients encrypt to this certificate and verify its
    /// signatures (RFC 8894 section 2.1.2). Without digitalSignature and keyEncipherment devices fail
    /// (micromdm/scep#81).
    pub(super) fn must_serve_scep(&self) -> Result<(), PkiError> {
        let usage = KeyUsage::of(&self.certificate);
        if !usage.digital_signature || !usage.key_encipherment {
            let problem = "cannot serve SCEP: its keyUsage lacks digitalSignature or keyEncipherment";
            return Err(self.wrong(problem, "issue it again with both, or let `muster init` create one"));
        }
        self.must_be_rsa()
    }

    pub(super) fn must_be_issued_by(&self, issuer: &Credential) -> Result<(), PkiError> {
        if is_issued_by(&self.certificate, &issuer.certificate) {
            return Ok(());
        }
        let problem = format!("is not issued by the CA in {}", issuer.certificate_path.display());
        Err(self.wrong(&problem, "give two certificates that belong together; SCEP clients check this"))
    }

    pub(super) fn must_chain_to(&self, root_path: &Path, root: &X509Ref) -> Result<(), PkiError> {
        let last = self.intermediates.last().unwrap_or(&self.certificate);
        if is_issued_by(last, root) || last.to_der().ok() == root.to_der().ok() {
            return Ok(());
        }
        let problem = format!("does not chain to the root in {}", root_path.display());
        let cure = "append the missing intermediates to it, or set `tls_root` to its own root \
                    (omit `tls_root` if the certificate is publicly trusted)";
        Err(self.wrong(&problem, cure))
    }

    fn must_be_rsa(&self) -> Result<(), PkiError> {
        if self.key.id() == Id::RSA && self.key.bits() >= 2048 {
            return Ok(());
        }
        Err(self.wrong("has no RSA key of at least 2048 bits, as SCEP needs", "use an RSA key of 2048 bits or more"))
    }

    fn wrong(&self, problem: &str, cure: &str) -> PkiError {
        PkiError::new(&self.certificate_path, problem, cure)
    }
}

/// Returns the first certificate in a PEM file.
///
/// # Errors
/// Returns an error if the file cannot be read or contains no certificate.
pub fn certificate(path: &Path) -> Result<X509, PkiError> {
    certificates(path).map(|mut all| all.remove(0))
}

/// Returns all certificates in a PEM file, at least one.
///
/// # Errors
/// Returns an error if the file cannot be read or contains no certificate.
pub fn certificates(path: &Path) -> Result<Vec<X509>, PkiError> {
    match X509::stack_from_pem(&read(path)?) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(PkiError::new(
            path,
            "contains no certificate in PEM",
            "it must have a line -----BEGIN CERTIFICATE-----; \
             convert DER with `openssl x509 -inform der -in FILE -out FILE.pem`",
        )),
    }
}

/// Returns the private key in a PEM file.
///
/// # Errors
/// Returns an error if the file cannot be read, contains no key or the key has a passphrase.
pub(crate) fn private_key(path: &Path) -> Result<PKey<Private>, PkiError> {
    let pem = read(path)?;
    // The callback returns no passphrase. Without it, OpenSSL would ask on the terminal and wait.
    PKey::private_key_from_pem_callback(&pem, |_| Ok(0)).map_err(|_| {
        if String::from_utf8_lossy(&pem).contains("ENCRYPTED") {
            let cure =
                "remove the passphrase with `openssl pkey -in FILE -out NEW` and protect the file by its mode (0600)";
            return PkiError::new(path, "is protected by a passphrase, which nobody could type at a restart", cure);
        }
        PkiError::new(path, "contains no private key in PEM", "it must have a line -----BEGIN PRIVATE KEY-----")
    })
}

fn read(path: &Path) -> Result<Vec<u8>, PkiError> {
    regular_file::read(path).map_err(|error| {
        PkiError::new(path, format!("cannot be read ({error})"), "check the path, and the file's owner and mode")
    })
}

/// Writes a new file durably. Use `mode` 0600 for keys.
///
/// # Errors
/// Returns an error if the file exists (a key is never overwritten) or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), PkiError> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    write().map_err(|error| {
        let cure = "use an empty, writable directory; existing files are never replaced";
        PkiError::new(path, format!("cannot be written ({error})"), cure)
    })
}

/// Replaces a file durably and atomically. The previous file is kept as `….old`. The new file gets the owner of the
/// file `like`, if the process may do that.
///
/// # Errors
/// Returns an error if the new file cannot be written. The previous file is then still in place.
pub fn replace(path: &Path, bytes: &[u8], mode: u32, like: &Path) -> Result<(), PkiError> {
    if regular_file::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let (new, old) = (beside(".new"), beside(".old"));
    let swap = || -> std::io::Result<()> {
        write_beside(&new, bytes, mode)?;
        if let Ok(like) = std::fs::metadata(like) {
            // Only root may change the owner of a file. Other users keep it.
            let _ = std::os::unix::fs::chown(&new, Some(like.uid()), Some(like.gid()));
        }
        if let Ok(present) = std::fs::metadata(path) {
            let bytes = regular_file::read(path)?;
            let mode = if holds_private_key(&bytes) { 0o600 } else { present.mode() & 0o777 };
            write_beside(&old, &bytes, mode)?;
        }
        std::fs::rename(&new, path)?;
        path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    swap().map_err(|error| {
        // The new file may contain a key. A failure of the removal is ignored, because the first error is the one to
        // report.
        let _ = std::fs::remove_file(&new);
        let cure = "run this as the user that the server runs as, or give it the right to write there";
        PkiError::new(path, format!("cannot be replaced ({error})"), cure)
    })
}

fn write_beside(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

pub(super) fn is_ca(certificate: &X509Ref) -> bool {
    use der::Decode as _;
    use x509_cert::ext::pkix::BasicConstraints;
    let parsed = certificate.to_der().ok().and_then(|der| x509_cert::Certificate::from_der(&der).ok());
    let constraints = parsed.and_then(|parsed| parsed.tbs_certificate.get::<BasicConstraints>().ok().flatten());
    constraints.is_some_and(|(_, constraints)| constraints.ca)
}

/// Returns whether `issuer` is named as the issuer and its key signed the certificate.
pub(super) fn is_issued_by(certificate: &X509Ref, issuer: &X509Ref) -> bool {
    issuer.issued(certificate) == X509VerifyResult::OK
        && issuer.public_key().is_ok_and(|key| certificate.verify(&key).unwrap_or(false))
}

/// Key usage of a certificate. Without the extension, all uses are allowed (RFC 5280 section 4.2.1.3).
pub(super) struct KeyUsage {
    digital_signature: bool,
    key_encipherment: bool,
    pub(super) key_cert_sign: bool,
}

impl KeyUsage {
    pub(super) fn of(certificate: &X509Ref) -> KeyUsage {
        use der::Decode as _;
        use x509_cert::ext::pkix;
        let parsed = certificate.to_der().ok().and_then(|der| x509_cert::Certificate::from_der(&der).ok());
        let usage = parsed.and_then(|parsed| parsed.tbs_certificate.get::<pkix::KeyUsage>().ok().flatten());
        let Some((_, usage)) = usage else {
            return KeyUsage { digital_signature: true, key_encipherment: true, key_cert_sign: true };
        };
        KeyUsage {
            digital_signature: usage.digital_signature(),
            key_encipherment: usage.key_encipherment(),
            key_cert_sign: usage.key_cert_sign(),
        }
    }
}
