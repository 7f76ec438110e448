//! Waves, and invitations that are sent again from a page.

use super::*;
use decisions::wave::{Plan, Refusal};
use events::invitation::{NotInvited, RenewalCause, WaveId};

fn plan() -> Plan {
    Plan {
        name: "Grade 7".into(),
        delivery: InvitationDelivery::Mail,
        language: "de".into(),
        most_per_hour: 100,
        valid_days: 30,
        remind_after_days: 7,
        most_reminders: 2,
        deadline: Timestamp(1_800_000_000_000_000),
    }
}

fn records(count: u128) -> Vec<RecordId> {
    (1..=count).map(|nth| RecordId(Uuid::from_u128(nth))).collect()
}

async fn of_wave(scene: &Scene, wave: WaveId) -> Vec<String> {
    let entries = scene.platform().log.read(&wave.stream()).await.unwrap();
    entries.iter().map(|entry| entry.event.type_name()).collect()
}

#[tokio::test]
async fn a_wave_that_is_begun_twice_at_once_has_each_record_once() {
    let scene = Scene::set().await;
    let (wave, records) = (scene.invitations.wave_of("form"), records(1_200));
    let begin = async || scene.invitations.begin_wave(wave, &plan(), &records, &operator()).await;
    let (one, two) = tokio::join!(begin(), begin());
    assert_eq!((one.unwrap().records, two.unwrap().records), (1_200, 1_200));
    assert_eq!(of_wave(&scene, wave).await, ["WaveBegun", "WaveRecordsAdded", "WaveRecordsAdded", "WaveRecordsAdded"]);
    assert_eq!(begin().await.unwrap().records, 1_200, "the same form later");
    assert_eq!(of_wave(&scene, wave).await.len(), 4);
}

#[tokio::test]
async fn a_wave_that_was_interrupted_goes_on_with_the_next_record() {
    let scene = Scene::set().await;
    let (wave, records) = (scene.invitations.wave_of("form"), records(700));
    scene.invitations.begin_wave(wave, &plan(), &records[..500], &operator()).await.unwrap();
    let state = scene.invitations.begin_wave(wave, &plan(), &records, &operator()).await.unwrap();
    assert_eq!(state.records, 700);
    assert_eq!(of_wave(&scene, wave).await, ["WaveBegun", "WaveRecordsAdded", "WaveRecordsAdded"]);
}

#[tokio::test]
async fn a_wave_is_paused_resumed_and_ended_once() {
    let scene = Scene::set().await;
    let (wave, service) = (scene.invitations.wave_of("form"), &scene.invitations);
    let refused = |error: Result<(), WaveError>| match error {
        Err(WaveError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(service.pause_wave(wave, &operator()).await), Refusal::Unknown);
    service.begin_wave(wave, &plan(), &records(1), &operator()).await.unwrap();
    for _ in 0..2 {
        service.pause_wave(wave, &operator()).await.unwrap();
    }
    for _ in 0..2 {
        service.resume_wave(wave, &operator()).await.unwrap();
    }
    for _ in 0..2 {
        service.end_wave(wave, &operator()).await.unwrap();
    }
    assert_eq!(refused(service.resume_wave(wave, &operator()).await), Refusal::Ended);
    let all = ["WaveBegun", "WaveRecordsAdded", "WavePaused", "WaveResumed", "WaveEnded"];
    assert_eq!(of_wave(&scene, wave).await, all);
}

#[tokio::test]
async fn a_rehearsal_counts_who_can_be_invited_and_why_others_cannot() {
    let scene = Scene::set().await;
    let can = scene.import(Some("ada@school.example"), true, Some(RecordOwner::Account {})).await;
    let without_mail = scene.import(None, false, Some(RecordOwner::Unique { person: GRACE })).await;
    let left = scene.import(Some("eve@school.example"), true, Some(RecordOwner::Left {})).await;
    let unknown = RecordId(uuid::Builder::from_custom_bytes([1; 16]).into_uuid());
    let all = [can, without_mail, left, unknown];
    let of = async |delivery| scene.invitations.rehearse_wave(&all, delivery).await.unwrap();
    let by_mail = of(InvitationDelivery::Mail).await;
    let cannot =
        [(NotInvited::NoMail, 1), (NotInvited::OwnerLeft, 1), (NotInvited::UnknownRecord, 1)].into_iter().collect();
    assert_eq!(by_mail, WaveRehearsal { can: 1, cannot, unknown: 0 });
    assert_eq!(of(InvitationDelivery::ByHand).await.can, 2, "a link that is handed over needs no mail address");
    let many = vec![unknown; MOST_REHEARSED + 7];
    let bounded = scene.invitations.rehearse_wave(&many, InvitationDelivery::Mail).await.unwrap();
    assert_eq!((bounded.cannot[&NotInvited::UnknownRecord], bounded.unknown), (MOST_REHEARSED as u64, 7));
}

#[tokio::test]
async fn a_form_that_is_sent_twice_voids_one_link() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    let id = scene.issue(Invitee::Person(ADA), InvitationDelivery::ByHand).await.unwrap();
    let expires = Timestamp(1_800_000_000_000_000);
    let cause = RenewalCause::SentAgain;
    let renew = async || scene.invitations.renew_from(id, 0, cause, expires, &operator()).await;
    let (one, two) = tokio::join!(renew(), renew());
    assert_eq!((one.unwrap(), two.unwrap()), (1, 1));
    assert_eq!(renew().await.unwrap(), 1, "the same form later");
    assert_eq!(scene.events(id).await, ["InvitationIssued", "InvitationRenewed"]);
    assert!(scene.invitations.code(id, 1).await.is_ok());
}
