use super::flows::FLOW_SECONDS;
use super::*;
use events::enrollment::SecretHash;
use identity::Account;
use world::ManualClock;

struct Desk {
    clock: Arc<ManualClock>,
    world: World,
    sessions: StaffSessions,
    directory: tempfile::TempDir,
}

const ADA: StaffId = StaffId(Uuid::from_u128(1));
const GRACE: StaffId = StaffId(Uuid::from_u128(2));

fn desk() -> Desk {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000_000)));
    let world = World::at(clock.clone());
    Desk { clock, world, sessions: StaffSessions::open(directory.path()).unwrap().0, directory }
}

impl Desk {
    async fn begin(&self, staff: StaffId, replaced: Option<&str>) -> String {
        let beginning = Beginning {
            id: self.world.random_uuid(),
            staff,
            method: SignInMethodName::Directory,
            source: Some("192.0.2.7".into()),
            browser: "Safari on macOS".into(),
            rests_on: String::new(),
            entered: false,
            replaced: replaced.map(str::to_owned),
        };
        self.sessions.begin(&self.world, beginning).await.unwrap()
    }

    async fn resume(&self, key: &str) -> Option<Session> {
        self.sessions.resume(self.world.now(), key).await.unwrap()
    }

    async fn who(&self, key: &str) -> Option<StaffId> {
        self.resume(key).await.map(|session| session.staff)
    }

    async fn sign_on(&self, request: &str) -> String {
        self.sessions.begin_flow(&self.world, "campus", SecretHash(request.into()), "/console/audit").await.unwrap()
    }
}

#[tokio::test]
async fn a_session_ends_half_an_hour_after_its_last_request() {
    let desk = desk();
    let key = desk.begin(ADA, None).await;
    desk.clock.advance_seconds(IDLE_SECONDS - 1);
    assert_eq!(desk.who(&key).await, Some(ADA));
    desk.clock.advance_seconds(IDLE_SECONDS - 1);
    assert_eq!(desk.who(&key).await, Some(ADA));
    desk.clock.advance_seconds(IDLE_SECONDS + 1);
    assert_eq!(desk.who(&key).await, None);
}

#[tokio::test]
async fn a_session_in_use_ends_twelve_hours_after_sign_in() {
    let desk = desk();
    let key = desk.begin(ADA, None).await;
    for _ in 0..LONGEST_SECONDS / 1_000 {
        desk.clock.advance_seconds(1_000);
        assert_eq!(desk.who(&key).await, Some(ADA));
    }
    desk.clock.advance_seconds(1_000);
    assert_eq!(desk.who(&key).await, None);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before_and_signing_out_this_one() {
    let desk = desk();
    let first = desk.begin(ADA, None).await;
    let second = desk.begin(ADA, Some(&first)).await;
    assert_ne!(first, second);
    assert_eq!(desk.who(&first).await, None);
    assert_eq!(desk.who(&second).await, Some(ADA));
    desk.sessions.end(&second).await.unwrap();
    assert_eq!(desk.who(&second).await, None);
}

#[tokio::test]
async fn after_the_second_factor_the_session_goes_on_under_another_key() {
    let desk = desk();
    let first = desk.begin(ADA, None).await;
    let before = desk.resume(&first).await.unwrap();
    assert!(!before.entered && !before.second);
    desk.clock.advance_seconds(60);
    let second = desk.sessions.enter(&desk.world, &first, true).await.unwrap().unwrap();
    assert_eq!(desk.who(&first).await, None, "the key from before the second factor is invalid");
    let after = desk.resume(&second).await.unwrap();
    assert!(after.entered && after.second);
    assert_eq!((after.id, after.began, after.confirmed), (before.id, before.began, desk.world.now()));
    assert_eq!(desk.sessions.enter(&desk.world, &first, true).await.unwrap(), None);
}

#[tokio::test]
async fn all_sessions_of_somebody_can_be_ended_at_once_or_all_but_one_or_one() {
    let desk = desk();
    let phone = desk.begin(ADA, None).await;
    let desktop = desk.begin(ADA, None).await;
    let other = desk.begin(GRACE, None).await;
    let here = desk.resume(&desktop).await.unwrap().id;
    assert_eq!(desk.sessions.end_all(ADA, Some(here)).await.unwrap(), 1);
    assert_eq!((desk.who(&phone).await, desk.who(&desktop).await), (None, Some(ADA)));
    assert_eq!(desk.sessions.end_all(ADA, None).await.unwrap(), 1);
    assert_eq!(desk.who(&desktop).await, None);
    let id = desk.resume(&other).await.unwrap().id;
    assert!(!desk.sessions.end_one(ADA, id).await.unwrap(), "the session is Grace's");
    assert!(desk.sessions.end_one(GRACE, id).await.unwrap());
    assert_eq!(desk.who(&other).await, None);
}

#[tokio::test]
async fn sessions_are_listed_with_where_and_how_they_began_until_they_end() {
    let desk = desk();
    desk.begin(ADA, None).await;
    desk.clock.advance_seconds(60);
    desk.begin(GRACE, None).await;
    let everybody = desk.sessions.list(desk.world.now(), None).await.unwrap();
    assert_eq!(everybody.iter().map(|session| session.staff).collect::<Vec<_>>(), [GRACE, ADA], "the latest first");
    let adas = desk.sessions.list(desk.world.now(), Some(ADA)).await.unwrap();
    assert_eq!(adas.len(), 1);
    assert_eq!(adas[0].method, SignInMethodName::Directory);
    assert_eq!((adas[0].source.as_deref(), adas[0].browser.as_str()), (Some("192.0.2.7"), "Safari on macOS"));
    desk.clock.advance_seconds(IDLE_SECONDS + 1);
    assert_eq!(desk.sessions.list(desk.world.now(), None).await.unwrap(), []);
}

#[tokio::test]
async fn what_one_page_begins_waits_for_the_next_one_once_and_not_for_ever() {
    let desk = desk();
    let key = desk.begin(ADA, None).await;
    let (sessions, now) = (&desk.sessions, desk.world.now());
    assert_eq!(sessions.take_pending(now, &key).await.unwrap(), None);
    sessions.set_pending(now, &key, "a seed".into()).await.unwrap();
    assert_eq!(sessions.pending(now, &key).await.unwrap().as_deref(), Some("a seed"));
    assert_eq!(sessions.take_pending(now, &key).await.unwrap().as_deref(), Some("a seed"));
    assert_eq!(sessions.take_pending(now, &key).await.unwrap(), None);
    sessions.set_pending(now, &key, "another".into()).await.unwrap();
    let later = now.plus_seconds(PENDING_SECONDS + 1);
    assert_eq!(sessions.take_pending(later, &key).await.unwrap(), None);
}

#[tokio::test]
async fn a_round_trip_to_an_identity_provider_ends_once_and_within_five_minutes() {
    let desk = desk();
    let secret = desk.sign_on("request").await;
    let flow = desk.sessions.flow(desk.world.now(), &secret).await.unwrap().unwrap();
    assert_eq!((flow.provider.as_str(), flow.next.as_str(), flow.account), ("campus", "/console/audit", None));
    assert_eq!(desk.sessions.flow(desk.world.now(), "another").await.unwrap(), None);
    assert!(desk.sessions.take_flow(desk.world.now(), &secret).await.unwrap().is_some());
    assert_eq!(desk.sessions.take_flow(desk.world.now(), &secret).await.unwrap(), None);

    let secret = desk.sign_on("slow").await;
    desk.clock.advance_seconds(FLOW_SECONDS + 1);
    assert_eq!(desk.sessions.flow(desk.world.now(), &secret).await.unwrap(), None);
}

#[tokio::test]
async fn the_answer_of_an_identity_provider_waits_for_the_browser_that_asked() {
    let desk = desk();
    let (mine, other) = (desk.sign_on("mine").await, desk.sign_on("other").await);
    let account = Account { provider: "campus".into(), subject: "7".into(), ..Account::default() };
    let (sessions, now) = (&desk.sessions, desk.world.now());
    let mine_request = SecretHash("mine".into());
    assert!(sessions.prove_flow(now, &mine_request, &account).await.unwrap());
    assert!(!sessions.prove_flow(now, &mine_request, &account).await.unwrap(), "an answer is taken once");
    assert!(!sessions.prove_flow(now, &SecretHash("none".into()), &account).await.unwrap());
    assert_eq!(sessions.take_flow(now, &mine).await.unwrap().unwrap().account, Some(account));
    assert_eq!(sessions.take_flow(now, &other).await.unwrap().unwrap().account, None);
}

#[tokio::test]
async fn the_file_does_not_hold_the_key() {
    let desk = desk();
    let key = desk.begin(ADA, None).await;
    let secret = desk.sign_on("request").await;
    for file in std::fs::read_dir(desk.directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for key in [&key, &secret] {
            assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
        }
    }
}

#[tokio::test]
async fn a_file_of_an_earlier_version_is_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let old = Connection::open(directory.path().join("sessions.db")).unwrap();
    let schema = "CREATE TABLE sessions (key_hash TEXT PRIMARY KEY, staff TEXT NOT NULL, began INTEGER NOT NULL,
        last_seen INTEGER NOT NULL) WITHOUT ROWID; INSERT INTO sessions VALUES ('x', 'y', 1, 2);";
    old.execute_batch(schema).unwrap();
    drop(old);
    let sessions = StaffSessions::open(directory.path()).unwrap().0;
    assert_eq!(sessions.list(Timestamp(3), None).await.unwrap(), []);
    drop(sessions);
    StaffSessions::open(directory.path()).unwrap();
}
