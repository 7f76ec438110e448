//! Limits on the events of an enrollment, commands before it is opened, and the provider of a sign-in.

use super::*;
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
