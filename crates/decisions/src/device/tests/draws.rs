//! Messages that a device sends on its own use its budget. Answers to the server's requests and single events do not.

use super::*;
use crate::device::Draws;
use crate::examples::secret;
use events::device::CommandId;
use events::enrollment::IssuedCertificate;

fn renewed(challenge: Option<&str>) -> Event {
    let identity: IssuedCertificate = certificate("new", "2");
    Event::IdentityRenewed { identity, transaction: "t".into(), challenge: challenge.map(secret) }
}

fn authenticated(fingerprint: &str) -> Event {
    given([]).decide(&authenticate(user_enrollment("E1"), fingerprint, "b")).unwrap().remove(0)
}

fn reauthenticated(fingerprint: &str) -> Event {
    Event::DeviceReauthenticated {
        identifiers: user_enrollment("E1"),
        certificate: fingerprint.into(),
        os_version: None,
        build_version: None,
        product_name: None,
        body: body("again"),
    }
}

fn completed(fingerprint: &str) -> Event {
    Event::IdentityRenewalCompleted { fingerprint: fingerprint.into(), serial: "2".into(), not_after: NOW }
}

fn too_large(command: Option<CommandId>) -> Event {
    Event::MdmResultTooLarge { command, bytes: 5_000_000, body: None }
}

/// A renewal that the server requested, up to the issued certificate `fingerprint-2`.
fn renewing() -> Device {
    let requested = Event::IdentityRenewalRequested {
        command: command_id(1),
        challenge: secret("c"),
        challenge_expires: NOW.plus_seconds(1_000),
    };
    [requested, renewed(Some("c"))].iter().fold(enrolled(), Device::evolve)
}

#[test]
fn an_installation_that_is_said_again_draws_and_the_first_one_does_not() {
    assert_eq!(enrolled().draws(&authenticated("cert")), Draws::Event);
    assert_eq!(enrolled().draws(&authenticated("another")), Draws::Nothing);
}

#[test]
fn a_renewal_that_we_asked_for_draws_nothing_and_one_that_the_device_makes_up_does() {
    let device = renewing();
    assert_eq!(device.draws(&renewed(Some("c"))), Draws::Nothing);
    assert_eq!(device.draws(&renewed(None)), Draws::Event);
    assert_eq!(device.draws(&reauthenticated("fingerprint-2")), Draws::Nothing);
    let said = device.clone().evolve(&reauthenticated("fingerprint-2"));
    assert_eq!(said.draws(&reauthenticated("fingerprint-2")), Draws::Event, "a repeated message");
    assert_eq!(device.draws(&reauthenticated("cert")), Draws::Event);
    assert_eq!(
        enrolled().draws(&reauthenticated("fingerprint-2")),
        Draws::Event,
        "the server did not request a renewal"
    );
}

#[test]
fn only_the_certificate_of_the_renewal_under_way_completes_it() {
    let device = renewing();
    assert!(device.completes_renewal(&[reauthenticated("fingerprint-2"), completed("fingerprint-2")]));
    assert!(!device.completes_renewal(&[completed("fingerprint-3")]));
    assert!(!device.completes_renewal(&[reauthenticated("fingerprint-2")]));
    assert!(!enrolled().completes_renewal(&[completed("fingerprint-2")]));
}

#[test]
fn what_a_command_brings_draws_its_bytes_and_what_comes_without_one_an_event() {
    let device = enrolled();
    let told = Event::InventoryReported { changes: BTreeMap::new() };
    assert_eq!(device.draws(&told), Draws::Bytes);
    assert_eq!(device.draws(&too_large(Some(command_id(1)))), Draws::Nothing);
    assert_eq!(device.draws(&too_large(None)), Draws::Event);
    let token = Event::PushTokenRenewed { push: push("t2"), body: body("x") };
    let left_out = Event::DeviceFieldsLeftOut { fields: BTreeSet::new() };
    assert_eq!((device.draws(&token), device.draws(&left_out)), (Draws::Event, Draws::Event));
    assert_eq!(device.draws(&Event::RecordArchived {}), Draws::Nothing);
}

#[test]
fn a_command_that_is_put_off_again_without_a_push_between_draws() {
    let put_off = answer(1, CommandStatus::NotNow, "locked");
    let device = given_more(enrolled(), [queue(1, "SecurityInfo"), next()]);
    let said = device.decide(&put_off).unwrap().remove(0);
    assert_eq!(device.draws(&said), Draws::Nothing);
    let device = device.evolve(&said);
    assert_eq!(device.draws(&said), Draws::Event);
    let woken = device.evolve(&Event::DevicePushed { apns_id: None, put_off_since: false });
    assert_eq!(woken.draws(&said), Draws::Nothing);
    let acknowledged = woken.decide(&answer(1, CommandStatus::Acknowledged, "done")).unwrap().remove(0);
    assert_eq!(woken.draws(&acknowledged), Draws::Nothing);
}
