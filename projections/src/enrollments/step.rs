//! The steps of an enrollment as the help desk sees them, and how events lead from one to the next.

use events::enrollment::{EnrollmentEvent, Evidence, Ownership};

/// A step between the first sign-in and the enrolled device: first the portal's pages, then the actions of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    SignIn,
    ForWhom,
    PreviousRecords,
    Ownership,
    Terms,
    CaProfile,
    ManagedAppleId,
    /// The page with the MDM profile is shown; the profile was not downloaded yet.
    MdmProfile,
    /// The profile was downloaded; the device has not requested its identity.
    Install,
    /// The device has its identity, but has not enrolled yet.
    Connect,
    Enrolled,
}

impl Step {
    pub const ALL: [Step; 11] = [
        Step::SignIn,
        Step::ForWhom,
        Step::PreviousRecords,
        Step::Ownership,
        Step::Terms,
        Step::CaProfile,
        Step::ManagedAppleId,
        Step::MdmProfile,
        Step::Install,
        Step::Connect,
        Step::Enrolled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Step::SignIn => "sign_in",
            Step::ForWhom => "for_whom",
            Step::PreviousRecords => "previous_records",
            Step::Ownership => "ownership",
            Step::Terms => "terms",
            Step::CaProfile => "ca_profile",
            Step::ManagedAppleId => "managed_apple_id",
            Step::MdmProfile => "mdm_profile",
            Step::Install => "install",
            Step::Connect => "connect",
            Step::Enrolled => "enrolled",
        }
    }

    pub fn parse(name: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.as_str() == name)
    }

    /// Returns the number of the step in the tables: its place in [`Step::ALL`].
    pub(super) fn code(self) -> i64 {
        Step::ALL.iter().position(|step| *step == self).and_then(|place| i64::try_from(place).ok()).unwrap_or(0)
    }

    pub(super) fn from_code(code: i64) -> Option<Step> {
        usize::try_from(code).ok().and_then(|place| Step::ALL.get(place)).copied()
    }
}

/// Returns the step that these events of one enrollment lead to, unless the enrollment has ended.
pub fn step_after<'a>(events: impl IntoIterator<Item = &'a EnrollmentEvent>) -> Step {
    events.into_iter().fold(Way::default(), Way::after).step()
}

/// The parts of an enrollment's state that determine the step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Way {
    signed_in: bool,
    asked_for_whom: bool,
    earlier_records: bool,
    earlier_records_noted: bool,
    ownership: Option<Ownership>,
    terms_asked: bool,
    ca_done: bool,
    account_given: bool,
    profile_taken: bool,
    identity: bool,
    by_account: bool,
}

impl Way {
    /// Returns the state as a number for the table.
    pub(super) fn bits(&self) -> i64 {
        let [none, personal, institutional] = [0, 1, 2];
        let ownership = match self.ownership {
            None => none,
            Some(Ownership::Personal) => personal,
            Some(Ownership::Institutional) => institutional,
        };
        self.flags().iter().fold(ownership, |bits, flag| (bits << 1) | i64::from(*flag))
    }

    pub(super) fn from_bits(bits: i64) -> Way {
        let mut way = Way::default();
        let mut rest = bits;
        for flag in way.flags_mut().into_iter().rev() {
            *flag = rest & 1 == 1;
            rest >>= 1;
        }
        way.ownership = match rest {
            1 => Some(Ownership::Personal),
            2 => Some(Ownership::Institutional),
            _ => None,
        };
        way
    }

    fn flags(&self) -> [bool; 10] {
        self.clone().flags_mut().map(|flag| *flag)
    }

    fn flags_mut(&mut self) -> [&mut bool; 10] {
        [
            &mut self.signed_in,
            &mut self.asked_for_whom,
            &mut self.earlier_records,
            &mut self.earlier_records_noted,
            &mut self.terms_asked,
            &mut self.ca_done,
            &mut self.account_given,
            &mut self.profile_taken,
            &mut self.identity,
            &mut self.by_account,
        ]
    }

    /// Returns whether the enrollment began in Settings.
    pub(crate) fn is_by_account(&self) -> bool {
        self.by_account
    }

    pub(crate) fn after(mut self, event: &EnrollmentEvent) -> Way {
        match event {
            EnrollmentEvent::AccountDrivenBegun { .. } => {
                self.by_account = true;
                self.ca_done = true;
            }
            EnrollmentEvent::UserSignedIn { .. } => self.signed_in = true,
            EnrollmentEvent::AssignmentOffered { .. } => self.asked_for_whom = true,
            EnrollmentEvent::EnrollmentAssigned { .. } | EnrollmentEvent::AssignmentDeclined {} => {
                self.asked_for_whom = false;
            }
            // Found from the device's attributes: the person is no longer asked to read about it.
            EnrollmentEvent::PreviousRecordFound { records, .. }
                if records.iter().any(|found| found.evidence.contains(&Evidence::SameHardware)) => {}
            EnrollmentEvent::PreviousRecordFound { .. } | EnrollmentEvent::ImportedRecordFound { .. } => {
                self.earlier_records = true;
            }
            EnrollmentEvent::OldManagementRemovalAgreed { .. } | EnrollmentEvent::InvitationPresented { .. } => {}
            EnrollmentEvent::PreviousRecordsNoted {} => self.earlier_records_noted = true,
            EnrollmentEvent::PreviousRecordAnswered { .. } => {}
            EnrollmentEvent::OwnershipChosen { ownership, .. } => self.ownership = Some(*ownership),
            EnrollmentEvent::TermsRequested { .. } => self.terms_asked = true,
            EnrollmentEvent::TermsAccepted { .. } => self.terms_asked = false,
            EnrollmentEvent::CaInstallReported {} | EnrollmentEvent::CaStepSkipped {} => self.ca_done = true,
            EnrollmentEvent::ManagedAppleIdGiven { .. } | EnrollmentEvent::ManagedAppleIdAssigned { .. } => {
                self.account_given = true;
            }
            EnrollmentEvent::ProfileServiceServed { .. } | EnrollmentEvent::MdmProfileServed { .. } => {
                self.profile_taken = true;
            }
            EnrollmentEvent::IdentityIssued { .. } => self.identity = true,
            EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::VisitResumed { .. } => {}
            EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::IdentityRefused { .. } => {}
            EnrollmentEvent::FormRefused { .. } | EnrollmentEvent::LanguageChosen { .. } => {}
            EnrollmentEvent::SignInRefused { .. } | EnrollmentEvent::UserSignedInAgain { .. } => {}
            EnrollmentEvent::SingleSignOnBegun { .. } | EnrollmentEvent::SingleSignOnProven { .. } => {}
            EnrollmentEvent::SingleSignOnRefused { .. }
            | EnrollmentEvent::AttributesReceived { .. }
            | EnrollmentEvent::AccessDecided { .. } => {}
            EnrollmentEvent::CaProfileServed { .. } | EnrollmentEvent::AccessTokenIssued { .. } => {}
            EnrollmentEvent::AuthorizationCodeIssued { .. } | EnrollmentEvent::AccessTokenRefreshed { .. } => {}
            EnrollmentEvent::MachineInformationReceived { .. } | EnrollmentEvent::SignInAgainAsked { .. } => {}
            EnrollmentEvent::DeviceAttributesReported { .. } | EnrollmentEvent::VerificationProfileServed { .. } => {}
            EnrollmentEvent::VerificationIdentityIssued { .. } | EnrollmentEvent::ProfileServiceRefused { .. } => {}
            EnrollmentEvent::IdentityRevoked { .. } | EnrollmentEvent::EnrollmentRefused { .. } => {}
            EnrollmentEvent::EnrollmentAbandoned {} | EnrollmentEvent::SignedOut {} => {}
        }
        self
    }

    pub(crate) fn step(&self) -> Step {
        if !self.signed_in {
            Step::SignIn
        } else if self.asked_for_whom {
            Step::ForWhom
        } else if self.earlier_records && !self.earlier_records_noted {
            Step::PreviousRecords
        } else {
            self.step_after_sign_in()
        }
    }

    fn step_after_sign_in(&self) -> Step {
        let Some(ownership) = self.ownership else { return Step::Ownership };
        if self.terms_asked {
            Step::Terms
        } else if !self.ca_done {
            Step::CaProfile
        } else if (ownership == Ownership::Personal || self.by_account) && !self.account_given {
            Step::ManagedAppleId
        } else if !self.profile_taken {
            Step::MdmProfile
        } else if !self.identity {
            Step::Install
        } else {
            Step::Connect
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, Way, step_after};
    use events::Personal;
    use events::device::DeviceId;
    use events::enrollment::{
        ChosenBy, EnrollmentEvent as Event, EnrollmentMode, Evidence, FoundRecord, Ownership, SecretHash,
        SignInMethodName,
    };
    use events::person::PersonId;
    use uuid::Uuid;

    const PERSON: PersonId = PersonId(Uuid::from_u128(1));

    fn sealed(text: &str) -> Personal<String> {
        Personal::new(PERSON.key(), text.to_owned())
    }

    fn signed_in() -> Event {
        Event::UserSignedIn {
            method: SignInMethodName::LocalAccount,
            person: PERSON,
            account: "00".into(),
            user_name: sealed("ada"),
            session: SecretHash("01".into()),
        }
    }

    fn assigned() -> Event {
        let method = SignInMethodName::LocalAccount;
        Event::EnrollmentAssigned { method, person: PERSON, account: "01".into(), user_name: sealed("eve") }
    }

    fn chosen(ownership: Ownership) -> Event {
        Event::OwnershipChosen { ownership, chosen_by: ChosenBy::User }
    }

    fn given() -> Event {
        Event::ManagedAppleIdGiven { managed_apple_id: sealed("ada@example.com") }
    }

    fn found(evidence: Evidence) -> Event {
        let device = DeviceId(Uuid::from_u128(2));
        Event::PreviousRecordFound { records: vec![FoundRecord { device, evidence: vec![evidence] }], count: 1 }
    }

    /// Each event leads to the step beside it.
    #[track_caller]
    fn walks(way: Vec<(Event, Step)>) {
        let (events, steps): (Vec<Event>, Vec<Step>) = way.into_iter().unzip();
        let reached: Vec<Step> = (1..=events.len()).map(|nth| step_after(&events[..nth])).collect();
        assert_eq!(reached, steps);
    }

    #[test]
    fn the_state_of_an_enrollment_survives_its_number() {
        for ownership in [None, Some(Ownership::Personal), Some(Ownership::Institutional)] {
            for nth in 0..10 {
                let mut way = Way { ownership, ..Way::default() };
                *way.flags_mut()[nth] = true;
                assert_eq!(Way::from_bits(way.bits()), way);
            }
        }
    }

    #[test]
    fn a_personal_device_is_asked_for_its_owner_records_terms_certificate_and_account_in_this_order() {
        let (ownership, version) = (Ownership::Personal, "1".to_owned());
        let accepted =
            Event::TermsAccepted { ownership, version: "1".into(), language: "en".into(), text_hash: "00".into() };
        assert_eq!(step_after([]), Step::SignIn);
        walks(vec![
            (signed_in(), Step::Ownership),
            (Event::AssignmentOffered { for_oneself: true }, Step::ForWhom),
            (assigned(), Step::Ownership),
            (found(Evidence::SamePerson), Step::PreviousRecords),
            (Event::PreviousRecordsNoted {}, Step::Ownership),
            (chosen(ownership), Step::CaProfile),
            (Event::TermsRequested { ownership, version }, Step::Terms),
            (accepted, Step::CaProfile),
            (Event::CaInstallReported {}, Step::ManagedAppleId),
            (given(), Step::MdmProfile),
        ]);
    }

    #[test]
    fn who_enrolls_for_oneself_after_all_goes_on_and_an_institutional_device_needs_no_account() {
        walks(vec![
            (signed_in(), Step::Ownership),
            (Event::AssignmentOffered { for_oneself: true }, Step::ForWhom),
            (Event::AssignmentDeclined {}, Step::Ownership),
            (chosen(Ownership::Institutional), Step::CaProfile),
            (Event::CaStepSkipped {}, Step::MdmProfile),
        ]);
    }

    #[test]
    fn a_record_of_the_same_hardware_is_not_read_about_by_the_person() {
        walks(vec![
            (signed_in(), Step::Ownership),
            (found(Evidence::SameHardware), Step::Ownership),
            (found(Evidence::SameFamily), Step::PreviousRecords),
        ]);
    }

    #[test]
    fn who_begins_in_settings_gets_no_ca_profile_and_gives_an_account_whoever_owns_the_device() {
        for ownership in [Ownership::Personal, Ownership::Institutional] {
            walks(vec![
                (Event::AccountDrivenBegun { mode: EnrollmentMode::Adde, state: None }, Step::SignIn),
                (signed_in(), Step::Ownership),
                (chosen(ownership), Step::ManagedAppleId),
                (Event::ManagedAppleIdAssigned { managed_apple_id: sealed("ada@example.com") }, Step::MdmProfile),
            ]);
        }
    }
}
