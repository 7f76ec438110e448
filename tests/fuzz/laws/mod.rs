//! What must hold whatever a stranger sends, one law for each kind of message that devices send. A law reads its input as the
//! server would and panics where the server is at fault.
//!
//! The fuzz targets search for an input that breaks one; the test beside them replays what they found worth keeping. A
//! `mod.rs`, since both packages include this folder by its path.

mod body;
mod honest;
mod limits;
mod scep;
mod signed;

use std::path::{Path, PathBuf};

pub type Law = fn(&[u8]);

/// The laws by the names of their targets, and of the folders that their corpora are in.
pub const LAWS: [(&str, Law); 5] = [
    ("check_in", body::check_in),
    ("command", body::command),
    ("mdm_signature", signed::mdm_signature),
    ("device_message", signed::device_message),
    ("scep", scep::scep),
];

/// The law of a target.
///
/// # Panics
/// If there is none of this name.
pub fn law(target: &str) -> Law {
    LAWS.into_iter().find(|(name, _)| *name == target).expect("a target has a law").1
}

/// Where the corpora are, a folder for each target.
pub fn corpus() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    if package.ends_with("tests/fuzz") { package.join("corpus") } else { package.join("tests/fuzz/corpus") }
}

pub use honest::Honest;
pub use limits::hold;
pub use scep::{RAW, REQUEST};
pub use signed::{believed_body, detached};
