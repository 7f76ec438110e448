//! Facts that an enrollment knows: the future user of the device, whether a profile was served, the lifetime of tokens.

use super::*;
use crate::enrollment::{AccessToken, Assignment, Tokens};
use crate::enrollment::{ImportedRecords, Said};
use events::enrollment::FoundImport;
use events::person::PersonId;
use events::record::{PreviousAnswer, RecordId};
use std::collections::BTreeSet;

const DAY: i64 = 86_400;

fn grace() -> SignedIn {
    SignedIn { person: PersonId(Uuid::from_u128(2)), account: "account-of-grace".into(), ..ada() }
}

fn signed_in(assignment: Assignment) -> Enrollment {
    Enrollment { signed_in: Some(ada()), assignment, ..Enrollment::default() }
}

#[test]
fn the_owner_is_whoever_the_device_is_assigned_to_and_alone_accepts_terms_for_good() {
    let own = signed_in(Assignment::Oneself);
    assert_eq!((own.owner(), own.accepts_for_themself()), (Some(&ada()), Some(ada().person)));
    let for_grace = signed_in(Assignment::To(grace()));
    assert_eq!((for_grace.owner(), for_grace.accepts_for_themself()), (Some(&grace()), None));
    let asked = signed_in(Assignment::Asked { for_oneself: true });
    assert_eq!((asked.owner(), asked.accepts_for_themself()), (None, None));
}

#[test]
fn an_enrollment_whose_owners_name_has_a_damaged_key_is_unknown() {
    let damaged: events::Personal<String> =
        serde_json::from_value(serde_json::json!({ "$damaged": { "key": "person-9" } })).unwrap();
    let enrollment = Enrollment { signed_in: Some(SignedIn { user_name: damaged, ..ada() }), ..Enrollment::default() };
    assert_eq!(enrollment.damaged_key(), Some(&events::KeyName("person-9".into())));
    let for_grace = Enrollment { assignment: Assignment::To(grace()), ..enrollment };
    assert_eq!(for_grace.damaged_key(), None, "the device will belong to another person");
}

#[test]
fn somebody_may_sign_in_at_the_first_step_and_when_they_are_asked_again() {
    let opened = given([open("17.5")]);
    assert!(opened.awaits_sign_in() && !Enrollment::default().awaits_sign_in());
    let at_work = given([open("17.5"), sign_in(&[Personal, Institutional])]);
    assert!(!at_work.awaits_sign_in());
    let again = Enrollment { sign_in_again: Some(events::enrollment::SignInAgainReason::TokenExpired), ..at_work };
    assert!(again.awaits_sign_in());
}

#[test]
fn the_language_is_that_of_the_pages_now() {
    assert_eq!(Enrollment::default().language(), None);
    let enrollment = given([open("17.5"), Command::ChooseLanguage { language: "de".into() }]);
    assert_eq!(enrollment.language().map(String::as_str), Some("de"));
}

#[test]
fn a_person_may_enroll_what_is_offered_and_permitted() {
    let offered = BTreeSet::from([Personal]);
    let with = |access| Enrollment { access, ..Enrollment::default() }.permitted(&offered);
    assert_eq!(with(None), offered, "without rules nothing is restricted");
    assert_eq!(with(Some(access())), offered);
    let institutional = Access { offered: [Institutional].into(), ..access() };
    assert_eq!(with(Some(institutional)), BTreeSet::new());
}

#[test]
fn a_profile_was_taken_when_one_was_served() {
    assert!(served(&["c"]).profile_was_taken() && !served(&[]).profile_was_taken());
}

#[test]
fn the_ownership_decides_the_kind_of_enrollment() {
    let kind = |ownership| Enrollment { ownership, ..Enrollment::default() }.kind();
    assert_eq!(kind(Some(Personal)), Some(EnrollmentKind::UserEnrollment));
    assert_eq!(kind(Some(Institutional)), Some(EnrollmentKind::DeviceEnrollment));
    assert_eq!(kind(None), None);
}

#[test]
fn a_token_that_is_refreshed_lasts_a_week_and_no_longer_than_its_sign_in() {
    let token = |refreshable| AccessToken { hash: secret("t"), issued: NOW, signed_in: NOW, refreshable };
    let lasts = |tokens: &[AccessToken], days| {
        Tokens { access: tokens.to_vec(), ..Tokens::default() }.lasts(days, NOW.plus_seconds(DAY))
    };
    assert_eq!(lasts(&[token(true)], None), 6 * DAY);
    assert_eq!(lasts(&[token(true)], Some(3)), 2 * DAY);
    assert_eq!(lasts(&[token(true)], Some(90)), 6 * DAY);
    assert_eq!((lasts(&[token(false)], None), lasts(&[], None)), (0, 0));
}

#[test]
fn the_nearest_five_earlier_records_are_named_and_all_are_counted() {
    let found = |n| FoundRecord { device: DeviceId(Uuid::from_u128(n)), evidence: vec![Evidence::SamePerson] };
    let records: PreviousRecords = (0..7).map(found).collect::<Vec<_>>().into();
    assert_eq!((records.nearest.len(), records.count), (5, 7));
    assert_eq!(records.nearest[0], found(0));
}

fn import(n: u128) -> FoundImport {
    FoundImport { record: RecordId(Uuid::from_u128(n)), evidence: vec![Evidence::SamePerson] }
}

#[test]
fn a_person_with_records_of_other_products_alone_reads_about_them_first() {
    let imported = ImportedRecords { nearest: vec![import(7)], count: 1 };
    let admitted = Admission { imported, ..admission(policy(&[Personal])) };
    let enrollment = given([open("17.5"), sign_in_with(admitted)]);
    assert_eq!(
        (enrollment.step(), enrollment.imported.count, enrollment.previous.count),
        (Step::PreviousRecords, 1, 0)
    );
    assert_eq!(enrollment.shown_records().collect::<Vec<_>>(), [import(7).record]);
}

#[test]
fn answers_count_about_the_records_that_were_shown_and_once() {
    let imported = ImportedRecords { nearest: vec![import(7), import(8)], count: 2 };
    let enrollment = given([open("17.5"), sign_in_with(Admission { imported, ..admission(policy(&[Personal])) })]);
    let says = |n, answer| Said { record: import(n).record, answer, removed: None };
    let answers = vec![
        says(9, PreviousAnswer::ThisDevice),
        says(8, PreviousAnswer::NoLongerHave),
        says(8, PreviousAnswer::ThisDevice),
    ];
    let after = given_more(enrollment, [Command::NotePreviousRecords { policy: policy(&[Personal]), answers }]);
    assert_eq!(after.answers, [(import(8).record, PreviousAnswer::NoLongerHave)].into());
    assert_ne!(after.step(), Step::PreviousRecords);
}

#[test]
fn a_person_agrees_once_to_the_removal_of_what_they_were_shown() {
    let [shown, foreign] = [7, 8].map(|id| DeviceId(Uuid::from_u128(id)));
    let record = FoundRecord { device: shown, evidence: vec![Evidence::SamePerson] };
    let admission = Admission { previous: vec![record].into(), ..crate::examples::admission(policy(&[Personal])) };
    let enrollment = given([open("17.5"), sign_in_with(admission)]);
    let agree = |device| Command::AgreeToRemoval { record: RecordId::of_device(device) };
    assert_eq!(enrollment.decide(&agree(foreign)), Ok(vec![]), "it is not theirs");
    let agreed = enrollment.decide(&agree(shown)).unwrap();
    assert_eq!(agreed, [Event::OldManagementRemovalAgreed { record: RecordId::of_device(shown) }]);
    assert_eq!(given_more(enrollment, [agree(shown)]).decide(&agree(shown)), Ok(vec![]), "once");
}

#[test]
fn a_managed_device_is_enrolled_again_by_its_owner_by_staff_or_without_an_owner() {
    let ada = given([open("17.5"), sign_in_with(admission(policy(&[Personal])))]);
    let own = ada.owner().map(|owner| owner.person);
    let other = Some(PersonId(Uuid::from_u128(99)));
    assert!(own.is_some() && ada.may_enroll_again(own) && ada.may_enroll_again(None));
    assert!(!ada.may_enroll_again(other));
    assert!(signed_in(Assignment::To(grace())).may_enroll_again(other), "staff enroll it for grace");
}
