use super::{Admission, Command, End, Enrollment, Entry, Policy, PreviousRecords, Refusal, SignedIn, Step, TermsStep};
use crate::Aggregate;
use crate::examples::{ENROLLMENT, NOW, access, ada, admission, certificate, iphone, policy, profile, sealed, secret};
use events::device::DeviceId;
use events::enrollment::Ownership::{Institutional, Personal};
use events::enrollment::{
    Access, ChosenBy, EnrollmentEvent as Event, EnrollmentKind, EnrollmentMode, EnrollmentRefusal, Evidence,
    FoundRecord, OsVersion, Ownership, SignInMethodName, SignInRefusal,
};
use events::settings::{Limits, VersionRange};
use uuid::Uuid;

mod any_sequence;
mod bounds;
mod from_settings;
mod identity;
mod known;
mod profile_service;
mod steps;

/// Returns the enrollment after these commands, each of which is accepted.
#[track_caller]
fn given(commands: impl IntoIterator<Item = Command>) -> Enrollment {
    commands.into_iter().fold(Enrollment::default(), |enrollment, command| {
        let happened = enrollment.decide(&command).expect("what is given is possible");
        happened.iter().fold(enrollment, Enrollment::evolve)
    })
}

fn open(version: &str) -> Command {
    Command::Open {
        session: secret("first"),
        user_agent: sealed("Safari"),
        platform: iphone(version),
        language: "en".into(),
        account_driven: None,
    }
}

fn sign_in(offered: &[Ownership]) -> Command {
    sign_in_with(admission(policy(offered)))
}

fn sign_in_with(admission: Admission) -> Command {
    Command::SignIn { signed_in: ada(), session: secret("second"), entry: Entry::Oneself(admission) }
}

fn choose(ownership: Ownership) -> Command {
    Command::ChooseOwnership { ownership, policy: policy(&[Personal, Institutional]) }
}

fn serve_ca() -> Command {
    Command::ServeCaProfile { profile_uuid: Uuid::from_u128(20), ca_fingerprint: "root".into() }
}

fn give_managed_apple_id(id: &str) -> Command {
    Command::GiveManagedAppleId { managed_apple_id: sealed(id) }
}

fn serve_mdm(kind: EnrollmentKind, challenge: &str) -> Command {
    Command::ServeMdmProfile {
        profile: profile(kind),
        challenge: secret(challenge),
        challenge_expires: NOW.plus_seconds(3_600),
        verified_by: None,
        device_enrolled: false,
    }
}

fn issue(challenge: &str, key: &str, serial: &str) -> Command {
    Command::IssueIdentity {
        now: NOW,
        challenge: secret(challenge),
        transaction: "t".into(),
        certificate: certificate(key, serial),
        device_enrolled: false,
    }
}

/// Returns the enrollment of an institutional iPhone whose MDM profile was served with each of these challenges.
fn served(challenges: &[&str]) -> Enrollment {
    let way = [open("17.5"), sign_in(&[Institutional]), serve_ca(), Command::ReportCaInstall];
    given(way.into_iter().chain(challenges.iter().map(|name| serve_mdm(EnrollmentKind::DeviceEnrollment, name))))
}

fn then(enrollment: &Enrollment, command: &Command) -> Vec<Event> {
    enrollment.decide(command).expect("the command is accepted")
}

#[test]
fn the_guides_steps_follow_one_another_for_a_personal_device() {
    let mut enrollment = Enrollment::default();
    let way = [
        (Step::Open, open("17.5")),
        (Step::SignIn, sign_in(&[Personal, Institutional])),
        (Step::Ownership, choose(Personal)),
        (Step::CaProfile, serve_ca()),
        (Step::CaProfile, Command::ReportCaInstall),
        (Step::ManagedAppleId, give_managed_apple_id("ada@example.com")),
        (Step::MdmProfile, serve_mdm(EnrollmentKind::UserEnrollment, "c")),
        (Step::MdmProfile, issue("c", "key", "1")),
    ];
    for (step, command) in way {
        assert_eq!(enrollment.step(), step);
        enrollment = then(&enrollment, &command).iter().fold(enrollment, Enrollment::evolve);
    }
    assert_eq!(enrollment.step(), Step::MdmProfile);
    assert_eq!(enrollment.identity.map(|identity| identity.certificate.serial), Some("1".into()));
}

#[test]
fn a_lone_ownership_kind_is_chosen_by_policy_and_its_page_is_never_shown() {
    let enrollment = given([open("17.5")]);
    let happened = then(&enrollment, &sign_in(&[Institutional]));
    assert_eq!(happened[1..], [Event::OwnershipChosen { ownership: Institutional, chosen_by: ChosenBy::Policy }]);
    assert_eq!(happened.iter().fold(enrollment, Enrollment::evolve).step(), Step::CaProfile);
}

#[test]
fn whom_no_rule_permits_anything_learns_it_at_sign_in() {
    let nothing = Access { rule: None, offered: [].into(), account_driven: false, ..access() };
    let enrollment = given([open("17.5"), sign_in_with(Admission { access: Some(nothing), ..admission(both()) })]);
    assert_eq!(enrollment.step(), Step::Ended(End::Refused(EnrollmentRefusal::NotPermitted)));
}

#[test]
fn who_may_enroll_from_settings_alone_is_led_there() {
    let elsewhere = Access { offered: [].into(), ..access() };
    let enrollment = given([open("17.5"), sign_in_with(Admission { access: Some(elsewhere), ..admission(both()) })]);
    assert_eq!(enrollment.step(), Step::Ended(End::Refused(EnrollmentRefusal::AccountDrivenOnly)));
}

#[test]
fn a_kind_that_the_rule_does_not_grant_can_neither_be_seen_nor_chosen() {
    let personal = Access { offered: [Personal].into(), ..access() };
    let enrollment = given([open("17.5"), sign_in_with(Admission { access: Some(personal), ..admission(both()) })]);
    assert_eq!((enrollment.ownership, enrollment.step()), (Some(Personal), Step::CaProfile));
}

#[test]
fn a_person_with_as_many_devices_as_they_may_is_refused() {
    let one = Access { devices_per_person: Some(1), ..access() };
    let record = FoundRecord { device: ENROLLMENT.device(), evidence: vec![Evidence::SamePerson] };
    let full = Admission { access: Some(one), previous: vec![record].into(), ..admission(both()) };
    let enrollment = given([open("17.5"), sign_in_with(full)]);
    assert_eq!(enrollment.step(), Step::Ended(End::Refused(EnrollmentRefusal::TooManyDevices)));
}

#[test]
fn a_device_that_may_not_enroll_whatever_is_chosen_is_refused_before_the_choice() {
    let pads = Policy { limits: Limits { models: ["iPad".to_owned()].into(), ..Limits::default() }, ..both() };
    let enrollment = given([open("17.5"), sign_in_with(admission(pads))]);
    assert_eq!(
        (enrollment.step(), enrollment.ownership),
        (Step::Ended(End::Refused(EnrollmentRefusal::ModelNotPermitted)), None)
    );
}

#[test]
fn nobody_is_led_to_settings_who_may_not_enroll_there() {
    let portal_only = Access { account_driven: false, ..access() };
    let enrollment = given([
        open("18.0"),
        sign_in_with(Admission { access: Some(portal_only), ..admission(both()) }),
        choose(Personal),
    ]);
    assert_eq!(enrollment.step(), Step::Ended(End::Refused(EnrollmentRefusal::NotPermitted)));
}

#[test]
fn without_rules_terms_that_are_there_are_asked_of_everybody() {
    let enrollment = given([open("17.5"), sign_in_with(admission(with_terms("1")))]);
    assert_eq!(enrollment.step(), Step::Terms);
}

fn both() -> Policy {
    policy(&[Personal, Institutional])
}

fn with_terms(version: &str) -> Policy {
    Policy { terms: [(Personal, version.to_owned())].into(), ..policy(&[Personal]) }
}

fn asked_for_terms(policy: Policy) -> Command {
    let access = Some(Access { terms_required: true, ..access() });
    sign_in_with(Admission { access, ..admission(policy) })
}

fn accept(version: &str, policy: Policy) -> Command {
    Command::AcceptTerms { version: version.into(), language: "en".into(), text_hash: "hash".into(), policy }
}

#[test]
fn terms_are_asked_where_the_rule_asks_for_them_and_once_per_version() {
    let enrollment = given([open("17.5"), asked_for_terms(with_terms("1"))]);
    assert_eq!(enrollment.step(), Step::Terms);
    assert_eq!(
        given([open("17.5"), asked_for_terms(with_terms("1")), accept("1", with_terms("1"))]).step(),
        Step::CaProfile
    );
    let accepted = Policy { accepted: [(Personal, "1".to_owned())].into(), ..with_terms("1") };
    assert_eq!(given([open("17.5"), asked_for_terms(accepted.clone())]).step(), Step::CaProfile);
    let newer = Policy { terms: [(Personal, "2".to_owned())].into(), ..accepted };
    assert_eq!(given([open("17.5"), asked_for_terms(newer)]).step(), Step::Terms);
}

#[test]
fn terms_that_changed_while_they_were_read_are_asked_anew() {
    let enrollment = given([open("17.5"), asked_for_terms(with_terms("1")), accept("1", with_terms("2"))]);
    assert_eq!((enrollment.step(), enrollment.terms), (Step::Terms, TermsStep::Asked { version: "2".into() }));
}

#[test]
fn who_declines_the_terms_is_signed_out_and_has_accepted_nothing() {
    let asked = given([open("17.5"), asked_for_terms(with_terms("1"))]);
    let declined = Event::TermsDeclined { ownership: Personal, version: "1".into() };
    assert_eq!(then(&asked, &Command::DeclineTerms), [declined, Event::SignedOut {}]);
    let after = given_more(asked, [Command::DeclineTerms]);
    assert_eq!((after.session.as_ref(), after.step()), (None, Step::Terms));
}

#[test]
fn versions_outside_of_the_settings_are_refused_with_their_own_reason() {
    let range = VersionRange { minimum: OsVersion::parse("15.2"), maximum: OsVersion::parse("16") };
    let limited = Policy {
        limits: Limits { versions: [(Institutional, range)].into(), ..Limits::default() },
        ..policy(&[Institutional])
    };
    let end = |version| given([open(version), sign_in_with(admission(limited.clone()))]).end;
    assert_eq!(end("15.1"), Some(End::Refused(EnrollmentRefusal::VersionBelowMinimum)));
    assert_eq!(end("17.0"), Some(End::Refused(EnrollmentRefusal::VersionAboveMaximum)));
    assert_eq!((end("15.2"), end("16.7")), (None, None));
}

#[test]
fn a_family_that_the_settings_do_not_allow_is_refused_at_the_portal() {
    let models = |model: &str| Policy {
        limits: Limits { models: [model.to_owned()].into(), ..Limits::default() },
        ..policy(&[Institutional])
    };
    let end = |policy| given([open("17.5"), sign_in_with(admission(policy))]).end;
    assert_eq!(end(models("iPad")), Some(End::Refused(EnrollmentRefusal::ModelNotPermitted)));
    assert_eq!((end(models("iPhone14,")), end(models("i"))), (None, None));
}

fn bob() -> SignedIn {
    SignedIn { person: events::person::PersonId(Uuid::from_u128(2)), account: "account-of-bob".into(), ..ada() }
}

#[test]
fn whoever_enrolls_for_others_is_asked_for_whom_and_the_device_is_theirs() {
    let entry = Entry::AskForWhom { for_oneself: false };
    let asked = given([open("17.5"), Command::SignIn { signed_in: ada(), session: secret("s"), entry }]);
    assert_eq!((asked.step(), asked.owner()), (Step::Assignment, None));
    let for_oneself = Command::EnrollForOneself { admission: admission(both()) };
    assert_eq!(asked.decide(&for_oneself), Err(Refusal::NotForOneself));
    let assign = Command::Assign { to: bob(), admission: admission(both()) };
    let assigned = then(&asked, &assign).iter().fold(asked, Enrollment::evolve);
    assert_eq!((assigned.step(), assigned.owner()), (Step::Ownership, Some(&bob())));
    assert_eq!(assigned.signed_in, Some(ada()));
}

fn begin_single_sign_on(request: &str) -> Command {
    let method = SignInMethodName::Saml;
    Command::BeginSingleSignOn { method, provider: "school".into(), request: secret(request) }
}

fn prove(request: &str) -> Command {
    let account = events::person::ProvenAccount {
        identifiers: vec![],
        issuer: "idp".into(),
        subject: "1".into(),
        user_name: "ada".into(),
        display_name: None,
        mail: None,
        managed_apple_id: None,
        groups: [].into(),
        claims: [].into(),
        untold: vec![],
    };
    Command::ProveSingleSignOn {
        request: secret(request),
        account: events::Personal::new(ENROLLMENT.enrollment_key(), account),
    }
}

#[test]
fn an_identity_provider_answers_the_request_that_is_waited_for_and_only_once() {
    let waiting = given([open("17.5"), begin_single_sign_on("first"), begin_single_sign_on("second")]);
    assert_eq!(waiting.decide(&prove("first")), Err(Refusal::UnknownRequest));
    let proven = then(&waiting, &prove("second")).iter().fold(waiting, Enrollment::evolve);
    assert_eq!(proven.decide(&prove("second")), Err(Refusal::UnknownRequest));
    let signed_in = then(&proven, &sign_in(&[Personal])).iter().fold(proven, Enrollment::evolve);
    assert_eq!(signed_in.single_sign_on, None);
    assert_eq!(signed_in.opened.map(|opened| opened.language).as_deref(), Some("en"));
}

#[test]
fn an_institutional_device_is_not_asked_for_a_managed_apple_id() {
    let enrollment = given([open("17.5"), sign_in(&[Institutional]), serve_ca(), Command::ReportCaInstall]);
    assert_eq!(enrollment.step(), Step::MdmProfile);
    assert_eq!(enrollment.decide(&give_managed_apple_id("a@b.example")), Err(Refusal::OutOfStep(Step::MdmProfile)));
}

#[test]
fn the_ca_step_is_skipped_with_an_event_where_the_settings_say_so() {
    let mut skipping = policy(&[Personal]);
    skipping.skip_ca_profile = true;
    let enrollment = given([open("17.5"), sign_in_with(admission(skipping))]);
    assert_eq!(enrollment.step(), Step::ManagedAppleId);
    assert_eq!(enrollment.decide(&serve_ca()), Err(Refusal::OutOfStep(Step::ManagedAppleId)));
}

#[test]
fn an_ownership_that_is_not_offered_cannot_be_chosen() {
    let enrollment = given([open("17.5"), sign_in(&[Personal, Institutional])]);
    let command = Command::ChooseOwnership { ownership: Personal, policy: policy(&[Institutional]) };
    assert_eq!(enrollment.decide(&command), Err(Refusal::OwnershipNotOffered));
}

#[test]
fn a_personal_device_from_ios_18_on_is_led_to_the_account_driven_way() {
    let enrollment = given([open("18.0"), sign_in(&[Personal, Institutional]), choose(Personal)]);
    assert_eq!(enrollment.step(), Step::Ended(End::Refused(EnrollmentRefusal::AccountDrivenOnly)));
    let institutional = given([open("18.0"), sign_in(&[Personal, Institutional]), choose(Institutional)]);
    assert_eq!(institutional.step(), Step::CaProfile);
}

#[test]
fn a_personal_device_below_ios_13_1_is_refused() {
    let enrollment = given([open("13.0"), sign_in(&[Personal])]);
    assert_eq!(enrollment.step(), Step::Ended(End::Refused(EnrollmentRefusal::VersionTooOld)));
    assert_eq!(given([open("13.1"), sign_in(&[Personal])]).step(), Step::CaProfile);
}

#[test]
fn who_has_an_earlier_record_is_told_before_anything_is_decided() {
    let record = FoundRecord { device: ENROLLMENT.device(), evidence: vec![Evidence::SamePerson] };
    let enrollment = given([
        open("18.2"),
        sign_in_with(Admission { previous: vec![record].into(), ..admission(policy(&[Personal])) }),
    ]);
    assert_eq!(enrollment.step(), Step::PreviousRecords);
    assert_eq!(enrollment.ownership, None);
    let after = given_more(enrollment, [Command::NotePreviousRecords { policy: policy(&[Personal]), answers: vec![] }]);
    assert_eq!(after.step(), Step::Ended(End::Refused(EnrollmentRefusal::AccountDrivenOnly)));
}

fn given_more(enrollment: Enrollment, commands: impl IntoIterator<Item = Command>) -> Enrollment {
    commands.into_iter().fold(enrollment, |enrollment, command| {
        let happened = then(&enrollment, &command);
        happened.iter().fold(enrollment, Enrollment::evolve)
    })
}

#[test]
fn the_mdm_profile_is_not_served_before_the_ca_is_reported_installed() {
    let enrollment = given([open("17.5"), sign_in(&[Institutional]), serve_ca()]);
    let command = serve_mdm(EnrollmentKind::DeviceEnrollment, "c");
    assert_eq!(enrollment.decide(&command), Err(Refusal::OutOfStep(Step::CaProfile)));
}

#[test]
fn a_ca_profile_that_was_never_served_cannot_be_reported_installed() {
    let enrollment = given([open("17.5"), sign_in(&[Institutional])]);
    assert_eq!(enrollment.decide(&Command::ReportCaInstall), Err(Refusal::OutOfStep(Step::CaProfile)));
}

#[test]
fn a_profile_of_the_other_kind_is_never_served() {
    let command = serve_mdm(EnrollmentKind::UserEnrollment, "c");
    assert_eq!(served(&[]).decide(&command), Err(Refusal::OutOfStep(Step::MdmProfile)));
}

#[test]
fn a_refused_sign_in_is_a_fact_and_the_enrollment_stays_at_sign_in() {
    let refusal = Command::RefuseSignIn {
        method: SignInMethodName::LocalAccount,
        reason: SignInRefusal::WrongPassword,
        account: Some("account-of-ada".into()),
        name: None,
    };
    assert_eq!(given([open("17.5"), refusal]).step(), Step::SignIn);
}

#[test]
fn signing_in_gives_the_session_a_new_secret() {
    assert_eq!(given([open("17.5")]).session, Some(secret("first")));
    assert_eq!(given([open("17.5"), sign_in(&[Personal])]).session, Some(secret("second")));
}

#[test]
fn nobody_signs_in_twice_on_one_enrollment() {
    let enrollment = given([open("17.5"), sign_in(&[Institutional])]);
    assert_eq!(enrollment.decide(&sign_in(&[Institutional])), Err(Refusal::OutOfStep(Step::CaProfile)));
}

#[test]
fn signing_out_ends_the_session_but_a_profile_that_was_taken_still_enrolls() {
    let enrollment = given_more(served(&["one"]), [Command::SignOut]);
    assert_eq!(enrollment.session, None);
    assert!(enrollment.decide(&issue("one", "key", "1")).is_ok());
    assert_eq!(enrollment.decide(&Command::SignOut), Ok(vec![]));
}

#[test]
fn an_enrollment_whose_device_enrolled_is_never_abandoned() {
    assert_eq!(served(&["one"]).decide(&Command::Abandon { device_enrolled: true }), Ok(vec![]));
    let abandoned = given_more(served(&["one"]), [Command::Abandon { device_enrolled: false }]);
    assert_eq!(abandoned.step(), Step::Ended(End::Abandoned));
    assert_eq!(abandoned.decide(&Command::Abandon { device_enrolled: false }), Ok(vec![]));
}

#[test]
fn seventy_earlier_records_are_one_event_that_names_the_nearest_five() {
    let device = |nth| DeviceId(Uuid::from_u128(nth));
    let found = |nth| FoundRecord { device: device(nth), evidence: vec![Evidence::SamePerson] };
    let previous: PreviousRecords = (0..70).map(found).collect::<Vec<_>>().into();
    let admitted = Admission { previous, ..admission(policy(&[Personal])) };
    let enrollment = given([open("17.5"), sign_in_with(admitted)]);
    assert_eq!(
        (enrollment.step(), enrollment.previous.nearest.len(), enrollment.previous.count),
        (Step::PreviousRecords, 5, 70)
    );
}

#[test]
fn an_enrollment_of_the_first_release_with_an_event_for_each_record_names_five_and_counts_all() {
    let old = |nth: u128| {
        let data = serde_json::json!({ "device": Uuid::from_u128(nth), "evidence": ["same_person"] });
        let data = events::upcast::upcast("PreviousRecordFound", 1, data).unwrap();
        let event = events::Event::from_parts("enrollment", "PreviousRecordFound", data).unwrap();
        Event::try_from(event).unwrap()
    };
    let enrollment = (0..70).map(old).fold(given([open("17.5")]), |enrollment, event| enrollment.evolve(&event));
    assert_eq!((enrollment.previous.nearest.len(), enrollment.previous.count), (5, 70));
    assert_eq!(enrollment.previous.nearest[4].device, DeviceId(Uuid::from_u128(4)));
}
