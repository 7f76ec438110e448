//! Measures the folds of the audit trail and of the names, and searches (run by hand, in release:
//! `MUSTER_MEASURE_EVENTS=1000000 cargo test --release -p projections measured -- --ignored --nocapture`).

use super::filter::{AuditFilter, Match, conditions};
use super::query::EXAMINED;
use super::search::{Search, Step};
use super::{Audit, AuditOutcome};
use crate::Projection;
use crate::names::Names;
use events::device::{
    BodyHash, CommandId, CommandPayload, CommandStatus, DeviceEvent, DeviceId, DeviceIdentifiers, InventoryValue,
    Priority,
};
use events::enrollment::{EnrollmentEvent, SecretHash, SignInMethodName};
use events::envelope::Actor;
use events::person::{PersonAttributes, PersonEvent, PersonId};
use events::{ActorKind, Entry, Event, EventId, Personal, Position, Revision, StreamName, Timestamp};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

const NOON: i64 = 1_794_916_800_000_000;

/// Events of a device, on average.
const EACH: u64 = 20;

/// SplitMix64: numbers that look random and are the same in each run.
fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn id(kind: u64, nth: u64) -> Uuid {
    let time = (nth / 100) & 0xffff_ffff_ffff;
    let random = u128::from(mixed((kind << 56) | nth)) & 0x3fff_ffff_ffff_ffff;
    Uuid::from_u128((u128::from(time) << 80) | (0x7 << 76) | (u128::from(kind) << 64) | (2 << 62) | random)
}

fn device(nth: u64) -> DeviceId {
    DeviceId(id(1, nth))
}

fn person(nth: u64) -> PersonId {
    PersonId(id(2, nth))
}

fn sealed(nth: u64, text: String) -> Personal<String> {
    Personal::new(person(nth).key(), text)
}

/// Returns the event with this step of a device, and its stream and actor.
fn event(nth: u64, step: u64) -> (StreamName, Actor, Event) {
    let enrollment = device(nth).enrollment();
    let portal =
        |event: EnrollmentEvent| (enrollment.stream(), Actor::new(ActorKind::Person, person(nth)), event.into());
    let mdm = |event: DeviceEvent| (device(nth).stream(), Actor::new(ActorKind::Device, device(nth)), event.into());
    let command = CommandId(id(3, (nth << 20) | (step / 4)));
    match step {
        0 => {
            let attributes = PersonAttributes {
                user_name: Some(sealed(nth, format!("user{nth}"))),
                display_name: Some(sealed(nth, format!("Given{} Family{}", nth % 3_000, mixed(nth) % 50_000))),
                mail: Some(sealed(nth, format!("user{nth}@school.example"))),
                ..PersonAttributes::default()
            };
            let method = SignInMethodName::LocalAccount;
            let known =
                PersonEvent::PersonKnown { method, account: "00".into(), attributes, keys: vec![], names: vec![] };
            (person(nth).stream(), Actor::new(ActorKind::System, "sign-in"), known.into())
        }
        1 => portal(EnrollmentEvent::UserSignedIn {
            method: SignInMethodName::LocalAccount,
            person: person(nth),
            account: "00".into(),
            user_name: sealed(nth, format!("user{nth}")),
            session: SecretHash("00".into()),
        }),
        2 => portal(EnrollmentEvent::CaInstallReported {}),
        3 => mdm(DeviceEvent::DeviceAuthenticated {
            person: person(nth),
            identifiers: DeviceIdentifiers::DeviceEnrollment {
                udid: sealed(nth, format!("00008110-{:016X}", mixed(nth))),
                serial_number: Some(sealed(nth, format!("F{:011X}", mixed(nth + 1) >> 20))),
                imei: Some(sealed(nth, format!("{:015}", mixed(nth + 2) % 1_000_000_000_000_000))),
                meid: None,
            },
            certificate: "00".into(),
            topic: "com.apple.mgmt.External.1".into(),
            os_version: None,
            build_version: None,
            product_name: Some("iPhone14,7".into()),
            body: BodyHash("00".into()),
        }),
        4 => {
            let name = serde_json::Value::from(format!("iPhone of Given{}", nth % 3_000));
            let name = InventoryValue::Personal(Personal::new(person(nth).key(), name));
            mdm(DeviceEvent::InventoryReported { changes: BTreeMap::from([("DeviceName".to_owned(), name)]) })
        }
        _ => mdm(match step % 4 {
            0 => DeviceEvent::MdmCommandQueued {
                command,
                request_type: ["DeviceInformation", "ProfileList", "SecurityInfo"][usize::try_from(nth % 3).unwrap()]
                    .into(),
                payload: CommandPayload::Plain("<plist/>".into()),
                unenrolls: false,
                priority: Priority::Normal,
                expires: None,
            },
            1 => DeviceEvent::MdmCommandDelivered { command },
            2 => DeviceEvent::MdmCommandAnswered {
                command,
                status: if nth.is_multiple_of(500) { CommandStatus::Error } else { CommandStatus::Acknowledged },
                errors: vec![],
                rejection: None,
                body: BodyHash("00".into()),
            },
            _ => DeviceEvent::DeviceHeardFrom {},
        }),
    }
}

fn entry(position: u64, nth: u64, step: u64) -> Entry {
    let (stream, actor, event) = event(nth, step);
    let address = mixed((nth << 3) | ((step / 7) % 3)) % 200_000;
    Entry {
        stream,
        revision: Revision(step),
        position: Position(position),
        leaf: [0; 32],
        id: EventId(id(4, position)),
        at: Timestamp(NOON + position.cast_signed() * 1_000),
        actor,
        source: Some(sealed(nth, format!("10.{}.{}.{}", address >> 16, (address >> 8) & 255, address & 255))),
        correlation: if step < 3 { device(nth).0 } else { id(5, position / 3) },
        causation: None,
        event,
    }
}

/// Returns the time that this thread spent on a processor.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

fn folded(projection: &dyn Projection, path: &std::path::Path, events: u64) -> Connection {
    let rows = Connection::open(path).unwrap();
    rows.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;").unwrap();
    rows.set_prepared_statement_cache_capacity(128);
    rows.execute_batch(projection.schema()).unwrap();
    rows.execute_batch("BEGIN").unwrap();
    let devices = (events / EACH).max(1);
    let mut steps = vec![0_u64; usize::try_from(devices).unwrap()];
    let mut spent = Duration::ZERO;
    let mut position = 0;
    while position < events {
        let batch: Vec<Entry> = (0..4_000)
            .map(|_| {
                position += 1;
                let nth = mixed(position) % devices;
                let step = &mut steps[usize::try_from(nth).unwrap()];
                *step += 1;
                entry(position, nth, *step - 1)
            })
            .collect();
        let begun = processor_time();
        for entry in &batch {
            projection.fold(&rows, entry, entry.at).unwrap();
        }
        spent += processor_time() - begun;
    }
    let begun = processor_time();
    rows.execute_batch(projection.indexes()).unwrap();
    let indexed = processor_time() - begun;
    rows.execute_batch("COMMIT").unwrap();
    let bytes = std::fs::metadata(path).unwrap().len();
    println!(
        "{}: {events} events, {:.2} µs to fold and {:.2} µs to index each, {:.1} bytes each",
        projection.name(),
        spent.as_secs_f64() * 1e6 / events as f64,
        indexed.as_secs_f64() * 1e6 / events as f64,
        bytes as f64 / events as f64
    );
    print_sizes(&rows, events);
    rows
}

fn print_sizes(rows: &Connection, events: u64) {
    let mut sizes = rows.prepare("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC").unwrap();
    let sizes = sizes.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?))).unwrap();
    for (name, bytes) in sizes.map(Result::unwrap).filter(|(_, bytes)| *bytes > 100_000) {
        println!("  {name}: {:.1} bytes each", bytes as f64 / events as f64);
    }
}

fn events() -> u64 {
    std::env::var("MUSTER_MEASURE_EVENTS").ok().and_then(|events| events.parse().ok()).unwrap_or(1_000_000)
}

#[test]
#[ignore = "takes minutes with a million events: tests/run runs it with few"]
fn measured_folds_and_searches_of_the_audit_trail() {
    let directory = tempfile::tempdir().unwrap();
    let rows = folded(&Audit, &directory.path().join("audit.db"), events());
    let all = AuditFilter::default;
    let nth = 7;
    for (name, filter) in [
        ("all", all()),
        ("oldest first", AuditFilter { oldest_first: true, ..all() }),
        ("device", AuditFilter { device: Some(device(nth)), ..all() }),
        ("person", AuditFilter { person: Some(person(nth)), ..all() }),
        ("not heard from", AuditFilter { event_type: Some(Match::is_not("DeviceHeardFrom".into())), ..all() }),
        ("refused", AuditFilter { outcome: Some(Match::is(AuditOutcome::Refused)), ..all() }),
        ("failed", AuditFilter { outcome: Some(Match::is_not(AuditOutcome::Ok)), ..all() }),
        ("staff", AuditFilter { actor_kind: Some(Match::is(ActorKind::Staff)), ..all() }),
        ("not devices", AuditFilter { actor_kind: Some(Match::is_not(ActorKind::Device)), ..all() }),
        ("actor", AuditFilter { actor_id: Some("sign-in".into()), ..all() }),
        (
            "actor and other type",
            AuditFilter {
                actor_id: Some("sign-in".into()),
                event_type: Some(Match::is_not("PersonKnown".into())),
                ..all()
            },
        ),
        ("source", AuditFilter { source: Some("10.0.0.7".into()), ..all() }),
        (
            "source and failed",
            AuditFilter { source: Some("10.0.0.7".into()), outcome: Some(Match::is(AuditOutcome::Failed)), ..all() },
        ),
        ("middle", AuditFilter { to: Some(Timestamp(NOON + events().cast_signed() * 500)), ..all() }),
        ("help code", AuditFilter { help_code: Some(super::help_code(device(nth).0)), ..all() }),
    ] {
        let mut times = Vec::new();
        let (mut found, mut spent) = (0, false);
        for _ in 0..20 {
            let begun = Instant::now();
            (found, spent) = page(&rows, &filter);
            times.push(begun.elapsed());
        }
        times.sort();
        println!("{name}: {found} rows, spent: {spent}, {:?} (worst {:?})", times[10], times[19]);
    }
}

fn page(rows: &Connection, filter: &AuditFilter) -> (usize, bool) {
    let Some(conditions) = conditions(rows, filter, &[]).unwrap() else { return (0, false) };
    let mut search = Search::new(rows, conditions.span, conditions.clauses, EXAMINED).unwrap();
    let (mut found, mut at) = (0, conditions.span.first());
    while found < 51 {
        match search.next(at).unwrap() {
            Step::Found(record) => at = conditions.span.following(record.position),
            Step::End => return (found, false),
            Step::Spent(_) => return (found, true),
        }
        found += 1;
    }
    (found, false)
}

#[test]
#[ignore = "takes minutes with a million events: tests/run runs it with few"]
fn measured_folds_of_names() {
    let directory = tempfile::tempdir().unwrap();
    folded(&Names, &directory.path().join("names.db"), events());
}
