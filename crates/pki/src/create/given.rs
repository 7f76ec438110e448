//! Certificates and keys that an administrator provides. They are checked before anything is created.

use crate::files::{Credential, PkiError, certificate};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::x509::X509Ref;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// Files of a certificate and its key.
#[derive(Debug, Clone)]
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Pair {
    pub(super) fn read(&self) -> Result<Credential, PkiError> {
        Credential::read(&self.certificate, &self.key)
    }
}

/// Files that exist already. They stay in their place.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub identity_ca: Option<Pair>,
    pub registration_authority: Option<Pair>,
    pub profile_signer: Option<Pair>,
    pub tls: Option<Pair>,
    /// Root of `tls`, if it is a private one.
    pub tls_root: Option<PathBuf>,
    pub push: Option<Pair>,
}

impl Given {
    pub(super) fn check(&self, now: i64) -> Result<(), PkiError> {
        if let Some(pair) = &self.identity_ca {
            let ca = pair.read()?;
            ca.must_be_ca()?;
            in_force(&pair.certificate, &ca.certificate, now)?;
        }
        if let Some(pair) = &self.registration_authority {
            if self.identity_ca.is_none() {
                let cure = "also give the identity CA that issued it, or let `muster init` create both";
                return Err(PkiError::new(&pair.certificate, "is a registration authority without its CA", cure));
            }
            let authority = pair.read()?;
            authority.must_serve_scep()?;
            in_force(&pair.certificate, &authority.certificate, now)?;
        }
        for pair in [&self.profile_signer, &self.tls, &self.push].into_iter().flatten() {
            in_force(&pair.certificate, &pair.read()?.certificate, now)?;
        }
        if let Some(path) = &self.tls_root {
            in_force(path, &*certificate(path)?, now)?;
        }
        Ok(())
    }
}

fn in_force(path: &Path, certificate: &X509Ref, now: i64) -> Result<(), PkiError> {
    let time = Asn1Time::from_unix(now)
        .map_err(|error| PkiError::new(path, error.to_string(), "set the clock of this machine"))?;
    let is = |bound: &Asn1TimeRef, order| bound.compare(&time).is_ok_and(|found| found == order);
    if is(certificate.not_after(), Ordering::Less) {
        let problem = format!("expired on {}", certificate.not_after());
        return Err(PkiError::new(path, problem, "renew it first"));
    }
    if is(certificate.not_before(), Ordering::Greater) {
        let problem = format!("is not valid before {}", certificate.not_before());
        return Err(PkiError::new(path, problem, "wait, or correct the clock of this machine"));
    }
    Ok(())
}
