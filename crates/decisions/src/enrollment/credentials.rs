//! What identifies the device of an enrollment. Every message of a device needs it and little else of the enrollment,
//! so it is a state of its own that takes a fraction of the memory.

use super::{Assignment, Enrollment, Identity, Serving, SignedIn, Tokens};
use crate::Aggregate;
use events::KeyName;
use events::enrollment::{
    EnrollmentEvent as Event, EnrollmentKind, EnrollmentMode, IssuedCertificate, SecretHash, ServedProfile,
};
use events::person::PersonId;
use events::personal::Personal;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

/// A second state of the stream `enrollment-<id>`: the identity of its device, its user and its tokens.
/// [`Enrollment`](super::Enrollment) decides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Credentials {
    is_opened: bool,
    signed_in: Option<Owner>,
    assignment: Assigned,
    /// Profiles that were served since the last identity was issued, oldest first.
    served: Vec<Served>,
    identity: Option<DeviceIdentity>,
    pub tokens: Tokens,
}

/// A person who may be the user of the device. The name tells whether the person's key is damaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Owner {
    person: PersonId,
    user_name: Personal<String>,
}

/// The part of [`Assignment`](super::Assignment) that names the user of the device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
enum Assigned {
    #[default]
    Oneself,
    Asked,
    To(Owner),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Served {
    challenge: SecretHash,
    profile: EnrollmentProfile,
}

/// The identity that the enrollment issued to its device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceIdentity {
    /// SHA-256 of the certificate, lower-case hex.
    pub fingerprint: String,
    /// The profile that the identity was issued for.
    pub profile: EnrollmentProfile,
}

/// The parts of a served MDM profile that decide about the messages of its device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentProfile {
    pub kind: EnrollmentKind,
    /// `PayloadIdentifier` of the profile.
    pub identifier: String,
    /// The push topic.
    pub topic: String,
    /// `EnrollmentMode`, in account-driven enrollments only.
    pub enrollment_mode: Option<EnrollmentMode>,
}

impl From<&ServedProfile> for EnrollmentProfile {
    fn from(served: &ServedProfile) -> EnrollmentProfile {
        let ServedProfile { kind, identifier, topic, enrollment_mode, .. } = served;
        let (identifier, topic) = (identifier.clone(), topic.clone());
        EnrollmentProfile { kind: *kind, identifier, topic, enrollment_mode: *enrollment_mode }
    }
}

impl Credentials {
    /// Returns the credentials of an enrollment.
    pub(super) fn of(enrollment: &Enrollment) -> Credentials {
        let Enrollment { opened, signed_in, assignment, servings, identity, tokens, .. } = enrollment;
        let owner =
            |SignedIn { person, user_name, .. }: &SignedIn| Owner { person: *person, user_name: user_name.clone() };
        let served =
            |serving: &Serving| Served { challenge: serving.challenge.clone(), profile: (&serving.profile).into() };
        let issued = |identity: &Identity| DeviceIdentity {
            fingerprint: identity.certificate.fingerprint.clone(),
            profile: (&identity.profile).into(),
        };
        Credentials {
            is_opened: opened.is_some(),
            signed_in: signed_in.as_ref().map(owner),
            assignment: match assignment {
                Assignment::Oneself => Assigned::Oneself,
                Assignment::Asked { .. } => Assigned::Asked,
                Assignment::To(person) => Assigned::To(owner(person)),
            },
            served: servings.iter().map(served).collect(),
            identity: identity.as_ref().map(issued),
            tokens: tokens.clone(),
        }
    }

    /// Returns the user of the device; `None` if the enrollment does not exist or its user is not known yet.
    pub fn owner(&self) -> Option<PersonId> {
        self.is_opened.then(|| self.user()).flatten().map(|owner| owner.person)
    }

    /// Returns the identity that the enrollment issued, if it is not revoked.
    pub fn identity(&self) -> Option<&DeviceIdentity> {
        self.identity.as_ref()
    }

    fn user(&self) -> Option<&Owner> {
        match &self.assignment {
            Assigned::Oneself => self.signed_in.as_ref(),
            Assigned::Asked => None,
            Assigned::To(owner) => Some(owner),
        }
    }

    fn serve(&mut self, challenge: &SecretHash, profile: &ServedProfile) {
        self.served.push(Served { challenge: challenge.clone(), profile: profile.into() });
        super::newest::keep_newest(&mut self.served, super::MOST_SERVINGS);
    }

    fn issue(&mut self, certificate: &IssuedCertificate, challenge: &SecretHash) {
        let served = std::mem::take(&mut self.served).into_iter().find(|served| served.challenge == *challenge);
        let fingerprint = certificate.fingerprint.clone();
        self.identity = served.map(|served| DeviceIdentity { fingerprint, profile: served.profile });
    }
}

impl Aggregate for Credentials {
    const FOLD: u32 = 1;
    const PART: &'static str = "credentials";

    type Whole = Enrollment;
    type Event = Event;
    type Command = Infallible;
    type Refusal = Infallible;

    fn decide(&self, command: &Infallible) -> Result<Vec<Event>, Infallible> {
        match *command {}
    }

    fn evolve(mut self, event: &Event) -> Credentials {
        let owner =
            |person: &PersonId, user_name: &Personal<String>| Owner { person: *person, user_name: user_name.clone() };
        match event {
            Event::VisitOpened { .. } => self.is_opened = true,
            Event::UserSignedIn { person, user_name, .. } => self.signed_in = Some(owner(person, user_name)),
            Event::AssignmentOffered { .. } => self.assignment = Assigned::Asked,
            Event::EnrollmentAssigned { person, user_name, .. } => {
                self.assignment = Assigned::To(owner(person, user_name));
            }
            Event::AssignmentDeclined {} => self.assignment = Assigned::Oneself,
            Event::MdmProfileServed { profile, challenge, .. } => self.serve(challenge, profile),
            Event::IdentityIssued { identity, challenge, .. } => self.issue(identity, challenge),
            Event::IdentityRevoked { fingerprint } => {
                self.identity = self.identity.take().filter(|identity| identity.fingerprint != *fingerprint);
            }
            Event::AccessTokenIssued { token, issued, refresh } => self.tokens.issue(token, *issued, refresh.as_ref()),
            Event::AccessTokenRefreshed { token, issued, refresh_token } => {
                self.tokens.renew(token, *issued, refresh_token);
            }

            Event::AccountDrivenBegun { .. } | Event::SignInRefused { .. } | Event::SingleSignOnBegun { .. } => {}
            Event::SingleSignOnProven { .. } | Event::SingleSignOnRefused { .. } | Event::SignInAgainAsked { .. } => {}
            Event::VisitResumed { .. } | Event::UserSignedInAgain { .. } | Event::AttributesReceived { .. } => {}
            Event::AccessDecided { .. } | Event::PreviousRecordFound { .. } | Event::PreviousRecordsNoted {} => {}
            Event::ImportedRecordFound { .. } | Event::PreviousRecordAnswered { .. } => {}
            Event::OldManagementRemovalAgreed { .. } | Event::InvitationPresented { .. } => {}
            Event::OwnershipChosen { .. } | Event::TermsRequested { .. } | Event::TermsAccepted { .. } => {}
            Event::TermsDeclined { .. } | Event::CaProfileServed { .. } | Event::CaInstallReported {} => {}
            Event::CaStepSkipped {} | Event::ManagedAppleIdGiven { .. } | Event::ManagedAppleIdAssigned { .. } => {}
            Event::ProfileServiceServed { .. } | Event::DeviceAttributesReported { .. } => {}
            Event::ProfileServiceRefused { .. } | Event::VerificationProfileServed { .. } => {}
            Event::VerificationIdentityIssued { .. } | Event::AuthorizationCodeIssued { .. } => {}
            Event::MachineInformationReceived { .. } | Event::LanguageChosen { .. } | Event::FormRefused { .. } => {}
            Event::IdentityRefused { .. } | Event::SignedOut {} | Event::EnrollmentRefused { .. } => {}
            Event::EnrollmentAbandoned {} => {}
        }
        self
    }

    fn part_of(whole: &Enrollment) -> Option<Credentials> {
        Some(Credentials::of(whole))
    }

    fn damaged_key(&self) -> Option<&KeyName> {
        self.user()?.user_name.damaged_key()
    }
}
