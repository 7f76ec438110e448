//! Laws that must hold for any input from a stranger, one for each kind of message that devices send. A law reads its
//! input like the server and panics if the server has an error.
//!
//! The fuzz targets search for an input that breaks a law. The tests replay the inputs in the corpora. This is a
//! `mod.rs` because both packages include this folder by its path.

mod body;
mod honest;
mod limits;
mod scep;
mod signed;

use std::path::{Path, PathBuf};

pub type Law = fn(&[u8]);

/// The laws by the names of their targets, which are also the names of the corpus folders.
pub const LAWS: [(&str, Law); 5] = [
    ("check_in", body::check_in),
    ("command", body::command),
    ("mdm_signature", signed::mdm_signature),
    ("device_message", signed::device_message),
    ("scep", scep::scep),
];

/// Returns the law of a target.
///
/// # Panics
/// Panics if there is no target with this name.
pub fn law(target: &str) -> Law {
    LAWS.into_iter().find(|(name, _)| *name == target).expect("a target has a law").1
}

/// Returns the folder of the corpora, which has a folder for each target.
pub fn corpus() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    if package.ends_with("tests/fuzz") { package.join("corpus") } else { package.join("tests/fuzz/corpus") }
}

pub use honest::Honest;
pub use limits::hold;
pub use scep::{RAW, REQUEST};
pub use signed::{believed_body, detached};
