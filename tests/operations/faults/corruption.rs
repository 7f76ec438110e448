//! Damage in a part of the log that every checkpoint has passed. The first reader that meets it reports it, once. The
//! process continues, and devices with intact streams are served.

use events::EventId;
use events::enrollment::EnrollmentKind;
use events::store::{Corruption, Damaged};
use harness::binary::muster_at;
use harness::devices::TestDevice;
use harness::waiting::{seen, until};
use harness::{TestServer, logs};
use staff::administration::Request;
use std::path::Path;

/// Returns the places of the event `id` in the file of a closed log: the current one, and possibly remains of
/// earlier pages.
fn places(bytes: &[u8], id: EventId) -> Vec<usize> {
    let wanted = format!("\"id\":\"{id}\"");
    let found = bytes.windows(wanted.len()).enumerate().filter(|(_, text)| *text == wanted.as_bytes());
    let places: Vec<usize> = found.map(|(at, _)| at).collect();
    assert_ne!(places, [0usize; 0], "the event is not in the file");
    places
}

/// Flips a bit of the event that only its checksum detects.
pub(super) fn flip_a_bit_of(log: &Path, id: EventId) {
    let mut bytes = std::fs::read(log).unwrap();
    places(&bytes, id).into_iter().for_each(|at| bytes[at] ^= 0x01);
    std::fs::write(log, bytes).unwrap();
}

/// Overwrites the header of the page that contains the event.
pub(super) fn destroy_the_page_of(log: &Path, id: EventId) {
    const PAGE: usize = 8_192;
    let mut bytes = std::fs::read(log).unwrap();
    for at in places(&bytes, id) {
        let page = at / PAGE * PAGE;
        bytes[page..page + 16].fill(0xff);
    }
    std::fs::write(log, bytes).unwrap();
}

pub(super) async fn readiness(server: &TestServer) -> (u16, String) {
    let answer = reqwest::get(format!("{}/readyz", server.metrics_url())).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Waits until `/readyz` reports `what`, and returns its text.
pub(super) async fn told(server: &TestServer, what: &str) -> String {
    let told = async || {
        let (status, text) = readiness(server).await;
        (status == 503 && text.contains(what)).then_some(text)
    };
    seen("a server that is not ready", told).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_that_flipped_behind_every_checkpoint_is_told_once_and_other_devices_are_served() {
    let mut server = TestServer::start().await;
    let damaged = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let intact = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    server.reacted().await;
    server.caught_up().await;
    let event = server.log_of(&damaged.id.stream()).await.remove(0);
    let log = server.directory().join("data/events.db");
    server.restart_after(|| flip_a_bit_of(&log, event.id)).await;
    let place = format!("position {} (event 0 of stream {})", event.position, event.stream);
    // The damage is reported again after a restart, because it is still there.
    for _ in 0..2 {
        // The damage is found before the projections have noticed that there is nothing to catch up with.
        let told = async || {
            let (status, text) = readiness(&server).await;
            (status == 503 && text.contains(&place) && !text.contains("not caught up")).then_some(text)
        };
        let text = seen("the damage", told).await;
        assert!(!text.contains("projections"), "the projections have already folded the event: {text}");
        for _ in 0..3 {
            assert_eq!(damaged.report_on(&damaged.report("Idle", None)).await.status, 503);
            assert_eq!(intact.report_on(&intact.report("Idle", None)).await.status, 200);
        }
        assert_eq!(intact.check_in(&intact.token_update("another")).await, 200);
        let alive = reqwest::get(format!("{}/healthz", server.metrics_url())).await.unwrap();
        assert_eq!(alive.status(), 200, "the server is alive, although not ready");
        let alarm = async || server.metrics().await.contains("muster_alarms_total{alarm=\"corrupt-event\"} 1\n");
        until("one alarm", alarm).await;
        assert_eq!(server.app().platform.engine.failed().borrow().clone(), None);
        server.restart().await;
        // Known damage is reported at once after a start.
        assert_eq!(readiness(&server).await.0, 503);
    }
    server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_is_told_and_devices_on_other_pages_are_served() {
    let mut server = TestServer::start().await;
    let damaged = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.reacted().await;
    // Enough events to put the next device on other pages.
    for nth in 0..40 {
        server.settings(|settings| settings.organization = format!("School {nth}")).await;
    }
    let intact = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    server.reacted().await;
    server.caught_up().await;
    let event = server.log_of(&damaged.id.stream()).await.remove(0);
    let log = server.directory().join("data/events.db");
    server.restart_after(|| destroy_the_page_of(&log, event.id)).await;
    told(&server, "malformed").await;
    assert_eq!(damaged.report_on(&damaged.report("Idle", None)).await.status, 503);
    assert_eq!(intact.report_on(&intact.report("Idle", None)).await.status, 200);
    assert_eq!(intact.check_in(&intact.token_update("another")).await, 200);
    // One damaged page raises one alarm, of the kind that fits.
    let alarm = async || server.metrics().await.contains("muster_alarms_total{alarm=\"log-page-damaged\"} 1\n");
    until("the alarm", alarm).await;
    let metrics = server.metrics().await;
    assert!(metrics.contains("muster_alarms_total{alarm=\"corrupt-event\"} 0\n"), "{metrics}");
    // The reader of a stream can name the position although the page is unreadable, because the index contains it.
    told(&server, "the event at position").await;
    assert_eq!(server.app().platform.engine.failed().borrow().clone(), None);
    server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_although_its_streams_cannot_be_indexed() {
    let mut server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.reacted().await;
    for nth in 0..40 {
        server.settings(|settings| settings.organization = format!("School {nth}")).await;
    }
    let event = server.log_of(&device.id.stream()).await.pop().unwrap();
    let data = server.directory().join("data");
    let damage = || {
        destroy_the_page_of(&data.join("events.db"), event.id);
        std::fs::remove_file(data.join("index.db")).unwrap();
    };
    server.restart_after(damage).await;
    let text = told(&server, "streams: its events cannot be found by stream").await;
    assert!(!text.contains("settings: "), "one reason is enough: {text}");
    assert_eq!(device.report_on(&device.report("Idle", None)).await.status, 503);
    server.abandon().await;
}

#[tokio::test]
async fn what_a_command_beside_the_server_finds_is_told_by_the_server_too() {
    let server = TestServer::start().await;
    server.caught_up().await;
    until("readiness", async || readiness(&server).await.0 == 200).await;
    let (stream, why) = ("device-1".into(), "its checksum does not match".into());
    let corruption = Corruption { stream, revision: 3, position: 9, damaged: Damaged::Event, why };
    server.execute(Request::TellCorruption { found: vec![corruption] }).await;
    told(&server, "position 9 (event 3 of stream device-1)").await;
    server.abandon().await;
}

#[tokio::test]
async fn the_scrub_reads_to_the_end_of_the_log_and_shows_how_far_it_is() {
    let server = TestServer::start().await;
    let scrubbed = async || {
        let metrics = server.metrics().await;
        let value = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
            line.parse::<f64>().ok()
        };
        (value("muster_scrub_completed_seconds")? > 0.0).then(|| value("muster_scrub_position"))?
    };
    let position = seen("the end of the scrub", scrubbed).await;
    assert!(position >= 3.0, "{position}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_device_that_polls_again_and_again_is_one_line_of_the_log() {
    let mut server = TestServer::start().await;
    let damaged = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.reacted().await;
    let event = server.log_of(&damaged.id.stream()).await.remove(0);
    let log = server.directory().join("data/events.db");
    server.restart_after(|| flip_a_bit_of(&log, event.id)).await;
    for _ in 0..5 {
        assert_eq!(damaged.report_on(&damaged.report("Idle", None)).await.status, 503);
    }
    let (lines, id) = (logs::so_far(), damaged.id.to_string());
    let errors: Vec<&str> =
        lines.lines().filter(|line| line.contains("\"level\":\"ERROR\"") && line.contains(&id)).collect();
    let of_requests = errors.iter().filter(|line| line.contains("\"name\":\"request\"")).count();
    assert_eq!(of_requests, 1, "{errors:#?}");
    server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_settings_are_named_by_readyz_with_what_to_do() {
    let mut server = TestServer::start().await;
    server.settings(|settings| settings.organization = "Damaged".into()).await;
    server.caught_up().await;
    let stream = events::settings::stream();
    let event = server.log_of(&stream).await.pop().unwrap();
    let log = server.directory().join("data/events.db");
    server.restart_after(|| flip_a_bit_of(&log, event.id)).await;
    // The first answer already reports it, because every page needs the settings.
    let (status, text) = readiness(&server).await;
    assert_eq!(status, 503);
    let place = format!("position {}", event.position);
    for word in ["settings: ", &place, stream.as_str(), "muster restore BACKUP"] {
        assert!(text.contains(word), "{word} is missing in {text}");
    }
    server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_damaged_page_says_what_to_do() {
    let server = TestServer::start().await;
    server.settings(|settings| settings.organization = "Damaged".into()).await;
    let event = server.log_of(&events::settings::stream()).await.pop().unwrap();
    let directory = server.stop_keeping().await;
    let config = directory.path().join("muster/muster.toml");
    destroy_the_page_of(&config.with_file_name("data/events.db"), event.id);
    let said = muster_at(&config, &["backup", directory.path().join("copy").to_str().unwrap()], "").expect_failure();
    for word in ["nothing was backed up", "a page of events.db is damaged", "muster restore BACKUP"] {
        assert!(said.contains(word), "{word} is missing in {said}");
    }
}
