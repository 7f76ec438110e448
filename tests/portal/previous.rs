//! Tests of what people see of their earlier records: at the portal, in the sheet of Settings, on the last page, and at
//! the help desk.

mod hostile;
mod journey;
mod portal;
mod removal;
mod settings;
mod whose;

use decisions::record::{Command, Record};
use events::enrollment::EnrollmentEvent;
use events::person::PersonId;
use events::record::{PreviousAnswer, RecordId, RecordOwner};
use events::{Actor, ActorKind, Event};
use harness::cast::{PASSWORD, Scene};
use harness::guest::{Answer, Guest, iphone};
use imports::Order;
use platform::context::Context;
use records::Mapping;
use std::io::Cursor;

/// An old phone of ada, as Jamf Pro knew it.
pub const OLD_PHONE: &str = r#"{"source_id":"35","kind":"personal-device-profile","model_name":"iPhone 13",
    "product_name":"iPhone14,5","enrolled_at":"2021-03-04T09:10:11Z","last_contact":"2026-01-01T10:00:00Z"}"#;

pub fn operator(scene: &Scene) -> Context {
    Context::of(Actor::new(ActorKind::Operator, "test"), None, scene.server.app().platform.world.uuid())
}

/// Imports a record of Jamf Pro, without an owner.
pub async fn import(scene: &Scene, row: &str) -> RecordId {
    import_by(scene, row, "").await
}

/// Same as [`import`], with owner rules.
pub async fn import_by(scene: &Scene, row: &str, rules: &str) -> RecordId {
    let row: serde_json::Value = serde_json::from_str(row).unwrap();
    let columns: String = row.as_object().unwrap().keys().map(|name| format!("{name} = \"{name}\"\n")).collect();
    let mapping =
        Mapping { source: Some("Jamf Pro".into()), ..toml::from_str(&format!("{rules}[columns]\n{columns}")).unwrap() };
    // Nobody listens.
    let (told, _) = tokio::sync::mpsc::channel(1);
    let order = Order { mapping, is_complete: false, is_rehearsal: false };
    let app = scene.server.app();
    let file = Cursor::new(format!("{row}\n").into_bytes());
    let finished = app.imports.run(file, order, &operator(scene), &told).await.unwrap();
    assert_eq!((finished.counts.new, finished.counts.bad), (1, 0));
    app.imports.record_id("Jamf Pro", row["source_id"].as_str().unwrap())
}

pub async fn resolve(scene: &Scene, record: RecordId, owner: RecordOwner) {
    let (known, _) = scene.server.app().platform.load::<Record>(&record.stream()).await.unwrap();
    let resolve = Command::ResolveOwner { keys: known.owner_keys.clone(), owner };
    scene.server.app().platform.perform::<Record>(&record.stream(), &resolve, &operator(scene)).await.unwrap();
    scene.server.caught_up().await;
}

/// Signs a person in once, so that they are known, and returns them.
pub async fn person(scene: &Scene, name: &str) -> PersonId {
    let before = scene.server.events_of("enrollment").await.len();
    Guest::new(&scene.server, &iphone("17.5")).sign_in(name, PASSWORD).await;
    let events = scene.server.events_of("enrollment").await;
    let signed_in = events.into_iter().skip(before).find_map(|event| match event {
        Event::Enrollment(EnrollmentEvent::UserSignedIn { person, .. }) => Some(person),
        _ => None,
    });
    signed_in.unwrap()
}

/// Imports a record that belongs to ada.
pub async fn record_of_ada(scene: &Scene, row: &str) -> RecordId {
    let record = import(scene, row).await;
    let person = person(scene, "ada").await;
    resolve(scene, record, RecordOwner::Unique { person }).await;
    record
}

async fn enrollment_events(scene: &Scene) -> Vec<EnrollmentEvent> {
    let of_enrollment = |event| match event {
        Event::Enrollment(event) => Some(event),
        _ => None,
    };
    scene.server.events_of("enrollment").await.into_iter().filter_map(of_enrollment).collect()
}

/// Returns what people said about their records, in order.
async fn said(scene: &Scene) -> Vec<(RecordId, PreviousAnswer)> {
    let said = |event| match event {
        EnrollmentEvent::PreviousRecordAnswered { record, answer, .. } => Some((record, answer)),
        _ => None,
    };
    enrollment_events(scene).await.into_iter().filter_map(said).collect()
}

/// Returns the number of the records of other products that each sign-in found.
async fn found(scene: &Scene) -> Vec<(usize, u64)> {
    let found = |event| match event {
        EnrollmentEvent::ImportedRecordFound { records, count } => Some((records.len(), count)),
        _ => None,
    };
    enrollment_events(scene).await.into_iter().filter_map(found).collect()
}

/// Signs ada in on an iPhone, and returns the page of her earlier records.
async fn at_the_page(scene: &Scene, ios: &str) -> (Guest, Answer) {
    let mut guest = Guest::new(&scene.server, &iphone(ios));
    assert_eq!(guest.sign_in("ada", PASSWORD).await.led_to(), Some("/enroll/previous"));
    let page = guest.get("/enroll/previous").await;
    assert_eq!(page.status, 200);
    (guest, page)
}

fn answer(record: RecordId) -> String {
    format!("answer-{record}")
}

/// Asserts that these texts are on the page, in this order.
fn reads(text: &str, wanted: &[&str]) {
    let mut rest = text;
    for words in wanted {
        let Some((_, after)) = rest.split_once(words) else { panic!("{words:?} is missing in {rest}") };
        rest = after;
    }
}
