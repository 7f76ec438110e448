//! Invitations: issued, opened, shown as a code, used. The aggregate decides what is accepted.

use super::installation::{Installation, by, id, timestamp};
use super::people::Directory;
use decisions::enrollment::SignedIn;
use decisions::invitation::{Command, Invitation, Issued, Moment, Shown};
use decisions::person::Person;
use decisions::record::Record;
use events::enrollment::{EnrollmentEvent, EnrollmentId};
use events::invitation::{InvitationDelivery, InvitationId, InvitationToken, Recipient, RecipientDetails};
use events::record::{RecordId, RecordOwner};
use events::{ActorKind, KeyName, Personal};
use population::{AccountId, Delivery, OldRecord, Through};
use sign_in::owner_keys;
use std::collections::BTreeSet;

/// Days after which an invitation expires: the default of the settings.
const VALID_DAYS: i64 = 30;
/// Seconds for which a code of a page is valid. The rule of the server that a code is fresh is stricter.
const CODE_VALID: i64 = 24 * 3_600;

pub fn invitation_of(invitation: population::InvitationId) -> InvitationId {
    InvitationId(id("invitation", invitation.0))
}

impl Installation {
    pub fn record(&self, record: OldRecord) -> RecordId {
        match record {
            OldRecord::Exported(record) => self.imported(record),
            OldRecord::Enrolled(enrollment) => RecordId::of_device(super::installation::device_of(enrollment)),
        }
    }

    /// Issues an invitation. A device-bound one is for the owner of the record, as Muster knows it; without one, none
    /// is issued.
    pub async fn issue(
        &self,
        directory: &Directory,
        invitation: population::InvitationId,
        account: Option<AccountId>,
        delivery: Delivery,
        at: i64,
    ) {
        let id = invitation_of(invitation);
        let (record, how) = match delivery {
            Delivery::DeviceBound { record } => (Some(self.record(record)), InvitationDelivery::WebClip),
            Delivery::Mail => (None, InvitationDelivery::Mail),
            Delivery::Code { .. } => (None, InvitationDelivery::ByHand),
        };
        let recipient = match (record, account) {
            (Some(record), _) => self.owner_of(record).await,
            (None, Some(account)) => Some(recipient(None, self.keys(directory, account), id.key())),
            (None, None) => None,
        };
        let Some(recipient) = recipient else { return };
        let issued = Issued { recipient, record, wave: None, delivery: how, language: "en".into() };
        let expires = timestamp(at + VALID_DAYS * 24 * 3_600);
        let issue = Command::Issue { issued: Box::new(issued), expires };
        self.decide::<Invitation>(&id.stream(), &issue, &by(ActorKind::Staff, "wave"), at).await;
    }

    fn keys(&self, directory: &Directory, account: AccountId) -> Vec<events::record::OwnerKey> {
        owner_keys(&self.app.platform.secrets, &directory.account(account))
    }

    async fn owner_of(&self, record: RecordId) -> Option<Recipient> {
        if !record.is_imported() {
            let device = self.app.platform.device(record.device()).await.expect("a device");
            return Some(recipient(Some(device.person?), vec![], record.device().key()));
        }
        let (state, _) = self.app.platform.load::<Record>(&record.stream()).await.expect("a record");
        let person = match state.owner {
            Some(RecordOwner::Several {} | RecordOwner::Left {}) => return None,
            owner => owner.and_then(RecordOwner::person),
        };
        let keys: Vec<_> = state.owner_keys.iter().cloned().collect();
        (person.is_some() || !keys.is_empty()).then(|| recipient(person, keys, record.key()))
    }

    /// A browser session opens the page of an invitation. `enrollment`: the enrollment that the session brings.
    pub async fn open(&self, invitation: population::InvitationId, enrollment: EnrollmentId, at: i64) {
        // The page of a link that does not exist any more has no button.
        self.present(invitation, enrollment, Shown::Link(Some(0)), at).await;
    }

    /// The page of a device-bound invitation shows a code.
    pub async fn show_code(&self, invitation: population::InvitationId, code: population::CodeId, at: i64) {
        let (code, expires) = (code_name(code), timestamp(at + CODE_VALID));
        let issue = Command::IssueCode { code, expires, at: Moment::of(timestamp(at)) };
        let stream = invitation_of(invitation).stream();
        self.decide::<Invitation>(&stream, &issue, &by(ActorKind::Visitor, "page"), at).await;
    }

    /// A person signs in to an enrollment that is connected with an invitation.
    pub async fn use_invitation(
        &self,
        invitation: population::InvitationId,
        through: Through,
        (enrollment, signed_in): (EnrollmentId, &SignedIn),
        at: i64,
    ) {
        let stream = invitation_of(invitation).stream();
        let (state, _) = self.app.platform.load::<Invitation>(&stream).await.expect("an invitation");
        let Some(issued) = &state.issued else { return };
        match through {
            Through::Browser { .. } => {}
            Through::Code { code, opening: Some(_), .. } if state.is_device_bound() => {
                self.present(invitation, enrollment, Shown::DeviceCode(code_name(code)), at).await;
            }
            Through::Code { .. } => self.present(invitation, enrollment, Shown::Code(0), at).await,
        }
        let person = signed_in.person;
        let is_recipient = match issued.recipient.person {
            Some(recipient) => recipient == person,
            None => self.has_one_of(person, &issued.recipient).await,
        };
        let now = timestamp(at);
        let used = Command::Use { enrollment, person, is_recipient, at: Moment::of(now) };
        self.decide::<Invitation>(&stream, &used, &by(ActorKind::Person, person), at).await;
    }

    async fn has_one_of(&self, person: events::person::PersonId, recipient: &Recipient) -> bool {
        let (known, _) = self.app.platform.load::<Person>(&person.stream()).await.expect("a person");
        recipient.keys.iter().any(|key| known.keys.contains(key))
    }

    async fn present(&self, invitation: population::InvitationId, enrollment: EnrollmentId, shown: Shown, at: i64) {
        let id = invitation_of(invitation);
        let token = match shown {
            Shown::Link(_) => InvitationToken::Link,
            Shown::Code(_) => InvitationToken::Code,
            Shown::DeviceCode(_) => InvitationToken::DeviceCode,
        };
        let open = Command::Open { enrollment: Some(enrollment), shown, at: Moment::of(timestamp(at)) };
        let visitor = by(ActorKind::Visitor, enrollment);
        if self.decide::<Invitation>(&id.stream(), &open, &visitor, at).await {
            let presented = EnrollmentEvent::InvitationPresented { invitation: id, token };
            self.append_to_enrollment(enrollment, &visitor, at, vec![presented]).await;
        }
    }
}

fn code_name(code: population::CodeId) -> String {
    id("code", code.0).simple().to_string()
}

fn recipient(person: Option<events::person::PersonId>, keys: Vec<events::record::OwnerKey>, key: KeyName) -> Recipient {
    let keys: BTreeSet<_> = keys.into_iter().collect();
    Recipient { person, keys: keys.into_iter().collect(), details: Personal::new(key, RecipientDetails::default()) }
}
