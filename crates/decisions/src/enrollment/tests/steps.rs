//! Which commands each step answers, with events or with a refusal of its own. All others are out of step.

use super::{from_settings, profile_service as verified, *};
use events::enrollment::{FormRefusal, IdentityRefusal, ProfileServiceRefusal, SignInAgainReason, SingleSignOnFault};
use events::record::RecordId;
use std::collections::BTreeSet;

/// Commands of any step, even before the first form.
const ALWAYS: [&str; 4] = ["AskToSignInAgain", "SignOut", "Refuse: enrolled", "Abandon: enrolled"];

/// Commands of any step after the first form.
const AFTER_THE_FIRST_FORM: [&str; 5] = ["Refuse", "Abandon", "ChooseLanguage", "RefuseForm", "RefuseIdentity"];

fn with_device_enrolled(command: Command) -> Command {
    match command {
        Command::ServeProfileService { service, challenge, challenge_expires, .. } => {
            Command::ServeProfileService { service, challenge, challenge_expires, device_enrolled: true }
        }
        Command::IssueVerificationIdentity { now, challenge, transaction, certificate, .. } => {
            let device_enrolled = true;
            Command::IssueVerificationIdentity { now, challenge, transaction, certificate, device_enrolled }
        }
        Command::ServeMdmProfile { profile, challenge, challenge_expires, verified_by, .. } => {
            Command::ServeMdmProfile { profile, challenge, challenge_expires, verified_by, device_enrolled: true }
        }
        _ => unreachable!(),
    }
}

/// Commands until the download of the profiles.
fn commands_of_the_person() -> Vec<(&'static str, Command)> {
    let method = SignInMethodName::LocalAccount;
    let reason = SignInRefusal::WrongPassword;
    let (provider, why) = ("school".to_owned(), SingleSignOnFault::ProviderRefused);
    vec![
        ("Open", open("17.5")),
        ("Resume", from_settings::resume()),
        ("RefuseSignIn", Command::RefuseSignIn { method, reason, account: None, name: None }),
        ("BeginSingleSignOn", begin_single_sign_on("request")),
        ("ProveSingleSignOn", prove("request")),
        ("RefuseSingleSignOn", Command::RefuseSingleSignOn { method, provider, why }),
        ("SignIn", sign_in(&[Personal, Institutional])),
        ("Assign", Command::Assign { to: bob(), admission: admission(both()) }),
        ("EnrollForOneself", Command::EnrollForOneself { admission: admission(both()) }),
        ("NotePreviousRecords", Command::NotePreviousRecords { policy: both(), answers: vec![] }),
        ("AgreeToRemoval", Command::AgreeToRemoval { record: RecordId::of_device(ENROLLMENT.device()) }),
        ("ChooseOwnership", choose(Personal)),
        ("AcceptTerms", accept("1", with_terms("1"))),
        ("DeclineTerms", Command::DeclineTerms),
        ("ChooseLanguage", Command::ChooseLanguage { language: "de".into() }),
        ("RefuseForm", Command::RefuseForm { why: FormRefusal::TermsChanged }),
        ("GiveManagedAppleId", give_managed_apple_id("ada@example.com")),
        ("ReportCaInstall", Command::ReportCaInstall),
        ("SignOut", Command::SignOut),
    ]
}

/// Commands of the device, and those that end the enrollment.
fn commands_of_the_device() -> Vec<(&'static str, Command)> {
    let serve = || serve_mdm(EnrollmentKind::DeviceEnrollment, "challenge");
    let (challenge, why) = (secret("challenge"), ProfileServiceRefusal::SignatureInvalid);
    let refused = EnrollmentRefusal::WrongMode;
    vec![
        ("IssueAccessToken", from_settings::token("token")),
        ("IssueAuthorizationCode", from_settings::code("code")),
        ("RedeemCode", from_settings::redeem("code", 1)),
        ("RefreshAccess", from_settings::refresh("token", 1, None)),
        ("ReceiveMachineInformation", Command::ReceiveMachineInformation { machine: from_settings::machine() }),
        ("AskToSignInAgain", from_settings::ask(SignInAgainReason::TokenMissing)),
        ("ServeCaProfile", serve_ca()),
        ("ServeProfileService", verified::ask("challenge")),
        ("ServeProfileService: enrolled", with_device_enrolled(verified::ask("challenge"))),
        ("ReportAttributes", verified::reported(verified::report("challenge", "scep", "A"))),
        ("RefuseProfileService", Command::RefuseProfileService { challenge, why }),
        ("IssueVerificationIdentity", verified::issue("scep", "key", "1")),
        ("IssueVerificationIdentity: enrolled", with_device_enrolled(verified::issue("scep", "key", "1"))),
        ("ServeMdmProfile", serve()),
        ("ServeMdmProfile: enrolled", with_device_enrolled(serve())),
        ("ServeMdmProfile: verified", verified::serve("challenge", "1")),
        ("ServeMdmProfile: Settings", from_settings::serve(EnrollmentMode::Byod)),
        ("IssueIdentity", issue("challenge", "key", "1")),
        ("RefuseIdentity", Command::RefuseIdentity { why: IdentityRefusal::ChallengeUsed }),
        ("Refuse", Command::Refuse { why: refused, device_enrolled: false }),
        ("Refuse: enrolled", Command::Refuse { why: refused, device_enrolled: true }),
        ("Abandon", Command::Abandon { device_enrolled: false }),
        ("Abandon: enrolled", Command::Abandon { device_enrolled: true }),
    ]
}

/// Asserts that the enrollment answers these commands and the commands of any step, and no other command.
#[track_caller]
fn assert_answers(enrollment: &Enrollment, own: &[&'static str]) {
    let step = enrollment.step();
    let after: &[&str] = if step == Step::Open { &[] } else { &AFTER_THE_FIRST_FORM };
    let expected: BTreeSet<&str> = own.iter().chain(&ALWAYS).chain(after).copied().collect();
    let commands = commands_of_the_person().into_iter().chain(commands_of_the_device());
    let is_answered = |command: &Command| enrollment.decide(command) != Err(Refusal::OutOfStep(step));
    let answered: BTreeSet<&str> = commands.filter(|(_, command)| is_answered(command)).map(|(name, _)| name).collect();
    assert_eq!(answered, expected, "{step:?}");
}

const SIGN_IN: [&str; 5] = ["SignIn", "RefuseSignIn", "BeginSingleSignOn", "ProveSingleSignOn", "RefuseSingleSignOn"];

#[test]
fn the_steps_of_the_portal_before_the_profiles_answer_their_own_commands_only() {
    assert_answers(&Enrollment::default(), &["Open"]);
    assert_answers(&given([open("17.5")]), &SIGN_IN);
    let entry = Entry::AskForWhom { for_oneself: false };
    let asked = given([open("17.5"), Command::SignIn { signed_in: ada(), session: secret("s"), entry }]);
    assert_answers(&asked, &["Assign", "EnrollForOneself"]);
    let record = FoundRecord { device: ENROLLMENT.device(), evidence: vec![Evidence::SamePerson] };
    let previous = Admission { previous: vec![record].into(), ..admission(both()) };
    assert_answers(&given([open("17.5"), sign_in_with(previous)]), &["NotePreviousRecords", "AgreeToRemoval"]);
    assert_answers(&given([open("17.5"), sign_in(&[Personal, Institutional])]), &["ChooseOwnership"]);
    assert_answers(&given([open("17.5"), asked_for_terms(with_terms("1"))]), &["AcceptTerms", "DeclineTerms"]);
}

#[test]
fn the_steps_of_the_ca_profile_and_the_managed_apple_id_answer_their_own_commands_only() {
    let enrollment = given([open("17.5"), sign_in(&[Personal])]);
    assert_answers(&enrollment, &["ServeCaProfile"]);
    let served = given_more(enrollment, [serve_ca()]);
    assert_answers(&served, &["ServeCaProfile", "ReportCaInstall"]);
    let reported = given_more(served, [Command::ReportCaInstall]);
    assert_eq!(reported.step(), Step::ManagedAppleId);
    assert_answers(&reported, &["ServeCaProfile", "ReportCaInstall", "GiveManagedAppleId"]);
    let too_often = given_more(reported, vec![serve_ca(); 19]);
    let downloads = ["ServeCaProfile", "ServeMdmProfile", "ServeMdmProfile: Settings", "ServeProfileService"];
    let own = [&downloads[..], &["ReportCaInstall", "GiveManagedAppleId"]].concat();
    assert_answers(&too_often, &own);
}

#[test]
fn the_step_of_the_mdm_profile_answers_the_commands_of_its_kind() {
    let both_kinds = [
        "ServeCaProfile",
        "ReportCaInstall",
        "ServeProfileService: enrolled",
        "ReportAttributes",
        "RefuseProfileService",
        "IssueVerificationIdentity",
        "IssueVerificationIdentity: enrolled",
        "ServeMdmProfile: enrolled",
        "ServeMdmProfile: verified",
        "IssueIdentity",
    ];
    let institutional = [&both_kinds[..], &["ServeProfileService", "ServeMdmProfile"]].concat();
    assert_answers(&served(&[]), &institutional);
    let personal = [open("17.5"), sign_in(&[Personal]), serve_ca(), Command::ReportCaInstall];
    let personal = given_more(given(personal), [give_managed_apple_id("ada@example.com")]);
    assert_eq!(personal.step(), Step::MdmProfile);
    assert_answers(&personal, &[&both_kinds[..], &["GiveManagedAppleId"]].concat());
}

#[test]
fn the_steps_of_an_enrollment_from_settings_answer_their_own_commands_only() {
    let tokens = ["RedeemCode", "RefreshAccess"];
    let hand_over = [
        "IssueAccessToken",
        "IssueAuthorizationCode",
        "ReceiveMachineInformation",
        "ServeProfileService: enrolled",
        "IssueVerificationIdentity: enrolled",
        "ServeMdmProfile: enrolled",
        "ServeMdmProfile: verified",
        "ServeMdmProfile: Settings",
        "IssueIdentity",
    ];
    let enrollment = from_settings::with_token();
    assert_answers(&enrollment, &[&hand_over[..], &tokens].concat());
    let asked = given_more(enrollment, [from_settings::ask(SignInAgainReason::TokenExpired)]);
    assert_eq!(asked.step(), Step::SignInAgain);
    assert_answers(&asked, &[&SIGN_IN[..], &tokens, &["Resume"]].concat());
}

#[test]
fn an_ended_enrollment_answers_commands_of_any_step_only_and_does_not_end_again() {
    let refuse = Command::Refuse { why: EnrollmentRefusal::WrongMode, device_enrolled: false };
    for end in [refuse.clone(), Command::Abandon { device_enrolled: false }] {
        let ended = given([open("17.5"), sign_in(&[Personal]), end]);
        assert_answers(&ended, &[]);
        assert_eq!(ended.decide(&refuse), Ok(vec![]));
        assert_eq!(ended.decide(&Command::Abandon { device_enrolled: false }), Ok(vec![]));
    }
}
