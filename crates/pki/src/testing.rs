//! Certificates of a trial, created once for all tests of this crate that need some.

use super::Pki;
use super::create::{Given, Made, Plan, create};
use std::sync::LazyLock;
use tempfile::TempDir;
use world::World;

struct Trial {
    pki: Pki,
    made: Made,
    _directory: TempDir,
}

static TRIAL: LazyLock<Trial> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let plan = Plan { organization: "Example School", hosts: &hosts, trial: true, given: Given::default() };
    let made = create(directory.path(), &plan, &World::system()).unwrap();
    let pki = Pki::load(&made.files, made.push()).unwrap();
    Trial { pki, made, _directory: directory }
});

/// Returns a loaded trial.
pub(crate) fn pki() -> &'static Pki {
    &TRIAL.pki
}

/// Returns the files of the trial.
pub(crate) fn files() -> &'static Made {
    &TRIAL.made
}
