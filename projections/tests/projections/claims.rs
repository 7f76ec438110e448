//! Records that claim the hardware of others, and superseded records that were revived.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crate::support::*;
use events::device::{AttestationRefusal, DeviceEvent, DeviceId, SupersessionEvidence};
use projections::claims::open_of;
use projections::commands::{self, State as CommandState};
use projections::devices::{self, State};
use projections::due::{self, DueKind};
use projections::{Projections, renewals};
use uuid::Uuid;

async fn pair(desk: &Desk) -> (DeviceId, DeviceId) {
    let earlier = desk.enroll(1, person(1), "ada", NOON).await;
    let later_one = desk.enroll(2, person(2), "eve", later(600)).await;
    let noted = DeviceEvent::HardwareClaimNoted { others: vec![earlier], count: 1 };
    desk.write(&later_one.stream(), later(700), noted).await;
    (earlier, later_one)
}

fn superseded(by: DeviceId, evidence: SupersessionEvidence) -> DeviceEvent {
    DeviceEvent::DeviceSuperseded { by, evidence, revivable_until: Some(later(100_000)) }
}

async fn device(projections: &Projections, id: DeviceId) -> devices::Device {
    devices::get(projections, id, None).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_claim_is_open_while_both_records_are_managed_and_nobody_decided() {
    let desk = Desk::new();
    let (earlier, later_one) = pair(&desk).await;
    let command = command(7);
    let asked = DeviceEvent::HardwareAttestationRequested { command, again_after: later(90_000) };
    desk.write(&later_one.stream(), later(701), asked).await;
    let why = AttestationRefusal::OtherNonce;
    desk.write(&later_one.stream(), later(702), DeviceEvent::HardwareAttestationRefused { command, why }).await;
    let projections = desk.caught_up().await;
    for id in [earlier, later_one] {
        let open = open_of(&projections, id).await.unwrap();
        assert_eq!((open.len(), open[0].later, open[0].earlier), (1, later_one, earlier));
        assert_eq!(open[0].attestation, Some(why));
    }
    assert_eq!(device(&projections, earlier).await.claimed_by, [later_one]);
    assert_eq!(device(&projections, later_one).await.claims, [earlier]);
    let then = devices::get(&projections, later_one, Some(later(800))).await.unwrap().unwrap();
    assert_eq!(then.claims, [], "claims are only in the current state, not in the history");
    let due = due::due_of(&projections, DueKind::AttestAgain, later(702 + 7 * 86_400), 10).await.unwrap();
    assert_eq!(due.len(), 1);

    desk.write(&earlier.stream(), later(800), superseded(later_one, SupersessionEvidence::PushUnregistered)).await;
    desk.follow(&projections).await;
    assert_eq!(open_of(&projections, later_one).await.unwrap(), []);
    desk.write(&earlier.stream(), later(900), DeviceEvent::DeviceRevived { superseded_by: later_one }).await;
    desk.follow(&projections).await;
    assert_eq!(open_of(&projections, later_one).await.unwrap().len(), 1, "the claim is open again");
    desk.write(&later_one.stream(), later(901), DeviceEvent::HardwareClaimDismissed { other: earlier }).await;
    desk.follow(&projections).await;
    assert_eq!(open_of(&projections, later_one).await.unwrap(), []);
    assert_eq!(device(&projections, earlier).await.claimed_by, []);
}

#[tokio::test]
async fn a_record_that_comes_back_is_what_it_was_in_every_table() {
    let desk = Desk::new();
    let (earlier, by) = pair(&desk).await;
    desk.write(&earlier.stream(), later(710), queued(1, "SecurityInfo", Some(later(5_000)))).await;
    let projections = desk.caught_up().await;
    let commands = async || commands::of_device(&projections, earlier, 9).await.unwrap()[0].state;
    let expiring = async || commands::due(&projections, later(6_000), 9).await.unwrap().len();
    let renews = async || renewals::of_device(&projections, earlier).await.unwrap().is_some();
    assert_eq!((commands().await, expiring().await, renews().await), (CommandState::Queued, 1, true));

    desk.write(&earlier.stream(), later(800), superseded(by, SupersessionEvidence::Claimed)).await;
    desk.follow(&projections).await;
    assert_eq!((commands().await, expiring().await, renews().await), (CommandState::Ended, 0, false));
    let ended = device(&projections, earlier).await;
    assert_eq!((ended.state, ended.superseded_by, ended.ended_at), (State::Superseded, Some(by), Some(later(800))));
    assert_eq!(ended.superseded_evidence, Some(SupersessionEvidence::Claimed));

    desk.write(&earlier.stream(), later(900), DeviceEvent::DeviceRevived { superseded_by: by }).await;
    desk.follow(&projections).await;
    assert_eq!((commands().await, expiring().await, renews().await), (CommandState::Queued, 1, true));
    let back = device(&projections, earlier).await;
    assert_eq!((back.state, back.superseded_by, back.ended_at), (State::Enrolled, None, None));
    let then = devices::get(&projections, earlier, Some(later(850))).await.unwrap().unwrap();
    assert_eq!(then.state, State::Superseded, "the history still has the earlier state");

    let last = DeviceEvent::DeviceSuperseded {
        by: DeviceId(Uuid::from_u128(9)),
        evidence: SupersessionEvidence::Attestation,
        revivable_until: None,
    };
    desk.write(&earlier.stream(), later(950), last).await;
    desk.follow(&projections).await;
    assert_eq!((commands().await, renews().await), (CommandState::Ended, false));
}

#[tokio::test]
async fn a_record_that_ended_and_enrolls_again_under_its_id_has_no_end() {
    let desk = Desk::new();
    let (earlier, by) = pair(&desk).await;
    desk.write(&earlier.stream(), later(800), superseded(by, SupersessionEvidence::Claimed)).await;
    desk.write(&earlier.stream(), later(900), authenticated(person(1), "EID-1")).await;
    desk.write(&earlier.stream(), later(901), enrolled(earlier)).await;
    let projections = desk.caught_up().await;
    let again = device(&projections, earlier).await;
    assert_eq!((again.state, again.enrolled_at), (State::Enrolled, Some(later(901))));
    assert_eq!((again.ended_at, again.superseded_by, again.superseded_evidence), (None, None, None));
    let between = devices::get(&projections, earlier, Some(later(850))).await.unwrap().unwrap();
    assert_eq!((between.state, between.ended_at), (State::Superseded, Some(later(800))));
    assert_eq!(between.superseded_by, Some(by));
}
