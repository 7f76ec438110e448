//! Limits on the events of an enrollment, commands before it is opened, and the provider of a sign-in.

use super::*;
use crate::enrollment::Credentials;
use events::enrollment::{FormRefusal, IdentityRefusal, SecretHash};

#[test]
fn before_the_first_form_nothing_can_be_refused_closed_or_chosen() {
    for command in [
        Command::Refuse { why: EnrollmentRefusal::NotPermitted, device_enrolled: false },
        Command::Abandon { device_enrolled: false },
        Command::ChooseLanguage { language: "de".into() },
        Command::RefuseForm { why: FormRefusal::TermsChanged },
        Command::RefuseIdentity { why: IdentityRefusal::ChallengeUsed },
    ] {
        assert_eq!(Enrollment::default().decide(&command), Err(Refusal::OutOfStep(Step::Open)), "{command:?}");
    }
}

#[test]
fn a_profile_is_served_twenty_times() {
    let ready = given([open("17.5"), sign_in(&[Institutional])]);
    let serve = |enrollment: &Enrollment| enrollment.decide(&serve_ca());
    let served = (0..20)
        .fold(ready, |enrollment, _| serve(&enrollment).expect("served").iter().fold(enrollment, Enrollment::evolve));
    assert_eq!(serve(&served), Err(Refusal::TooOften));
}

#[test]
fn a_managed_apple_id_is_put_right_twenty_times() {
    let ready = given([open("17.5"), sign_in(&[Personal]), serve_ca(), Command::ReportCaInstall]);
    let give =
        |enrollment: &Enrollment, nth: u32| enrollment.decide(&give_managed_apple_id(&format!("{nth}@example.com")));
    let given = (0..20).fold(ready, |enrollment, nth| {
        give(&enrollment, nth).expect("taken").iter().fold(enrollment, Enrollment::evolve)
    });
    assert_eq!(give(&given, 20), Err(Refusal::TooOften));
    assert_eq!(give(&given, 19), Ok(vec![]), "the current address is not a change");
}

/// Returns the enrollment after the person left for an identity provider.
fn away(enrollment: Enrollment) -> Enrollment {
    let begun = Event::SingleSignOnBegun {
        method: SignInMethodName::OpenIdConnect,
        provider: "school".into(),
        request: secret("request"),
    };
    enrollment.evolve(&begun)
}

#[test]
fn who_came_back_from_a_provider_signed_in_there_and_who_typed_a_password_meanwhile_did_not() {
    let provider_of = |enrollment: Enrollment| enrollment.signed_in_at;
    let session = || SecretHash("s".into());
    for (method, provider) in
        [(SignInMethodName::OpenIdConnect, Some("school")), (SignInMethodName::LocalAccount, None)]
    {
        let SignedIn { person, account, user_name, .. } = ada();
        let first = Event::UserSignedIn { method, person, account, user_name, session: session() };
        assert_eq!(provider_of(away(given([open("17.5")])).evolve(&first)).as_deref(), provider);
        let again = Event::UserSignedInAgain { method, session: session() };
        assert_eq!(provider_of(away(Enrollment::default()).evolve(&again)).as_deref(), provider);
    }
}

/// Returns what the person and the device of an account-driven enrollment do again and again for years.
fn year(nth: u32) -> Vec<Command> {
    let name = |what: &str| secret(&format!("{what} {nth}"));
    let (code, token, refresh_token) = (name("code"), name("access"), name("refresh"));
    let redeem = Command::RedeemCode {
        code: code.clone(),
        token: token.clone(),
        refresh_token: refresh_token.clone(),
        now: NOW.plus_seconds(1),
    };
    let refresh = |week: u32| Command::RefreshAccess {
        refresh_token: refresh_token.clone(),
        token: secret(&format!("access {nth} {week}")),
        now: NOW.plus_seconds(2),
        last_for_days: None,
    };
    let mut commands = vec![Command::IssueAuthorizationCode { code, now: NOW }, redeem];
    commands.extend((0..52).map(refresh));
    let mut serve = from_settings::serve(EnrollmentMode::Byod);
    if let Command::ServeMdmProfile { challenge, .. } = &mut serve {
        *challenge = name("challenge");
    }
    commands.extend([serve, issue(&format!("challenge {nth}"), "key", &nth.to_string())]);
    commands
}

#[test]
fn a_long_lived_account_driven_device_does_not_grow_its_enrollment() {
    let mut enrollment = given_more(from_settings::with_token(), (0..25).flat_map(year));
    let mut credentials = Credentials::default();
    let sizes = |enrollment: &Enrollment, credentials: &Credentials| {
        let length = |json: serde_json::Result<String>| json.expect("JSON").len();
        (length(serde_json::to_string(enrollment)), length(serde_json::to_string(credentials)))
    };
    let mut before = None;
    for nth in 25..75 {
        for command in year(nth) {
            for event in then(&enrollment, &command) {
                (enrollment, credentials) = (enrollment.evolve(&event), credentials.evolve(&event));
            }
        }
        if nth >= 50 {
            let sizes = sizes(&enrollment, &credentials);
            assert_eq!(*before.get_or_insert(sizes), sizes);
        }
    }
    assert_eq!((enrollment.tokens.access.len(), enrollment.tokens.refresh.len()), (16, 8));
    assert_eq!((enrollment.codes.len(), enrollment.servings.len(), enrollment.spent.len()), (8, 0, 20));
}

#[test]
fn a_device_that_requests_its_profile_again_and_again_uses_one_of_the_newest_challenges() {
    let serve = |nth: u32| {
        let mut serve = from_settings::serve(EnrollmentMode::Byod);
        if let Command::ServeMdmProfile { challenge, .. } = &mut serve {
            *challenge = secret(&nth.to_string());
        }
        serve
    };
    let enrollment = given_more(from_settings::with_token(), (0..30).map(serve));
    assert_eq!(enrollment.decide(&issue("9", "key", "1")), Err(Refusal::UnknownChallenge));
    let issued = given_more(enrollment, [issue("10", "key", "1")]);
    assert!(issued.served(&secret("29")) && issued.servings.is_empty(), "a served challenge is known as such");
    assert_eq!(issued.decide(&issue("29", "key", "2")), Err(Refusal::UnknownChallenge));
}

#[test]
fn a_device_that_answers_the_profile_service_again_and_again_is_verified_with_one_of_the_newest_identities() {
    let mut enrollment = given([open("17.5"), sign_in(&[Institutional]), serve_ca(), Command::ReportCaInstall]);
    enrollment = given_more(enrollment, [profile_service::ask("asked")]);
    for nth in 0..30 {
        let scep = nth.to_string();
        let report = profile_service::reported(profile_service::report("asked", &scep, "udid"));
        enrollment = given_more(enrollment, [report, profile_service::issue(&scep, "key", &scep)]);
        if nth == 0 {
            enrollment = given_more(enrollment, [profile_service::serve("mdm", "0")]);
        }
    }
    assert_eq!(enrollment.verifications.len(), 20);
    let issued = given_more(enrollment, [issue("mdm", "key", "1")]);
    let verified = issued.identity.expect("issued").verified;
    assert!(verified.is_some(), "the device of a served profile stays the one that was verified");
}
