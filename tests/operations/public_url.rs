//! A changed `public_url` while enrolled devices still use the old one: it is reported, and accepted only by an
//! explicit option.

use events::Event;
use events::enrollment::EnrollmentKind;
use events::system::{LogEvent, log_stream};
use harness::binary::{Serving, muster_at};
use harness::devices::TestDevice;
use harness::{TestServer, ports};
use muster::app::assemble::read_log;
use muster::config::Config;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

async fn accepted(config: &Path) -> Vec<(Vec<String>, Vec<String>)> {
    let log = read_log(&Config::load(config).unwrap()).unwrap();
    let told = log.read(&log_stream()).await.unwrap().into_iter().filter_map(|entry| match entry.event {
        Event::Log(LogEvent::PublicUrlAccepted { new, old }) => {
            Some((new.into_iter().collect(), old.into_iter().collect()))
        }
        _ => None,
    });
    told.collect()
}

/// Creates an installation with two enrolled devices and then changes its address. Returns its directory, the
/// configuration, and the old and the new address.
async fn moved() -> (TempDir, PathBuf, String, String) {
    let server = TestServer::start().await;
    TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let left = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    assert_eq!(left.check_in(&left.message("CheckOut")).await, 200);
    let old = server.url();
    let directory = server.stop_keeping().await;
    let config = directory.path().join("muster/muster.toml");
    let new = format!("https://localhost:{}", ports::free());
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("https://localhost:0", &new)).unwrap();
    (directory, config, old, new)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_url_that_enrolled_devices_do_not_hold_is_refused_until_the_old_one_is_said_to_lead_here() {
    let (_directory, config, old, new) = moved().await;
    for command in ["check-config", "serve"] {
        let said = muster_at(&config, &[command], "");
        assert_eq!(said.code, Some(1), "{said:#?}");
        let told = format!("{}{}", said.out, said.err);
        for part in [&format!("2 at {old}"), "server.public_url", &format!("--accept-public-url {old}")] {
            assert!(told.contains(part), "{part} is missing in\n{told}");
        }
    }
    let other = muster_at(&config, &["serve", "--accept-public-url", "https://elsewhere.example.com"], "");
    let other = other.expect_failure();
    for part in [old.as_str(), "no enrolled device holds https://elsewhere.example.com"] {
        assert!(other.contains(part), "{part} is missing in {other}");
    }
    assert_eq!(accepted(&config).await, []);

    assert_eq!(Serving::start_with(&config, &["--accept-public-url", &old]).terminate().code(), Some(0));
    let recorded = [(vec![new], vec![old])];
    assert_eq!(accepted(&config).await, recorded);
    // The acceptance is recorded, so later starts need no option.
    assert_eq!(Serving::start(&config).terminate().code(), Some(0));
    muster_at(&config, &["check-config"], "").expect_success();
    assert_eq!(accepted(&config).await, recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_does_not_hide_that_devices_hold_another_address() {
    let (_directory, config, old, new) = moved().await;
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace(&new, "https://moved.example.com")).unwrap();
    for command in ["check-config", "serve"] {
        let said = muster_at(&config, &[command], "");
        assert_eq!(said.code, Some(1), "{said:#?}");
        let told = format!("{}{}", said.out, said.err);
        for part in [&format!("2 at {old}"), "the certificate is not for moved.example.com"] {
            assert!(told.contains(part), "{part} is missing in\n{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_accepts_lost_keys_has_not_accepted_another_public_url() {
    let (_directory, config, old, _) = moved().await;
    let keys = Config::load(&config).unwrap().store.directory.join("keys.db");
    std::fs::remove_file(&keys).unwrap();
    let said = muster_at(&config, &["serve", "--accept-lost-keys"], "").expect_failure();
    assert!(said.contains(&format!("2 at {old}")), "{said}");
    let both = ["--accept-lost-keys", "--accept-public-url", &old];
    assert_eq!(Serving::start_with(&config, &both).terminate().code(), Some(0));
    assert_eq!(Serving::start(&config).terminate().code(), Some(0));
}
