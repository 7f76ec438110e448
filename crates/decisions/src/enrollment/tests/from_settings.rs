//! Decisions on enrollments that begin in Settings, and on repeated sign-ins.

use super::*;
use crate::enrollment::access_token::ACCESS_TOKEN_SECONDS;
use crate::enrollment::{AccessToken, Begun, MachineInformation, Presented};
use events::enrollment::EnrollmentMode::{Adde, Byod};
use events::enrollment::{DeviceFamily, DeviceSignature, SignInAgainReason};
use events::settings::AccountDriven;
use proptest::prelude::*;

fn begin(mode: EnrollmentMode, version: &str) -> Command {
    let Command::Open { session, user_agent, platform, language, .. } = open(version) else { unreachable!() };
    Command::Open { session, user_agent, platform, language, account_driven: Some(Begun { mode, state: None }) }
}

fn begin_with_code(version: &str) -> Command {
    let Command::Open { session, user_agent, platform, language, .. } = open(version) else { unreachable!() };
    let account_driven = Some(Begun { mode: Byod, state: Some("state".into()) });
    Command::Open { session, user_agent, platform, language, account_driven }
}

pub(super) fn token(name: &str) -> Command {
    Command::IssueAccessToken { token: secret(name), now: NOW }
}

pub(super) fn machine() -> MachineInformation {
    MachineInformation {
        signature: DeviceSignature::UnknownIssuer,
        product: Some("iPhone14,5".into()),
        build_version: Some("22C161".into()),
        os_version: OsVersion::parse("18.2"),
    }
}

pub(super) fn ask(why: SignInAgainReason) -> Command {
    Command::AskToSignInAgain { why, device_enrolled: true }
}

pub(super) fn resume() -> Command {
    Command::Resume { session: secret("resumed"), user_agent: sealed("Safari"), now: NOW.plus_seconds(90), state: None }
}

pub(super) fn serve(mode: EnrollmentMode) -> Command {
    let kind = match mode {
        Byod => EnrollmentKind::UserEnrollment,
        Adde => EnrollmentKind::DeviceEnrollment,
    };
    let Command::ServeMdmProfile { profile, challenge, challenge_expires, verified_by, device_enrolled } =
        serve_mdm(kind, "c")
    else {
        unreachable!()
    };
    let profile = events::enrollment::ServedProfile { enrollment_mode: Some(mode), ..profile };
    Command::ServeMdmProfile { profile, challenge, challenge_expires, verified_by, device_enrolled }
}

/// Returns a policy whose directory provides the Managed Apple ID.
fn reported(offered: &[Ownership]) -> Policy {
    Policy { assigned_managed_apple_id: Some(sealed("ada@appleid.example.com")), ..policy(offered) }
}

pub(super) fn with_token() -> Enrollment {
    given([begin(Byod, "18.2"), sign_in_with(admission(reported(&[Personal]))), token("t")])
}

#[test]
fn whose_device_it_is_was_said_by_the_version_and_nothing_is_asked_that_is_known() {
    let enrollment = given([begin(Byod, "18.2")]);
    assert_eq!((enrollment.account_driven, enrollment.step()), (Some(Byod), Step::SignIn));
    let happened = then(&enrollment, &sign_in_with(admission(reported(&[Personal, Institutional]))));
    let chosen = Event::OwnershipChosen { ownership: Personal, chosen_by: ChosenBy::Policy };
    let assigned = Event::ManagedAppleIdAssigned { managed_apple_id: sealed("ada@appleid.example.com") };
    assert_eq!(happened[1..], [chosen, assigned]);
    assert_eq!(happened.iter().fold(enrollment, Enrollment::evolve).step(), Step::HandOver);
}

#[test]
fn a_managed_apple_id_that_nobody_tells_is_asked_for_of_institutional_devices_too() {
    for (mode, version) in [(Byod, "15.0"), (Adde, "17.0")] {
        let enrollment = given([begin(mode, version), sign_in_with(admission(both()))]);
        assert_eq!(enrollment.step(), Step::ManagedAppleId, "{mode:?}");
        let enrollment = given_more(enrollment, [give_managed_apple_id("ada@appleid.example.com")]);
        assert_eq!(enrollment.step(), Step::HandOver, "{mode:?}");
    }
}

#[test]
fn what_the_organization_does_not_offer_is_refused_at_sign_in() {
    let enrollment = given([begin(Adde, "18.2"), sign_in_with(admission(policy(&[Personal])))]);
    assert_eq!(enrollment.step(), Step::Ended(End::Refused(EnrollmentRefusal::NotPermitted)));
}

#[test]
fn the_rule_says_who_may_enroll_by_account_and_institutional_devices_need_both() {
    let end = |mode, access| {
        let admission = Admission { access: Some(access), ..admission(reported(&[Personal, Institutional])) };
        given([begin(mode, "18.2"), sign_in_with(admission)]).end
    };
    let refused = Some(End::Refused(EnrollmentRefusal::NotPermitted));
    assert_eq!(end(Byod, Access { account_driven: false, ..access() }), refused);
    assert_eq!(end(Byod, Access { offered: [].into(), ..access() }), None);
    assert_eq!(end(Adde, Access { offered: [Personal].into(), ..access() }), refused);
    assert_eq!(end(Adde, access()), None);
    let record = FoundRecord { device: ENROLLMENT.device(), evidence: vec![Evidence::SamePerson] };
    let full = Admission {
        access: Some(Access { devices_per_person: Some(1), ..access() }),
        previous: vec![record].into(),
        ..admission(reported(&[Personal]))
    };
    let enrollment = given([begin(Byod, "18.2"), sign_in_with(full)]);
    assert_eq!(enrollment.end, Some(End::Refused(EnrollmentRefusal::TooManyDevices)));
}

#[test]
fn versions_without_the_way_are_refused() {
    let end = |mode, version| {
        given([begin(mode, version), sign_in_with(admission(reported(&[Personal, Institutional])))]).end
    };
    let too_old = Some(End::Refused(EnrollmentRefusal::VersionTooOld));
    assert_eq!((end(Byod, "14.8"), end(Byod, "15.0")), (too_old, None));
    assert_eq!((end(Adde, "16.7"), end(Adde, "17.0")), (too_old, None));
}

#[test]
fn terms_come_first_and_so_do_earlier_records() {
    let policy = Policy { assigned_managed_apple_id: Some(sealed("a@b.c")), ..with_terms("1") };
    let enrollment = given([begin(Byod, "18.2"), asked_for_terms(policy.clone())]);
    assert_eq!(enrollment.step(), Step::Terms);
    assert_eq!(given_more(enrollment, [accept("1", policy.clone())]).step(), Step::HandOver);
    let record = FoundRecord { device: ENROLLMENT.device(), evidence: vec![Evidence::SamePerson] };
    let enrollment = given([
        begin(Byod, "18.2"),
        sign_in_with(Admission { previous: vec![record].into(), ..admission(reported(&[Personal])) }),
    ]);
    assert_eq!(enrollment.step(), Step::PreviousRecords);
    let noted = Command::NotePreviousRecords { policy: reported(&[Personal]), answers: vec![] };
    assert_eq!(given_more(enrollment, [noted]).step(), Step::HandOver);
}

#[test]
fn a_token_is_handed_over_at_the_end_only_and_as_often_as_an_answer_gets_lost() {
    let early = given([begin(Byod, "18.2")]);
    assert_eq!(early.decide(&token("t")), Err(Refusal::OutOfStep(Step::SignIn)));
    let portal = given([open("17.5"), sign_in(&[Personal]), serve_ca(), Command::ReportCaInstall]);
    assert!(portal.decide(&token("t")).is_err(), "only enrollments from Settings get a token");
    let enrollment = given_more(with_token(), [token("u")]);
    let hashes: Vec<_> = enrollment.tokens.access.iter().map(|token| token.hash.clone()).collect();
    assert_eq!(hashes, [secret("t"), secret("u")]);
}

#[test]
fn the_profile_is_of_the_mode_that_the_device_was_promised() {
    let enrollment = with_token();
    assert!(enrollment.decide(&serve(Adde)).is_err());
    assert!(
        enrollment.decide(&serve_mdm(EnrollmentKind::UserEnrollment, "c")).is_err(),
        "an enrollment from Settings gets no profile of the portal"
    );
    let enrollment = given_more(enrollment, [serve(Byod), issue("c", "key", "1")]);
    assert_eq!(enrollment.identity.map(|identity| identity.profile.enrollment_mode), Some(Some(Byod)));
    let institutional =
        given([begin(Adde, "18.2"), sign_in_with(admission(reported(&[Institutional]))), token("t"), serve(Adde)]);
    assert_eq!(institutional.servings.len(), 1);
}

#[test]
fn what_a_device_says_of_itself_is_written_down_once() {
    let enrollment = with_token();
    let receive = Command::ReceiveMachineInformation { machine: machine() };
    assert_eq!(then(&enrollment, &receive).len(), 1);
    let enrollment = given_more(enrollment, [receive.clone()]);
    assert_eq!(then(&enrollment, &receive), []);
}

#[test]
fn a_token_lasts_an_hour_until_a_device_authenticates_with_it_and_then_as_the_settings_say_today() {
    let enrollment = with_token();
    let days = |days| AccountDriven { sign_in_again_after_days: days, ..AccountDriven::default() };
    let at = |settings: &AccountDriven, seconds: i64, in_use| {
        enrollment.tokens.presented(&secret("t"), settings, NOW.plus_seconds(seconds), in_use)
    };
    assert_eq!((at(&days(None), 3_599, false), at(&days(None), 3_600, false)), (Presented::Good, Presented::Expired));
    assert_eq!(at(&days(None), 10 * 365 * 86_400, true), Presented::Good);
    let week = 7 * 86_400;
    assert_eq!(at(&days(Some(7)), week - 1, true), Presented::Good);
    assert_eq!(at(&days(Some(7)), week, true), Presented::Expired);
    assert_eq!(enrollment.tokens.presented(&secret("x"), &days(None), NOW, true), Presented::Unknown);
}

#[test]
fn an_enrolled_device_is_told_once_to_have_its_person_sign_in_again() {
    let enrollment = with_token();
    let early = Command::AskToSignInAgain { why: SignInAgainReason::TokenExpired, device_enrolled: false };
    assert_eq!(then(&enrollment, &early), [], "the device is not enrolled");
    let enrollment = given_more(enrollment, [ask(SignInAgainReason::TokenExpired)]);
    assert_eq!(enrollment.step(), Step::SignInAgain);
    assert_eq!(then(&enrollment, &ask(SignInAgainReason::TokenMissing)), []);
    let portal = served(&["one"]);
    assert_eq!(
        then(&portal, &ask(SignInAgainReason::TokenMissing)),
        [],
        "an enrollment at the portal never had a token"
    );
}

#[test]
fn the_same_person_signs_in_again_and_another_token_is_handed_over() {
    let asked = given_more(with_token(), [ask(SignInAgainReason::TokenExpired), resume()]);
    assert_eq!((asked.session.clone(), asked.resumed), (Some(secret("resumed")), Some(NOW.plus_seconds(90))));
    let happened = then(&asked, &sign_in_with(admission(reported(&[Personal]))));
    let again = Event::UserSignedInAgain { method: SignInMethodName::LocalAccount, session: secret("second") };
    assert_eq!(happened, [again]);
    let enrollment = given_more(happened.iter().fold(asked, Enrollment::evolve), [token("new")]);
    assert_eq!((enrollment.step(), enrollment.sign_in_again), (Step::HandOver, None));
    assert_eq!(enrollment.tokens.access.last().map(|token| &token.hash), Some(&secret("new")));
}

#[test]
fn another_person_and_one_who_may_not_any_more_are_told_no_and_the_device_goes_on_asking() {
    let asked = given_more(with_token(), [ask(SignInAgainReason::TokenExpired), resume()]);
    let refused = |command: &Command, reason| {
        let happened = then(&asked, command);
        assert!(
            matches!(&happened[..], [Event::SignInRefused { reason: reported, account: Some(_), .. }] if *reported == reason),
            "{happened:?}"
        );
        assert_eq!(happened.iter().fold(asked.clone(), Enrollment::evolve).step(), Step::SignInAgain);
    };
    let entry = Entry::Oneself(admission(reported(&[Personal])));
    let other = Command::SignIn { signed_in: bob(), session: secret("second"), entry };
    refused(&other, SignInRefusal::AnotherPerson);
    let nothing = Access { account_driven: false, ..access() };
    let withdrawn = sign_in_with(Admission { access: Some(nothing), ..admission(reported(&[Personal])) });
    refused(&withdrawn, SignInRefusal::NotEntitled);
}

#[test]
fn an_identity_provider_may_be_asked_once_more_too() {
    let asked = given_more(with_token(), [ask(SignInAgainReason::TokenExpired), resume(), begin_single_sign_on("r")]);
    let proven = given_more(asked, [prove("r")]);
    assert!(proven.single_sign_on.is_some_and(|waiting| waiting.proven.is_some()));
}

#[test]
fn at_the_portal_personal_devices_are_led_to_settings_where_the_way_is_there() {
    let led = |version: &str, account_driven: &AccountDriven| {
        let policy = Policy { account_driven: account_driven.clone(), ..policy(&[Personal]) };
        given([open(version), sign_in_with(admission(policy))]).end
    };
    let led_there = Some(End::Refused(EnrollmentRefusal::AccountDrivenOnly));
    let default = AccountDriven::default();
    assert_eq!((led("17.6", &default), led("18.0", &default)), (None, led_there));
    let early = AccountDriven { from_ios_15: true, ..AccountDriven::default() };
    assert_eq!((led("14.8", &early), led("15.0", &early)), (None, led_there));
    let pads = AccountDriven { families: [(DeviceFamily::IPad, Personal)].into(), from_ios_15: true, ..default };
    let nowhere = Some(End::Refused(EnrollmentRefusal::AccountDrivenNotOffered));
    assert_eq!((led("17.6", &pads), led("18.0", &pads)), (None, nowhere));
}

pub(super) fn code(name: &str) -> Command {
    Command::IssueAuthorizationCode { code: secret(name), now: NOW }
}

pub(super) fn redeem(name: &str, seconds: i64) -> Command {
    let (token, refresh_token) = (secret("access"), secret("refresh"));
    Command::RedeemCode { code: secret(name), token, refresh_token, now: NOW.plus_seconds(seconds) }
}

pub(super) fn refresh(token: &str, days: i64, last_for_days: Option<u32>) -> Command {
    let now = NOW.plus_seconds(days * 86_400);
    Command::RefreshAccess { refresh_token: secret("refresh"), token: secret(token), now, last_for_days }
}

fn with_code() -> Enrollment {
    given([begin_with_code("18.2"), sign_in_with(admission(reported(&[Personal]))), code("one")])
}

#[test]
fn a_code_is_redeemed_once_and_soon() {
    let enrollment = with_code();
    assert_eq!(enrollment.decide(&redeem("two", 1)), Err(Refusal::InvalidGrant));
    assert_eq!(enrollment.decide(&redeem("one", 300)), Err(Refusal::InvalidGrant));
    let enrollment = given_more(enrollment, [redeem("one", 299)]);
    assert!(enrollment.tokens.access[0].refreshable && enrollment.codes[0].used);
    assert_eq!(enrollment.decide(&redeem("one", 299)), Err(Refusal::InvalidGrant));
}

#[test]
fn a_refresh_token_is_good_until_the_person_has_to_sign_in_again() {
    let enrollment = given_more(with_code(), [redeem("one", 0), refresh("next", 7, Some(90))]);
    assert_eq!(enrollment.decide(&refresh("late", 90, Some(90))), Err(Refusal::InvalidGrant));
    assert!(enrollment.decide(&refresh("later", 900, None)).is_ok());
    let settings = AccountDriven::default();
    let at =
        |seconds| enrollment.tokens.presented(&secret("next"), &settings, NOW.plus_seconds(7 * 86_400 + seconds), true);
    assert_eq!((at(ACCESS_TOKEN_SECONDS - 1), at(ACCESS_TOKEN_SECONDS)), (Presented::Good, Presented::Expired));
    let asked = given_more(enrollment, [ask(SignInAgainReason::TokenExpired), refresh("again", 15, Some(90))]);
    assert_eq!((asked.sign_in_again, asked.step()), (None, Step::HandOver), "the refresh token replaces a sign-in");
}

#[test]
fn a_device_that_said_its_old_token_once_more_before_it_redeemed_its_code_still_does() {
    let enrollment = given_more(with_code(), [ask(SignInAgainReason::TokenExpired)]);
    assert_eq!(enrollment.step(), Step::SignInAgain);
    let enrollment = given_more(enrollment, [redeem("one", 1)]);
    assert_eq!((enrollment.sign_in_again, enrollment.step()), (None, Step::HandOver), "the person has signed in");
}

#[test]
fn a_token_that_can_be_refreshed_ends_with_the_sign_in_that_it_came_of() {
    let enrollment = given_more(with_code(), [redeem("one", 0), refresh("next", 6, Some(8))]);
    let settings = AccountDriven { sign_in_again_after_days: Some(8), ..AccountDriven::default() };
    let at = |seconds| enrollment.tokens.presented(&secret("next"), &settings, NOW.plus_seconds(seconds), true);
    let end = 8 * 86_400;
    assert_eq!((at(end - 1), at(end)), (Presented::Good, Presented::Expired));
    let lasts = |days| enrollment.tokens.lasts(days, NOW.plus_seconds(6 * 86_400));
    assert_eq!((lasts(Some(8)), lasts(None)), (2 * 86_400, ACCESS_TOKEN_SECONDS));
}

pub(super) fn any_command() -> impl Strategy<Value = Command> {
    let mode = prop_oneof![Just(Byod), Just(Adde)];
    let why = prop_oneof![Just(SignInAgainReason::TokenExpired), Just(SignInAgainReason::TokenMissing)];
    prop_oneof![
        (mode.clone(), prop_oneof![Just("14.8"), Just("18.2")]).prop_map(|(mode, version)| begin(mode, version)),
        Just(sign_in_with(admission(reported(&[Personal, Institutional])))),
        prop_oneof![Just("t"), Just("u")].prop_map(token),
        mode.prop_map(serve),
        Just(Command::ReceiveMachineInformation { machine: machine() }),
        (why, any::<bool>()).prop_map(|(why, device_enrolled)| Command::AskToSignInAgain { why, device_enrolled }),
        Just(resume()),
        Just(begin_with_code("18.2")),
        Just(code("one")),
        Just(redeem("one", 1)),
        Just(refresh("next", 1, Some(7))),
    ]
}

#[test]
fn tokens_are_kept_as_hashes() {
    assert_eq!(
        with_token().tokens.access,
        [AccessToken { hash: secret("t"), issued: NOW, signed_in: NOW, refreshable: false }]
    );
}
