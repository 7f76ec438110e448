//! Faults in everything that answers devices, at each point of a device's life. With any fault, the device is asked to
//! try again, and it gets no answer that makes it remove its management.

use enroll::account_driven::discovery::{CLIENT_ID, REDIRECT_URL};
use events::device::DeviceId;
use events::enrollment::EnrollmentKind;
use events::side_files::remove_database;
use events::store::contract::Fault;
use harness::TestServer;
use harness::account;
use harness::cast::{Scene, Visitor, id_of};
use harness::devices::{IOS, Invited, KEYS, TestDevice, invite, scep_payload};
use harness::profile_service::{ASKS, taken};
use harness::projection_files::file_of;
use harness::waiting::until;
use projections::ProjectionError;
use rusqlite::Connection;
use simulator::account::SignedIn;
use simulator::acts::Nobody;
use simulator::device::DeviceError;
use simulator::management::ServerAnswer;
use simulator::messages::{self, xml};
use simulator::model::Family;
use simulator::profile::ProfileService;
use simulator::scep::{self, ScepError};
use simulator::walk::Walk;
use std::path::Path;
use std::time::Duration;
use url::Url;
use world::World;

/// Messages of devices at different points of their lives, with the usual answer to each.
const MESSAGES: [(&str, u16); 14] = [
    ("SCEP", 200),
    ("Authenticate", 200),
    ("TokenUpdate", 200),
    ("DeclarativeManagement", 404),
    ("Idle", 200),
    ("Acknowledged", 200),
    ("NotNow", 200),
    ("Idle by account", 200),
    ("discovery", 200),
    ("machine information", SIGN_IN),
    ("machine information with a token", 200),
    ("code of nobody", 400),
    ("Profile Service", 200),
    ("CheckOut", 200),
];

/// A 401 with a sign-in challenge. It removes no management.
const SIGN_IN: u16 = 1;
/// A 401 without a challenge, or a 403 with a body. The server must never send one, because the device would remove
/// its management.
const REMOVES: u16 = 2;

/// A server, and a device at each point of its life.
struct Stage {
    scene: Scene,
    newcomer: Invited,
    invited: TestDevice,
    authenticated: TestDevice,
    enrolled: TestDevice,
    busy: TestDevice,
    leaving: TestDevice,
    by_account: Walk,
    at_sign_in: Walk,
    token: String,
    /// The walk that the Profile Service asked for its attributes, and the URL for the answer.
    asked: (Walk, ProfileService),
    /// Commands that `enrolled` and `busy` are about to answer.
    delivered: [String; 2],
}

impl Stage {
    async fn set() -> Stage {
        let scene = account::scene_in(World::system()).await;
        // Creates the stream of settings, so that it can be damaged.
        scene.server.settings(|settings| settings.organization = "A School".into()).await;
        let (user, device) = (EnrollmentKind::UserEnrollment, EnrollmentKind::DeviceEnrollment);
        let server = &scene.server;
        let authenticated = TestDevice::invited(server, user).await;
        assert_eq!(authenticated.check_in(&authenticated.authenticate()).await, 200);
        let (enrolled, busy) = (TestDevice::enrolled(server, user).await, TestDevice::enrolled(server, device).await);
        let leaving = TestDevice::enrolled(server, user).await;
        for device in [&enrolled, &busy, &leaving] {
            questions(server, device.id).await;
        }
        let delivered = [delivered(&enrolled).await, delivered(&busy).await];
        let personal = || account::walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
        let mut by_account = personal();
        by_account.enroll_with_account(&account::identifier(&scene, "grace"), &mut Nobody).await.unwrap();
        questions(server, id_of(&by_account.device)).await;
        let mut at_sign_in = personal();
        let token = token(&scene, &mut at_sign_in).await;
        scene.server.settings(|settings| settings.profile_service = ASKS).await;
        let asked = taken(&scene, Visitor::institutional(Family::IPhone, "17.5")).await;
        Stage {
            newcomer: invite(server, device).await,
            invited: TestDevice::invited(server, device).await,
            authenticated,
            enrolled,
            busy,
            leaving,
            by_account,
            at_sign_in,
            token,
            asked,
            delivered,
            scene,
        }
    }

    /// Sends one of [`MESSAGES`] and returns the meaning of the answer.
    async fn say(&self, what: &str) -> u16 {
        let magic = harness::devices::uuid().to_string();
        match what {
            "SCEP" => self.ask_for_identity().await,
            "Authenticate" => told(&self.invited, "checkin", &xml(&self.invited.authenticate())).await,
            "TokenUpdate" => told(&self.authenticated, "checkin", &xml(&self.authenticated.token_update(&magic))).await,
            "DeclarativeManagement" => {
                let mut message = self.enrolled.message(what);
                message.insert("Endpoint".into(), "tokens".into());
                told(&self.enrolled, "checkin", &xml(&message)).await
            }
            "Idle" => told(&self.leaving, "command", &xml(&self.leaving.report(what, None))).await,
            "Acknowledged" => {
                told(&self.enrolled, "command", &xml(&self.enrolled.report(what, Some(&self.delivered[0])))).await
            }
            "NotNow" => told(&self.busy, "command", &xml(&self.busy.report(what, Some(&self.delivered[1])))).await,
            "Idle by account" => self.idle_by_account().await,
            "discovery" => self.discover().await,
            "code of nobody" => self.redeem().await,
            "Profile Service" => self.say_what_it_is().await,
            "machine information" => self.ask_for_profile(None).await,
            "machine information with a token" => self.ask_for_profile(Some(&self.token)).await,
            _ => told(&self.leaving, "checkin", &xml(&self.leaving.message(what))).await,
        }
    }

    async fn ask_for_identity(&self) -> u16 {
        let payload = scep_payload(&self.scene.server, &self.newcomer.challenge);
        match scep::enroll(&self.scene.server.client(), &payload, IOS, &KEYS).await {
            // A refusal also has status 200. It occurs if the answer to the first request was lost and the device asks
            // again with another key.
            Ok(_) | Err(ScepError::Refused(_)) => 200,
            Err(ScepError::Status { status, .. }) => status,
            Err(error) => panic!("{error}"),
        }
    }

    async fn idle_by_account(&self) -> u16 {
        let device = &self.by_account.device;
        let management = device.management().unwrap();
        let body = messages::xml(&messages::idle(&management.identifier));
        let answer = device.send(management, &management.mdm.server_url, "application/x-apple-aspen-mdm", &body).await;
        let ServerAnswer { status, challenge, body } = answer.unwrap();
        meaning(status, challenge.as_deref(), &body)
    }

    async fn discover(&self) -> u16 {
        let url = format!("{}/.well-known/com.apple.remotemanagement?model-family=iPhone", self.scene.server.url());
        let answer = self.scene.server.client().get(url).send().await.unwrap();
        let status = answer.status().as_u16();
        meaning(status, None, &answer.bytes().await.unwrap())
    }

    async fn say_what_it_is(&self) -> u16 {
        let (walk, service) = &self.asked;
        let message = walk.device.sign_built_in(&walk.device.attributes(service)).unwrap();
        match walk.device.send_over_the_air(service, message, "the device's attributes").await {
            Ok(_) => 200,
            Err(DeviceError::Refused { status, body, .. }) => meaning(status, None, body.as_bytes()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn redeem(&self) -> u16 {
        let url = format!("{}/mdm/account-token", self.scene.server.url());
        let code = format!("code-{}.{}", self.newcomer.enrollment, "A".repeat(43));
        let client = format!("client_id={CLIENT_ID}&redirect_uri={REDIRECT_URL}");
        let form = format!("grant_type=authorization_code&code={code}&{client}");
        let request = self.scene.server.client().post(url).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form).send().await.unwrap();
        let status = answer.status().as_u16();
        meaning(status, None, &answer.bytes().await.unwrap())
    }

    async fn ask_for_profile(&self, token: Option<&str>) -> u16 {
        let device = &self.at_sign_in.device;
        let information = device.machine_info(true).unwrap();
        let asked = device.ask_for_profile(&base_url(&self.scene), &information, token).await.unwrap();
        meaning(asked.status, asked.authenticate.as_deref(), &asked.body)
    }

    /// Sends all messages concurrently, and then the CheckOut. Returns the messages that were not answered as usual.
    async fn disturbed(&self) -> Vec<&'static str> {
        let (goodbye, others) = MESSAGES.split_last().unwrap();
        let said = others.iter().map(|(what, usual)| async move { (*what, *usual, self.say(what).await) });
        let mut answers = futures_util::future::join_all(said).await;
        answers.push((goodbye.0, goodbye.1, self.say(goodbye.0).await));
        for (what, usual, answer) in &answers {
            assert!(answer == usual || *answer == 503, "{what} was answered {answer}");
        }
        answers.into_iter().filter(|(_, usual, answer)| answer != usual).map(|(what, ..)| what).collect()
    }

    /// Asserts that no device removed its management: every device that did not leave still reaches the server.
    async fn assert_all_managed(&mut self) {
        for device in [&self.enrolled, &self.busy] {
            assert_eq!(told(device, "command", &xml(&device.report("Idle", None))).await, 200);
        }
        self.by_account.device.poll().await.unwrap();
        assert!(self.by_account.device.is_managed());
    }
}

/// Waits until the server has queued its own first queries for the device.
async fn questions(server: &TestServer, device: DeviceId) {
    until("the first questions", async || server.app().platform.device(device).await.unwrap().commands.len() >= 2)
        .await;
}

async fn delivered(device: &TestDevice) -> String {
    device.poll().await.expect("the server has a command for the device").0
}

fn base_url(scene: &Scene) -> Url {
    format!("{}/mdm/account/mdm-byod", scene.server.url()).parse().unwrap()
}

async fn token(scene: &Scene, walk: &mut Walk) -> String {
    let information = walk.device.machine_info(true).unwrap();
    let asked = walk.device.ask_for_profile(&base_url(scene), &information, None).await.unwrap();
    match walk.sign_in(&asked.challenge().unwrap(), None, &mut Nobody).await.unwrap() {
        SignedIn::Token(tokens) => tokens.access,
        SignedIn::Stopped(text) => panic!("{text}"),
    }
}

async fn told(device: &TestDevice, endpoint: &str, body: &[u8]) -> u16 {
    let answer = device.put(endpoint, body).await;
    meaning(answer.status, None, &answer.body)
}

fn meaning(status: u16, challenge: Option<&str>, body: &[u8]) -> u16 {
    match status {
        401 if challenge.is_some_and(|challenge| challenge.starts_with("Bearer method=")) => SIGN_IN,
        401 => REMOVES,
        403 if !body.is_empty() => REMOVES,
        status => status,
    }
}

fn change(file: &Path, sql: &str) {
    let connection = Connection::open(file).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// A change that damages a file of the server, and the change that repairs it.
struct Damage {
    file: &'static str,
    damage: String,
    mend: String,
}

/// Renames a table, so that it cannot be found.
fn hidden(file: &'static str, table: &str) -> Damage {
    let rename = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to}");
    Damage { file, damage: rename(table, "gone"), mend: rename("gone", table) }
}

/// A checksum has 32 bits. Damaged events have larger values, so the repair recognizes them.
const MEND: &str = "UPDATE log SET crc = crc - 4294967296 WHERE crc >= 4294967296";

/// Damages every existing event of the streams with these names.
fn corrupt(streams: &str) -> Damage {
    let damage = format!("UPDATE log SET crc = crc + 4294967296 WHERE stream GLOB '{streams}'");
    Damage { file: "events.db", damage, mend: MEND.into() }
}

/// Sends all messages while the damage exists, repairs it, and checks that all devices are still managed. The server
/// has no state in memory or in `states.db` when the damage occurs.
async fn with_damage(damage: Damage) -> Vec<&'static str> {
    let mut stage = Stage::set().await;
    stage.scene.server.caught_up().await;
    let states = stage.scene.server.directory().join("data/states.db");
    stage.scene.server.restart_after(|| remove_database(&states).unwrap()).await;
    with_damage_to(stage, damage).await
}

/// Same as [`with_damage`], but the states that the stage used are in memory.
async fn with_damage_behind_memory(damage: Damage) -> Vec<&'static str> {
    with_damage_to(Stage::set().await, damage).await
}

async fn with_damage_to(mut stage: Stage, damage: Damage) -> Vec<&'static str> {
    stage.scene.server.caught_up().await;
    let file = stage.scene.server.directory().join("data").join(damage.file);
    change(&file, &damage.damage);
    let disturbed = stage.disturbed().await;
    stage.scene.server.restart_after(|| change(&file, &damage.mend)).await;
    stage.assert_all_managed().await;
    stage.scene.strike().await;
    disturbed
}

#[actix_web::test]
async fn where_nothing_is_wrong_every_device_is_answered_as_it_expects() {
    let mut stage = Stage::set().await;
    assert_eq!(stage.disturbed().await, [""; 0]);
    stage.assert_all_managed().await;
    stage.scene.strike().await;
}

#[actix_web::test]
async fn a_log_that_cannot_be_read_removes_no_device() {
    let disturbed = with_damage(hidden("events.db", "log")).await;
    let all: Vec<&str> = MESSAGES.iter().map(|(what, _)| *what).collect();
    assert_eq!(disturbed, all);
}

#[actix_web::test]
async fn corrupt_streams_of_devices_remove_no_device() {
    let disturbed = with_damage(corrupt("device-*")).await;
    let enrolled = ["TokenUpdate", "DeclarativeManagement", "Idle", "Acknowledged", "NotNow", "Idle by account"];
    assert_eq!(disturbed, [&enrolled[..], &["CheckOut"]].concat());
}

#[actix_web::test]
async fn corrupt_streams_of_enrollments_remove_no_device() {
    let disturbed = with_damage(corrupt("enrollment-*")).await;
    let unharmed = ["discovery", "machine information"];
    let expected: Vec<&str> = MESSAGES.iter().map(|(what, _)| *what).filter(|what| !unharmed.contains(what)).collect();
    assert_eq!(disturbed, expected);
}

#[actix_web::test]
async fn settings_that_cannot_be_read_remove_no_device() {
    let mut stage = Stage::set().await;
    stage.scene.server.caught_up().await;
    let (damage, file) = (corrupt("settings*"), stage.scene.server.directory().join("data/events.db"));
    stage.scene.server.restart_after(|| change(&file, &damage.damage)).await;
    let disturbed = stage.disturbed().await;
    stage.scene.server.restart_after(|| change(&file, &damage.mend)).await;
    stage.assert_all_managed().await;
    stage.scene.strike().await;
    let before = ["SCEP", "Authenticate", "Idle by account"];
    let from_settings =
        ["discovery", "machine information", "machine information with a token", "code of nobody", "Profile Service"];
    assert_eq!(
        disturbed,
        [&before[..], &from_settings].concat(),
        "messages that do not depend on settings are answered"
    );
}

#[actix_web::test]
async fn settings_that_were_read_before_they_were_damaged_are_in_memory() {
    assert_eq!(with_damage_behind_memory(corrupt("settings*")).await, [""; 0]);
}

#[actix_web::test]
async fn devices_whose_states_were_read_before_they_were_damaged_are_served_from_memory() {
    let disturbed = with_damage_behind_memory(corrupt("device-*")).await;
    assert!(!disturbed.contains(&"Idle") && !disturbed.contains(&"Acknowledged"), "{disturbed:?}");
}

#[actix_web::test]
async fn corrupt_streams_of_people_and_accounts_remove_no_device() {
    let disturbed = with_damage(corrupt("[pau]*")).await;
    assert_eq!(
        disturbed,
        ["SCEP", "machine information with a token", "code of nobody", "Profile Service"],
        "messages that need an access decision"
    );
}

#[actix_web::test]
async fn keys_that_cannot_be_read_remove_no_device() {
    let disturbed = with_damage_behind_memory(hidden("keys.db", "key")).await;
    assert_eq!(disturbed, ["TokenUpdate", "code of nobody"], "messages that seal a value under their own key");
}

#[actix_web::test]
async fn projections_that_cannot_be_read_remove_no_device() {
    let mut stage = Stage::set().await;
    stage.scene.server.caught_up().await;
    let data = stage.scene.server.directory().join("data");
    let file = file_of(&data, "devices");
    let tables = tables(&file);
    change(
        &file,
        &tables.iter().map(|table| format!("ALTER TABLE {table} RENAME TO gone_{table};")).collect::<String>(),
    );
    let read = projections::devices::get(&stage.scene.server.app().platform.projections, stage.enrolled.id, None).await;
    assert!(read.is_err(), "{read:?}");
    let disturbed = stage.disturbed().await;
    stage.scene.server.restart_after(|| projections::remove(&data).unwrap()).await;
    stage.assert_all_managed().await;
    stage.scene.strike().await;
    assert_eq!(disturbed, [""; 0], "devices are answered from the log");
}

/// The connections that the projections write with, kept from them until they are released.
struct Held {
    release: std::sync::mpsc::Sender<()>,
    holds: tokio::task::JoinHandle<Result<bool, ProjectionError>>,
}

impl Held {
    async fn of(server: &TestServer) -> Held {
        let projections = server.app().platform.projections.clone();
        change(&projections.common_path(), "INSERT INTO damaged_keys (name) VALUES ('person-1')");
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::watch::channel(false);
        // Asked about the damaged key, this writer keeps the connection and its transaction until the test releases it.
        let holds = tokio::spawn(async move {
            projections
                .fold_anew_if(move |_| {
                    begin.send_replace(true);
                    // An error is the release.
                    released.recv().is_ok()
                })
                .await
        });
        begun.clone().wait_for(|begun| *begun).await.unwrap();
        Held { release, holds }
    }

    async fn end(self) {
        assert!(!self.holds.is_finished());
        drop(self.release);
        assert!(!self.holds.await.unwrap().unwrap());
    }
}

#[actix_web::test]
async fn no_device_waits_for_the_connection_that_the_projections_write_with() {
    let mut stage = Stage::set().await;
    stage.scene.server.caught_up().await;
    let held = Held::of(&stage.scene.server).await;
    let disturbed = stage.disturbed().await;
    held.end().await;
    assert_eq!(disturbed, [""; 0]);
    stage.assert_all_managed().await;
    stage.scene.strike().await;
}

#[actix_web::test]
async fn new_devices_get_their_first_commands_while_the_projections_do_not_go_on() {
    let server = TestServer::start().await;
    server.reacted().await;
    let held = Held::of(&server).await;
    // Each enrollment causes links to be looked for, which needs the projections.
    for _ in 0..3 {
        let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
        questions(&server, device.id).await;
    }
    held.end().await;
    server.reacted().await;
    server.stop().await;
}

fn tables(file: &Path) -> Vec<String> {
    let connection = Connection::open(file).unwrap();
    let mut query = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Messages that are answered only after an event is appended.
const APPENDING: [&str; 11] = [
    "SCEP",
    "Authenticate",
    "TokenUpdate",
    "Idle",
    "Acknowledged",
    "NotNow",
    "Idle by account",
    "machine information with a token",
    "code of nobody",
    "Profile Service",
    "CheckOut",
];

#[actix_web::test]
async fn an_append_that_fails_removes_no_device_whichever_message_it_was_for() {
    for fault in [Fault::Lost, Fault::Kept] {
        for what in APPENDING {
            let stage = Stage::set().await;
            stage.scene.server.caught_up().await;
            stage.scene.server.app().store.fail_next_commit(fault);
            assert_eq!(stage.say(what).await, 503, "{what}, {fault:?}");
            // If the CheckOut was stored after all, a second one cannot be sent.
            let disturbed = if what == "CheckOut" { vec![what] } else { stage.disturbed().await };
            assert!(APPENDING.iter().any(|appending| disturbed.contains(appending)), "{disturbed:?}");
            stage.scene.server.abandon().await;
        }
    }
}

#[actix_web::test]
async fn keys_that_cannot_be_written_remove_no_device() {
    let stage = Stage::set().await;
    stage.scene.server.caught_up().await;
    stage.scene.server.app().keys.fail_commits().unwrap();
    let disturbed = stage.disturbed().await;
    stage.scene.server.abandon().await;
    assert_eq!(disturbed, ["TokenUpdate", "code of nobody"]);
}

#[actix_web::test]
async fn a_log_that_another_process_holds_removes_no_device() {
    let mut stage = Stage::set().await;
    stage.scene.server.caught_up().await;
    let held = Connection::open(stage.scene.server.directory().join("data/events.db")).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let disturbed = stage.disturbed().await;
    stage.scene.server.restart_after(|| held.execute_batch("ROLLBACK").unwrap()).await;
    stage.assert_all_managed().await;
    stage.scene.strike().await;
    assert_eq!(disturbed, APPENDING);
}
