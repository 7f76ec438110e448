//! Which certificates are revoked, and since when.

use crate::support::*;
use events::device::{BodyHash, DeviceEvent, DeviceId, UnenrolledBy};
use events::enrollment::EnrollmentEvent;
use projections::certificates::revoked;
use uuid::Uuid;

#[tokio::test]
async fn the_certificates_of_a_device_that_left_are_revoked_until_they_expire() {
    let ends = [
        DeviceEvent::DeviceCheckedOut { body: BodyHash("05".into()) },
        DeviceEvent::DeviceUnenrolled { by: UnenrolledBy::Server },
        DeviceEvent::DeviceSuperseded { by: DeviceId(Uuid::from_u128(2)) },
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
        assert_eq!(revoked(&projections, later(400 * 365 * 86_400)).await.unwrap(), [], "expired by then");
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
