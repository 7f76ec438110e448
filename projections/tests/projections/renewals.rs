//! When identities are renewed, and their states.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crate::support::*;
use events::device::{BodyHash, CommandId, CommandStatus, DeviceEvent, DeviceId, RenewalFailure, SupersessionEvidence};
use events::enrollment::{IssuedCertificate, SecretHash};
use events::{EventId, Timestamp};
use projections::renewals::{self, Act, BEGIN_BEFORE, Counts, Due, RenewalOutcome, SPREAD, Standing};
use projections::{Projections, devices};
use uuid::Uuid;

const DAY: i64 = 86_400;
const COMMAND: CommandId = CommandId(Uuid::from_u128(77));

/// Expiry of the first identity of every device in these tests.
fn expires() -> Timestamp {
    later(365 * DAY)
}

fn requested(command: CommandId, challenge_expires: Timestamp) -> DeviceEvent {
    DeviceEvent::IdentityRenewalRequested { command, challenge: SecretHash("c".into()), challenge_expires }
}

fn issued(not_after: Timestamp, challenge: Option<&str>) -> DeviceEvent {
    let identity = IssuedCertificate {
        certificate: "AA==".into(),
        serial: "5F22".into(),
        fingerprint: "22".into(),
        key_hash: "22".into(),
        not_after,
    };
    let challenge = challenge.map(|challenge| SecretHash(challenge.into()));
    DeviceEvent::IdentityRenewed { identity, transaction: "2".into(), challenge }
}

fn completed(not_after: Timestamp) -> DeviceEvent {
    DeviceEvent::IdentityRenewalCompleted { fingerprint: "22".into(), serial: "5F22".into(), not_after }
}

fn failed(why: RenewalFailure) -> DeviceEvent {
    DeviceEvent::IdentityRenewalFailed { why }
}

async fn due(projections: &Projections, at: Timestamp) -> Vec<Due> {
    renewals::due(projections, at, 10, 10).await.unwrap()
}

/// Creates a device with a renewal that was started when it was due and ends 28 days later. Returns the start and the
/// event.
async fn under_way(desk: &Desk, projections: &Projections, nth: u128) -> (DeviceId, Timestamp, EventId) {
    let device = desk.enroll(nth, person(1), "ada", NOON).await;
    desk.follow(projections).await;
    let begin = renewals::of_device(projections, device).await.unwrap().unwrap().next.unwrap();
    let (event, _) = desk.write(&device.stream(), begin, requested(COMMAND, begin.plus_seconds(28 * DAY))).await;
    desk.follow(projections).await;
    (device, begin, event)
}

#[tokio::test]
async fn an_identity_is_due_half_a_year_before_it_expires_on_a_day_of_its_own() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let projections = desk.caught_up().await;
    let begin = renewals::of_device(&projections, device).await.unwrap().unwrap().next.unwrap();
    let before = expires().seconds_since(begin);
    assert!((BEGIN_BEFORE - SPREAD..=BEGIN_BEFORE).contains(&before));
    assert_eq!(due(&projections, Timestamp(begin.0 - 1)).await, []);
    let found = due(&projections, begin).await;
    assert_eq!((found.len(), found[0].device, found[0].act), (1, device, Act::Request));
    assert_eq!(due(&projections, expires()).await, [], "too late: the device can no longer connect to renew");
}

#[tokio::test]
async fn while_a_renewal_is_under_way_nothing_is_due_but_its_end() {
    let desk = Desk::new();
    let projections = desk.projections().await;
    let (device, begin, request) = under_way(&desk, &projections, 1).await;
    assert_eq!(due(&projections, begin.plus_seconds(28 * DAY - 1)).await, []);
    let lapse = Due { device, act: Act::Lapse(COMMAND), cause: request };
    assert_eq!(due(&projections, begin.plus_seconds(28 * DAY)).await, [lapse]);
    let acknowledged = DeviceEvent::MdmCommandAnswered {
        command: COMMAND,
        status: CommandStatus::Acknowledged,
        errors: vec![],
        rejection: None,
        body: BodyHash("05".into()),
    };
    let (cause, _) = desk.write(&device.stream(), begin.plus_seconds(60), acknowledged).await;
    desk.follow(&projections).await;
    let lapse = Due { device, act: Act::Lapse(COMMAND), cause };
    assert_eq!(
        due(&projections, begin.plus_seconds(60 + 3_600)).await,
        [lapse],
        "the device has an hour to connect with the new identity"
    );
    assert_eq!(renewals::requested_between(&projections, begin.plus_seconds(-60), begin).await.unwrap(), 1);
    let before = renewals::requested_between(&projections, begin.plus_seconds(-120), begin.plus_seconds(-60));
    assert_eq!(before.await.unwrap(), 0, "a request that a fast clock recorded in the future does not count");
    assert_eq!(renewals::requested_between(&projections, begin, begin.plus_seconds(60)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_certificate_that_was_issued_counts_when_the_device_uses_it() {
    let desk = Desk::new();
    let projections = desk.projections().await;
    let (device, begin, _) = under_way(&desk, &projections, 1).await;
    let (at, new) = (begin.plus_seconds(60), begin.plus_seconds(3 * 365 * DAY));
    let expiry = async || {
        let record = devices::get(&projections, device, None).await.unwrap().unwrap();
        let renewal = renewals::of_device(&projections, device).await.unwrap().unwrap();
        (record.identity_expires.unwrap(), renewal.expires)
    };
    desk.write(&device.stream(), at, issued(new, Some("c"))).await;
    desk.follow(&projections).await;
    assert_eq!(expiry().await, (expires(), expires()), "the device may still use the old identity");
    desk.write(&device.stream(), at, completed(new)).await;
    desk.follow(&projections).await;
    assert_eq!(expiry().await, (new, new));
    let renewal = renewals::of_device(&projections, device).await.unwrap().unwrap();
    assert_eq!((renewal.last, renewal.under_way_since), (Some((RenewalOutcome::Renewed, at)), None));
    assert_eq!(due(&projections, begin.plus_seconds(2 * 365 * DAY)).await, []);
}

#[tokio::test]
async fn after_a_failure_the_next_attempt_is_later_and_who_was_away_is_asked_at_once() {
    let desk = Desk::new();
    let projections = desk.projections().await;
    let (device, mut at, _) = under_way(&desk, &projections, 1).await;
    for (failures, (why, distance)) in [
        (RenewalFailure::Refused, 6 * 3_600),
        (RenewalFailure::NotUsed, 12 * 3_600),
        (RenewalFailure::NotFetched, 0),
        (RenewalFailure::Cancelled, 48 * 3_600),
    ]
    .into_iter()
    .enumerate()
    {
        let (cause, _) = desk.write(&device.stream(), at, failed(why)).await;
        desk.follow(&projections).await;
        let next = at.plus_seconds(distance);
        assert_eq!(due(&projections, Timestamp(next.0 - 1)).await, [], "{why:?}");
        assert_eq!(due(&projections, next).await, [Due { device, act: Act::Request, cause }], "{why:?}");
        let renewal = renewals::of_device(&projections, device).await.unwrap().unwrap();
        assert_eq!((renewal.failures, renewal.last), (failures as u64 + 1, Some((RenewalOutcome::Failed(why), at))));
        at = next;
    }
}

#[tokio::test]
async fn a_device_that_went_back_has_its_old_expiry_again_and_is_asked_again() {
    let desk = Desk::new();
    let projections = desk.projections().await;
    let (device, begin, _) = under_way(&desk, &projections, 1).await;
    let new = begin.plus_seconds(3 * 365 * DAY);
    desk.write(&device.stream(), begin, issued(new, Some("c"))).await;
    desk.write(&device.stream(), begin, completed(new)).await;
    let (serial, fingerprint) = ("5F21".to_owned(), "00".to_owned());
    let back = DeviceEvent::IdentityRolledBack { fingerprint, serial, not_after: expires() };
    let at = begin.plus_seconds(DAY);
    let (cause, _) = desk.write(&device.stream(), at, back).await;
    desk.follow(&projections).await;
    let renewal = renewals::of_device(&projections, device).await.unwrap().unwrap();
    assert_eq!(
        (renewal.expires, renewal.last, renewal.failures),
        (expires(), Some((RenewalOutcome::RolledBack, at)), 1)
    );
    let record = devices::get(&projections, device, None).await.unwrap().unwrap();
    assert_eq!((record.identity_expires, record.identity_serial.as_deref()), (Some(expires()), Some("5F21")));
    let next = at.plus_seconds(6 * 3_600);
    assert_eq!(due(&projections, Timestamp(next.0 - 1)).await, []);
    assert_eq!(due(&projections, next).await, [Due { device, act: Act::Request, cause }]);
}

#[tokio::test]
async fn a_device_that_renews_by_itself_meanwhile_is_left_alone_once_it_speaks_with_what_it_got() {
    let desk = Desk::new();
    let projections = desk.projections().await;
    let (device, begin, _) = under_way(&desk, &projections, 1).await;
    let (at, new) = (begin.plus_seconds(60), begin.plus_seconds(3 * 365 * DAY));
    desk.write(&device.stream(), at, issued(new, None)).await;
    desk.follow(&projections).await;
    let end = begin.plus_seconds(28 * DAY);
    assert_eq!(due(&projections, end).await.len(), 1, "the renewal in progress still ends");
    desk.write(&device.stream(), end, failed(RenewalFailure::NotFetched)).await;
    desk.follow(&projections).await;
    let renewal = async || renewals::of_device(&projections, device).await.unwrap().unwrap();
    assert_eq!(renewal().await.expires, expires(), "the device may not have received the certificate");
    desk.write(&device.stream(), end.plus_seconds(60), completed(new)).await;
    desk.follow(&projections).await;
    assert_eq!(renewal().await.expires, new);
    assert_eq!(due(&projections, begin.plus_seconds(2 * 365 * DAY)).await, []);
}

#[tokio::test]
async fn what_is_due_failing_and_expired_is_counted_once_and_who_left_not_at_all() {
    let desk = Desk::new();
    let projections = desk.projections().await;
    let (first, begin, _) = under_way(&desk, &projections, 1).await;
    let (second, ..) = under_way(&desk, &projections, 2).await;
    desk.write(&second.stream(), begin, failed(RenewalFailure::Refused)).await;
    let left = desk.enroll(3, person(1), "ada", NOON).await;
    desk.write(&left.stream(), begin, DeviceEvent::DeviceCheckedOut { body: BodyHash("06".into()) }).await;
    desk.enroll(4, person(1), "ada", NOON).await;
    desk.follow(&projections).await;
    let counts = async |at| renewals::counts(&projections, at).await.unwrap();
    assert_eq!(counts(later(10 * DAY)).await, Counts { due: 1, failing: 1, expired: 0 }, "one device is not due yet");
    assert_eq!(counts(begin.plus_seconds(DAY)).await, Counts { due: 2, failing: 1, expired: 0 });
    assert_eq!(counts(expires()).await, Counts { due: 0, failing: 0, expired: 3 });
    assert_eq!(renewals::of_device(&projections, left).await.unwrap(), None);
    let listed = async |standing, at| {
        let filter = devices::DeviceFilter { identity: Some((standing, at)), ..devices::DeviceFilter::default() };
        let page = devices::list(&projections, filter, 10).await.unwrap();
        page.devices.into_iter().map(|device| device.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(Standing::Failing, begin).await, [second]);
    assert_eq!(listed(Standing::Due, later(10 * DAY)).await, [first]);
    assert_eq!(listed(Standing::Expired, expires()).await.len(), 3);
}

#[tokio::test]
async fn the_identity_that_expires_first_is_renewed_first_and_a_limit_holds_up_no_end() {
    let desk = Desk::new();
    let projections = desk.projections().await;
    let (ending, begin, _) = under_way(&desk, &projections, 9).await;
    let (early, late) = (desk.enroll(1, person(1), "ada", NOON).await, desk.enroll(2, person(1), "ada", NOON).await);
    let sooner = later(200 * DAY);
    desk.write(&late.stream(), NOON, issued(sooner, None)).await;
    desk.write(&late.stream(), NOON, completed(sooner)).await;
    desk.follow(&projections).await;
    let found = renewals::due(&projections, begin.plus_seconds(10 * DAY), 1, 1).await.unwrap();
    assert_eq!(found.iter().map(|due| due.device).collect::<Vec<_>>(), [late]);
    let all = renewals::due(&projections, begin.plus_seconds(10 * DAY), 10, 10).await.unwrap();
    assert_eq!(all.iter().map(|due| due.device).collect::<Vec<_>>(), [late, early]);
    let found = renewals::due(&projections, begin.plus_seconds(28 * DAY), 0, 1).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|due| (due.device, due.act)).collect();
    assert_eq!(
        found,
        [(ending, Act::Lapse(COMMAND))],
        "the limit of new renewals is 0, and the ending one is still listed"
    );
}

#[tokio::test]
async fn as_many_devices_are_counted_in_a_standing_as_are_listed_in_it() {
    let desk = Desk::new();
    for nth in 1..=2 {
        desk.enroll(nth, person(1), "ada", NOON).await;
    }
    let projections = desk.caught_up().await;
    let (due, expired) = (later(300 * DAY), expires());
    for (at, standing, expected) in [
        (due, Standing::Due, 2),
        (due, Standing::Failing, 0),
        (due, Standing::Expired, 0),
        (expired, Standing::Due, 0),
        (expired, Standing::Expired, 2),
    ] {
        let counted = renewals::counts(&projections, at).await.unwrap().of(standing);
        let filter = devices::DeviceFilter { identity: Some((standing, at)), ..devices::DeviceFilter::default() };
        let listed = devices::list(&projections, filter, 10).await.unwrap().devices.len();
        assert_eq!((counted, listed as u64), (expected, expected), "{standing:?}");
    }
}

#[tokio::test]
async fn nothing_is_renewed_while_a_record_is_ended_and_what_was_due_is_due_when_it_comes_back() {
    let desk = Desk::new();
    let projections = desk.projections().await;
    let (device, begin, request) = under_way(&desk, &projections, 1).await;
    let end = begin.plus_seconds(28 * DAY);
    let evidence = SupersessionEvidence::PushUnregistered;
    let superseded = DeviceEvent::DeviceSuperseded { by: device, evidence, revivable_until: None };
    desk.write(&device.stream(), begin.plus_seconds(60), superseded).await;
    desk.follow(&projections).await;
    assert_eq!(due(&projections, end).await, []);
    assert_eq!(renewals::of_device(&projections, device).await.unwrap(), None);
    let revived = DeviceEvent::DeviceRevived { superseded_by: device };
    desk.write(&device.stream(), begin.plus_seconds(120), revived).await;
    desk.follow(&projections).await;
    assert_eq!(due(&projections, end).await, [Due { device, act: Act::Lapse(COMMAND), cause: request }]);
}
