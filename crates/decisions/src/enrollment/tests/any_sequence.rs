//! Property tests: after any sequence of commands the enrollment is in a valid state.

use super::profile_service as verified;
use super::*;
use crate::enrollment::Credentials;
use proptest::prelude::*;

fn any_command() -> impl Strategy<Value = Command> {
    let versions = prop_oneof![Just("12.5"), Just("13.1"), Just("17.5"), Just("18.2"), Just("none")];
    let ownership = prop_oneof![Just(Personal), Just(Institutional)];
    let kind = prop_oneof![Just(EnrollmentKind::UserEnrollment), Just(EnrollmentKind::DeviceEnrollment)];
    let name = prop_oneof![Just("one"), Just("two"), Just("three")];
    let offered = prop_oneof![Just(vec![Personal]), Just(vec![Institutional]), Just(vec![Personal, Institutional])];
    prop_oneof![
        versions.prop_map(open),
        offered.prop_map(|offered| sign_in(&offered)),
        ownership.prop_map(choose),
        Just(serve_ca()),
        Just(Command::ReportCaInstall),
        Just(give_managed_apple_id("ada@example.com")),
        (kind, name.clone()).prop_map(|(kind, name)| serve_mdm(kind, name)),
        (name.clone(), name).prop_map(|(challenge, key)| issue(challenge, key, key)),
        Just(Command::Refuse { why: EnrollmentRefusal::WrongMode, device_enrolled: false }),
        Just(Command::Abandon { device_enrolled: false }),
        Just(Command::SignOut),
        beside_the_guide(),
        from_settings::any_command(),
        before_the_profile(),
    ]
}

/// Commands of an institutional device before it gets the MDM profile.
fn before_the_profile() -> impl Strategy<Value = Command> {
    let name = prop_oneof![Just("one"), Just("two")];
    prop_oneof![
        name.clone().prop_map(verified::ask),
        (name.clone(), name.clone(), name.clone())
            .prop_map(|(asked, scep, udid)| verified::reported(verified::report(asked, scep, udid))),
        (name.clone(), name.clone()).prop_map(|(scep, key)| verified::issue(scep, key, key)),
        name.prop_map(|by| verified::serve(by, by)),
    ]
}

/// Commands of optional features.
fn beside_the_guide() -> impl Strategy<Value = Command> {
    let entry = any::<bool>().prop_map(|for_oneself| Entry::AskForWhom { for_oneself });
    prop_oneof![
        Just(asked_for_terms(with_terms("1"))),
        Just(accept("1", with_terms("1"))),
        Just(accept("1", with_terms("2"))),
        Just(accept("2", with_terms("2"))),
        entry.prop_map(|entry| Command::SignIn { signed_in: ada(), session: secret("s"), entry }),
        Just(Command::Assign { to: bob(), admission: admission(both()) }),
        Just(Command::EnrollForOneself { admission: admission(both()) }),
        Just(begin_single_sign_on("one")),
        Just(prove("one")),
    ]
}

fn assert_legal(enrollment: &Enrollment) {
    if enrollment.session.is_some() {
        assert!(enrollment.opened.is_some());
    }
    if enrollment.signed_in.is_some() {
        assert!(enrollment.opened.is_some());
    }
    if !enrollment.servings.is_empty() {
        assert!(enrollment.ownership.is_some());
        assert!(enrollment.ca != super::super::CaStep::Pending || enrollment.account_driven.is_some());
        assert!(enrollment.servings.iter().all(|serving| Some(serving.profile.kind) == enrollment.kind()));
        assert!(enrollment.owner().is_some() && !matches!(enrollment.terms, TermsStep::Asked { .. }));
    }
    if enrollment.ownership == Some(Personal) && !enrollment.servings.is_empty() {
        assert!(enrollment.managed_apple_id.is_some());
    }
    if let Some(identity) = &enrollment.identity {
        assert!(enrollment.spent.contains(&identity.challenge));
    }
    if !enrollment.tokens.access.is_empty() {
        assert!(
            enrollment.account_driven.is_some()
                && enrollment.owner().is_some()
                && enrollment.managed_apple_id.is_some()
        );
        assert_eq!(enrollment.ownership, enrollment.account_driven.map(EnrollmentMode::ownership));
    }
    if !enrollment.profile_services.is_empty() {
        assert_eq!(
            enrollment.kind(),
            Some(EnrollmentKind::DeviceEnrollment),
            "a personal device gets no Profile Service"
        );
    }
    if enrollment.end.is_some() {
        assert!(enrollment.identity.is_none(), "an ended enrollment has no valid identity");
    }
}

proptest! {
    #[test]
    fn identifies_a_device_by_the_same_values_in_both_states(
        commands in proptest::collection::vec(any_command(), 0..60)
    ) {
        let (mut live, mut credentials) = (Enrollment::default(), Credentials::default());
        for command in commands {
            for event in live.decide(&command).unwrap_or_default() {
                (live, credentials) = (live.evolve(&event), credentials.evolve(&event));
                if let Event::MdmProfileServed { verified_by, .. } = &event {
                    let verified = live.servings.last().and_then(|serving| serving.verified.as_ref());
                    prop_assert_eq!(verified.is_some(), verified_by.is_some(), "the requesting identity was verified");
                }
            }
            let owner = live.owner().map(|owner| owner.person);
            prop_assert_eq!(credentials.owner(), owner);
            prop_assert_eq!(&credentials, &Credentials::of(&live));
        }
    }

    #[test]
    fn leaves_a_legal_state_and_replay_equals_the_live_state(
        commands in proptest::collection::vec(any_command(), 0..60)
    ) {
        let mut live = Enrollment::default();
        let mut log = vec![];
        for command in commands {
            if let Ok(happened) = live.decide(&command) {
                live = happened.iter().fold(live, Enrollment::evolve);
                log.extend(happened);
            }
            assert_legal(&live);
        }
        prop_assert_eq!(Enrollment::replay(&log), live);
    }

    // The help desk sees the same step as the person: both are folds of the same stream.
    #[test]
    fn stands_for_the_help_desk_where_it_stands(commands in proptest::collection::vec(any_command(), 0..60)) {
        use events::enrollment::EnrollmentEvent;
        use projections::enrollments::{Step as Shown, step_after};
        let (mut live, mut log) = (Enrollment::default(), vec![]);
        for command in commands {
            let happened = live.decide(&command).unwrap_or_default();
            live = happened.iter().fold(live, Enrollment::evolve);
            log.extend(happened);
            let shown = step_after(&log);
            let expected = match live.step() {
                Step::Open | Step::SignIn => Shown::SignIn,
                Step::Assignment => Shown::ForWhom,
                Step::PreviousRecords => Shown::PreviousRecords,
                Step::Ownership => Shown::Ownership,
                Step::Terms => Shown::Terms,
                Step::CaProfile => Shown::CaProfile,
                Step::ManagedAppleId => Shown::ManagedAppleId,
                Step::MdmProfile | Step::HandOver if !live.profile_was_taken() => Shown::MdmProfile,
                Step::MdmProfile | Step::HandOver
                    if log.iter().any(|e| matches!(e, EnrollmentEvent::IdentityIssued { .. })) =>
                {
                    Shown::Connect
                }
                Step::MdmProfile | Step::HandOver => Shown::Install,
                // For an ended enrollment the projection keeps the last step; for an enrolled device it shows that it
                // is enrolled.
                Step::Ended(_) | Step::SignInAgain => shown,
            };
            prop_assert_eq!(shown, expected);
        }
    }
}
