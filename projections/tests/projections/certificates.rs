//! Revoked certificates and the times of their revocation.

use crate::support::*;
use events::Timestamp;
use events::device::{BodyHash, DeviceEvent, DeviceId, SupersessionEvidence, UnenrolledBy};
use events::enrollment::EnrollmentEvent;
use projections::certificates::revoked;
use uuid::Uuid;

fn superseded(evidence: SupersessionEvidence, revivable_until: Option<Timestamp>) -> DeviceEvent {
    DeviceEvent::DeviceSuperseded { by: DeviceId(Uuid::from_u128(2)), evidence, revivable_until }
}

#[tokio::test]
async fn the_identity_of_a_record_that_may_come_back_is_revoked_when_that_time_is_over() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let ended = superseded(SupersessionEvidence::PushUnregistered, Some(later(3_600)));
    desk.write(&device.stream(), later(600), ended).await;
    let projections = desk.caught_up().await;
    assert_eq!(revoked(&projections, later(3_599)).await.unwrap(), []);
    let found = revoked(&projections, later(3_600)).await.unwrap();
    assert_eq!((found[0].device, found[0].at), (device, later(3_600)));

    let revived = DeviceEvent::DeviceRevived { superseded_by: DeviceId(Uuid::from_u128(2)) };
    desk.write(&device.stream(), later(700), revived).await;
    desk.follow(&projections).await;
    assert_eq!(revoked(&projections, later(7_200)).await.unwrap(), []);
}

#[tokio::test]
async fn the_identity_of_a_record_that_ended_on_a_claim_is_not_revoked_before_the_device_confirms_it() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    desk.write(&device.stream(), later(600), superseded(SupersessionEvidence::Claimed, None)).await;
    let projections = desk.caught_up().await;
    assert_eq!(revoked(&projections, later(90 * 86_400)).await.unwrap(), []);
    let left = DeviceEvent::DeviceCheckedOut { body: BodyHash("05".into()) };
    desk.write(&device.stream(), later(700), left).await;
    desk.follow(&projections).await;
    assert_eq!(revoked(&projections, later(701)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_certificates_of_a_device_that_left_are_revoked_until_they_expire() {
    let ends = [
        DeviceEvent::DeviceCheckedOut { body: BodyHash("05".into()) },
        DeviceEvent::DeviceUnenrolled { by: UnenrolledBy::Server },
        superseded(SupersessionEvidence::Attestation, None),
    ];
    for end in ends {
        let desk = Desk::new();
        let device = desk.enroll(1, person(1), "ada", NOON).await;
        let projections = desk.caught_up().await;
        assert_eq!(revoked(&projections, NOON).await.unwrap(), []);

        desk.write(&device.stream(), later(600), end.clone()).await;
        desk.follow(&projections).await;
        let found = revoked(&projections, later(601)).await.unwrap();
        assert_eq!(found.len(), 1, "{end:?}");
        assert_eq!((found[0].device, found[0].at), (device, later(600)));
        assert_eq!(
            revoked(&projections, later(400 * 365 * 86_400)).await.unwrap(),
            [],
            "the certificates have expired by then"
        );
    }
}

#[tokio::test]
async fn an_identity_that_was_replaced_before_it_was_used_is_revoked() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let fingerprint = "00".to_owned();
    let enrollment = device.enrollment().stream();
    desk.write(&enrollment, later(60), EnrollmentEvent::IdentityRevoked { fingerprint }).await;
    let projections = desk.caught_up().await;
    assert_eq!(revoked(&projections, later(61)).await.unwrap().len(), 1);
}
