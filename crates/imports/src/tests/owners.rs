//! Owners of records without a directory: the people that the log knows, and the keys of the records.

use super::*;
use events::Event;
use events::enrollment::SignInMethodName;
use events::person::{PersonAttributes, PersonEvent, PersonId};
use events::personal::{Gone, Personal};
use events::record::{
    NameKey, OwnerAttribute, OwnerCounts, OwnerKey, PersonalDetails, RecordDetails, RecordEvent, RecordOwner,
};
use events::store::Expected;
use sign_in::{name_key, owner_key};

const BY_MAIL: &str = "mail=local:mail";

fn owned_by_rule(rule: &str) -> Order {
    let mapping = Mapping { owner: vec![rule.parse().unwrap()], ..Mapping::default() };
    Order { mapping, ..partial() }
}

fn rows(ids: impl Iterator<Item = usize>, mail: &str) -> String {
    ids.map(|id| format!("{id},,,{mail},15.1\n")).collect()
}

impl Scene {
    fn key(&self, mail: &str) -> OwnerKey {
        owner_key(&self.imports.platform.secrets, "local", OwnerAttribute::Mail, mail).unwrap()
    }

    async fn tell(&self, person: PersonId, event: PersonEvent) {
        let platform = &self.imports.platform;
        platform.append_event(&person.stream(), Expected::Any, event, &operator()).await.unwrap();
    }

    /// Somebody signs in for whom the provider states this address.
    async fn sign_in(&self, nth: u128, mail: &str) -> PersonId {
        let person = PersonId(Uuid::from_u128(nth));
        let (method, attributes) = (SignInMethodName::LocalAccount, PersonAttributes::default());
        let (account, keys, names) = (nth.to_string(), vec![self.key(mail)], vec![self.name(mail)]);
        self.tell(person, PersonEvent::PersonKnown { method, account, attributes, keys, names }).await;
        person
    }

    fn name(&self, value: &str) -> NameKey {
        name_key(&self.imports.platform.secrets, value).unwrap()
    }

    /// Erases a person as the services permit it.
    async fn erase(&self, person: PersonId) {
        self.imports.hand_over_records(person).await.unwrap();
        self.destroy_key_of(person).await;
        self.tell(person, PersonEvent::PersonErased {}).await;
        // What the effect of that event does.
        self.imports.hand_over_records(person).await.unwrap();
    }

    /// Returns the ids of the records whose text the projections have.
    async fn legible(&self) -> Vec<String> {
        self.imports.await_projections().await.unwrap();
        let dump = self.imports.platform.projections.dump().await.unwrap();
        let rows = &dump.iter().find(|table| table.table == "records_current").unwrap().rows;
        let ids = (1..10).map(|id| id.to_string());
        ids.filter(|id| rows.iter().any(|row| row.contains(&format!("source_id={id:?}")))).collect()
    }

    /// Does what the effect of a sign-in does, without going on.
    async fn resolve(&self, person: PersonId, mail: &str, after: Option<RecordId>) -> Resolved {
        self.imports.await_projections().await.unwrap();
        let keys = [self.key(mail)];
        self.imports.resolve_of(person, &keys, after, |_| operator()).await.unwrap()
    }

    async fn owner(&self, id: &str) -> Option<RecordOwner> {
        self.record(id).await.owner
    }

    async fn shown_to(&self, person: PersonId) -> usize {
        self.imports.await_projections().await.unwrap();
        projections::records::owned_by(&self.imports.platform.projections, person, 1_000).await.unwrap().len()
    }

    async fn destroy_key_of(&self, person: PersonId) {
        let keys = Arc::clone(self.imports.platform.log.keys());
        tokio::task::spawn_blocking(move || keys.destroy(&person.key())).await.unwrap().unwrap();
    }

    async fn gone(&self, id: &str) -> Option<Gone> {
        self.record(id).await.details.as_ref().unwrap().personal.gone()
    }
}

fn unique(person: PersonId) -> Option<RecordOwner> {
    Some(RecordOwner::Unique { person })
}

#[tokio::test]
async fn the_key_of_a_record_is_destroyed_with_the_owners_and_other_records_stay() {
    let scene = Scene::set().await;
    let ada = scene.sign_in(1, "ada@example.org").await;
    let file = format!("{}{}", rows(1..=1, "Ada@example.org"), rows(2..=2, "bob@example.org"));
    let finished = scene.run(&file, owned_by_rule(BY_MAIL)).await;
    assert_eq!(finished.owners, Some(OwnerCounts { unique: 1, none: 1, ..OwnerCounts::default() }));
    assert_eq!((scene.owner("1").await, scene.owner("2").await), (unique(ada), Some(RecordOwner::Unknown {})));
    scene.destroy_key_of(ada).await;
    assert_eq!((scene.gone("1").await, scene.gone("2").await), (Some(Gone::Erased), None));
    let again = scene.run(&file, owned_by_rule(BY_MAIL)).await;
    assert_eq!((again.counts.erased, again.counts.unchanged), (1, 1));
    assert_eq!(again.owners, Some(OwnerCounts { none: 1, ..OwnerCounts::default() }), "an erased row has no owner");
}

#[tokio::test]
async fn records_that_carry_a_key_of_a_person_are_erased_with_them_although_nobody_owns_them() {
    let scene = Scene::set().await;
    scene.run(&rows(1..=1, "team@example.org"), owned_by_rule(BY_MAIL)).await;
    let (ada, bob) = (scene.sign_in(1, "team@example.org").await, scene.sign_in(2, "team@example.org").await);
    scene.resolve(bob, "team@example.org", None).await;
    assert_eq!(scene.owner("1").await, Some(RecordOwner::Several {}));
    scene.imports.hand_over_records(ada).await.unwrap();
    scene.destroy_key_of(ada).await;
    assert_eq!(scene.gone("1").await, Some(Gone::Erased));
}

#[tokio::test]
async fn a_second_person_with_the_key_takes_the_record_from_the_first_and_the_record_gets_its_key_back() {
    let scene = Scene::set().await;
    let ada = scene.sign_in(1, "team@example.org").await;
    scene.run(&rows(1..=1, "team@example.org"), owned_by_rule(BY_MAIL)).await;
    assert_eq!((scene.owner("1").await, scene.shown_to(ada).await), (unique(ada), 1));
    let bob = scene.sign_in(2, "team@example.org").await;
    scene.resolve(bob, "team@example.org", None).await;
    assert_eq!(scene.owner("1").await, Some(RecordOwner::Several {}));
    assert_eq!((scene.shown_to(ada).await, scene.shown_to(bob).await), (0, 0));
    scene.destroy_key_of(ada).await;
    assert_eq!(scene.gone("1").await, None);
}

#[tokio::test]
async fn a_sign_in_resolves_a_bounded_number_of_records_and_says_where_to_go_on() {
    let scene = Scene::set().await;
    scene.run(&rows(1..=130, "ada@example.org"), owned_by_rule(BY_MAIL)).await;
    let ada = scene.sign_in(1, "ada@example.org").await;
    let first = scene.resolve(ada, "ada@example.org", None).await;
    assert_eq!((scene.shown_to(ada).await, first.more_after.is_some(), first.unresolved), (100, true, 0));
    let second = scene.resolve(ada, "ada@example.org", first.more_after).await;
    assert_eq!((scene.shown_to(ada).await, second), (130, Resolved::default()));
    let nothing = scene.resolve(ada, "ada@example.org", None).await;
    assert_eq!(nothing, Resolved::default());
}

#[tokio::test]
async fn people_who_were_noted_since_an_import_began_are_found_at_its_end() {
    let scene = Scene::set().await;
    let since = scene.imports.await_projections().await.unwrap();
    let ada = scene.sign_in(1, "ada@example.org").await;
    scene.run(&rows(1..=2, "ada@example.org"), owned_by_rule(BY_MAIL)).await;
    let bob = scene.sign_in(2, "ada@example.org").await;
    assert_eq!(scene.owner("1").await, unique(ada));
    scene.imports.resolve_noted_since(since, &operator()).await.unwrap();
    assert_eq!(
        (scene.owner("1").await, scene.owner("2").await),
        (Some(RecordOwner::Several {}), Some(RecordOwner::Several {}))
    );
    assert_eq!(scene.shown_to(bob).await, 0);
}

#[tokio::test]
async fn a_record_with_another_name_has_no_owner_until_somebody_is_found_and_an_undo_finds_the_first_again() {
    let scene = Scene::set().await;
    let ada = scene.sign_in(1, "ada@example.org").await;
    scene.run(&rows(1..=1, "ada@example.org"), owned_by_rule(BY_MAIL)).await;
    let second = scene.run(&rows(1..=1, "bob@example.org"), owned_by_rule(BY_MAIL)).await;
    assert_eq!((scene.owner("1").await, scene.shown_to(ada).await), (Some(RecordOwner::Unknown {}), 0));
    scene.undo(second.import).await;
    assert_eq!((scene.owner("1").await, scene.shown_to(ada).await), (unique(ada), 1));
    let third = scene.run(&rows(1..=1, "bob@example.org"), owned_by_rule(BY_MAIL)).await;
    scene.destroy_key_of(ada).await;
    assert_eq!(scene.gone("1").await, None, "the record got its key back");
    let bob = scene.sign_in(2, "bob@example.org").await;
    scene.resolve(bob, "bob@example.org", None).await;
    assert_eq!(scene.owner("1").await, unique(bob));
    scene.undo(third.import).await;
    assert_eq!(
        (scene.gone("1").await, scene.shown_to(bob).await),
        (Some(Gone::Erased), 0),
        "it is ada's, who is erased"
    );
}

#[tokio::test]
async fn an_import_without_rules_says_so_and_keeps_the_owners() {
    let scene = Scene::set().await;
    let ada = scene.sign_in(1, "ada@example.org").await;
    scene.run(&rows(1..=1, "ada@example.org"), owned_by_rule(BY_MAIL)).await;
    let finished = scene.run("1,,,ada@example.org,16.0\n", partial()).await;
    assert_eq!((finished.counts.changed, finished.owners), (1, None));
    assert_eq!((scene.owner("1").await, scene.shown_to(ada).await), (unique(ada), 1));
}

#[tokio::test]
async fn a_rehearsal_of_owners_changes_neither_records_nor_keys() {
    let scene = Scene::set().await;
    let ada = scene.sign_in(1, "ada@example.org").await;
    let finished = scene.run(&rows(1..=1, "ada@example.org"), rehearsal(owned_by_rule(BY_MAIL))).await;
    assert_eq!(finished.owners, Some(OwnerCounts { unique: 1, ..OwnerCounts::default() }));
    assert_eq!((scene.record("1").await.details.clone(), scene.shown_to(ada).await), (None, 0));
}

fn users(lines: &[(&str, &str, &str)]) -> Cursor<Vec<u8>> {
    let lines = lines.iter().map(|(id, user, number)| format!("{id},{user},{number}\n")).collect::<String>();
    Cursor::new(format!("JSS Mobile Device ID,Username,Asset Tag\n{lines}").into_bytes())
}

#[tokio::test]
async fn records_without_an_owner_rule_are_erased_with_the_person_whom_they_name() {
    let scene = Scene::set().await;
    let file = format!("{}{}", rows(1..=1, "Ada@example.org"), rows(2..=2, "bob@example.org"));
    scene.run(&file, partial()).await;
    // In another column than the provider's attribute.
    scene.run_order(users(&[("3", "ada@example.org", ""), ("4", "ada", "")]), partial()).await.unwrap();
    // Named earlier, and by an import that is undone.
    scene.run(&rows(5..=5, "ada@example.org"), partial()).await;
    scene.run(&rows(5..=5, "carol@example.org"), partial()).await;
    let undone = scene.run(&rows(6..=6, "ada@example.org"), partial()).await;
    scene.undo(undone.import).await;
    let ada = scene.sign_in(1, "ada@example.org").await;
    assert_eq!(scene.shown_to(ada).await, 0, "without a rule, nothing is hers");
    scene.erase(ada).await;
    for (id, gone) in [("1", true), ("2", false), ("3", true), ("4", false), ("5", true)] {
        assert_eq!(scene.gone(id).await, gone.then_some(Gone::Erased), "{id}");
    }
    assert_eq!(scene.legible().await, ["2", "4"]);
    let again = scene.run(&rows([1, 5, 6].into_iter(), "ada@example.org"), partial()).await;
    assert_eq!((again.counts.erased, again.counts.new), (3, 0));
}

#[tokio::test]
async fn a_record_of_the_only_owner_outlives_a_person_of_the_same_name_at_another_provider() {
    let scene = Scene::set().await;
    let bob = scene.sign_in(1, "team@example.org").await;
    scene.run(&rows(1..=1, "team@example.org"), owned_by_rule(BY_MAIL)).await;
    scene.run(&rows(2..=2, "team@example.org"), partial()).await;
    let ada = PersonId(Uuid::from_u128(2));
    let names = vec![scene.name("team@example.org")];
    scene.tell(ada, PersonEvent::PersonKeysNoted { keys: vec![], names }).await;
    assert_eq!(scene.owner("1").await, unique(bob));
    scene.erase(ada).await;
    assert_eq!((scene.gone("1").await, scene.shown_to(bob).await), (None, 1));
    assert_eq!(scene.gone("2").await, Some(Gone::Erased), "nobody owns it, and it names her");
    assert_eq!(scene.legible().await, ["1"]);
}

#[tokio::test]
async fn people_and_records_of_an_earlier_version_have_no_names_and_get_them() {
    let scene = Scene::set().await;
    let (file, person) = (rows(1..=1, "ada@example.org"), PersonId(Uuid::from_u128(1)));
    let other = scene.imports.record_id("Jamf Pro", "1");
    scene.run(&file, partial()).await;
    let past = scene.imports.platform.log.read(&other.stream()).await.unwrap();
    let Event::Record(RecordEvent::PreviousRecordImported { import, source, details, .. }) = past[0].event.clone()
    else {
        panic!("{past:?}")
    };
    // A record as an earlier version wrote it.
    let old = scene.imports.record_id("Jamf Pro", "2");
    let PersonalDetails { mail, .. } = details.personal.get().unwrap().clone();
    let personal = PersonalDetails { source_id: "2".into(), mail, ..PersonalDetails::default() };
    let details = Box::new(RecordDetails { personal: Personal::new(old.key(), personal), ..*details });
    let imported =
        RecordEvent::PreviousRecordImported { import, source, details, owner_keys: vec![], names: vec![], owner: None };
    scene.imports.platform.append_event(&old.stream(), Expected::Any, imported, &operator()).await.unwrap();
    let sealed = |text: &str| Some(Personal::new(person.key(), text.to_owned()));
    let named = |mail| PersonAttributes { mail: sealed(mail), ..PersonAttributes::default() };
    let (method, account, attributes) = (SignInMethodName::Directory, "a".into(), named("ada@example.org"));
    let (keys, names) = (vec![], vec![]);
    scene.tell(person, PersonEvent::PersonKnown { method, account, attributes, keys, names }).await;
    let attributes = named("lovelace@example.org");
    scene.tell(person, PersonEvent::PersonAttributesChanged { attributes }).await;
    let again = scene.run(&rows(2..=2, "ada@example.org"), partial()).await;
    assert_eq!(again.counts.changed, 1);
    scene.erase(person).await;
    assert_eq!((scene.gone("1").await, scene.gone("2").await), (Some(Gone::Erased), Some(Gone::Erased)));
    assert!(scene.legible().await.is_empty());
}

#[tokio::test]
async fn a_record_that_another_value_contradicts_is_looked_up_again_only_for_a_new_value() {
    let scene = Scene::set().await;
    let rules = ["user_name=local:user_name", BY_MAIL].map(|rule| rule.parse().unwrap());
    let order = Order { mapping: Mapping { owner: rules.into(), ..Mapping::default() }, ..partial() };
    let file = "JSS Mobile Device ID,Username,Email Address\n1,kim,new@example.org\n2,kim,kim@example.org\n";
    let kim = scene.sign_in(1, "kim@example.org").await;
    let name = owner_key(&scene.imports.platform.secrets, "local", OwnerAttribute::UserName, "kim").unwrap();
    scene.tell(kim, PersonEvent::PersonKeysNoted { keys: vec![name.clone()], names: vec![] }).await;
    scene.run_order(Cursor::new(file.as_bytes().to_vec()), order).await.unwrap();
    assert_eq!((scene.owner("1").await, scene.owner("2").await), (Some(RecordOwner::Unknown {}), unique(kim)));
    let sign_in = async |mail| {
        scene.imports.await_projections().await.unwrap();
        let keys = [name.clone(), scene.key(mail)];
        scene.imports.resolve_at_sign_in(kim, &keys, |_| operator()).await.unwrap()
    };
    assert!(!sign_in("kim@example.org").await, "nothing is new");
    scene.tell(kim, PersonEvent::PersonKeysNoted { keys: vec![scene.key("new@example.org")], names: vec![] }).await;
    assert!(sign_in("new@example.org").await);
    assert_eq!(scene.owner("1").await, unique(kim));
    assert!(!sign_in("new@example.org").await);
}
