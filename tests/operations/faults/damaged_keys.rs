//! One damaged key in `keys.db`: the fields sealed with it read as damaged, and nothing else is delayed.

use super::corruption::{flip_a_bit_of, readiness, told};
use super::held_up::{alter_key, forget_checkpoints};
use devices::commands::security_info;
use events::device::CommandId;
use events::enrollment::EnrollmentKind;
use events::envelope::{Actor, ActorKind};
use events::person::PersonId;
use events::personal::Gone;
use events::staff::{Privilege, StaffId};
use events::system::{LogEvent, RefusalEvent, log_stream};
use events::{Event, KeyName, Revision, StreamName};
use harness::TestServer;
use harness::desk::Browser;
use harness::devices::{TestDevice, invite_by};
use harness::guest::{Guest, iphone};
use harness::waiting::until;
use muster::app::suppressed;
use muster::config::Config;
use platform::context::Context;
use plist::{Dictionary, Value};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

const ADDRESS: &str = "198.51.100.20";

/// Returns the wrapped key as stored in the file, so that it can be restored.
fn wrapped(data: &Path, name: &KeyName) -> Vec<u8> {
    let keys = rusqlite::Connection::open(data.join("keys.db")).unwrap();
    keys.query_row("SELECT wrapped FROM key WHERE name = ?1", [&name.0], |row| row.get(0)).unwrap()
}

fn put_back(data: &Path, name: &KeyName, wrapped: &[u8]) {
    let keys = rusqlite::Connection::open(data.join("keys.db")).unwrap();
    assert_eq!(keys.execute("UPDATE key SET wrapped = ?2 WHERE name = ?1", (&name.0, wrapped)).unwrap(), 1);
}

async fn alarm(server: &TestServer) {
    let alarm = async || server.metrics().await.contains("muster_alarms_total{alarm=\"key-damaged\"} 1\n");
    until("the alarm", alarm).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_damaged_key_of_a_staff_member_holds_up_no_device_that_they_sent_a_command_to() {
    let mut server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let (staff, source) = (StaffId(server.app().platform.world.uuid()), ADDRESS.parse::<IpAddr>().unwrap());
    let (actor, sealed) = (Actor::new(ActorKind::Staff, staff), Some((source, staff.key())));
    let context = Context::of(actor, sealed, server.app().platform.world.uuid());
    let command = CommandId(server.app().platform.world.uuid());
    server.app().devices.queue_command(device.id, command, &security_info(), &context).await.unwrap();
    server.reacted().await;
    server.caught_up().await;
    let data = server.directory().join("data");
    let whole = wrapped(&data, &staff.key());
    let damage = || {
        alter_key(&data, &staff.key());
        forget_checkpoints(&data);
    };
    server.restart_after(damage).await;
    server.caught_up().await;
    // The server asks each new device for information, before or after this command.
    let commands = device.acknowledge_all().await;
    let asked = |command: &Dictionary| command.get("RequestType").and_then(Value::as_string) == Some("SecurityInfo");
    assert!(commands.iter().any(asked), "the command is delivered: {commands:?}");
    assert_eq!(device.check_in(&device.token_update("another")).await, 200);
    // Reported once, with the key's name and what to do.
    let said = told(&server, &staff.key().0).await;
    assert!(said.contains("restore the newest keys.db"), "{said}");
    alarm(&server).await;
    let queued =
        server.log_of(&device.id.stream()).await.into_iter().find(|entry| entry.actor.kind == ActorKind::Staff);
    assert_eq!(queued.unwrap().source.unwrap().gone(), Some(Gone::Damaged));
    let auditor = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let shows = async |word: &str| auditor.get("/console/audit?type=MdmCommandQueued").await.body.contains(word);
    assert!(shows("(key damaged)").await && !shows(ADDRESS).await);
    // After the key is restored, everything can be read again.
    server.restart_after(|| put_back(&data, &staff.key(), &whole)).await;
    server.caught_up().await;
    until("readiness", async || readiness(&server).await.0 == 200).await;
    assert!(shows(ADDRESS).await && !shows("(key damaged)").await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_damaged_key_of_a_technician_holds_up_no_device_that_they_enrolled_for_somebody_else() {
    let mut server = TestServer::start().await;
    let (kind, technician) = (EnrollmentKind::DeviceEnrollment, PersonId(server.app().platform.world.uuid()));
    let device = TestDevice::of(&server, invite_by(&server, kind, Some(technician)).await, kind).await;
    // The key of this device's own person is damaged, too.
    let own = TestDevice::enrolled(&server, kind).await;
    let owner = server.app().platform.device(own.id).await.unwrap().person.unwrap();
    server.reacted().await;
    server.caught_up().await;
    let data = server.directory().join("data");
    let damage = || {
        alter_key(&data, &technician.key());
        alter_key(&data, &owner.key());
        forget_checkpoints(&data);
    };
    server.restart_after(damage).await;
    server.caught_up().await;
    assert_eq!(device.report_on(&device.report("Idle", None)).await.status, 200);
    assert_eq!(device.check_in(&device.token_update("another")).await, 200);
    // The contents of this stream about its own subject are unknown, not erased. So the server makes no decision about
    // it.
    assert_eq!(own.check_in(&own.token_update("another")).await, 503);
    assert_eq!(own.report_on(&own.report("Idle", None)).await.status, 503);
    told(&server, &technician.key().0).await;
    server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_key_of_which_there_is_no_copy_is_given_up_and_the_others_are_kept() {
    let mut server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.reacted().await;
    server.caught_up().await;
    let person = server.app().platform.device(device.id).await.unwrap().person.unwrap();
    let data = server.directory().join("data");
    let give_up = |config: &mut Config| {
        alter_key(&data, &person.key());
        config.store.accept_lost_keys = true;
    };
    server.restart_with(give_up).await;
    server.caught_up().await;
    until("readiness", async || readiness(&server).await.0 == 200).await;
    let lost: Vec<KeyName> = server
        .log_of(&log_stream())
        .await
        .into_iter()
        .filter_map(|entry| match entry.event {
            Event::Log(LogEvent::KeysLost { names }) => Some(names),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(lost, [person.key()]);
    // New values are sealed again, and the device's own key is unchanged.
    assert_eq!(device.check_in(&device.token_update("another")).await, 200);
    let last = server.log_of(&device.id.stream()).await.pop().unwrap();
    assert_eq!(last.event.type_name(), "PushTokenRenewed");
    assert_eq!(last.source.unwrap().key(), &person.key().successor());
    server.stop().await;
}

/// Returns the key and the stream of today's refusals that belong to no known person.
fn refusals_of_today(server: &TestServer) -> (KeyName, StreamName) {
    let day = server.app().platform.world.now().day();
    (KeyName::of("refusals", &day), StreamName::of("refusals", &day))
}

/// What a stranger can observe of a refusal: status, header names, length of the page.
type Seen = (u16, BTreeSet<String>, usize);

async fn refused_at_console(server: &TestServer, name: &str) -> Seen {
    let answer = Browser::new(server).sign_in(name, "a wrong password").await;
    let headers = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
    (answer.status, headers, answer.body.replace(name, "").len())
}

async fn refused_at_portal(server: &TestServer, name: &str) -> Seen {
    let answer = Guest::new(server, &iphone("17.5")).sign_in(name, "a wrong password").await;
    let headers = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
    (answer.status, headers, answer.body.replace(name, "").len())
}

/// Sends refused requests to each endpoint that writes to the strangers' shared stream. Compares the answers for known
/// and unknown names.
async fn strangers_see_no_difference(server: &TestServer) {
    let (known, unknown) = (refused_at_console(server, "root").await, refused_at_console(server, "nobody").await);
    assert_eq!((known.0, &known), (401, &unknown), "at the console");
    let (known, unknown) = (refused_at_portal(server, "root").await, refused_at_portal(server, "nobody").await);
    assert_eq!((known.0, &known), (401, &unknown), "at the portal");
    let client = server.client();
    let api = client.get(format!("{}/api/v1/devices", server.url())).bearer_auth("nonsense").send().await.unwrap();
    assert_eq!(api.status(), 401);
    let unsigned = client.put(format!("{}/mdm/checkin", server.url())).body("<plist/>").send().await.unwrap();
    assert_eq!(unsigned.status(), 400);
}

fn not_written(metrics: &str) -> u64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix("muster_refusals_not_written_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_key_of_strangers_refusals_is_damaged_they_are_answered_as_ever_and_written_without_addresses() {
    let mut server = TestServer::start().await;
    server.add_user("root", "four plain words here", &[Privilege::Administrator]).await;
    strangers_see_no_difference(&server).await;
    server.caught_up().await;
    let (key, stream) = refusals_of_today(&server);
    let data = server.directory().join("data");
    server.restart_after(|| alter_key(&data, &key)).await;
    let before = server.app().platform.log.store().read_stream(&stream, Revision(0), 100).await.unwrap().len();
    strangers_see_no_difference(&server).await;
    server.use_up_refusals(ADDRESS.parse().unwrap());
    suppressed::write_all(server.app()).await;
    let recorded = server.app().platform.log.store().read_stream(&stream, Revision(0), 100).await.unwrap();
    let written = server.app().platform.log.view(recorded[before..].to_vec()).await.entries;
    assert!(written.len() >= 4, "{written:?}");
    let sealed = written.iter().filter_map(|entry| entry.source.as_ref());
    assert!(sealed.into_iter().all(|source| source.gone() == Some(Gone::Damaged)));
    let Event::Refusal(RefusalEvent::RefusalsSuppressed(counted)) = &written.last().unwrap().event else {
        panic!("{written:?}")
    };
    assert!(counted.sources.is_empty() && counted.count > 0 && counted.others == counted.count, "{counted:?}");
    assert_eq!(not_written(&server.metrics().await), 0, "every refusal is recorded");
    alarm(&server).await;
    server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_stream_of_strangers_refusals_is_corrupt_they_are_answered_as_ever_and_counted() {
    let mut server = TestServer::start().await;
    server.add_user("root", "four plain words here", &[Privilege::Administrator]).await;
    strangers_see_no_difference(&server).await;
    server.caught_up().await;
    let (_, stream) = refusals_of_today(&server);
    let last = server.log_of(&stream).await.pop().unwrap();
    let log = server.directory().join("data/events.db");
    server.restart_after(|| flip_a_bit_of(&log, last.id)).await;
    strangers_see_no_difference(&server).await;
    suppressed::write_all(server.app()).await;
    let metrics = server.metrics().await;
    assert!(not_written(&metrics) >= 3, "{metrics}");
    assert!(metrics.contains("muster_alarms_total{alarm=\"refusals-not-written\"} 1\n"), "{metrics}");
    told(&server, &format!("of stream {stream}")).await;
    server.abandon().await;
}
