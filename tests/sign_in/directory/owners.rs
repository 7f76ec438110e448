//! Owners of previous records: people of a real directory, before and after their first sign-in.

use decisions::record::Record;
use events::Event;
use events::person::{PersonEvent, PersonId};
use events::record::{OwnerCounts, RecordId, RecordOwner};
use events::staff::Privilege;
use harness::directory::slapd::{self, PASSWORD, PEOPLE, Slapd};
use harness::directory::{changed, config};
use harness::guest::{Guest, iphone};
use harness::{TestServer, test_name};
use identity::Identifier;
use imports::{Finished, ImportError, Order};
use platform::context::Context;
use staff::administration::{NewUser, Request};
use std::fmt::Write as _;
use tokio::sync::mpsc;
use world::World;

pub const SOURCE: &str = "Jamf Pro";
const BY_MAIL: [&str; 1] = ["mail=main:mail"];

/// Starts a server with this directory, in which employee numbers and user principal names are configured.
async fn server(slapd: &Slapd) -> TestServer {
    let mut directory = config(slapd);
    directory.employee_number_attribute = Some("employeeNumber".into());
    directory.user_principal_name_attribute = Some("mail".into());
    let server = TestServer::start_with(World::system(), |config| config.identity.directory = vec![directory]).await;
    server.settings(|settings| settings.sign_in.enrollment.directories = vec!["main".into()]).await;
    server
}

/// A row of the file: id, user name, mail address, employee number.
pub type Line<'a> = (&'a str, &'a str, &'a str, &'a str);

fn order(rules: &[&str], is_rehearsal: bool) -> Order {
    let columns = "[columns]\nsource_id = \"id\"\nuser_name = \"user\"\nmail = \"mail\"\nemployee_number = \"number\"";
    let mut mapping: records::Mapping = toml::from_str(&format!("source = \"{SOURCE}\"\n{columns}")).unwrap();
    mapping.owner = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    Order { mapping, is_complete: false, is_rehearsal }
}

pub async fn try_import(
    server: &TestServer,
    rules: &[&str],
    is_rehearsal: bool,
    lines: &[Line<'_>],
) -> Result<Finished, ImportError> {
    let mut file = "id,user,mail,number,x\n".to_owned();
    lines.iter().for_each(|(id, user, mail, number)| writeln!(file, "{id},{user},{mail},{number},x").unwrap());
    let (told, mut heard) = mpsc::channel(16);
    let listening = tokio::spawn(async move { while heard.recv().await.is_some() {} });
    let file = std::io::Cursor::new(file.into_bytes());
    let context = Context::operator(server.app().platform.world.uuid());
    let finished = server.app().imports.run(file, order(rules, is_rehearsal), &context, &told).await;
    drop(told);
    listening.await.unwrap();
    finished
}

pub async fn import(server: &TestServer, rules: &[&str], lines: &[Line<'_>]) -> Finished {
    try_import(server, rules, false, lines).await.unwrap()
}

fn counts(finished: &Finished) -> OwnerCounts {
    finished.owners.unwrap()
}

pub fn record(server: &TestServer, id: &str) -> RecordId {
    server.app().imports.record_id(SOURCE, id)
}

pub async fn state(server: &TestServer, id: &str) -> std::sync::Arc<Record> {
    server.app().platform.load::<Record>(&record(server, id).stream()).await.unwrap().0
}

pub async fn owner(server: &TestServer, id: &str) -> Option<RecordOwner> {
    state(server, id).await.owner
}

/// Returns the people with this user name, in the order of the log.
pub async fn people(server: &TestServer, name: &str) -> Vec<PersonId> {
    let is_named = |event: &Event| match event {
        Event::Person(PersonEvent::PersonKnown { attributes, .. }) => {
            attributes.user_name.as_ref().and_then(|user_name| user_name.get()).is_some_and(|known| known == name)
        }
        _ => false,
    };
    let log = server.whole_log().await.into_iter().filter(|entry| is_named(&entry.event));
    log.map(|entry| PersonId(entry.stream.id().parse().unwrap())).collect()
}

/// Returns the ids of the records that may be shown to this person.
pub async fn shown_to(server: &TestServer, person: PersonId) -> Vec<RecordId> {
    server.reacted().await;
    let rows = projections::records::owned_by(&server.app().platform.projections, person, 300).await.unwrap();
    rows.into_iter().map(|row| row.record).collect()
}

// A person with records reads about them first.
async fn sign_in(server: &TestServer, name: &str) {
    let answer = Guest::new(server, &iphone("17.5")).sign_in(name, PASSWORD).await;
    assert!(matches!(answer.led_to(), Some("/enroll/ownership" | "/enroll/previous")), "{}", answer.body);
}

fn unique(person: PersonId) -> Option<RecordOwner> {
    Some(RecordOwner::Unique { person })
}

/// Erases a person as the services permit it: hands over the records, destroys the key, records it.
async fn erase(server: &TestServer, person: PersonId) {
    let platform = &server.app().platform;
    server.app().imports.hand_over_records(person).await.unwrap();
    let keys = std::sync::Arc::clone(platform.log.keys());
    tokio::task::spawn_blocking(move || keys.destroy(&person.key())).await.unwrap().unwrap();
    let context = Context::operator(server.app().platform.world.uuid());
    let expected = events::store::Expected::Any;
    platform.append_event(&person.stream(), expected, PersonEvent::PersonErased {}, &context).await.unwrap();
    server.reacted().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_values_are_searched_together_and_a_value_of_many_entries_is_ambiguous() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    for name in ["alan", "joiner", "dreamer", "victim"] {
        let add = format!("dn: uid={name},{PEOPLE}\nchangetype: modify\nadd: mail\nmail: team@example.test\n");
        slapd.modify(&add);
    }
    let ldap = changed(&slapd, |_| {});
    let found = async |values: &[&str]| {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let listed = ldap.holders(Identifier::Mail, &values).await.unwrap();
        let mut names: Vec<String> = listed.into_iter().map(|one| one.account.user_name).collect();
        names.sort();
        names
    };
    // The four members of the team and ada exceed the limit of one search, so the values are searched one by one.
    let names = found(&["team@example.test", "ADA@example.test"]).await;
    assert_eq!((names.len(), names.contains(&"ada".to_owned())), (3, true), "two are enough: {names:?}");
    let many: Vec<String> = (0..120).map(|nth| format!("nobody{nth}@example.test")).collect();
    let searches = slapd.log().matches("SRCH base=").count();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    many.push("alan@example.test");
    assert_eq!(found(&many).await, ["alan"]);
    assert_eq!(slapd.log().matches("SRCH base=").count() - searches, 3, "50 values with each search");
    assert!(found(&["*", "a*@example.test", ")(uid=*"]).await.is_empty(), "values are escaped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_imported_before_the_first_sign_in_belongs_to_the_person_of_the_directory() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server(&slapd).await;
    let lines = [("1", "", "ADA@example.test ", ""), ("2", "", "nobody@example.test", ""), ("3", "ada", "", "")];
    let finished = import(&server, &BY_MAIL, &lines).await;
    assert_eq!(counts(&finished), OwnerCounts { account: 1, none: 2, ..OwnerCounts::default() });
    assert!(server.events_of("person").await.is_empty(), "most owners of old records never sign in");
    assert!(server.events_of("account").await.is_empty());
    assert_eq!(owner(&server, "1").await, Some(RecordOwner::Account {}));
    assert_eq!(owner(&server, "2").await, Some(RecordOwner::Unknown {}));
    assert_eq!(owner(&server, "3").await, None, "no rule is about its user name");
    sign_in(&server, "ada").await;
    let ada = people(&server, "ada").await;
    assert_eq!(ada.len(), 1);
    assert_eq!(owner(&server, "1").await, unique(ada[0]));
    assert_eq!(shown_to(&server, ada[0]).await, [record(&server, "1")]);
    let noted = |event: &Event| matches!(event, Event::Person(PersonEvent::PersonKeysNoted { .. }));
    assert!(!server.events_of("person").await.iter().any(noted), "the keys are in the first event of the person");
    let again = import(&server, &BY_MAIL, &lines).await;
    assert_eq!((again.counts.unchanged, again.counts.changed), (3, 0), "an import twice is an import once");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_imported_after_the_sign_in_belongs_to_the_person_who_signed_in() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server(&slapd).await;
    sign_in(&server, "ada").await;
    sign_in(&server, "alan@example.test").await;
    let (ada, alan) = (people(&server, "ada").await[0], people(&server, "alan").await[0]);
    let rules = ["user_name=main:user_name", "mail=main:user_principal_name", "employee_number=main:employee_number"];
    let lines = [
        ("1", "Ada", "", ""),
        ("2", "", "alan@example.test", ""),
        ("3", "", "", "ada@school.example"),
        ("4", "ada", "ada@example.test", "ada@school.example"),
        ("5", "ada", "alan@example.test", ""),
        ("6", "alan", "other@example.test", ""),
    ];
    let finished = import(&server, &rules, &lines).await;
    assert_eq!(counts(&finished), OwnerCounts { unique: 4, several: 1, none: 1, ..OwnerCounts::default() });
    for (id, person) in [("1", ada), ("2", alan), ("3", ada), ("4", ada)] {
        assert_eq!(owner(&server, id).await, unique(person), "{id}");
    }
    assert_eq!(owner(&server, "5").await, Some(RecordOwner::Several {}), "the rules find two people");
    assert_eq!(owner(&server, "6").await, Some(RecordOwner::Unknown {}), "the address is not alan's");
    assert_eq!(shown_to(&server, alan).await, [record(&server, "2")]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_name_changed_finds_records_with_the_earlier_and_with_the_later_name() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server(&slapd).await;
    sign_in(&server, "alan").await;
    let rename = format!("dn: uid=alan,{PEOPLE}\nchangetype: modify\nreplace: mail\nmail: turing@example.test\n");
    slapd.modify(&rename);
    let lines = [("1", "", "alan@example.test", ""), ("2", "", "turing@example.test", "")];
    let finished = import(&server, &BY_MAIL, &lines).await;
    assert_eq!(counts(&finished), OwnerCounts { unique: 2, ..OwnerCounts::default() });
    let alan = people(&server, "alan").await[0];
    assert_eq!(shown_to(&server, alan).await.len(), 2);
    // The source renames the person too: the record is theirs before and after.
    let finished = import(&server, &BY_MAIL, &[("1", "", "turing@example.test", "")]).await;
    assert_eq!((finished.counts.changed, counts(&finished).unique), (1, 1));
    assert_eq!(shown_to(&server, alan).await.len(), 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_two_people_could_own_is_shown_to_neither_even_if_it_was_one_persons_before() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server(&slapd).await;
    import(&server, &BY_MAIL, &[("1", "", "ada@example.test", "")]).await;
    sign_in(&server, "ada").await;
    let ada = people(&server, "ada").await[0];
    assert_eq!(shown_to(&server, ada).await.len(), 1);
    slapd.modify(&format!("dn: uid=alan,{PEOPLE}\nchangetype: modify\nadd: mail\nmail: Ada@Example.test\n"));
    sign_in(&server, "alan").await;
    let alan = people(&server, "alan").await[0];
    assert_eq!((shown_to(&server, ada).await, shown_to(&server, alan).await), (vec![], vec![]));
    assert_eq!(owner(&server, "1").await, Some(RecordOwner::Several {}));
    let finished = import(&server, &BY_MAIL, &[("2", "", "ada@example.test", ""), ("3", "", "twin", "")]).await;
    assert_eq!(counts(&finished), OwnerCounts { several: 1, none: 1, ..OwnerCounts::default() });
    // The key of the record is its own again: it outlives a person who owned it once.
    let keys = std::sync::Arc::clone(server.app().platform.log.keys());
    tokio::task::spawn_blocking(move || keys.destroy(&ada.key())).await.unwrap().unwrap();
    let state = state(&server, "1").await;
    assert!(state.details.as_ref().unwrap().personal.get().is_some());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_a_disabled_account_has_left_and_two_entries_with_one_name_are_several() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server(&slapd).await;
    let lock = format!("dn: uid=alan,{PEOPLE}\nchangetype: modify\nadd: pwdAccountLockedTime\n");
    slapd.modify(&format!("{lock}pwdAccountLockedTime: 000001010000Z\n"));
    let rules = ["user_name=main:user_name"];
    let lines = [("1", "alan", "", ""), ("2", "twin", "", ""), ("3", "odd*(name)", "", "")];
    let finished = import(&server, &rules, &lines).await;
    assert_eq!(counts(&finished), OwnerCounts { left: 1, several: 1, account: 1, ..OwnerCounts::default() });
    assert_eq!(owner(&server, "1").await, Some(RecordOwner::Left {}));
    assert!(people(&server, "alan").await.is_empty(), "nobody is made of a disabled account");
    slapd.modify(&format!("dn: uid=alan,{PEOPLE}\nchangetype: modify\ndelete: pwdAccountLockedTime\n"));
    sign_in(&server, "alan").await;
    let alan = people(&server, "alan").await[0];
    assert_eq!(shown_to(&server, alan).await, [record(&server, "1")], "the account is enabled again");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_does_not_answer_leaves_owners_unresolved_until_the_next_import_or_sign_in() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let mut slapd = Slapd::start();
    let server = server(&slapd).await;
    sign_in(&server, "grace").await;
    slapd.pause();
    let lines = [("1", "ada", "", ""), ("2", "alan", "", ""), ("3", "grace", "", "")];
    let rules = ["user_name=main:user_name"];
    let finished = import(&server, &rules, &lines).await;
    assert_eq!(counts(&finished), OwnerCounts { unresolved: 3, ..OwnerCounts::default() });
    assert_eq!(finished.counts.new, 3, "the rows are imported");
    assert_eq!(owner(&server, "3").await, None, "another entry could have the name of a known person");
    slapd.go_on();
    sign_in(&server, "ada").await;
    let ada = people(&server, "ada").await[0];
    assert_eq!(shown_to(&server, ada).await, [record(&server, "1")]);
    let finished = import(&server, &rules, &lines).await;
    assert_eq!(counts(&finished), OwnerCounts { unique: 2, account: 1, ..OwnerCounts::default() });
    assert_eq!(finished.counts.unchanged, 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_records_of_an_erased_person_are_erased_and_no_import_brings_them_back() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server(&slapd).await;
    let rules = ["mail=main:mail", "user_name=main:user_name"];
    sign_in(&server, "ada").await;
    sign_in(&server, "alan").await;
    // Owned; of several people; with an earlier owner; of an import that is undone; somebody else's.
    let lines = [
        ("1", "", "ada@example.test", "number <1>"),
        ("2", "alan", "ada@example.test", "number <2>"),
        ("3", "", "ada@example.test", "number <3>"),
        ("5", "alan", "", "number <5>"),
    ];
    import(&server, &rules, &lines).await;
    import(&server, &rules, &[("3", "", "alan@example.test", "number <3>")]).await;
    let undone = import(&server, &rules, &[("4", "", "ada@example.test", "number <4>")]).await;
    server
        .app()
        .imports
        .undo(undone.import.unwrap(), &Context::operator(server.app().platform.world.uuid()))
        .await
        .unwrap();
    let (ada, alan) = (people(&server, "ada").await[0], people(&server, "alan").await[0]);
    assert_eq!(shown_to(&server, alan).await.len(), 2);
    erase(&server, ada).await;

    assert_eq!(shown_to(&server, alan).await, [record(&server, "5")]);
    for id in ["1", "2", "3"] {
        let details = state(&server, id).await.details.clone().unwrap();
        assert_eq!(details.personal.gone(), Some(events::personal::Gone::Erased), "{id}");
    }
    let again = [
        ("1", "", "ada@example.test", "number <1>"),
        ("2", "alan", "ada@example.test", "number <2>"),
        ("3", "", "alan@example.test", "number <3>"),
        ("4", "", "ada@example.test", "number <4>"),
    ];
    let finished = import(&server, &rules, &again).await;
    assert_eq!((finished.counts.erased, finished.counts.new), (4, 0));
    let dump = server.app().platform.projections.dump().await.unwrap();
    for table in dump {
        for row in &table.rows {
            let personal = ["ada@example.test", "number <1>", "number <2>", "number <3>", "number <4>"]
                .iter()
                .find(|text| row.contains(**text));
            assert!(personal.is_none(), "{}: {personal:?} in {row}", table.table);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_says_who_would_own_the_records_and_writes_nothing() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server(&slapd).await;
    let before = server.whole_log().await.len();
    let lines = [("1", "", "ada@example.test", ""), ("2", "", "nobody@example.test", "")];
    let finished = try_import(&server, &BY_MAIL, true, &lines).await.unwrap();
    assert_eq!(counts(&finished), OwnerCounts { account: 1, none: 1, ..OwnerCounts::default() });
    assert_eq!(server.whole_log().await.len(), before);
    let finished = try_import(&server, &[], true, &lines).await.unwrap();
    assert_eq!(finished.owners, None, "without a rule, owners are not resolved");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_with_an_unknown_provider_or_attribute_is_refused_before_the_file_is_read() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = TestServer::start_with(World::system(), |config| {
        config.identity.directory = vec![harness::directory::config(&slapd)];
    });
    let server = server.await;
    for (rule, parts) in [
        ("mail=office:mail", ["mail=office:mail", "office", "local, main"]),
        ("employee_number=main:employee_number", ["main", "employee number", "employee_number_attribute"]),
        ("employee_number=local:employee_number", ["local", "employee number", "states no"]),
    ] {
        let why = try_import(&server, &[rule], false, &[]).await.unwrap_err().to_string();
        parts.iter().for_each(|part| assert!(why.contains(part), "{part} is not in: {why}"));
    }
    assert!(server.events_of("import").await.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undone_import_gives_the_record_back_to_its_owner() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server(&slapd).await;
    sign_in(&server, "ada").await;
    sign_in(&server, "alan").await;
    import(&server, &BY_MAIL, &[("1", "", "ada@example.test", "")]).await;
    let second = import(&server, &BY_MAIL, &[("1", "", "alan@example.test", "")]).await;
    let (ada, alan) = (people(&server, "ada").await[0], people(&server, "alan").await[0]);
    assert_eq!((shown_to(&server, ada).await.len(), shown_to(&server, alan).await.len()), (0, 1));
    server
        .app()
        .imports
        .undo(second.import.unwrap(), &Context::operator(server.app().platform.world.uuid()))
        .await
        .unwrap();
    assert_eq!((shown_to(&server, ada).await.len(), shown_to(&server, alan).await.len()), (1, 0));
    let keys = std::sync::Arc::clone(server.app().platform.log.keys());
    tokio::task::spawn_blocking(move || keys.destroy(&alan.key())).await.unwrap().unwrap();
    assert!(state(&server, "1").await.details.as_ref().unwrap().personal.get().is_some(), "the key is ada's");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_of_one_person_are_resolved_by_several_effects() {
    let server = TestServer::start().await;
    server.add_user("kim", "a long walk in eleven steps", &[Privilege::Enroll]).await;
    let ids: Vec<String> = (0..250).map(|nth| nth.to_string()).collect();
    let lines: Vec<Line<'_>> = ids.iter().map(|id| (id.as_str(), "Kim", "", "")).collect();
    let finished = import(&server, &["user_name=local:user_name"], &lines).await;
    assert_eq!(counts(&finished), OwnerCounts { account: 250, ..OwnerCounts::default() });
    let mut guest = Guest::new(&server, &iphone("17.5"));
    assert_eq!(guest.sign_in("kim", "a long walk in eleven steps").await.led_to(), Some("/enroll/previous"));
    let kim = people(&server, "kim").await[0];
    assert_eq!(shown_to(&server, kim).await.len(), 250);
    let pages = |event: &Event| matches!(event, Event::Person(PersonEvent::PersonRecordsResolved { .. }));
    let went_on = server.events_of("person").await.iter().filter(|event| pages(event)).count();
    assert!((1..=2).contains(&went_on), "the sign-in itself resolves the first ones: {went_on}");
    assert_eq!(guest.sign_in("kim", "a long walk in eleven steps").await.led_to(), None, "nothing new");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn local_accounts_are_known_to_an_import_before_anybody_signs_in() {
    let server = TestServer::start().await;
    let password = "a long walk in eleven steps";
    for (name, mail) in [("kim", "kim"), ("lee", "team"), ("max", "Team")] {
        let user = NewUser {
            user_name: name.into(),
            password: password.into(),
            privileges: [Privilege::Enroll].into(),
            display_name: None,
            mail: Some(format!("{mail}@example.test")),
            managed_apple_id: None,
        };
        server.execute(Request::AddUser(user)).await;
    }
    let rules = ["user_name=local:user_name", "mail=local:mail"];
    let lines = [
        ("1", "Kim", "", ""),
        ("2", "", "KIM@example.test", ""),
        ("3", "", "team@example.test", ""),
        ("4", "nobody", "", ""),
        ("5", "kim", "team@example.test", ""),
    ];
    let finished = import(&server, &rules, &lines).await;
    assert_eq!(counts(&finished), OwnerCounts { account: 2, several: 2, none: 1, ..OwnerCounts::default() });
    assert!(server.events_of("person").await.is_empty());
    server.execute(Request::DisableUser { user_name: "kim".into() }).await;
    let finished = import(&server, &rules, &[("6", "kim", "", "")]).await;
    assert_eq!(counts(&finished), OwnerCounts { left: 1, ..OwnerCounts::default() });
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("lee", password).await;
    assert_eq!(owner(&server, "3").await, Some(RecordOwner::Several {}));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_a_known_person_grows_the_log_by_at_most_two_kilobytes() {
    const BYTES_PER_ROW: u64 = 2_048;
    const ROWS: u64 = 2_000;
    let server = TestServer::start().await;
    server.add_user("kim", "a long walk in eleven steps", &[Privilege::Enroll]).await;
    Guest::new(&server, &iphone("17.5")).sign_in("kim", "a long walk in eleven steps").await;
    let size = |directory: &tempfile::TempDir| {
        std::fs::metadata(directory.path().join("muster/data/events.db")).unwrap().len()
    };
    let directory = server.stop_keeping().await;
    let (before, config) = (size(&directory), directory.path().join("muster/muster.toml"));
    let server = TestServer::start_in(directory, &config).await;
    let header = "JSS Mobile Device ID,Device Ownership Type,Serial Number,UDID,IMEI,Wi-Fi MAC Address,Bluetooth MAC \
                  Address,Model Identifier,Model,OS Version,Display Name,Username,Email Address,Full Name,Last Inventory \
                  Update,Last Enrollment,Site,Asset Tag\n";
    let text = (0..ROWS).fold(header.to_owned(), |mut text, id| {
        writeln!(
            text,
            "{id},PersonalDeviceProfile,F2LX{id:08},00008110-{id:016X},,A4:83:E7:00:00:01,A4:83:E7:00:00:02,\
             \"iPhone14,5\",iPhone 13 (128 GB),15.7.1,Phone of Person Number {id},kim,\
             person.number.{id}@students.school.example,Person Number {id},2024-03-04T05:06:07Z,2021-09-10T11:12:13Z,\
             Campus North,Inventory-{id:08}"
        )
        .unwrap();
        text
    });
    let mapping =
        records::Mapping { owner: vec!["user_name=local:user_name".parse().unwrap()], ..records::Mapping::default() };
    let order = Order { mapping, is_complete: false, is_rehearsal: false };
    let (told, _) = mpsc::channel(1);
    let context = Context::operator(server.app().platform.world.uuid());
    let file = std::io::Cursor::new(text.into_bytes());
    let finished = server.app().imports.run(file, order, &context, &told).await.unwrap();
    assert_eq!(counts(&finished), OwnerCounts { unique: ROWS, ..OwnerCounts::default() });
    server.reacted().await;
    let directory = server.stop_keeping().await;
    let grown = (size(&directory) - before) / ROWS;
    assert!((500..=BYTES_PER_ROW).contains(&grown), "{grown} bytes a row");
}
