//! Example values for tests of decisions.

use events::device::{BodyHash, CommandId, DeviceIdentifiers, PushAddress};
use events::enrollment::{
    Access, DeviceFamily, EnrollmentId, EnrollmentKind, IssuedCertificate, OsVersion, Ownership, Platform, SecretHash,
    ServedProfile, SignInMethodName,
};
use events::person::PersonId;
use events::{KeyName, Personal, Timestamp};
use std::collections::BTreeSet;
use uuid::Uuid;

use super::enrollment::{Admission, ImportedRecords, Policy, PreviousRecords, SignedIn};

pub const ENROLLMENT: EnrollmentId = EnrollmentId(Uuid::from_u128(7));
pub const ADA: PersonId = PersonId(Uuid::from_u128(1));
pub const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

pub fn sealed(text: &str) -> Personal<String> {
    Personal::new(KeyName::of("person", ADA), text.into())
}

pub fn secret(name: &str) -> SecretHash {
    SecretHash(name.into())
}

pub fn iphone(version: &str) -> Platform {
    Platform { family: DeviceFamily::IPhone, version: OsVersion::parse(version) }
}

pub fn ada() -> SignedIn {
    SignedIn {
        method: SignInMethodName::LocalAccount,
        person: ADA,
        account: "account-of-ada".into(),
        user_name: sealed("ada"),
    }
}

pub fn policy(offered: &[Ownership]) -> Policy {
    Policy { offered: BTreeSet::from_iter(offered.iter().copied()), ..Policy::default() }
}

/// Returns the access granted by a rule for everyone.
pub fn access() -> Access {
    Access {
        provider: "local".into(),
        rule: Some("Everybody".into()),
        offered: BTreeSet::from([Ownership::Personal, Ownership::Institutional]),
        account_driven: true,
        terms_required: false,
        devices_per_person: None,
        untold: vec![],
    }
}

pub fn admission(policy: Policy) -> Admission {
    Admission {
        access: None,
        received: None,
        previous: PreviousRecords::default(),
        imported: ImportedRecords::default(),
        policy,
    }
}

pub fn profile(kind: EnrollmentKind) -> ServedProfile {
    ServedProfile {
        kind,
        identifier: "org.example.muster".into(),
        profile_uuid: Uuid::from_u128(21),
        identity_uuid: Uuid::from_u128(22),
        mdm_uuid: Uuid::from_u128(23),
        topic: "com.apple.mgmt.External.example".into(),
        server_url: "https://muster.example/mdm/command".into(),
        check_in_url: "https://muster.example/mdm/checkin".into(),
        scep_url: "https://muster.example/scep".into(),
        access_rights: (kind == EnrollmentKind::DeviceEnrollment).then_some(8191),
        managed_apple_id: (kind == EnrollmentKind::UserEnrollment).then(|| sealed("ada@example.com")),
        enrollment_mode: None,
        required_app_id: None,
        sign_message: None,
    }
}

/// Returns a certificate for the key named `key`.
pub fn certificate(key: &str, serial: &str) -> IssuedCertificate {
    IssuedCertificate {
        certificate: "MII…".into(),
        serial: serial.into(),
        fingerprint: format!("fingerprint-{serial}"),
        key_hash: format!("hash-of-{key}"),
        not_after: NOW.plus_seconds(31_536_000),
    }
}

pub fn user_enrollment(id: &str) -> DeviceIdentifiers {
    DeviceIdentifiers::UserEnrollment { enrollment_id: sealed(id) }
}

pub fn device_enrollment(udid: &str) -> DeviceIdentifiers {
    DeviceIdentifiers::DeviceEnrollment { udid: sealed(udid), serial_number: None, imei: None, meid: None }
}

pub fn push(token: &str) -> PushAddress {
    PushAddress { token: sealed(token), push_magic: sealed("magic"), unlock_token: None }
}

pub fn body(text: &str) -> BodyHash {
    BodyHash(text.into())
}

pub fn command_id(n: u128) -> CommandId {
    CommandId(Uuid::from_u128(n))
}
