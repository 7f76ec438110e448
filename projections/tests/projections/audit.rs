//! The audit trail with every filter, earlier records, erased people, and a clock that was set back.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crate::support::*;
use events::device::{
    BodyHash, CommandId, CommandPayload, CommandStatus, DeviceEvent, DeviceId, Priority, UnenrolledBy,
};
use events::enrollment::{EnrollmentEvent, SecretHash, SignInMethodName, SignInRefusal, help_code};
use events::person::{AccountEvent, PersonEvent, PersonId};
use events::staff::{StaffEvent, StaffId};
use events::{ActorKind, Personal, StreamName};
use projections::audit::{self, AuditFilter, AuditOutcome, Match};
use projections::devices::{self, State};
use projections::{Projections, reenrollment};
use uuid::Uuid;

#[tokio::test]
async fn a_clock_that_was_set_back_makes_no_later_fact_older() {
    let desk = Desk::new();
    let ada = person(1);
    let device = desk.enroll(1, ada, "ada", NOON).await;
    // The clock is an hour behind when the device reports, and correct when it leaves.
    desk.write(&device.stream(), later(-3_600), reported(ada, "ada’s iPhone", 50, "17.5.1")).await;
    desk.write(&device.stream(), later(600), DeviceEvent::DeviceUnenrolled { by: UnenrolledBy::Server }).await;
    let projections = desk.caught_up().await;
    assert_eq!(devices::get(&projections, device, Some(later(-3_600))).await.unwrap(), None);
    let then = devices::get(&projections, device, Some(later(61))).await.unwrap().unwrap();
    assert_eq!((then.name.as_deref(), then.state), (Some("ada’s iPhone"), State::Enrolled));
    let rows = audit::query(&projections, &desk.log, AuditFilter::default(), 100).await.unwrap().rows;
    assert!(rows.windows(2).all(|pair| pair[0].effective >= pair[1].effective));
    assert_eq!(rows[1].at, later(-3_600), "the recorded time is displayed unchanged");
}

#[tokio::test]
async fn the_audit_trail_answers_by_every_filter() {
    let desk = Desk::new();
    let (first, second) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let count =
        async |filter: AuditFilter| audit::query(&projections, &desk.log, filter, 1_000).await.unwrap().rows.len();
    let all = AuditFilter::default();
    let total = count(all.clone()).await;
    assert_eq!(total, desk.log.page(None, 1_000).await.unwrap().len(), "every event is a row");

    let staff = StaffId(Uuid::from_u128(0x3000));
    assert_eq!(count(AuditFilter { actor_kind: Some(Match::is(ActorKind::Staff)), ..all.clone() }).await, 1);
    assert_eq!(
        count(AuditFilter { actor_kind: Some(Match::is_not(ActorKind::Staff)), ..all.clone() }).await,
        total - 1
    );
    assert_eq!(count(AuditFilter { actor_id: Some(staff.to_string()), ..all.clone() }).await, 1);
    assert_eq!(count(AuditFilter { source: Some("192.0.2.7".into()), ..all.clone() }).await, 1);
    assert_eq!(count(AuditFilter { outcome: Some(Match::is(AuditOutcome::Refused)), ..all.clone() }).await, 2);
    let enrolled = Some(Match::is("DeviceEnrolled".to_owned()));
    assert_eq!(count(AuditFilter { event_type: enrolled, ..all.clone() }).await, 2);
    let not_enrolled = Some(Match::is_not("DeviceEnrolled".to_owned()));
    assert_eq!(count(AuditFilter { event_type: not_enrolled, ..all.clone() }).await, total - 2);
    // Five at the portal, three of the device, …, and the access by staff.
    assert_eq!(count(AuditFilter { device: Some(first), ..all.clone() }).await, 10);
    assert_eq!(count(AuditFilter { device: Some(second), ..all.clone() }).await, 8);
    let code = help_code(first.enrollment()).to_lowercase();
    assert_eq!(count(AuditFilter { help_code: Some(code), ..all.clone() }).await, 10);
    assert_eq!(count(AuditFilter { help_code: Some("no code".into()), ..all.clone() }).await, 0);
    // Events before the sign-in are attributed to the person.
    assert_eq!(count(AuditFilter { person: Some(person(1)), ..all.clone() }).await, 11);
    let text = |text: &str| AuditFilter { text: Some(text.to_owned()), ..AuditFilter::default() };
    assert_eq!(count(text("identity ISSUED")).await, 2);
    assert_eq!(count(text("ADA")).await, 11, "found by the name of the person concerned");
    let hour = AuditFilter { from: Some(later(600)), to: Some(later(7_200)), ..all.clone() };
    assert_eq!(count(hour).await, 9);
}

#[tokio::test]
async fn the_audit_trail_is_paged_by_event_ids_without_gaps() {
    let desk = Desk::new();
    busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let mut filter = AuditFilter::default();
    let mut found = Vec::new();
    loop {
        let page = audit::query(&projections, &desk.log, filter.clone(), 4).await.unwrap();
        found.extend(page.rows.iter().map(|row| row.event));
        assert!(found.len() < 1_000, "the pages do not end");
        match page.next {
            Some(next) => filter.after = Some(next),
            None => break,
        }
    }
    let mut expected: Vec<_> = desk.log.page(None, 1_000).await.unwrap().iter().map(|entry| entry.id).collect();
    expected.reverse();
    assert_eq!(found, expected);
    let row = audit::find(&projections, &desk.log, found[0]).await.unwrap().unwrap();
    assert_eq!((row.sentence.as_str(), row.source.as_deref()), ("Viewed a device", Some("192.0.2.7")));
}

#[tokio::test]
async fn earlier_records_are_listed_with_their_evidence() {
    let desk = Desk::new();
    let (first, second) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let found = reenrollment::of_device(&projections, first, None, 5).await.unwrap();
    let told: Vec<_> = found.iter().map(|found| (found.previous, found.evidence.clone())).collect();
    use reenrollment::Found::{SameFamily, SameHardware, SamePerson};
    assert_eq!(told, vec![(second, vec![SameHardware]), (first, vec![SamePerson, SameFamily])]);
    assert_eq!(reenrollment::of_device(&projections, second, None, 5).await.unwrap().len(), 1);
    assert_eq!(devices::get(&projections, second, None).await.unwrap().unwrap().superseded_by, Some(first));
}

#[tokio::test]
async fn an_erased_persons_values_read_as_erased_and_nothing_fails() {
    let desk = Desk::new();
    let (first, _) = busy_day(&desk).await;
    let ada = person(1);
    let keys = desk.log.keys().clone();
    keys.set_owner(&first.enrollment().enrollment_key(), &ada.key()).unwrap();
    let projections = desk.caught_up().await;
    keys.destroy(&ada.key()).unwrap();
    desk.write(&ada.stream(), later(9_000), PersonEvent::PersonErased {}).await;
    desk.follow(&projections).await;
    projections.rebuild(&desk.log).await.unwrap();

    let device = devices::get(&projections, first, None).await.unwrap().unwrap();
    assert_eq!((device.name, device.managed_apple_id, device.user_name), (None, None, None));
    assert_eq!(device.state, State::Enrolled);
    let of_ada = AuditFilter { person: Some(ada), ..AuditFilter::default() };
    let rows = audit::query(&projections, &desk.log, of_ada, 100).await.unwrap().rows;
    assert!(rows.iter().any(|row| row.sentence == "Signed in as (erased) with a local account"));
    assert!(rows.iter().all(|row| row.person_name.is_none()));
    for table in projections.dump().await.unwrap() {
        for personal in ["ada@example.com", "Ada’s telephone", "ada’s iPhone"] {
            assert!(!table.rows.iter().any(|row| row.contains(personal)), "{personal} in {}", table.table);
        }
    }
}

#[tokio::test]
async fn an_erased_persons_name_is_in_no_byte_of_the_file_or_of_its_write_ahead_log() {
    let desk = Desk::new();
    let ada = person(1);
    let name = "ada-of-the-long-unmistakable-name";
    desk.enroll(1, ada, name, NOON).await;
    let projections = desk.caught_up().await;
    let there = || {
        std::fs::read_dir(desk.path().join(projections::DIRECTORY)).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(name.len()).any(|window| window == name.as_bytes())
        })
    };
    assert!(there(), "the name is in the files before the person is erased");
    let keys = desk.log.keys().clone();
    keys.destroy(&DeviceId(Uuid::from_u128(0x1001)).enrollment().enrollment_key()).unwrap();
    keys.destroy(&ada.key()).unwrap();
    desk.write(&ada.stream(), later(9_000), PersonEvent::PersonErased {}).await;
    desk.follow(&projections).await;
    assert!(!there(), "an erased person's name is still on the disk");
    projections.rebuild(&desk.log).await.unwrap();
    assert!(!there(), "an erased person's name is back on the disk");
}

#[tokio::test]
async fn what_happens_to_a_command_is_told_with_its_name() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let command = CommandId(Uuid::from_u128(1));
    let queued = DeviceEvent::MdmCommandQueued {
        command,
        request_type: "SecurityInfo".into(),
        payload: CommandPayload::Plain("<plist/>".into()),
        unenrolls: false,
        priority: Priority::Normal,
        expires: None,
    };
    let answered = |command| DeviceEvent::MdmCommandAnswered {
        command,
        status: CommandStatus::Acknowledged,
        errors: vec![],
        rejection: None,
        body: BodyHash("02".into()),
    };
    let unknown = answered(CommandId(Uuid::from_u128(2)));
    for event in [queued, DeviceEvent::MdmCommandDelivered { command }, answered(command), unknown] {
        desk.write(&device.stream(), later(100), event).await;
    }
    let projections = desk.caught_up().await;
    let rows = audit::query(&projections, &desk.log, AuditFilter::default(), 4).await.unwrap().rows;
    let said: Vec<_> = rows.iter().rev().map(|row| row.sentence.as_str()).collect();
    let expected = [
        "SecurityInfo queued",
        "SecurityInfo was delivered",
        "SecurityInfo was acknowledged",
        "A command was acknowledged",
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_refused_sign_in_is_about_the_owner_of_the_account_whenever_that_was_learned() {
    let desk = Desk::new();
    let method = SignInMethodName::LocalAccount;
    let reason = SignInRefusal::WrongPassword;
    let refused = || AccountEvent::AccountSignInRefused { method, reason };
    let on_enrollment = |account: &str| EnrollmentEvent::SignInRefused {
        method,
        reason,
        account: Some(account.to_owned()),
        name: None,
    };
    let (adas, nobodys) = (StreamName::of("account", "0a"), StreamName::of("account", "0b"));
    let enrollment = DeviceId(Uuid::from_u128(0x1001)).enrollment();
    desk.write(&enrollment.stream(), NOON, opened(enrollment.device())).await;
    desk.write(&enrollment.stream(), later(1), on_enrollment("0a")).await;
    desk.write(&adas, later(2), refused()).await;
    desk.write(&adas, later(10), AccountEvent::AccountReserved { person: person(1) }).await;
    desk.write(&adas, later(20), refused()).await;
    desk.write(&enrollment.stream(), later(21), on_enrollment("0a")).await;
    desk.write(&nobodys, later(30), refused()).await;
    desk.write(&enrollment.stream(), later(31), on_enrollment("0b")).await;
    let projections = desk.caught_up().await;
    let of_ada = AuditFilter { person: Some(person(1)), ..AuditFilter::default() };
    let rows = audit::query(&projections, &desk.log, of_ada, 100).await.unwrap().rows;
    let seconds: Vec<i64> = rows.iter().rev().map(|row| row.at.seconds_since(NOON)).collect();
    assert_eq!(seconds, [1, 2, 10, 20, 21], "neither of the other account nor that the enrollment began");
}

#[tokio::test]
async fn each_row_says_who_acted_when_and_on_what() {
    let desk = Desk::new();
    let (first, _) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let rows = audit::query(&projections, &desk.log, AuditFilter::default(), 100).await.unwrap().rows;
    let (viewed, others) = rows.split_first().unwrap();
    assert_eq!((viewed.actor_kind, viewed.device), (ActorKind::Staff, Some(first)));
    assert_eq!((viewed.outcome, viewed.source_erased), (AuditOutcome::Ok, false));
    assert!(others.iter().all(|row| row.actor_kind == ActorKind::System));
    let entries = desk.log.page(None, 100).await.unwrap();
    for (row, entry) in rows.iter().rev().zip(&entries) {
        let place = (row.stream.as_str(), row.revision, row.at, row.correlation);
        assert_eq!(place, (entry.stream.as_str(), entry.revision, entry.at, entry.correlation));
        assert_eq!((row.event_type.clone(), row.outcome), (entry.event.type_name(), AuditOutcome::of(&entry.event)));
    }
}

#[tokio::test]
async fn a_page_with_the_last_row_says_that_none_follows() {
    let desk = Desk::new();
    busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let all = desk.log.page(None, 1_000).await.unwrap();
    let page = async |limit| audit::query(&projections, &desk.log, AuditFilter::default(), limit).await.unwrap();
    let (whole, most) = (page(all.len()).await, page(all.len() - 1).await);
    assert_eq!((whole.rows.len(), whole.next), (all.len(), None));
    assert_eq!((most.rows.len(), most.next), (all.len() - 1, Some(all[1].id)));
}

#[tokio::test]
async fn an_event_is_found_with_the_person_whom_it_is_about() {
    let desk = Desk::new();
    let (ada, eve) = (person(1), person(2));
    let [first, second, third] = [0x51, 0x52, 0x53].map(|id| DeviceId(Uuid::from_u128(id)));
    // The visitor is known from the sign-in on, and the events before it are theirs too.
    let enrollment = first.enrollment().stream();
    desk.write(&enrollment, NOON, opened(first)).await;
    let signed_in = EnrollmentEvent::UserSignedIn {
        method: SignInMethodName::LocalAccount,
        person: ada,
        account: "00".into(),
        user_name: Personal::new(ada.key(), "ada".to_owned()),
        session: SecretHash("01".into()),
    };
    desk.write(&enrollment, later(1), signed_in).await;
    desk.write(&enrollment, later(2), EnrollmentEvent::CaInstallReported {}).await;
    // Nobody signed in.
    desk.write(&second.enrollment().stream(), later(3), opened(second)).await;
    // A device of which no enrollment is known.
    desk.write(&third.stream(), later(4), authenticated(eve, "EID-3")).await;
    desk.write(&third.stream(), later(5), enrolled(third)).await;
    // A refused sign-in of staff is about the account. An act on it is one of the account as well, not of a person.
    let staff = StaffId(Uuid::from_u128(0x3001));
    let refused =
        StaffEvent::StaffSignInRefused { method: SignInMethodName::LocalAccount, reason: SignInRefusal::WrongPassword };
    desk.write(&staff.stream(), later(6), refused).await;
    desk.write(&staff.stream(), later(7), StaffEvent::LocalAccountDisabled {}).await;
    let projections = desk.caught_up().await;
    let count = async |person: PersonId| {
        let filter = AuditFilter { person: Some(person), ..AuditFilter::default() };
        audit::query(&projections, &desk.log, filter, 100).await.unwrap().rows.len()
    };
    assert_eq!(count(ada).await, 3);
    assert_eq!(count(eve).await, 2);
    assert_eq!(count(PersonId(staff.0)).await, 1);
}

async fn searched(desk: &Desk, projections: &Projections, text: &str) -> Vec<String> {
    let filter = AuditFilter { text: Some(text.to_owned()), oldest_first: true, ..AuditFilter::default() };
    let page = audit::query(projections, &desk.log, filter, 100).await.unwrap();
    page.rows.into_iter().map(|row| row.sentence).collect()
}

#[tokio::test]
async fn words_find_events_by_what_happened_and_to_whom() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    desk.enroll(2, person(2), "eve", later(10)).await;
    desk.write(&device.stream(), later(100), reported(person(1), "Ada’s telephone", 50, "17.5.1")).await;
    desk.write(&device.stream(), later(110), reported(person(1), "qz renamed", 50, "17.5.1")).await;
    let refused = AccountEvent::AccountSignInRefused {
        method: SignInMethodName::LocalAccount,
        reason: SignInRefusal::WrongPassword,
    };
    let account = StreamName::of("account", "0a");
    desk.write(&account, later(120), AccountEvent::AccountReserved { person: person(1) }).await;
    let (event, _) = desk.write(&account, later(130), refused).await;
    let projections = desk.caught_up().await;
    let all = desk.log.page(None, 1_000).await.unwrap().len();
    let count = async |text: &str| searched(&desk, &projections, text).await.len();
    let of_ada = count("ada").await;
    assert_eq!(of_ada, all - count("eve").await, "each event is about one of them");
    assert_eq!(count("TELEPHONE").await, count("renamed").await, "an earlier name is a name");
    assert_eq!((count("qz").await, count("zq").await), (count("renamed").await, 0), "the beginning of a name");
    assert_eq!(
        searched(&desk, &projections, "refused password").await,
        ["Sign-in refused at the portal: wrong password"]
    );
    assert_eq!(count("ada enrolled").await, 1);
    assert_eq!(count("eve wrong").await, 0);
    assert_eq!(count("DeviceEnrolled").await, 2);
    assert_eq!(count(&event.0.to_string()).await, 1);
    assert_eq!(count("account-0a").await, 2);
    assert_eq!(count(&device.stream().to_string()).await, count(&device.to_string()).await);
    assert_eq!(count("000000001001").await, count(&device.to_string()).await, "the end of an id");
    assert_eq!(count(&help_code(device.enrollment())).await, count(&device.to_string()).await);
    assert_eq!(count("%").await, 0, "it is no wildcard");
    assert_eq!(count("\"ada\" OR").await, 0, "it is no query");
}

#[tokio::test]
async fn a_word_that_too_many_names_contain_is_told() {
    let desk = Desk::new();
    for nth in 0..=audit::MOST_NAMES as u128 {
        desk.write(&person(nth).stream(), NOON, known(person(nth), &format!("pupil {nth}"))).await;
    }
    let projections = desk.caught_up().await;
    let page = async |text: &str| {
        let filter = AuditFilter { text: Some(text.to_owned()), ..AuditFilter::default() };
        audit::query(&projections, &desk.log, filter, 1_000).await.unwrap()
    };
    let broad = page("added Pupil").await;
    assert_eq!((broad.broad, broad.rows.len()), (vec!["pupil".to_owned()], audit::MOST_NAMES));
    let exact = page("pupil 17").await;
    assert_eq!(exact.broad, ["pupil"]);
    let narrow = page("17").await;
    assert_eq!((narrow.broad, narrow.rows.len()), (vec![], 0), "no name begins with it");
}

#[tokio::test]
async fn an_event_that_became_unreadable_keeps_its_row() {
    let desk = Desk::new();
    let (first, _) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let all = desk.log.page(None, 1_000).await.unwrap();
    let damaged = all.iter().find(|entry| entry.stream == first.stream()).unwrap();
    let file = rusqlite::Connection::open(desk.path().join("events.db")).unwrap();
    let alter = "UPDATE log SET envelope = envelope || ' ' WHERE position = ?1";
    assert_eq!(file.execute(alter, [damaged.position.0.cast_signed()]).unwrap(), 1);
    let page = audit::query(&projections, &desk.log, AuditFilter::default(), 1_000).await.unwrap();
    assert_eq!(page.rows.len(), all.len());
    let row = page.rows.iter().find(|row| row.event == damaged.id).unwrap();
    assert!(row.sentence.starts_with("This event cannot be read: "), "{}", row.sentence);
    assert_eq!((row.device, row.event_type.as_str()), (Some(first), damaged.event.type_name().as_str()));
    assert_eq!(page.rows.iter().filter(|row| row.sentence.starts_with("This event")).count(), 1);
}
