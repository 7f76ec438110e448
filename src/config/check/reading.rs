//! The certificates that the configuration names, as the checks read them.

use super::files;
use crate::config::Config;
use openssl::x509::{X509, X509Ref};
use std::collections::BTreeMap;
use world::regular_file;

/// The readable certificates, each with the other certificates in its file.
pub(crate) struct Reading(BTreeMap<&'static str, Vec<X509>>);

impl Reading {
    pub(crate) fn of(config: &Config) -> Reading {
        let read = |path| X509::stack_from_pem(&regular_file::read(path).ok()?).ok();
        let certificates = files::certificates(config);
        Reading(certificates.into_iter().filter_map(|(about, path)| Some((about, read(path)?))).collect())
    }

    /// Returns all certificates of a file, the end-entity certificate first. Empty if the file could not be read.
    pub(crate) fn chain(&self, about: &str) -> &[X509] {
        self.0.get(about).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn first(&self, about: &str) -> Option<&X509Ref> {
        self.chain(about).first().map(|certificate| &**certificate)
    }
}
