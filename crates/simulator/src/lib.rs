//! A simulated Safari and device, which use the real protocols with a real server over HTTPS, and a push server that
//! wakes them. Used by `muster demo`, `muster simulate`, the tests and the load benchmark.
//!
//! The crate depends on no other crate of this project, so that it cannot share an error with the server: Apple's
//! protocols are implemented here a second time, from the device's point of view. A [`walk`] is a person with a
//! [`device`] and its [`safari`]. The device knows only what its installed profile says.

pub mod account;
pub mod acts;
pub mod apps;
pub mod attestation;
pub mod ber;
pub mod built_in;
pub mod certificate_request;
pub mod chance;
pub mod commands;
pub mod device;
pub mod hostile;
pub mod inspection;
pub(crate) mod install;
pub mod keys;
pub mod load;
pub mod management;
pub mod messages;
pub mod model;
pub(crate) mod over_the_air;
pub mod profile;
pub mod push_server;
pub(crate) mod renewal;
pub mod safari;
pub mod scep;
pub mod signature;
pub mod trust;
pub mod walk;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { sources(&path, found) } else { found.push(path) }
        }
    }

    #[test]
    fn whatever_a_device_is_given_is_shown_to_the_inspector() {
        let mut files = vec![];
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        // SCEP messages are neither property lists nor JSON. Safari passes everything that is for the device to
        // `Device::download`, and discovery passes every answer to its caller.
        let others = ["scep.rs", "safari.rs", "discovery.rs", "push_server.rs", "connection.rs"];
        let mut readers = 0;
        for file in files.iter().filter(|file| !others.iter().any(|other| file.ends_with(other))) {
            let text = std::fs::read_to_string(file).unwrap();
            if text.contains(".bytes().await") {
                readers += 1;
                let shows = text.contains("inspection::show(") || text.contains("self.note_profile(");
                assert!(shows, "{} reads a server's answer and does not show it to the inspector", file.display());
            }
        }
        assert!(readers > 2, "only {readers} files read a server's answer");
    }
}
