//! Enrollments, as portal, check-in and commands leave them in the log.

use super::installation::{Installation, by, device_of, id};
use super::people::Directory;
use super::script::Connections;
use decisions::enrollment::Enrollment;
use enroll::{imported_records, previous_records};
use events::device::{BodyHash, CommandId, DeviceEvent, DeviceId, DeviceIdentifiers, PushAddress};
use events::enrollment::{
    ChosenBy, DeviceFamily, EnrollmentEvent, EnrollmentId, OsVersion, Ownership, Platform, SecretHash,
};
use events::person::PersonId;
use events::record::{PreviousAnswer, RecordId};
use events::store::Expected;
use events::{Actor, ActorKind, Event, KeyName, Personal};
use identity::Account;
use population::{AccountId, Answer, Enrolled, Kind};

/// The records of the old product that a person was shown.
pub struct Shown {
    pub account: AccountId,
    pub records: Vec<RecordId>,
}

impl Installation {
    /// Writes an enrollment. Returns the imported records that the person was shown.
    pub async fn enroll(
        &self,
        (directory, connections): (&Directory, &Connections),
        enrolled: &Enrolled,
        at: i64,
    ) -> Shown {
        let device = device_of(enrolled.enrollment);
        let enrollment = device.enrollment();
        let (family, version) = (family(enrolled.model), version(enrolled.os));
        let platform = Platform { family, version: Some(version) };
        self.visit(enrollment, platform, at).await;
        let account = directory.account(enrolled.account);
        let signed_in = self.sign_in(&account).await;
        let (owner_account, owner) = match enrolled.on_behalf_of {
            Some(other) => {
                let other_account = directory.account(other);
                let owner = self.sign_in(&other_account).await;
                (other_account, owner)
            }
            None => (account, signed_in.clone()),
        };
        let person = by(ActorKind::Person, signed_in.person);
        let mut events = vec![EnrollmentEvent::UserSignedIn {
            method: signed_in.method,
            person: signed_in.person,
            account: signed_in.account.clone(),
            user_name: signed_in.user_name.clone(),
            session: SecretHash(hex::encode(device.0)),
        }];
        if enrolled.on_behalf_of.is_some() {
            events.push(EnrollmentEvent::EnrollmentAssigned {
                method: owner.method,
                person: owner.person,
                account: owner.account.clone(),
                user_name: owner.user_name.clone(),
            });
        }
        self.append_to_enrollment(enrollment, &person, at, events).await;
        if let Some(used) = enrolled.invitation {
            self.use_invitation(used.invitation, used.through, (enrollment, &signed_in), at).await;
        }
        let (own, imported) = self.shown(&owner_account, owner.person, (platform, device)).await;
        let answer = connections.answers.get(&enrolled.enrollment).copied();
        let mut events = self.answered(answer, own.iter().chain(&imported));
        let ownership = if enrolled.kind == Kind::User { Ownership::Personal } else { Ownership::Institutional };
        events.push(EnrollmentEvent::OwnershipChosen { ownership, chosen_by: ChosenBy::Policy });
        self.append_to_enrollment(enrollment, &person, at, events).await;
        self.install(device, owner.person, enrolled, at).await;
        Shown { account: enrolled.on_behalf_of.unwrap_or(enrolled.account), records: imported }
    }

    /// Opens a visit, unless an invitation did.
    pub async fn visit(&self, enrollment: EnrollmentId, platform: Platform, at: i64) {
        let opened = EnrollmentEvent::VisitOpened {
            session: SecretHash(hex::encode(enrollment.0)),
            user_agent: Personal::new(enrollment.enrollment_key(), String::new()),
            platform,
            language: "en".into(),
        };
        let (_, revision) = self.app.platform.load::<Enrollment>(&enrollment.stream()).await.expect("an enrollment");
        if revision.is_none() {
            self.append_to_enrollment(enrollment, &by(ActorKind::Visitor, enrollment), at, vec![opened]).await;
        }
    }

    /// The person of an account signs in from another phone, which is not enrolled.
    pub async fn other_phone(&self, account: &Account, enrolled: population::EnrollmentId, at: i64) {
        let enrollment = EnrollmentId(id("other phone", enrolled.0));
        self.visit(enrollment, Platform { family: DeviceFamily::IPhone, version: None }, at).await;
        let signed_in = self.sign_in(account).await;
        let event = EnrollmentEvent::UserSignedIn {
            method: signed_in.method,
            person: signed_in.person,
            account: signed_in.account,
            user_name: signed_in.user_name,
            session: SecretHash(hex::encode(enrollment.0)),
        };
        self.append_to_enrollment(enrollment, &by(ActorKind::Person, signed_in.person), at, vec![event]).await;
    }

    pub async fn append_to_enrollment(
        &self,
        enrollment: EnrollmentId,
        by: &Actor,
        at: i64,
        events: Vec<EnrollmentEvent>,
    ) {
        let events = events.into_iter().map(Event::from).collect();
        self.append(&enrollment.stream(), Expected::Any, by, at, events).await;
    }

    // Returns the own records and the imported ones that the page lists, by the queries of the page.
    async fn shown(
        &self,
        account: &Account,
        person: PersonId,
        (platform, device): (Platform, DeviceId),
    ) -> (Vec<RecordId>, Vec<RecordId>) {
        let enroll = &self.app.enroll;
        let own = previous_records(enroll, person, platform).await.expect("own records").nearest;
        let imported = imported_records(enroll, account, person, platform).await.nearest;
        let own = own.into_iter().map(|found| found.device).filter(|own| *own != device).map(RecordId::of_device);
        (own.collect(), imported.into_iter().map(|found| found.record).collect())
    }

    // The page takes no answer about a record that it does not list.
    fn answered<'a>(&self, answer: Option<Answer>, shown: impl Iterator<Item = &'a RecordId>) -> Vec<EnrollmentEvent> {
        let told: Vec<(RecordId, PreviousAnswer)> = match answer {
            Some(Answer::Record(record)) => {
                let record = self.record(record);
                shown.filter(|shown| **shown == record).map(|shown| (*shown, PreviousAnswer::ThisDevice)).collect()
            }
            Some(Answer::NoneOfThem) => shown.map(|shown| (*shown, PreviousAnswer::AnotherDevice)).collect(),
            Some(Answer::NotAnswered) | None => Vec::new(),
        };
        let event = |(record, answer)| EnrollmentEvent::PreviousRecordAnswered { record, answer, removed: None };
        told.into_iter().map(event).collect()
    }

    async fn install(&self, device: DeviceId, person: PersonId, enrolled: &Enrolled, at: i64) {
        let key = person.key();
        let sealed = |text: &str| Personal::new(key.clone(), text.to_owned());
        let identifiers = match &enrolled.hardware {
            None => DeviceIdentifiers::UserEnrollment { enrollment_id: sealed(&device.to_string()) },
            Some(hardware) => DeviceIdentifiers::DeviceEnrollment {
                udid: sealed(&hardware.udid),
                serial_number: Some(sealed(&hardware.serial)),
                imei: None,
                meid: None,
            },
        };
        let authenticated = DeviceEvent::DeviceAuthenticated {
            person,
            identifiers,
            certificate: hex::encode(device.0),
            topic: "com.apple.mgmt.External.bench".into(),
            os_version: Some(version(enrolled.os)),
            build_version: None,
            product_name: Some(enrolled.model.to_owned()),
            body: BodyHash(hex::encode(device.0)),
        };
        let push = push_address(device, "first");
        let mut events = vec![authenticated, DeviceEvent::DeviceEnrolled { push, body: self.body() }];
        if enrolled.hardware.as_ref().is_some_and(|hardware| hardware.attested) {
            let command = CommandId(id("attestation", enrolled.enrollment.0));
            events.push(DeviceEvent::HardwareAttested { command, chain: Personal::new(key, vec![]) });
        }
        let events = events.into_iter().map(Event::from).collect();
        self.append(&device.stream(), Expected::NoStream, &by(ActorKind::Device, device), at, events).await;
    }

    pub fn body(&self) -> BodyHash {
        BodyHash(hex::encode(self.app.platform.world.uuid()))
    }
}

pub fn push_address(device: DeviceId, token: &str) -> PushAddress {
    let sealed = |text: &str| Personal::new(device.key(), text.to_owned());
    PushAddress { token: sealed(token), push_magic: sealed("magic"), unlock_token: None }
}

pub fn version(version: population::OsVersion) -> OsVersion {
    let population::OsVersion { major, minor, patch } = version;
    OsVersion { major: major.into(), minor: minor.into(), patch: patch.into() }
}

fn family(model: &str) -> DeviceFamily {
    if model.starts_with("iPad") { DeviceFamily::IPad } else { DeviceFamily::IPhone }
}

/// Names of the keys that an enrollment needs. The person's is made at their sign-in.
pub fn keys_of(enrollment: population::EnrollmentId) -> [KeyName; 2] {
    let device = device_of(enrollment);
    [device.key(), device.enrollment().enrollment_key()]
}
