//! A device reports its attributes before it gets the MDM profile.

use super::*;
use crate::device::{Device, Phase};
use crate::enrollment::{AttributesReport, ReportedDevice};
use events::device::DeviceId;
use events::enrollment::{DeviceAttributes, DeviceSignature, ProfileServiceRefusal, ServedProfileService};
use serde_json::json;

pub(crate) fn ask(challenge: &str) -> Command {
    Command::ServeProfileService {
        service: ServedProfileService {
            identifier: "org.example.muster.device".into(),
            payload_uuid: Uuid::from_u128(30),
            url: "https://muster.example/mdm/profile-service".into(),
            attributes: vec!["UDID".into()],
        },
        challenge: secret(challenge),
        challenge_expires: NOW.plus_seconds(3_600),
        device_enrolled: false,
    }
}

/// The answer of the device with this UDID, which then gets this SCEP challenge.
pub(crate) fn report(challenge: &str, scep_challenge: &str, udid: &str) -> AttributesReport {
    AttributesReport {
        now: NOW,
        challenge: secret(challenge),
        device: ReportedDevice {
            signature: DeviceSignature::Genuine,
            certificate: format!("certificate-of-{udid}"),
            attributes: DeviceAttributes {
                udid: sealed(udid),
                serial_number: Some(sealed("serial")),
                imei: None,
                meid: None,
                product: Some("iPhone14,5".into()),
                build_version: Some("21F79".into()),
            },
        },
        genuine_devices_only: false,
        limits: Limits::default(),
        managed: vec![],
        is_restricted: false,
        profile_uuid: Uuid::from_u128(31),
        identity_uuid: Uuid::from_u128(32),
        scep_url: "https://muster.example/scep".into(),
        scep_challenge: secret(scep_challenge),
        scep_challenge_expires: NOW.plus_seconds(3_600),
        device_enrolled: false,
    }
}

pub(crate) fn reported(report: AttributesReport) -> Command {
    Command::ReportAttributes(Box::new(report))
}

pub(crate) fn issue(challenge: &str, key: &str, serial: &str) -> Command {
    Command::IssueVerificationIdentity {
        now: NOW,
        challenge: secret(challenge),
        transaction: "t".into(),
        certificate: certificate(key, serial),
        device_enrolled: false,
    }
}

/// The identity with this serial number requests the MDM profile.
pub(crate) fn serve(challenge: &str, serial: &str) -> Command {
    Command::ServeMdmProfile {
        profile: profile(EnrollmentKind::DeviceEnrollment),
        challenge: secret(challenge),
        challenge_expires: NOW.plus_seconds(3_600),
        verified_by: Some(format!("fingerprint-{serial}")),
        device_enrolled: false,
    }
}

/// An institutional iPhone that was served a Profile Service.
fn asked() -> Enrollment {
    given_more(served(&[]), [ask("ask")])
}

/// The same iPhone after its answer.
fn answered() -> Enrollment {
    given_more(asked(), [reported(report("ask", "scep", "A"))])
}

fn names(happened: &[Event]) -> Vec<String> {
    let name = |event: &Event| events::Event::from(event.clone()).type_name();
    happened.iter().map(name).collect()
}

fn refused(why: ProfileServiceRefusal) -> Result<Vec<Event>, Refusal> {
    Ok(vec![Event::ProfileServiceRefused { challenge: secret("ask"), why }])
}

#[test]
fn a_verified_device_gets_the_profile_and_its_identity_remembers_who_it_was() {
    let enrollment =
        given_more(answered(), [issue("scep", "key", "1"), serve("mdm", "1"), super::issue("mdm", "k", "2")]);
    let identity = enrollment.identity.unwrap();
    assert_eq!(identity.certificate.serial, "2", "the identity for verification is not the one for management");
    assert!(identity.verified.as_ref().is_some_and(|device| device.has_udid("A") && !device.has_udid("B")));
}

#[test]
fn a_udid_whose_key_was_lost_proves_none_and_lets_an_enrolled_device_go_on() {
    let mut verified = report("ask", "scep", "A").device;
    let enrolled = Device { phase: Phase::Enrolled, ..Device::default() };
    assert!(verified.may_be("A", &Device::default()) && verified.may_be("A", &enrolled));
    assert!(!verified.may_be("B", &Device::default()) && !verified.may_be("B", &enrolled));
    let answers_again = verified.clone();
    verified.attributes.udid = serde_json::from_value(json!({ "$lost": { "key": "person-1" } })).unwrap();
    assert!(!verified.has_udid("A") && !verified.has_udid("B"));
    assert!(!verified.may_be("A", &Device::default()) && verified.may_be("A", &enrolled));
    assert!(verified.is(&answers_again), "its certificate is the same");
    let other = ReportedDevice { certificate: "another".into(), ..answers_again };
    assert!(!verified.is(&other));
}

#[test]
fn a_personal_device_is_never_asked() {
    let way = [open("17.5"), sign_in(&[Personal]), serve_ca(), Command::ReportCaInstall];
    let enrollment = given(way.into_iter().chain([give_managed_apple_id("ada@example.com")]));
    assert_eq!(enrollment.step(), Step::MdmProfile);
    assert_eq!(enrollment.decide(&ask("ask")), Err(Refusal::OutOfStep(Step::MdmProfile)));
}

#[test]
fn the_first_answer_is_kept_and_a_repeated_one_only_answered() {
    let enrollment = asked();
    let happened = then(&enrollment, &reported(report("ask", "scep", "A")));
    assert_eq!(names(&happened), ["DeviceAttributesReported", "VerificationProfileServed"]);
    let again = then(&answered(), &reported(report("ask", "another", "A")));
    assert_eq!(names(&again), ["VerificationProfileServed"]);
}

#[test]
fn another_device_may_not_answer_the_same_challenge() {
    use ProfileServiceRefusal::AnotherDevice;
    assert_eq!(answered().decide(&reported(report("ask", "scep", "B"))), refused(AnotherDevice));
    // Another device that reports the same UDID.
    let mut liar = report("ask", "scep", "A");
    liar.device.certificate = "certificate-of-B".into();
    let enrollment = answered();
    assert_eq!(enrollment.decide(&reported(liar.clone())), refused(AnotherDevice));
    let enrollment = then(&enrollment, &reported(liar.clone())).iter().fold(enrollment, Enrollment::evolve);
    assert_eq!(enrollment.decide(&reported(liar)), Ok(vec![]), "the refusal is recorded once");
    assert!(enrollment.decide(&reported(report("ask", "scep", "A"))).is_ok(), "the first device may continue");
    // Another device needs another Profile Service.
    assert!(given_more(enrollment, [ask("again")]).decide(&reported(report("again", "scep", "B"))).is_ok());
}

#[test]
fn what_does_not_fit_its_signature_or_comes_late_or_knows_no_challenge_is_refused() {
    let mut forged = report("ask", "scep", "A");
    forged.device.signature = DeviceSignature::Invalid;
    assert_eq!(asked().decide(&reported(forged)), refused(ProfileServiceRefusal::SignatureInvalid));
    let late = AttributesReport { now: NOW.plus_seconds(3_600), ..report("ask", "scep", "A") };
    assert_eq!(asked().decide(&reported(late)), refused(ProfileServiceRefusal::ChallengeExpired));
    assert_eq!(asked().decide(&reported(report("guess", "scep", "A"))), Err(Refusal::UnknownChallenge));
}

#[test]
fn an_unknown_issuer_is_recorded_and_refused_only_where_the_settings_say_so() {
    let mut unknown = report("ask", "scep", "A");
    unknown.device.signature = DeviceSignature::UnknownIssuer;
    let happened = then(&asked(), &reported(unknown.clone()));
    assert!(matches!(happened[0], Event::DeviceAttributesReported { signature: DeviceSignature::UnknownIssuer, .. }));
    unknown.genuine_devices_only = true;
    let why = EnrollmentRefusal::NotGenuine;
    assert_eq!(asked().decide(&reported(unknown)), Ok(vec![Event::EnrollmentRefused { why }]));
    let genuine = AttributesReport { genuine_devices_only: true, ..report("ask", "scep", "A") };
    assert_eq!(names(&then(&asked(), &reported(genuine))).len(), 2);
}

#[test]
fn limits_hold_before_the_profile_and_nothing_of_a_refused_device_is_kept() {
    let models = Limits { models: ["iPad".to_owned()].into(), ..Limits::default() };
    let minimum = VersionRange { minimum: OsVersion::parse("18"), maximum: None };
    let versions = Limits { versions: [(Institutional, minimum)].into(), ..Limits::default() };
    for (limits, why) in
        [(models, EnrollmentRefusal::ModelNotPermitted), (versions, EnrollmentRefusal::VersionBelowMinimum)]
    {
        let report =
            AttributesReport { limits, managed: vec![DeviceId(Uuid::from_u128(9))], ..report("ask", "s", "A") };
        assert_eq!(asked().decide(&reported(report)), Ok(vec![Event::EnrollmentRefused { why }]));
    }
}

#[test]
fn hardware_that_is_managed_already_is_found_before_the_profile_and_asks_nobody_anything() {
    let managed = DeviceId(Uuid::from_u128(9));
    let report = AttributesReport { managed: vec![managed], ..report("ask", "scep", "A") };
    let happened = then(&asked(), &reported(report));
    let records = vec![FoundRecord { device: managed, evidence: vec![Evidence::SameHardware] }];
    let found = Event::PreviousRecordFound { records, count: 1 };
    assert_eq!(happened[1], found);
    let enrollment = happened.iter().fold(asked(), Enrollment::evolve);
    assert_eq!((enrollment.step(), enrollment.previous.count), (Step::MdmProfile, 0));
}

#[test]
fn the_identity_to_be_verified_by_is_issued_once_and_to_the_same_key_again() {
    let enrollment = given_more(answered(), [issue("scep", "key", "1")]);
    assert_eq!(enrollment.decide(&issue("scep", "key", "2")), Ok(vec![]));
    assert_eq!(enrollment.decide(&issue("scep", "another", "2")), Err(Refusal::ChallengeUsed));
    assert_eq!(enrollment.decide(&issue("guess", "key", "2")), Err(Refusal::UnknownChallenge));
    let late = Command::IssueVerificationIdentity {
        now: NOW.plus_seconds(3_600),
        challenge: secret("scep"),
        transaction: "t".into(),
        certificate: certificate("key", "1"),
        device_enrolled: false,
    };
    assert_eq!(answered().decide(&late), Err(Refusal::ExpiredChallenge));
    assert_eq!(enrollment.identity, None);
}

#[test]
fn without_having_been_verified_nobody_gets_the_profile_so() {
    assert_eq!(answered().decide(&serve("mdm", "1")), Err(Refusal::NotVerified));
    let enrollment = given_more(answered(), [issue("scep", "key", "1")]);
    assert!(enrollment.decide(&serve("mdm", "1")).is_ok());
    assert_eq!(enrollment.decide(&serve("mdm", "2")), Err(Refusal::NotVerified));
}

#[test]
fn an_enrolled_device_is_asked_nothing_and_given_nothing_more() {
    let enrolled = AttributesReport { device_enrolled: true, ..report("ask", "scep", "A") };
    assert_eq!(asked().decide(&reported(enrolled)), Err(Refusal::DeviceEnrolled));
    let Command::ServeProfileService { service, challenge, challenge_expires, .. } = ask("ask") else { panic!() };
    let again = Command::ServeProfileService { service, challenge, challenge_expires, device_enrolled: true };
    assert_eq!(asked().decide(&again), Err(Refusal::DeviceEnrolled));
}

#[test]
fn what_an_ended_enrollment_handed_out_opens_nothing() {
    let refuse = Command::Refuse { why: EnrollmentRefusal::OtherDevice, device_enrolled: false };
    let enrollment = given_more(answered(), [issue("scep", "key", "1"), refuse]);
    let ended = Err(Refusal::OutOfStep(enrollment.step()));
    for command in [reported(report("ask", "s", "A")), issue("scep", "key", "1"), serve("mdm", "1"), ask("again")] {
        assert_eq!(enrollment.decide(&command), ended);
    }
}
