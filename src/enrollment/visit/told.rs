//! Facts that a visitor can cause again and again without getting further: refused forms, changes of language. Each visit
//! writes down a few of them, equal ones once; the caller counts the others.

use super::Visit;
use events::enrollment::{EnrollmentEvent, FormRefusal, IdentityRefusal};
use std::collections::BTreeSet;

/// A visit writes down at most this many.
const MOST: usize = 20;

/// What is written down already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    forms: BTreeSet<FormRefusal>,
    identities: BTreeSet<IdentityRefusal>,
    languages: usize,
}

impl Told {
    fn is_full(&self) -> bool {
        self.forms.len() + self.identities.len() + self.languages >= MOST
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
}

pub(super) fn refuse_form(visit: &Visit, why: FormRefusal) -> Vec<EnrollmentEvent> {
    let is_told = visit.told.forms.contains(&why) || visit.told.is_full();
    if is_told { vec![] } else { vec![EnrollmentEvent::FormRefused { why }] }
}

pub(super) fn refuse_identity(visit: &Visit, why: IdentityRefusal) -> Vec<EnrollmentEvent> {
    let is_told = visit.told.identities.contains(&why) || visit.told.is_full();
    if is_told { vec![] } else { vec![EnrollmentEvent::IdentityRefused { why }] }
}

pub(super) fn choose_language(visit: &Visit, language: &str) -> Vec<EnrollmentEvent> {
    if visit.told.is_full() { vec![] } else { vec![EnrollmentEvent::LanguageChosen { language: language.to_owned() }] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrollment::Aggregate;
    use crate::enrollment::visit::{Command, Opened};
    use events::enrollment::{DeviceFamily, Platform};

    fn opened() -> Visit {
        let platform = Platform { family: DeviceFamily::IPhone, version: None };
        Visit { opened: Some(Opened { platform, language: "en".into() }), ..Visit::default() }
    }

    fn after(visit: Visit, command: &Command) -> (Visit, usize) {
        let happened = visit.decide(command).unwrap();
        (happened.iter().fold(visit, Visit::evolve), happened.len())
    }

    #[test]
    fn an_equal_refusal_is_written_once_and_another_one_is_news() {
        let refuse = |why| Command::RefuseForm { why };
        let (visit, first) = after(opened(), &refuse(FormRefusal::ManagedAppleIdInvalid));
        let (visit, again) = after(visit, &refuse(FormRefusal::ManagedAppleIdInvalid));
        let (visit, other) = after(visit, &refuse(FormRefusal::ManagedAppleIdDomain));
        assert_eq!((first, again, other), (1, 0, 1));
        let refuse = |why| Command::RefuseIdentity { why };
        let (visit, first) = after(visit, &refuse(IdentityRefusal::ChallengeUsed));
        let (_, again) = after(visit, &refuse(IdentityRefusal::ChallengeUsed));
        assert_eq!((first, again), (1, 0));
    }

    #[test]
    fn a_visit_writes_down_twenty_of_them_and_no_more() {
        let mut written = 0;
        let mut visit = opened();
        for nth in 0..50 {
            let language = if nth % 2 == 0 { "ja" } else { "de" }.to_owned();
            let (next, more) = after(visit, &Command::ChooseLanguage { language });
            (visit, written) = (next, written + more);
        }
        assert_eq!(written, MOST);
        let (_, refused) = after(visit, &Command::RefuseForm { why: FormRefusal::TermsChanged });
        assert_eq!(refused, 0);
    }

    #[test]
    fn the_language_that_the_visit_has_is_no_news_and_before_the_first_form_there_is_nothing_to_write_to() {
        let (_, same) = after(opened(), &Command::ChooseLanguage { language: "en".into() });
        assert_eq!(same, 0);
        assert!(Visit::default().decide(&Command::RefuseForm { why: FormRefusal::TermsChanged }).is_err());
    }
}
