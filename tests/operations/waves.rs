//! Waves of invitations: the timer invites a few in an hour, skips whom nobody can invite, and notes deadlines.

use decisions::record::{Command as OfRecord, Record};
use decisions::wave::Plan;
use events::Event;
use events::invitation::{InvitationDelivery, InvitationEvent, NotInvited, WaveEvent, WaveId};
use events::personal::Personal;
use events::record::{
    ImportId, OwnerAttribute, OwnerKey, PersonalDetails, PreviousKind, RecordDetails, RecordId, RecordOwner,
};
use harness::{TestServer, waiting};
use platform::context::Context;
use std::sync::Arc;
use uuid::Uuid;
use world::{Clock as _, ManualClock, SystemClock, World};

const DAY: i64 = 86_400;

async fn server() -> (TestServer, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    (TestServer::start_with(World::at(Arc::clone(&clock) as _), |_| {}).await, clock)
}

fn operator() -> Context {
    Context::operator(Uuid::from_u128(1))
}

/// Imports a record; without an owner nobody can be invited.
async fn record(server: &TestServer, nth: u128, has_owner: bool) -> RecordId {
    let id = RecordId(uuid::Builder::from_custom_bytes((nth << 8).to_be_bytes()).into_uuid());
    let personal = PersonalDetails { source_id: nth.to_string(), ..PersonalDetails::default() };
    let details = RecordDetails {
        kind: PreviousKind::PersonalDeviceProfile,
        product_name: None,
        model_name: None,
        os_version: None,
        last_contact: None,
        enrolled_at: None,
        profile_identifier: None,
        site: None,
        personal: Personal::new(id.key(), personal),
    };
    let key = || OwnerKey { provider: "local".into(), attribute: OwnerAttribute::Mail, hmac: format!("{nth:032x}") };
    let command = OfRecord::Import {
        import: ImportId(Uuid::from_u128(9)),
        source: "Jamf Pro".into(),
        details: Box::new(details),
        owner_keys: has_owner.then(key).into_iter().collect(),
        names: vec![],
        owner: has_owner.then_some(RecordOwner::Account {}),
    };
    server.app().platform.perform::<Record>(&id.stream(), &command, &operator()).await.unwrap();
    id
}

async fn begin(server: &TestServer, records: &[RecordId]) -> WaveId {
    let app = server.app();
    let plan = Plan {
        name: "Grade 7".into(),
        delivery: InvitationDelivery::ByHand,
        language: "en".into(),
        most_per_hour: 2,
        valid_days: 30,
        remind_after_days: 7,
        most_reminders: 2,
        deadline: app.platform.world.now().plus_seconds(10 * DAY),
    };
    let wave = app.invitations.wave_of("form");
    app.invitations.begin_wave(wave, &plan, records, &operator()).await.unwrap();
    wave
}

/// Returns the records whose owners were invited, in that order.
async fn invited(server: &TestServer) -> Vec<RecordId> {
    let issued = |event| match event {
        Event::Invitation(InvitationEvent::InvitationIssued { record, .. }) => record,
        _ => None,
    };
    server.events_of("invitation").await.into_iter().filter_map(issued).collect()
}

async fn of_wave(server: &TestServer, wave: WaveId) -> Vec<WaveEvent> {
    let entries = server.log_of(&wave.stream()).await;
    let of = |event| match event {
        Event::Wave(event) => event,
        other => panic!("{other:?}"),
    };
    entries.into_iter().map(|entry| of(entry.event)).collect()
}

async fn until_invited(server: &TestServer, records: &[RecordId]) {
    waiting::until("the next are invited", async || invited(server).await.len() >= records.len()).await;
    server.timer_looked().await;
    assert_eq!(invited(server).await, records);
}

#[tokio::test]
async fn a_wave_invites_two_in_an_hour_in_its_order_also_after_a_restart() {
    let (mut server, clock) = server().await;
    let mut records = Vec::new();
    for nth in 1..=5 {
        records.push(record(&server, nth, true).await);
    }
    records.reverse();
    begin(&server, &records).await;
    until_invited(&server, &records[..2]).await;
    server.restart().await;
    clock.advance_seconds(1_800);
    server.timer_looked().await;
    server.timer_looked().await;
    assert_eq!(invited(&server).await, records[..2], "the hour is not over");
    clock.advance_seconds(1_801);
    until_invited(&server, &records[..4]).await;
    clock.advance_seconds(3_601);
    until_invited(&server, &records).await;
    clock.advance_seconds(DAY);
    server.timer_looked().await;
    assert_eq!(invited(&server).await, records, "each record once");
    server.stop().await;
}

#[tokio::test]
async fn a_record_without_an_owner_is_skipped_with_the_reason_once_and_holds_nobody_up() {
    let (server, clock) = server().await;
    let ownerless = record(&server, 1, false).await;
    let records = [ownerless, record(&server, 2, true).await, record(&server, 3, true).await];
    let wave = begin(&server, &records).await;
    until_invited(&server, &records[1..2]).await;
    clock.advance_seconds(3_601);
    until_invited(&server, &records[1..]).await;
    let skipped = |event: &WaveEvent| match event {
        WaveEvent::WaveRecordSkipped { record, why } => Some((*record, *why)),
        _ => None,
    };
    let skipped: Vec<_> = of_wave(&server, wave).await.iter().filter_map(skipped).collect();
    assert_eq!(skipped, [(ownerless, NotInvited::NoOwner)]);
    server.stop().await;
}

#[tokio::test]
async fn a_paused_wave_invites_nobody_until_it_is_resumed_and_an_ended_one_never() {
    let (server, clock) = server().await;
    let mut records = Vec::new();
    for nth in 1..=5 {
        records.push(record(&server, nth, true).await);
    }
    let wave = begin(&server, &records).await;
    until_invited(&server, &records[..2]).await;
    server.app().invitations.pause_wave(wave, &operator()).await.unwrap();
    server.caught_up().await;
    clock.advance_seconds(DAY);
    server.timer_looked().await;
    assert_eq!(invited(&server).await, records[..2]);
    server.app().invitations.resume_wave(wave, &operator()).await.unwrap();
    clock.advance_seconds(10);
    until_invited(&server, &records[..4]).await;
    server.app().invitations.end_wave(wave, &operator()).await.unwrap();
    server.caught_up().await;
    clock.advance_seconds(DAY);
    server.timer_looked().await;
    assert_eq!(invited(&server).await, records[..4]);
    server.stop().await;
}

#[tokio::test]
async fn the_deadline_of_a_wave_is_noted_once_with_the_number_of_open_records_and_raises_an_alarm() {
    let (server, clock) = server().await;
    let records = [record(&server, 1, true).await, record(&server, 2, true).await, record(&server, 3, false).await];
    let wave = begin(&server, &records).await;
    until_invited(&server, &records[..2]).await;
    let alarm = "muster_alarms_total{alarm=\"wave-deadline-passed\"}";
    assert!(server.metrics().await.contains(&format!("{alarm} 0")));
    clock.advance_seconds(10 * DAY + 1);
    let passed = async || {
        let is = |event: &WaveEvent| match event {
            WaveEvent::WaveDeadlinePassed { open } => Some(*open),
            _ => None,
        };
        of_wave(&server, wave).await.iter().filter_map(is).collect::<Vec<u64>>()
    };
    waiting::until("the deadline is noted", async || !passed().await.is_empty()).await;
    clock.advance_seconds(DAY);
    server.timer_looked().await;
    assert_eq!(passed().await, [3]);
    assert!(server.metrics().await.contains(&format!("{alarm} 1")));
    server.stop().await;
}
