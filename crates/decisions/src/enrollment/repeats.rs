//! Limits for events that a visitor can cause repeatedly without progress: refused forms, changes of language, profiles
//! downloaded again. Each enrollment records a few of them, and equal refusals once; the caller counts the others.

use super::Enrollment;
use events::enrollment::{EnrollmentEvent, FormRefusal, IdentityRefusal, SignInRefusal};
use events::invitation::{InvitationId, InvitationToken};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Maximum number of profiles that an enrollment serves, and of Managed Apple IDs that it accepts.
const MOST: usize = 20;

// Each kind has its own share, so that harmless events do not use up the share of refusals. An enrollment records at
// most 20 of them: each of the nine reasons for a refused form and of the five for a refused identity once, and the
// following numbers.

/// Maximum number of refused repeated sign-ins; each account and reason counts once.
const SIGN_INS: usize = 3;
/// Maximum number of recorded changes of language.
const LANGUAGES: usize = 3;
/// Maximum number of recorded invitations.
const INVITATIONS: usize = 5;

/// What the enrollment has already recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeats {
    forms: BTreeSet<FormRefusal>,
    identities: BTreeSet<IdentityRefusal>,
    sign_ins: Vec<(SignInRefusal, String)>,
    languages: usize,
    profiles: usize,
    managed_apple_ids: usize,
    invitations: usize,
}

impl Repeats {
    /// Returns whether the portal may serve one more profile. Each serving is an event and a signature.
    pub(super) fn serves_more(&self) -> bool {
        self.profiles < MOST
    }

    /// Returns whether the Managed Apple ID may be replaced once more.
    pub(super) fn takes_more_managed_apple_ids(&self) -> bool {
        self.managed_apple_ids < MOST
    }

    pub(super) fn profile(&mut self) {
        self.profiles += 1;
    }

    pub(super) fn managed_apple_id(&mut self) {
        self.managed_apple_ids += 1;
    }

    // Notes an account that may not sign in again here: another person's, or one that lost its permission. Other
    // refused sign-ins are limited by the budgets of refusals.
    pub(super) fn sign_in(&mut self, why: SignInRefusal, account: &str) {
        if !self.has_sign_in(why, account) && self.sign_ins.len() < SIGN_INS {
            self.sign_ins.push((why, account.to_owned()));
        }
    }

    fn has_sign_in(&self, why: SignInRefusal, account: &str) -> bool {
        self.sign_ins.iter().any(|(recorded, of)| *recorded == why && of == account)
    }

    pub(super) fn form(&mut self, why: FormRefusal) {
        self.forms.insert(why);
    }

    pub(super) fn identity(&mut self, why: IdentityRefusal) {
        self.identities.insert(why);
    }

    pub(super) fn language(&mut self) {
        self.languages += 1;
    }

    pub(super) fn invitation(&mut self) {
        self.invitations += 1;
    }
}

pub(super) fn refuse_form(enrollment: &Enrollment, why: FormRefusal) -> Vec<EnrollmentEvent> {
    if enrollment.repeats.forms.contains(&why) { vec![] } else { vec![EnrollmentEvent::FormRefused { why }] }
}

pub(super) fn refuse_identity(enrollment: &Enrollment, why: IdentityRefusal) -> Vec<EnrollmentEvent> {
    if enrollment.repeats.identities.contains(&why) { vec![] } else { vec![EnrollmentEvent::IdentityRefused { why }] }
}

/// Returns whether a refused repeated sign-in has to be recorded.
pub(super) fn is_news(enrollment: &Enrollment, why: SignInRefusal, account: &str) -> bool {
    !enrollment.repeats.has_sign_in(why, account) && enrollment.repeats.sign_ins.len() < SIGN_INS
}

// More than a few invitations in one enrollment are guesses or mistakes: the last one that was recorded counts.
pub(super) fn present_invitation(
    enrollment: &Enrollment,
    invitation: InvitationId,
    token: InvitationToken,
) -> Vec<EnrollmentEvent> {
    let is_news = enrollment.invitation != Some(invitation) && enrollment.repeats.invitations < INVITATIONS;
    if is_news { vec![EnrollmentEvent::InvitationPresented { invitation, token }] } else { vec![] }
}

pub(super) fn choose_language(enrollment: &Enrollment, language: &str) -> Vec<EnrollmentEvent> {
    let is_told = enrollment.repeats.languages >= LANGUAGES;
    if is_told { vec![] } else { vec![EnrollmentEvent::LanguageChosen { language: language.to_owned() }] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Aggregate;
    use crate::enrollment::{Command, Opened};
    use events::enrollment::{DeviceFamily, Platform};

    fn opened() -> Enrollment {
        let platform = Platform { family: DeviceFamily::IPhone, version: None };
        Enrollment { opened: Some(Opened { platform, language: "en".into() }), ..Enrollment::default() }
    }

    fn after(enrollment: Enrollment, command: &Command) -> (Enrollment, usize) {
        let happened = enrollment.decide(command).unwrap();
        (happened.iter().fold(enrollment, Enrollment::evolve), happened.len())
    }

    #[test]
    fn an_equal_refusal_is_written_once_and_another_one_is_news() {
        let refuse = |why| Command::RefuseForm { why };
        let (enrollment, first) = after(opened(), &refuse(FormRefusal::ManagedAppleIdInvalid));
        let (enrollment, again) = after(enrollment, &refuse(FormRefusal::ManagedAppleIdInvalid));
        let (enrollment, other) = after(enrollment, &refuse(FormRefusal::ManagedAppleIdDomain));
        assert_eq!((first, again, other), (1, 0, 1));
        let refuse = |why| Command::RefuseIdentity { why };
        let (enrollment, first) = after(enrollment, &refuse(IdentityRefusal::ChallengeUsed));
        let (_, again) = after(enrollment, &refuse(IdentityRefusal::ChallengeUsed));
        assert_eq!((first, again), (1, 0));
    }

    #[test]
    fn changes_of_language_use_up_nothing_that_refusals_need() {
        let (mut enrollment, mut written) = (opened(), 0);
        for nth in 0..50 {
            let language = if nth % 2 == 0 { "ja" } else { "de" }.to_owned();
            let (next, more) = after(enrollment, &Command::ChooseLanguage { language });
            (enrollment, written) = (next, written + more);
        }
        assert_eq!(written, LANGUAGES);
        let forms = [
            FormRefusal::OwnershipNotChosen,
            FormRefusal::OwnershipNotOffered,
            FormRefusal::TermsChanged,
            FormRefusal::CaProfileNotTaken,
            FormRefusal::ManagedAppleIdInvalid,
            FormRefusal::ManagedAppleIdDomain,
            FormRefusal::PersonUnknown,
            FormRefusal::DirectoryUnavailable,
            FormRefusal::Throttled,
        ];
        let identities = [
            IdentityRefusal::ChallengeExpired,
            IdentityRefusal::ChallengeUsed,
            IdentityRefusal::DeviceEnrolled,
            IdentityRefusal::EnrollmentEnded,
            IdentityRefusal::NotPermitted,
        ];
        for _ in 0..2 {
            for refuse in forms.map(|why| Command::RefuseForm { why }) {
                let (next, more) = after(enrollment, &refuse);
                (enrollment, written) = (next, written + more);
            }
            for refuse in identities.map(|why| Command::RefuseIdentity { why }) {
                let (next, more) = after(enrollment, &refuse);
                (enrollment, written) = (next, written + more);
            }
        }
        for nth in 0..10 {
            let account = format!("account {nth}");
            written += usize::from(is_news(&enrollment, SignInRefusal::AnotherPerson, &account));
            enrollment.repeats.sign_in(SignInRefusal::AnotherPerson, &account);
        }
        assert_eq!(written, 20, "all of them, and no more");
    }

    #[test]
    fn the_language_that_the_enrollment_has_is_no_news_and_before_the_first_form_there_is_nothing_to_write_to() {
        let (_, same) = after(opened(), &Command::ChooseLanguage { language: "en".into() });
        assert_eq!(same, 0);
        assert!(Enrollment::default().decide(&Command::RefuseForm { why: FormRefusal::TermsChanged }).is_err());
    }

    #[test]
    fn an_enrollment_serves_twenty_profiles_and_no_more() {
        let served =
            EnrollmentEvent::CaProfileServed { profile_uuid: uuid::Uuid::nil(), ca_fingerprint: String::new() };
        let mut enrollment = (1..MOST).fold(opened(), |enrollment, _| enrollment.evolve(&served));
        assert!(enrollment.repeats.serves_more());
        enrollment = enrollment.evolve(&served);
        assert!(!enrollment.repeats.serves_more());
    }

    #[test]
    fn the_same_account_that_may_not_sign_in_again_is_news_once() {
        let refused = |reason, account: &str| EnrollmentEvent::SignInRefused {
            method: events::enrollment::SignInMethodName::LocalAccount,
            reason,
            account: Some(account.to_owned()),
            name: None,
        };
        let enrollment = opened().evolve(&refused(SignInRefusal::AnotherPerson, "ada"));
        assert!(!is_news(&enrollment, SignInRefusal::AnotherPerson, "ada"));
        assert!(is_news(&enrollment, SignInRefusal::AnotherPerson, "bob"));
        assert!(is_news(&enrollment, SignInRefusal::NotEntitled, "ada"));
    }
}
