//! Enrollments as the help desk sees them: steps with their times, refusals, ends, and the funnel.

use crate::support::*;
use events::Personal;
use events::device::DeviceId;
use events::enrollment::{
    ChosenBy, DeviceFamily, EnrollmentEvent, EnrollmentId, EnrollmentKind, EnrollmentRefusal, IssuedCertificate,
    OsVersion, Ownership, Platform, SecretHash, ServedProfile, SignInMethodName, SignInRefusal, help_code,
};
use events::person::{PersonAttributes, PersonEvent, PersonId};
use projections::enrollments::{self, Dimension, EnrollmentFilter, FunnelFilter, State, Step};
use uuid::Uuid;

fn enrollment(nth: u128) -> EnrollmentId {
    EnrollmentId(Uuid::from_u128(0x5000 + nth))
}

fn opened_with(id: EnrollmentId, version: OsVersion, language: &str) -> EnrollmentEvent {
    EnrollmentEvent::VisitOpened {
        session: SecretHash("00".into()),
        user_agent: Personal::new(id.enrollment_key(), "Safari".to_owned()),
        platform: Platform { family: DeviceFamily::IPad, version: Some(version) },
        language: language.into(),
    }
}

fn signed_in(method: SignInMethodName, person: PersonId, name: &str) -> EnrollmentEvent {
    EnrollmentEvent::UserSignedIn {
        method,
        person,
        account: "00".into(),
        user_name: Personal::new(person.key(), name.to_owned()),
        session: SecretHash("01".into()),
    }
}

fn chosen(chosen_by: ChosenBy) -> EnrollmentEvent {
    EnrollmentEvent::OwnershipChosen { ownership: Ownership::Institutional, chosen_by }
}

fn served() -> EnrollmentEvent {
    let profile = ServedProfile {
        kind: EnrollmentKind::DeviceEnrollment,
        identifier: "com.example.mdm".into(),
        profile_uuid: Uuid::nil(),
        identity_uuid: Uuid::nil(),
        mdm_uuid: Uuid::nil(),
        topic: "com.apple.mgmt.External.1".into(),
        server_url: "https://localhost/mdm/command".into(),
        check_in_url: "https://localhost/mdm/checkin".into(),
        scep_url: "https://localhost/scep".into(),
        access_rights: Some(8191),
        managed_apple_id: None,
        enrollment_mode: None,
        required_app_id: None,
        sign_message: None,
    };
    EnrollmentEvent::MdmProfileServed {
        profile,
        challenge: SecretHash("02".into()),
        challenge_expires: later(86_400),
        verified_by: None,
    }
}

fn issued() -> EnrollmentEvent {
    let identity = IssuedCertificate {
        certificate: "AA==".into(),
        serial: "5F21".into(),
        fingerprint: "00".into(),
        key_hash: "00".into(),
        not_after: later(365 * 86_400),
    };
    EnrollmentEvent::IdentityIssued { identity, transaction: "1".into(), challenge: SecretHash("02".into()) }
}

fn wrong_password() -> EnrollmentEvent {
    EnrollmentEvent::SignInRefused {
        method: SignInMethodName::LocalAccount,
        reason: SignInRefusal::WrongPassword,
        account: None,
        name: None,
    }
}

impl Desk {
    /// Writes each event at this number of seconds after noon.
    async fn on(&self, id: EnrollmentId, events: Vec<(i64, EnrollmentEvent)>) {
        for (seconds, event) in events {
            self.write(&id.stream(), later(seconds), event).await;
        }
    }

    /// Signs in after a wrong password, chooses, downloads the profile; the CA step is disabled.
    async fn walks(&self, id: EnrollmentId, person: PersonId, name: &str, at: i64) {
        self.write(&person.stream(), later(at), known(person, name)).await;
        let method = SignInMethodName::LocalAccount;
        let way = vec![
            (at, opened_with(id, OsVersion::new(17, 5), "en")),
            (at + 5, wrong_password()),
            (at + 20, signed_in(method, person, name)),
            (at + 50, chosen(ChosenBy::User)),
            (at + 50, EnrollmentEvent::CaStepSkipped {}),
            (at + 60, served()),
        ];
        self.on(id, way).await;
    }

    async fn enrolls(&self, id: EnrollmentId, person: PersonId, at: i64) {
        let device: DeviceId = id.device();
        self.on(id, vec![(at, issued())]).await;
        self.write(&device.stream(), later(at + 5), authenticated(person, "EID")).await;
        self.write(&device.stream(), later(at + 10), enrolled(device)).await;
    }
}

#[tokio::test]
async fn an_enrollment_has_its_steps_with_their_times_and_its_refusals() {
    let (desk, ada) = (Desk::new(), person(1));
    desk.walks(enrollment(1), ada, "ada", 0).await;
    desk.enrolls(enrollment(1), ada, 160).await;
    let projections = desk.caught_up().await;

    let found = enrollments::get(&projections, enrollment(1)).await.unwrap().unwrap();
    assert_eq!((found.state, found.step, found.ended), (State::Enrolled, Step::Enrolled, Some(later(170))));
    assert_eq!((found.opened, found.help_code.as_str()), (later(0), help_code(enrollment(1)).as_str()));
    assert_eq!((found.version.as_deref(), found.language.as_str()), (Some("17.5"), "en"));
    assert_eq!((found.method.as_deref(), found.provider), (Some("local_account"), None));
    assert_eq!(found.owner.unwrap().user_name.as_deref(), Some("ada"));

    let steps = enrollments::steps(&projections, enrollment(1)).await.unwrap();
    let steps: Vec<_> = steps.into_iter().map(|step| (step.step, step.reached, step.left)).collect();
    let stood = |step, from, to: i64| (step, later(from), Some(later(to)));
    let expected = [
        stood(Step::SignIn, 0, 20),
        stood(Step::Ownership, 20, 50),
        // No CA step: the settings skipped it at the same instant.
        stood(Step::MdmProfile, 50, 60),
        stood(Step::Install, 60, 160),
        stood(Step::Connect, 160, 170),
        (Step::Enrolled, later(170), None),
    ];
    assert_eq!(steps, expected);
    let refusals = enrollments::refusals(&projections, enrollment(1)).await.unwrap();
    assert_eq!(refusals.len(), 1);
    assert_eq!((refusals[0].at, refusals[0].sentence.as_str()), (later(5), "Sign-in refused: wrong password"));
}

#[tokio::test]
async fn who_is_refused_at_sign_in_never_stood_on_a_later_step() {
    let (desk, ada) = (Desk::new(), person(1));
    let refused = EnrollmentEvent::EnrollmentRefused { why: EnrollmentRefusal::NotPermitted };
    let way = vec![
        (0, opened_with(enrollment(1), OsVersion::new(17, 5), "de")),
        (30, signed_in(SignInMethodName::LocalAccount, ada, "ada")),
        (30, refused),
    ];
    desk.on(enrollment(1), way).await;
    let projections = desk.caught_up().await;
    let found = enrollments::get(&projections, enrollment(1)).await.unwrap().unwrap();
    assert_eq!((found.state, found.step), (State::Refused, Step::SignIn));
    assert_eq!((found.why, found.ended), (Some(EnrollmentRefusal::NotPermitted), Some(later(30))));
    let steps = enrollments::steps(&projections, enrollment(1)).await.unwrap();
    assert_eq!(steps.iter().map(|step| step.step).collect::<Vec<_>>(), [Step::SignIn]);
}

#[tokio::test]
async fn an_enrollment_is_found_by_its_code_and_by_the_name_of_either_person() {
    let (desk, teacher, pupil) = (Desk::new(), person(1), person(2));
    desk.write(&teacher.stream(), later(0), known(teacher, "teacher")).await;
    desk.write(&pupil.stream(), later(0), known(pupil, "pupil")).await;
    let assigned = EnrollmentEvent::EnrollmentAssigned {
        method: SignInMethodName::Directory,
        person: pupil,
        account: "01".into(),
        user_name: Personal::new(pupil.key(), "pupil".to_owned()),
    };
    let way = vec![
        (0, opened_with(enrollment(1), OsVersion::new(17, 5), "en")),
        (10, signed_in(SignInMethodName::LocalAccount, teacher, "teacher")),
        (10, EnrollmentEvent::AssignmentOffered { for_oneself: false }),
        (40, assigned),
    ];
    desk.on(enrollment(1), way).await;
    desk.on(enrollment(2), vec![(60, opened_with(enrollment(2), OsVersion::new(17, 5), "en"))]).await;
    let projections = desk.caught_up().await;

    let found = async |text: &str| {
        let filter = EnrollmentFilter { text: Some(text.into()), ..EnrollmentFilter::default() };
        enrollments::list(&projections, filter, 10)
            .await
            .unwrap()
            .enrollments
            .into_iter()
            .map(|enrollment| enrollment.id)
            .collect::<Vec<_>>()
    };
    let code = help_code(enrollment(2));
    assert_eq!(found(&code.to_lowercase().replace('-', " ")).await, [enrollment(2)]);
    assert_eq!(found("teach").await, [enrollment(1)]);
    assert_eq!(found("Pupil").await, [enrollment(1)]);
    assert_eq!(found("100%").await, []);
    let both = enrollments::get(&projections, enrollment(1)).await.unwrap().unwrap();
    let names = [both.signed_in, both.owner].map(|named| named.unwrap().user_name.unwrap());
    assert_eq!((names, both.step), (["teacher".to_owned(), "pupil".to_owned()], Step::Ownership));
    let of = EnrollmentFilter { person: Some(pupil), ..EnrollmentFilter::default() };
    assert_eq!(enrollments::list(&projections, of, 10).await.unwrap().enrollments.len(), 1);

    desk.write(&pupil.stream(), later(100), PersonEvent::PersonErased {}).await;
    desk.follow(&projections).await;
    assert_eq!(found("pupil").await, [], "an erased person is not found by name");
    assert_eq!(enrollments::get(&projections, enrollment(1)).await.unwrap().unwrap().owner.unwrap().user_name, None);
}

#[tokio::test]
async fn enrollments_are_paged_without_gaps() {
    let desk = Desk::new();
    for nth in 0..7 {
        desk.on(enrollment(nth), vec![(0, opened_with(enrollment(nth), OsVersion::new(17, 5), "en"))]).await;
    }
    let projections = desk.caught_up().await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = enrollments::list(&projections, EnrollmentFilter { after, ..EnrollmentFilter::default() }, 3)
            .await
            .unwrap();
        seen.extend(page.enrollments.into_iter().map(|enrollment| enrollment.id));
        after = page.next;
        assert!(seen.len() < 100, "the pages do not end");
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..7).rev().map(enrollment).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_funnel_counts_who_reached_a_step_and_what_became_of_the_others() {
    let desk = Desk::new();
    for (nth, enrolls) in [(1, Some(1_200)), (2, Some(2_400)), (3, None)] {
        desk.walks(enrollment(nth), person(nth), "ada", 1_000 * nth as i64).await;
        if let Some(at) = enrolls {
            desk.enrolls(enrollment(nth), person(nth), at).await;
        }
    }
    let way = vec![
        (5_000, opened_with(enrollment(4), OsVersion::new(18, 1), "de")),
        (5_010, signed_in(SignInMethodName::Saml, person(4), "eve")),
    ];
    desk.on(enrollment(4), way).await;
    desk.on(enrollment(3), vec![(90_000, EnrollmentEvent::EnrollmentAbandoned {})]).await;
    let projections = desk.caught_up().await;

    let all = enrollments::funnel(&projections, FunnelFilter::default()).await.unwrap();
    assert_eq!((all.enrollments, all.enrolled, all.abandoned, all.open, all.refused), (4, 2, 1, 1, 0));
    assert_eq!(all.median_seconds, Some(210), "the lower median of 210 and 410 seconds");
    let counts: Vec<_> = all.steps.iter().map(|step| (step.step, step.reached, step.went_on(), step.waiting)).collect();
    let expected = [
        (Step::SignIn, 4, 4, 0),
        (Step::Ownership, 4, 3, 1),
        (Step::MdmProfile, 3, 3, 0),
        (Step::Install, 3, 2, 0),
        (Step::Connect, 2, 2, 0),
        (Step::Enrolled, 2, 2, 0),
    ];
    assert_eq!(counts, expected);
    let install = all.steps.iter().find(|step| step.step == Step::Install).unwrap();
    // 140 and 340 seconds. The time of the enrollment that was closed at this step does not count.
    assert_eq!((install.abandoned, install.median_seconds), (1, Some(140)));

    let some = async |filter| enrollments::funnel(&projections, filter).await.unwrap().enrollments;
    assert_eq!(some(FunnelFilter { major: Some(18), ..FunnelFilter::default() }).await, 1);
    assert_eq!(some(FunnelFilter { language: Some("en".into()), ..FunnelFilter::default() }).await, 3);
    assert_eq!(some(FunnelFilter { provider: Some("saml".into()), ..FunnelFilter::default() }).await, 1);
    assert_eq!(some(FunnelFilter { from: Some(later(2_000)), ..FunnelFilter::default() }).await, 3);
    assert_eq!(some(FunnelFilter { to: Some(later(2_000)), ..FunnelFilter::default() }).await, 1);

    let by = async |dimension| {
        let groups = enrollments::groups(&projections, FunnelFilter::default(), dimension).await.unwrap();
        groups.into_iter().map(|group| (group.name.unwrap(), group.enrollments, group.enrolled)).collect::<Vec<_>>()
    };
    let pair = |a: (&str, u64, u64), b: (&str, u64, u64)| vec![(a.0.to_owned(), a.1, a.2), (b.0.to_owned(), b.1, b.2)];
    assert_eq!(by(Dimension::Version).await, pair(("17", 3, 2), ("18", 1, 0)));
    assert_eq!(by(Dimension::Language).await, pair(("en", 3, 2), ("de", 1, 0)));
    assert_eq!(by(Dimension::Provider).await, pair(("local_account", 3, 2), ("saml", 1, 0)));
}

#[tokio::test]
async fn stuck_is_who_was_refused_or_is_silent_and_has_not_ended() {
    let desk = Desk::new();
    let opens = |id, at| (at, opened_with(id, OsVersion::new(17, 5), "en"));
    desk.on(enrollment(1), vec![opens(enrollment(1), 0)]).await;
    desk.on(enrollment(2), vec![opens(enrollment(2), 0), (10, EnrollmentEvent::EnrollmentAbandoned {})]).await;
    desk.on(enrollment(3), vec![opens(enrollment(3), 880), (890, wrong_password())]).await;
    desk.on(enrollment(4), vec![opens(enrollment(4), 895)]).await;
    let projections = desk.caught_up().await;
    let stuck = enrollments::stuck(&projections, later(300), 10).await.unwrap();
    let stuck: Vec<_> = stuck.into_iter().map(|enrollment| enrollment.id).collect();
    assert_eq!(
        stuck,
        [enrollment(3), enrollment(1)],
        "the latest first; without the closed enrollment and the one that just began"
    );
}

#[tokio::test]
async fn who_signs_out_with_the_profile_in_hand_may_still_enroll() {
    let (desk, ada) = (Desk::new(), person(1));
    desk.walks(enrollment(1), ada, "ada", 0).await;
    desk.on(enrollment(1), vec![(70, EnrollmentEvent::SignedOut {})]).await;
    let projections = desk.caught_up().await;
    let found = enrollments::get(&projections, enrollment(1)).await.unwrap().unwrap();
    assert_eq!((found.state, found.step), (State::SignedOut, Step::Install));
    desk.enrolls(enrollment(1), ada, 160).await;
    desk.follow(&projections).await;
    let found = enrollments::get(&projections, enrollment(1)).await.unwrap().unwrap();
    assert_eq!((found.state, found.step, found.ended), (State::Enrolled, Step::Enrolled, Some(later(170))));
}

#[tokio::test]
async fn an_enrollment_names_both_people_as_they_are_called() {
    let desk = Desk::new();
    let called = |person: PersonId, user_name: &str, display_name: &str| {
        let personal = |text: &str| Some(Personal::new(person.key(), text.to_owned()));
        let (user_name, display_name) = (personal(user_name), personal(display_name));
        let attributes = PersonAttributes { user_name, display_name, ..PersonAttributes::default() };
        PersonEvent::PersonKnown {
            method: SignInMethodName::Directory,
            account: "00".into(),
            attributes,
            keys: vec![],
            names: vec![],
        }
    };
    desk.write(&person(1).stream(), NOON, called(person(1), "ada", "Ada Lovelace")).await;
    desk.write(&person(2).stream(), NOON, called(person(2), "eve", "Eve Moneypenny")).await;
    let assigned = EnrollmentEvent::EnrollmentAssigned {
        method: SignInMethodName::Directory,
        person: person(2),
        account: "01".into(),
        user_name: Personal::new(person(2).key(), "eve".to_owned()),
    };
    let way = vec![
        (0, opened_with(enrollment(1), OsVersion::new(17, 5), "en")),
        (10, signed_in(SignInMethodName::Directory, person(1), "ada")),
        (20, EnrollmentEvent::AssignmentOffered { for_oneself: false }),
        (30, assigned),
    ];
    desk.on(enrollment(1), way).await;
    let projections = desk.caught_up().await;
    let found = enrollments::get(&projections, enrollment(1)).await.unwrap().unwrap();
    let named = [found.signed_in, found.owner].map(|named| {
        let named = named.unwrap();
        (named.person, named.user_name.unwrap(), named.display_name.unwrap())
    });
    let expected = [(person(1), "ada", "Ada Lovelace"), (person(2), "eve", "Eve Moneypenny")];
    assert_eq!(named, expected.map(|(person, user, display)| (person, user.to_owned(), display.to_owned())));
}

#[tokio::test]
async fn a_page_with_the_last_enrollment_says_that_none_follows() {
    let desk = Desk::new();
    for nth in 1..=2 {
        desk.on(enrollment(nth), vec![(0, opened_with(enrollment(nth), OsVersion::new(17, 5), "en"))]).await;
    }
    let projections = desk.caught_up().await;
    let page = async |limit| {
        let page = enrollments::list(&projections, EnrollmentFilter::default(), limit).await.unwrap();
        (page.enrollments.into_iter().map(|enrollment| enrollment.id).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(page(2).await, (vec![enrollment(2), enrollment(1)], None));
    assert_eq!(page(1).await, (vec![enrollment(2)], Some(enrollment(2))));
}
