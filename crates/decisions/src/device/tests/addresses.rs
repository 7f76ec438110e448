//! The push address of a device, the reasons for a push, and the certificates that the device uses.

use super::*;
use crate::examples::{sealed, secret};

fn token_with(unlock: Option<&str>, text: &str) -> Command {
    let push = PushAddress { unlock_token: unlock.map(sealed), ..push("t1") };
    Command::TokenUpdate { identifiers: user_enrollment("E1"), push, certificate: "cert".into(), body: body(text) }
}

#[test]
fn an_address_that_is_told_again_is_no_news_and_another_unlock_token_is() {
    let device = given_more(enrolled(), [token_with(Some("unlock"), "1")]);
    for same in [token_with(Some("unlock"), "2"), token_with(None, "3")] {
        assert_eq!(device.decide(&same), Ok(vec![]), "{same:?}");
    }
    let happened = device.decide(&token_with(Some("another"), "4")).expect("taken");
    assert!(matches!(happened[..], [Event::PushTokenRenewed { .. }]), "{happened:?}");
}

#[test]
fn while_a_profile_is_being_installed_no_other_device_takes_its_place() {
    let installing = given([authenticate(user_enrollment("E1"), "cert", "a")]);
    let other = authenticate(user_enrollment("E2"), "cert 2", "b");
    assert_eq!(installing.decide(&other), Err(Refusal::OtherDevice));
    let again = installing.decide(&authenticate(user_enrollment("E1"), "cert 2", "c")).expect("taken");
    assert!(matches!(again[..], [Event::DeviceAuthenticated { .. }]), "{again:?}");
}

#[test]
fn an_id_of_a_command_is_not_used_for_another_one() {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo")]);
    let Command::QueueCommand { id, payload, unenrolls, priority, expires, .. } = queue(1, "SecurityInfo") else {
        unreachable!()
    };
    let request_type = "DeviceInformation".to_owned();
    let other_type = Command::QueueCommand { id, request_type, payload, unenrolls, priority, expires };
    assert_eq!(device.decide(&other_type), Err(Refusal::DuplicateCommand));
    let payload = CommandPayload::Plain("<plist>another</plist>".into());
    let request_type = "SecurityInfo".to_owned();
    let other_content = Command::QueueCommand { id, request_type, payload, unenrolls, priority, expires };
    assert_eq!(device.decide(&other_content), Err(Refusal::DuplicateCommand));
}

#[test]
fn a_device_is_woken_for_what_is_left_when_a_command_is_called_off_and_for_nothing_not() {
    let two = given_more(enrolled(), [queue(1, "SecurityInfo"), queue(2, "DeviceInformation")]);
    let one = given_more(two.clone(), [cancel(1)]);
    assert!(one.wants(false), "the other command was not delivered");
    assert!(!given_more(one, [cancel(2)]).wants(false));
    let woken = two.evolve(&Event::DevicePushed { apns_id: None, put_off_since: false });
    assert!(!given_more(woken, [cancel(1)]).wants(false), "the device was already woken for the other command");
}

#[test]
fn a_device_speaks_otherwise_with_a_certificate_that_it_has_and_did_not_use_before() {
    let identity = certificate("new", "2");
    let renewed = Command::RenewIdentity { identity, transaction: "t".into() };
    let device = given_more(enrolled(), [renewed]);
    assert!(device.speaks_otherwise_with("fingerprint-2"));
    assert!(!device.speaks_otherwise_with("cert") && !device.speaks_otherwise_with("fingerprint-9"));
    let under_way = device.evolve(&Event::IdentityRenewalRequested {
        command: command_id(1),
        challenge: secret("c"),
        challenge_expires: NOW,
    });
    assert!(!under_way.speaks_otherwise_with("fingerprint-2"), "the renewal in progress covers this certificate");
}
