//! The text of each kind of profile before it is signed, with values that are always the same.

use super::*;

/// An id whose digits are all the same.
fn id(digit: u128) -> Uuid {
    Uuid::from_u128(digit * 0x1111_1111_1111_1111_1111_1111_1111_1111)
}

fn mdm(mode: Mode<'static>) -> MdmProfile<'static> {
    MdmProfile {
        profile_uuid: id(1),
        identity_uuid: id(2),
        mdm_uuid: id(3),
        device: id(4),
        topic: "com.apple.mgmt.External.example",
        mode,
        ..mdm_profile(DEVICE, ios("17.5"))
    }
}

#[test]
fn the_profiles_say_what_was_reviewed() {
    let pki = testing::pki();
    let xml = |mode| mdm(mode).xml(pki);
    let by_account = |enrollment_mode, access_rights, required_app_id| Mode::AccountDriven {
        enrollment_mode,
        assigned_managed_apple_id: "ada@example.org",
        access_rights,
        required_app_id,
    };
    let attributes = ["UDID".to_owned(), "SERIAL".to_owned()];
    let service = ProfileService {
        texts: TEXTS,
        identifier: "org.example.device",
        uuid: id(1),
        url: "https://enroll.example.org/mdm/profile-service",
        attributes: &attributes,
        challenge: "profile-service-1.secret",
    };
    let verification = VerificationProfile {
        profile_uuid: id(1),
        identity_uuid: id(2),
        device: id(4),
        ..verification_profile(ios("12.2"))
    };
    let ca = |version| CaProfile { profile_uuid: id(1), ..ca_profile(ios(version)) }.xml(pki);
    let profiles = [
        ("ca", ca("17.5")),
        ("ca-before-ios-12-2", ca("12.0")),
        ("user-enrollment", xml(Mode::UserEnrollment { managed_apple_id: "ada@example.org" })),
        ("device-enrollment", xml(Mode::DeviceEnrollment { access_rights: AccessRights::ALL })),
        ("account-driven-user-enrollment", xml(by_account("BYOD", None, Some(361_309_726)))),
        ("account-driven-device-enrollment", xml(by_account("ADDE", Some(AccessRights::ALL), None))),
        ("profile-service", service.xml()),
        ("verification", verification.xml(pki)),
    ];
    test_support::snapshots!("profiles", profiles.map(|(name, xml)| (name, String::from_utf8(xml.unwrap()).unwrap())));
}
