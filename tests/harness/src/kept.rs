//! The installation in `tests/kept`, which an earlier version wrote. The current version serves copies of it.

use crate::server::{copy, installation};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use tempfile::TempDir;

/// The password of every account in it.
pub const PASSWORD: &str = "four plain words here";

/// Copies the installation; returns the directory and its configuration file. The copy differs only in addresses,
/// because the test uses other ports, and in the TLS certificate, because a stored one would expire.
pub async fn kept() -> (TempDir, PathBuf) {
    let (directory, pattern) = installation().await;
    let to = directory.path().join("kept");
    copy(&crate::repository().join("tests/kept"), &to);
    for file in ["tls.pem", "tls.key", "tls-root.pem"] {
        std::fs::copy(pattern.with_file_name("pki").join(file), to.join("pki").join(file)).unwrap();
    }
    // Git does not store file permissions.
    for secret in ["master.key", "pki/identity-ca.key", "pki/scep.key", "pki/profile-signer.key", "pki/push.key"] {
        std::fs::set_permissions(to.join(secret), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let config = to.join("muster.toml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    for (was, is) in
        [("localhost:18443", "localhost:0"), ("127.0.0.1:18443", "127.0.0.1:0"), ("127.0.0.1:18444", "127.0.0.1:0")]
    {
        assert!(text.contains(was), "{was} is not in {text}");
        text = text.replace(was, is);
    }
    std::fs::write(&config, text).unwrap();
    // `TestServer` expects the installation under this name.
    std::fs::remove_dir_all(pattern.parent().unwrap()).unwrap();
    std::fs::rename(&to, pattern.parent().unwrap()).unwrap();
    (directory, pattern)
}
