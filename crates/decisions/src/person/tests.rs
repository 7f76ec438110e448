//! Tests: facts about a person are recorded once, and none after the person was erased.

use super::{Account, Command, MOST_KEYS, Person, Refusal, ReserveAccount};
use crate::Aggregate;
use crate::examples::{ADA, ENROLLMENT, sealed};
use events::enrollment::{Ownership, SignInMethodName};
use events::person::{AccountEvent, PersonAttributes, PersonEvent, PersonId};
use events::record::{NameKey, OwnerAttribute, OwnerKey};
use uuid::Uuid;

fn attributes(name: &str, managed_apple_id: Option<&str>) -> PersonAttributes {
    PersonAttributes {
        user_name: Some(sealed(name)),
        managed_apple_id: managed_apple_id.map(sealed),
        ..PersonAttributes::default()
    }
}

fn know(name: &str, managed_apple_id: Option<&str>) -> Command {
    know_with(name, managed_apple_id, &[])
}

/// Each key has a name.
fn know_with(name: &str, managed_apple_id: Option<&str>, keys: &[&str]) -> Command {
    Command::Know {
        method: SignInMethodName::Directory,
        account: "account".into(),
        attributes: Box::new(attributes(name, managed_apple_id)),
        keys: keys.iter().map(|hmac| key(hmac)).collect(),
        names: keys.iter().map(|hmac| NameKey((*hmac).into())).collect(),
    }
}

fn learn(managed_apple_id: &str) -> Command {
    Command::LearnManagedAppleId { managed_apple_id: sealed(managed_apple_id) }
}

fn accept(ownership: Ownership, version: &str) -> Command {
    Command::KeepTermsAcceptance { ownership, version: version.into(), enrollment: ENROLLMENT }
}

fn given(commands: &[Command]) -> Person {
    commands.iter().fold(Person::default(), |person, command| {
        let happened = person.decide(command).expect("what is given is possible");
        happened.iter().fold(person, Person::evolve)
    })
}

#[test]
fn a_person_is_known_once_and_a_change_of_name_is_another_fact() {
    let first = Person::default().decide(&know("ada", None)).unwrap();
    assert!(matches!(&first[..], [PersonEvent::PersonKnown { account, .. }] if account == "account"));
    let known = given(&[know("ada", None)]);
    assert_eq!(known.decide(&know("ada", None)), Ok(vec![]), "nothing new");
    let attributes = attributes("lovelace", None);
    let changed = vec![PersonEvent::PersonAttributesChanged { attributes: attributes.clone() }];
    assert_eq!(known.decide(&know("lovelace", None)), Ok(changed));
    assert_eq!(given(&[know("ada", None), know("lovelace", None)]).attributes, attributes);
}

#[test]
fn the_managed_apple_id_that_a_person_typed_stands_over_the_directorys() {
    let of_directory = given(&[know("ada", Some("ada@directory"))]);
    assert_eq!(of_directory.managed_apple_id(), Some(&sealed("ada@directory")));
    assert_eq!(of_directory.decide(&learn("ada@directory")), Ok(vec![]), "typed as the directory has it");
    let typed = given(&[know("ada", Some("ada@directory")), learn("ada@typed")]);
    assert_eq!(typed.managed_apple_id(), Some(&sealed("ada@typed")));
    assert_eq!(typed.decide(&learn("ada@typed")), Ok(vec![]));
    assert_eq!(typed.decide(&learn("ada@directory")).map(|happened| happened.len()), Ok(1), "back again");
}

#[test]
fn terms_that_were_accepted_are_kept_for_each_ownership_by_itself() {
    let person = given(&[know("ada", None), accept(Ownership::Personal, "1")]);
    assert_eq!(person.decide(&accept(Ownership::Personal, "1")), Ok(vec![]));
    for news in [accept(Ownership::Personal, "2"), accept(Ownership::Institutional, "1")] {
        assert_eq!(person.decide(&news).map(|happened| happened.len()), Ok(1), "{news:?}");
    }
    let accepted = given(&[accept(Ownership::Personal, "1"), accept(Ownership::Institutional, "2")]).accepted_terms;
    let of = |ownership| accepted.get(&ownership).map(String::as_str);
    assert_eq!((of(Ownership::Personal), of(Ownership::Institutional)), (Some("1"), Some("2")));
}

#[test]
fn of_an_erased_person_nothing_is_left_and_nothing_more_is_written() {
    let erased = given(&[know("ada", None), learn("ada@typed")]).evolve(&PersonEvent::PersonErased {});
    assert_eq!(erased, Person { erased: true, ..Person::default() });
    for command in [know("ada", None), learn("ada@typed"), accept(Ownership::Personal, "1")] {
        assert_eq!(erased.decide(&command), Err(Refusal::Erased));
    }
}

#[test]
fn an_account_leads_to_whoever_reserved_it_first_and_to_another_in_place_of_an_erased_one() {
    let (first, other) = (ADA, PersonId(Uuid::from_u128(2)));
    let reserve = |person, in_place_of| ReserveAccount { person, in_place_of };
    let reserved = |person| Ok(vec![AccountEvent::AccountReserved { person }]);
    let free = Account::default();
    assert_eq!(free.decide(&reserve(first, None)), reserved(first));
    let taken = free.evolve(&AccountEvent::AccountReserved { person: first });
    assert_eq!(taken.person, Some(first));
    assert_eq!(taken.decide(&reserve(other, None)), Ok(vec![]), "the winner is in the state");
    assert_eq!(taken.decide(&reserve(other, Some(other))), Ok(vec![]), "in place of somebody who does not have it");
    assert_eq!(taken.decide(&reserve(other, Some(first))), reserved(other));
}

fn key(hmac: &str) -> OwnerKey {
    OwnerKey { provider: "main".into(), attribute: OwnerAttribute::Mail, hmac: hmac.into() }
}

#[test]
fn a_key_is_noted_once_and_stays_after_the_value_changed() {
    let with = |keys: &[&str]| know_with("ada", None, keys);
    let known = Person::default().decide(&with(&["a", "a"])).unwrap();
    let [PersonEvent::PersonKnown { keys, names, .. }] = &known[..] else { panic!("one event: {known:?}") };
    assert_eq!((&keys[..], &names[..]), (&[key("a")][..], &[NameKey("a".into())][..]));
    let known = known.iter().fold(Person::default(), Person::evolve);
    assert_eq!(known.decide(&with(&["a"])), Ok(vec![]));
    let changed = known.decide(&with(&["b", "a"])).unwrap();
    assert_eq!(changed, [PersonEvent::PersonKeysNoted { keys: vec![key("b")], names: vec![NameKey("b".into())] }]);
    let changed = changed.iter().fold(known, Person::evolve);
    assert_eq!(changed.keys, [key("a"), key("b")].into());
    let renamed = changed.decide(&know_with("lovelace", None, &["c"])).unwrap();
    assert!(
        matches!(renamed[..], [PersonEvent::PersonAttributesChanged { .. }, PersonEvent::PersonKeysNoted { .. }]),
        "{renamed:?}"
    );
    let erased = Person::evolve(changed, &PersonEvent::PersonErased {});
    assert_eq!((erased.keys, erased.names), ([].into(), [].into()));
}

#[test]
fn a_person_has_a_bounded_number_of_keys() {
    let know = |first: usize| {
        let keys: Vec<String> = (first..first + 90).map(|nth| format!("{nth:03}")).collect();
        know_with("ada", None, &keys.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let full = given(&[know(0), know(90)]);
    assert_eq!((full.keys.len(), full.names.len()), (MOST_KEYS, MOST_KEYS));
    assert_eq!(full.decide(&know(200)), Ok(vec![]));
    let later = Command::NoteNames { names: vec![NameKey("x".into())] };
    assert_eq!(full.decide(&later), Ok(vec![]));
    let noted = given(&[know_with("ada", None, &[])]).decide(&later);
    assert_eq!(noted, Ok(vec![PersonEvent::PersonKeysNoted { keys: vec![], names: vec![NameKey("x".into())] }]));
}
