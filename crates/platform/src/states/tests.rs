//! States in memory against states from the log.

use super::file::FILE;
use super::*;
use crate::load;
use decisions::enrollment::{Credentials, Enrollment};
use decisions::hardware::Hardware;
use decisions::person::Person;
use events::enrollment::{
    DeviceFamily, EnrollmentEvent, EnrollmentId, EnrollmentKind, Ownership, Platform, SecretHash, SignInMethodName,
};
use events::log::Draft;
use events::person::{PersonEvent, PersonId};
use events::personal::Gone;
use events::personal::keys::{MasterKey, SqliteKeyStore};
use events::store::sqlite::SqliteStore;
use events::store::{AppendError, Expected};
use events::{Actor, ActorKind, Event, EventId, Personal, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use std::fmt::Debug;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use uuid::Uuid;

fn fill(bytes: &mut [u8]) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    bytes.iter_mut().for_each(|byte| {
        *byte = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
    });
}

fn log() -> (TempDir, Log) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    let keys = SqliteKeyStore::create(&directory.path().join("keys.db"), MasterKey::from_bytes([7; 32]), fill).unwrap();
    (directory, Log::new(Arc::new(store), Arc::new(keys)))
}

fn head(revision: u64) -> StreamHead {
    StreamHead { revision: Revision(revision), id: EventId(Uuid::from_u128(u128::from(revision) + 1)) }
}

fn found(head: StreamHead) -> Found<Hardware> {
    Found { state: Arc::default(), head, stored: 0, bytes: None }
}

// What the file has of a stream.
fn stored<A: Aggregate>(states: &States, stream: &StreamName) -> Option<(Arc<A>, u64)> {
    let files = Files { log: states.log.clone(), states: states.file.clone() };
    super::stored::<A>(&files, stream).map(|found| (found.state, found.head.revision.0))
}

fn hardware(nth: u64) -> StreamName {
    StreamName::of("hardware", nth)
}

#[test]
fn a_state_is_kept_with_its_event_until_a_key_is_destroyed() {
    let states = States::new(log().1, None);
    states.put(&hardware(1), &found(head(3)), 7);
    assert_eq!(states.kept::<Hardware>(&hardware(1), 7).map(|found| found.head), Some(head(3)));
    assert!(states.kept::<Hardware>(&hardware(2), 7).is_none());
    assert!(states.kept::<Hardware>(&hardware(1), 8).is_none(), "a key was destroyed since");
    assert!(states.kept::<Hardware>(&hardware(1), 7).is_none(), "the state is gone");
}

#[test]
fn an_older_state_does_not_replace_a_newer_one() {
    let states = States::new(log().1, None);
    states.put(&hardware(1), &found(head(5)), 0);
    states.put(&hardware(1), &found(head(4)), 0);
    assert_eq!(states.kept::<Hardware>(&hardware(1), 0).map(|found| found.head), Some(head(5)));
}

#[test]
fn the_size_of_all_states_has_a_limit() {
    let states = States::within(log().1, None, 20_000);
    for nth in 0..1_000 {
        states.put(&hardware(nth), &found(head(0)), 0);
    }
    let kept = (0..1_000).filter(|nth| states.kept::<Hardware>(&hardware(*nth), 0).is_some()).count();
    assert!((1..70).contains(&kept), "{kept} states of more than 300 bytes are kept");
}

/// What happens to one of two people's streams.
#[derive(Debug, Clone)]
enum Act {
    /// A command that loads the newest state.
    Perform {
        who: usize,
        event: u8,
    },
    /// A command that loaded the state earlier: at the `Hold` before.
    PerformFromHeld {
        who: usize,
        event: u8,
    },
    Hold {
        who: usize,
    },
    /// A writer without these states.
    Write {
        who: usize,
        event: u8,
    },
    /// The last append once more, as after an answer that was lost.
    Repeat,
    /// The person's key is destroyed.
    Destroy {
        who: usize,
    },
    Load {
        who: usize,
    },
    /// A command of the enrollment, which loads the state that decides.
    Enroll {
        event: u8,
    },
    /// A writer without these states, to the enrollment.
    WriteEnrollment {
        event: u8,
    },
    /// Other streams take all the space.
    Evict,
    /// The states are written to the file.
    Store,
    /// The process starts again.
    Restart,
    /// Log and keys are backed up.
    BackUp,
    /// The last backup is restored beside the newer file of states.
    Restore,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..2_usize, any::<u8>()).prop_map(|(who, event)| Act::Perform { who, event }),
        2 => (0..2_usize, any::<u8>()).prop_map(|(who, event)| Act::PerformFromHeld { who, event }),
        2 => (0..2_usize).prop_map(|who| Act::Hold { who }),
        2 => (0..2_usize, any::<u8>()).prop_map(|(who, event)| Act::Write { who, event }),
        1 => Just(Act::Repeat),
        1 => (0..2_usize).prop_map(|who| Act::Destroy { who }),
        3 => (0..2_usize).prop_map(|who| Act::Load { who }),
        4 => any::<u8>().prop_map(|event| Act::Enroll { event }),
        1 => any::<u8>().prop_map(|event| Act::WriteEnrollment { event }),
        1 => Just(Act::Evict),
        2 => Just(Act::Store),
        1 => Just(Act::Restart),
        1 => Just(Act::BackUp),
        1 => Just(Act::Restore),
    ];
    vec(act, 1..40)
}

fn person(who: usize) -> PersonId {
    PersonId(Uuid::from_u128(who as u128 + 1))
}

fn event(who: usize, nth: u8) -> PersonEvent {
    match nth % 3 {
        0 => PersonEvent::TermsAcceptanceKept {
            ownership: Ownership::Personal,
            version: nth.to_string(),
            enrollment: EnrollmentId(Uuid::from_u128(9)),
        },
        1 => PersonEvent::ManagedAppleIdLearned { managed_apple_id: own(who, nth) },
        // Sealed with the other person's key.
        _ => PersonEvent::ManagedAppleIdLearned { managed_apple_id: own(1 - who, nth) },
    }
}

fn own(who: usize, nth: u8) -> Personal<String> {
    Personal::new(person(who).key(), format!("ada{nth}@school.example"))
}

fn enrollment() -> StreamName {
    EnrollmentId(Uuid::from_u128(9)).stream()
}

/// An event that changes what identifies the device of an enrollment, with the key of one of the people.
fn of_enrollment(nth: u8) -> EnrollmentEvent {
    let challenge = || SecretHash((nth % 3).to_string());
    let who = usize::from(nth / 5 % 2);
    match nth % 5 {
        0 => EnrollmentEvent::VisitOpened {
            session: challenge(),
            user_agent: own(who, nth),
            platform: Platform { family: DeviceFamily::IPhone, version: None },
            language: "en".into(),
        },
        1 => EnrollmentEvent::UserSignedIn {
            method: SignInMethodName::LocalAccount,
            person: person(who),
            account: nth.to_string(),
            user_name: own(who, nth),
            session: challenge(),
        },
        2 => EnrollmentEvent::MdmProfileServed {
            profile: decisions::examples::profile(EnrollmentKind::UserEnrollment),
            challenge: challenge(),
            challenge_expires: Timestamp(1),
            verified_by: None,
        },
        3 => EnrollmentEvent::IdentityIssued {
            identity: decisions::examples::certificate("key", &nth.to_string()),
            transaction: "t".into(),
            challenge: challenge(),
        },
        _ => EnrollmentEvent::AccessTokenIssued { token: challenge(), issued: Timestamp(1), refresh: None },
    }
}

fn draft(id: EventId, event: impl Into<Event>) -> Draft {
    let actor = Actor::new(ActorKind::System, "test");
    let (at, correlation) = (Timestamp(1), Uuid::nil());
    Draft { id, at, actor, source: None, correlation, causation: None, event: event.into() }
}

async fn states(directory: &TempDir, log: &Log) -> States {
    let (file, aside) = StateFile::open(directory.path(), origin(log).await.unwrap(), [3; 32]).unwrap();
    assert_eq!(aside, None);
    // A state of few events is stored too.
    States { store_every: 2, ..States::within(log.clone(), Some(Arc::new(file)), 20_000) }
}

struct Desk {
    directory: TempDir,
    log: Log,
    states: States,
    held: [Option<Loaded<Person>>; 2],
    last: Option<(StreamName, Expected, Draft)>,
    backup: Option<TempDir>,
    next: u128,
}

impl Desk {
    async fn act(&mut self, act: Act) {
        match act {
            Act::Perform { who, event } => {
                let loaded = self.states.load::<Person>(&person(who).stream()).await.unwrap();
                self.append(person(who).stream(), loaded, self::event(who, event)).await;
            }
            Act::PerformFromHeld { who, event } => {
                if let Some(loaded) = self.held[who].take() {
                    self.append(person(who).stream(), loaded, self::event(who, event)).await;
                }
            }
            Act::Hold { who } => self.held[who] = Some(self.states.load(&person(who).stream()).await.unwrap()),
            Act::Write { who, event: nth } => {
                let draft = draft(self.id(), event(who, nth));
                // A value under a destroyed key is refused.
                let _ = self.log.append(&person(who).stream(), Expected::Any, vec![draft]).await;
            }
            Act::Repeat => {
                if let Some((stream, expected, draft)) = self.last.clone() {
                    let _ = self.log.append(&stream, expected, vec![draft]).await;
                }
            }
            Act::Destroy { who } => self.log.keys().destroy(&person(who).key()).unwrap(),
            Act::Load { who } => drop(self.states.load::<Person>(&person(who).stream()).await.unwrap()),
            Act::Enroll { event } => {
                let loaded = self.states.load::<Enrollment>(&enrollment()).await.unwrap();
                self.append(enrollment(), loaded, of_enrollment(event)).await;
            }
            Act::WriteEnrollment { event } => {
                let draft = draft(self.id(), of_enrollment(event));
                let _ = self.log.append(&enrollment(), Expected::Any, vec![draft]).await;
            }
            Act::Evict => {
                for nth in 0..200 {
                    self.states.put(&hardware(nth), &found(head(0)), 0);
                }
            }
            Act::Store => self.states.store().await,
            Act::Restart => self.states = states(&self.directory, &self.log).await,
            Act::BackUp => {
                let backup = tempfile::tempdir().unwrap();
                copy_open(self.directory.path(), backup.path(), &["events.db", "keys.db"]);
                self.backup = Some(backup);
            }
            Act::Restore => self.restore().await,
        }
    }

    async fn restore(&mut self) {
        let Some(backup) = &self.backup else { return };
        let directory = tempfile::tempdir().unwrap();
        copy_open(backup.path(), directory.path(), &["events.db", "keys.db"]);
        copy_open(self.directory.path(), directory.path(), &[FILE]);
        self.log = opened(directory.path());
        self.states = states(&directory, &self.log).await;
        (self.directory, self.held) = (directory, [None, None]);
    }

    // As `Platform::decide_and_append` does.
    async fn append<A: Aggregate>(&mut self, stream: StreamName, (state, revision): Loaded<A>, event: A::Event) {
        let may_keep = self.states.may_keep(&stream, &state, revision);
        let draft = draft(self.id(), event.clone());
        let expected = revision.map_or(Expected::NoStream, Expected::Exact);
        self.last = Some((stream.clone(), expected, draft.clone()));
        match self.log.append(&stream, expected, vec![draft.clone()]).await {
            Ok(appended) => {
                let state = Arc::new(Arc::unwrap_or_clone(state).evolve(&event));
                if let Some(may) = may_keep {
                    self.states.keep(&stream, &state, StreamHead { revision: appended.revision, id: draft.id }, &may);
                }
            }
            Err(AppendError::Conflict { .. } | AppendError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn id(&mut self) -> EventId {
        self.next += 1;
        EventId(Uuid::from_u128(self.next))
    }

    async fn check(&self) {
        let streams = (enrollment(), person(0).stream());
        let both = self.states.load_both::<Credentials, Person>((&streams.0, &streams.1)).await.unwrap();
        assert_eq!(both.0, crate::load(&self.log, &streams.0).await.unwrap());
        assert_eq!(both.1, crate::load(&self.log, &streams.1).await.unwrap());
        for who in 0..2 {
            self.check_state::<Person>(&person(who).stream()).await;
        }
        self.check_state::<Credentials>(&enrollment()).await;
        self.check_state::<Enrollment>(&enrollment()).await;
    }

    async fn check_state<A: Aggregate + PartialEq + Debug>(&self, stream: &StreamName) {
        let (kept, revision) = self.states.load::<A>(stream).await.unwrap();
        let (fresh, expected) = crate::load::<A>(&self.log, stream).await.unwrap();
        assert_eq!((revision, &kept), (expected, &fresh));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_state_from_memory_is_the_one_that_the_log_gives(acts in acts()) {
        let (directory, log) = log();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let states = states(&directory, &log).await;
            let mut desk = Desk { directory, log, states, held: [None, None], last: None, backup: None, next: 0 };
            for act in acts {
                desk.act(act).await;
                desk.check().await;
            }
        });
    }
}

async fn write(log: &Log, numbers: std::ops::Range<u8>, first_id: u128) {
    for nth in numbers {
        let draft = draft(EventId(Uuid::from_u128(first_id + u128::from(nth))), event(0, nth * 3 + 1));
        log.append(&person(0).stream(), Expected::Any, vec![draft]).await.unwrap();
    }
}

fn opened(directory: &Path) -> Log {
    let store = SqliteStore::open(directory).unwrap();
    let keys = SqliteKeyStore::open(&directory.join("keys.db"), MasterKey::from_bytes([7; 32]), fill).unwrap();
    Log::new(Arc::new(store), Arc::new(keys))
}

fn copy(from: &Path, to: &Path, names: &[&str]) {
    for name in names {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

// Copies databases that are open, and that nobody writes to at the moment.
fn copy_open(from: &Path, to: &Path, names: &[&str]) {
    for name in names {
        let log = format!("{name}-wal");
        copy(from, to, &[name]);
        if from.join(&log).exists() {
            copy(from, to, &[&log]);
        }
    }
}

async fn loaded(states: &States) -> (String, u64) {
    let (person, revision) = states.load::<Person>(&person(0).stream()).await.unwrap();
    (person.managed_apple_id().unwrap().text().to_owned(), revision.unwrap().0)
}

#[tokio::test]
async fn states_of_a_log_that_was_replaced_are_not_used() {
    let (directory, log) = log();
    let older = tempfile::tempdir().unwrap();
    write(&log, 0..3, 1).await;
    drop(log);
    copy(directory.path(), older.path(), &["events.db", "keys.db"]);
    let log = opened(directory.path());
    write(&log, 3..6, 1).await;
    let states = states(&directory, &log).await;
    assert_eq!(loaded(&states).await, ("ada16@school.example".into(), 5));
    states.store().await;
    drop((states, log));

    // The older copy is put back: the file of states is ahead of it.
    copy(older.path(), directory.path(), &["events.db", "keys.db"]);
    let ahead = tempfile::tempdir().unwrap();
    copy(directory.path(), ahead.path(), &[FILE]);
    let log = opened(directory.path());
    let states = super::tests::states(&directory, &log).await;
    assert_eq!(loaded(&states).await, ("ada7@school.example".into(), 2));
    drop(states);

    // Other events follow, more than there were, and the file comes back.
    write(&log, 10..20, 100).await;
    let expected = ("ada58@school.example".to_owned(), 12);
    copy(ahead.path(), directory.path(), &[FILE]);
    let states = super::tests::states(&directory, &log).await;
    assert_eq!(loaded(&states).await, expected);
    states.store().await;
    assert_eq!(loaded(&super::tests::states(&directory, &log).await).await, expected);
}

#[tokio::test]
async fn a_stored_state_is_used_and_holds_no_personal_text() {
    let (directory, log) = log();
    write(&log, 0..3, 1).await;
    let before = states(&directory, &log).await;
    let expected = loaded(&before).await;
    before.store().await;
    let file = std::fs::read(directory.path().join(FILE)).unwrap();
    let wal = std::fs::read(directory.path().join(format!("{FILE}-wal"))).unwrap_or_default();
    assert!(!file.windows(3).chain(wal.windows(3)).any(|text| text == b"ada"), "the name is in the file");
    let after = states(&directory, &log).await;
    let (state, revision) = stored::<Person>(&after, &person(0).stream()).expect("it is stored");
    assert_eq!((state.managed_apple_id().unwrap().text(), revision), (expected.0.as_str(), expected.1));
    log.keys().destroy(&person(0).key()).unwrap();
    assert!(stored::<Person>(&after, &person(0).stream()).is_none(), "it can still be opened");
    let (state, _) = after.load::<Person>(&person(0).stream()).await.unwrap();
    assert_eq!(state.managed_apple_id().unwrap().get(), None, "the value is erased");
    after.store().await;
    let (state, _) = stored::<Person>(&after, &person(0).stream()).expect("the rest of the state is stored again");
    assert_eq!(state.managed_apple_id().unwrap().gone(), Some(Gone::Erased));
}

#[tokio::test]
async fn a_state_whose_whole_stream_was_read_is_stored_and_then_after_sixteen_events() {
    let (directory, log) = log();
    // With room for it: a state that leaves the memory is stored at once.
    let states = States::new(log.clone(), states(&directory, &log).await.file);
    let stored = async || {
        loaded(&states).await;
        states.store().await;
        self::stored::<Person>(&states, &person(0).stream()).map(|(_, revision)| revision + 1)
    };
    write(&log, 0..3, 1).await;
    assert_eq!(stored().await, None, "three events are read as fast");
    write(&log, 3..5, 1).await;
    assert_eq!(stored().await, None, "two events are read, not all");
    states.cache.clear();
    assert_eq!(stored().await, Some(5));
    for nth in 5..20 {
        write(&log, nth..nth + 1, 1).await;
        assert_eq!(stored().await, Some(5), "a state whose place a newer one takes is not stored");
    }
    write(&log, 20..21, 1).await;
    assert_eq!(stored().await, Some(21));
}

#[tokio::test]
async fn a_state_that_leaves_the_memory_is_stored_and_so_are_all_at_the_end() {
    for at_end in [false, true] {
        let (directory, log) = log();
        let states = States { store_every: STORE_EVERY, ..states(&directory, &log).await };
        write(&log, 0..3, 1).await;
        loaded(&states).await;
        write(&log, 3..6, 1).await;
        let expected = loaded(&states).await;
        states.store().await;
        assert!(stored::<Person>(&states, &person(0).stream()).is_none(), "six events are not stored yet");
        if at_end {
            states.store_all().await;
        } else {
            (0..1_000).for_each(|nth| states.put(&hardware(nth), &found(head(0)), 0));
            states.store().await;
        }
        let (_, revision) = stored::<Person>(&states, &person(0).stream()).expect("it is stored");
        assert_eq!((revision, loaded(&states).await), (5, expected), "{at_end}");
    }
}

#[tokio::test]
async fn two_states_of_a_stream_are_stored_one_beside_the_other() {
    let (directory, log) = log();
    for nth in 0..4 {
        let draft = draft(EventId(Uuid::from_u128(u128::from(nth) + 1)), of_enrollment(nth));
        log.append(&enrollment(), Expected::Any, vec![draft]).await.unwrap();
    }
    let before = states(&directory, &log).await;
    let (whole, _) = before.load::<Enrollment>(&enrollment()).await.unwrap();
    let (credentials, _) = before.load::<Credentials>(&enrollment()).await.unwrap();
    before.store().await;
    let after = states(&directory, &log).await;
    let (state, revision) = stored::<Credentials>(&after, &enrollment()).expect("it is stored");
    assert_eq!((&state, revision), (&credentials, 3));
    assert_eq!(stored::<Enrollment>(&after, &enrollment()).expect("it is stored").0, whole);
    let both = after.load_both::<Enrollment, Credentials>((&enrollment(), &enrollment())).await.unwrap();
    assert_eq!(both, ((whole, Some(Revision(3))), (credentials, Some(Revision(3)))));
}

#[tokio::test]
async fn a_part_of_a_stored_state_is_not_folded_from_the_log_again() {
    let (directory, log) = log();
    let write = async |nth: u8| {
        let draft = draft(EventId(Uuid::from_u128(u128::from(nth) + 1)), of_enrollment(nth));
        log.append(&enrollment(), Expected::Any, vec![draft]).await.unwrap();
    };
    for nth in 0..4 {
        write(nth).await;
    }
    let before = states(&directory, &log).await;
    let (whole, _) = before.load::<Enrollment>(&enrollment()).await.unwrap();
    before.store().await;
    // With room for both states.
    let after = States::new(log.clone(), states(&directory, &log).await.file);
    let known = after.known::<Credentials>(&enrollment());
    let files = Files { log: log.clone(), states: after.file.clone() };
    assert_eq!(known.read(&files).found.expect("it is a part of the stored state").head.revision, Revision(3));
    let (credentials, _) = after.load::<Credentials>(&enrollment()).await.unwrap();
    assert_eq!(credentials, load::<Credentials>(&log, &enrollment()).await.unwrap().0);
    let kept = after.kept::<Enrollment>(&enrollment(), log.keys().destructions());
    assert_eq!(kept.expect("the caller needs it next").state, whole);
    write(4).await;
    let newer = states(&directory, &log).await.load::<Credentials>(&enrollment()).await.unwrap();
    assert_eq!(newer, load::<Credentials>(&log, &enrollment()).await.unwrap(), "the stored state is older");
    assert_eq!(newer.1, Some(Revision(4)));
}

#[tokio::test]
async fn a_damaged_file_of_states_is_set_aside_and_states_come_from_the_log() {
    let (directory, log) = log();
    write(&log, 0..3, 1).await;
    std::fs::write(directory.path().join(FILE), "no database ".repeat(100)).unwrap();
    let (file, aside) = StateFile::open(directory.path(), origin(&log).await.unwrap(), [3; 32]).unwrap();
    assert!(aside.is_some());
    let states = States::new(log, Some(Arc::new(file)));
    assert_eq!(loaded(&states).await, ("ada7@school.example".into(), 2));
}

#[tokio::test]
async fn a_stored_state_that_somebody_changed_is_not_used() {
    let (directory, log) = log();
    write(&log, 0..3, 1).await;
    let before = states(&directory, &log).await;
    let expected = loaded(&before).await;
    before.store().await;
    drop(before);
    let altered = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
    let changes = [
        "sealed = zeroblob(length(sealed))",
        "fold = fold + 1",
        "revision = revision - 1",
        "event = zeroblob(16)",
        "keys = '[]'",
        "keys = 'no JSON'",
    ];
    for change in changes {
        altered.execute_batch("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM sealed_states").unwrap();
        assert_eq!(altered.execute(&format!("UPDATE sealed_states SET {change}"), []).unwrap(), 1);
        let after = states(&directory, &log).await;
        assert!(stored::<Person>(&after, &person(0).stream()).is_none(), "{change}");
        assert_eq!(loaded(&after).await, expected, "{change}");
        altered.execute_batch("DELETE FROM sealed_states; INSERT INTO sealed_states SELECT * FROM kept").unwrap();
        assert!(stored::<Person>(&after, &person(0).stream()).is_some(), "the row itself is good");
    }
}
