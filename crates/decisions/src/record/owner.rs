//! Who owns a record, from the people and accounts that have its keys.

use events::person::PersonId;
use events::record::OwnerKey;
use std::collections::{BTreeMap, BTreeSet};

/// Somebody who has a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    Person(PersonId),
    /// An account that belongs to nobody yet: the id of its `account-` stream.
    Account(String),
}

/// What is known about somebody who has a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// All keys that are known of them, those of earlier values too.
    pub keys: BTreeSet<OwnerKey>,
    /// The directory says that their account is disabled.
    pub is_disabled: bool,
}

/// Who was asked for the holders of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// The known people and the directory.
    Complete,
    /// The known people. Nobody else can be asked.
    KnownPeople,
    /// The directory did not answer.
    Failed,
}

/// A key of a record, and who has it.
#[derive(Debug, Clone)]
pub struct Sought<'a> {
    pub key: &'a OwnerKey,
    pub holders: &'a BTreeSet<Who>,
    pub search: Search,
}

/// Who owns a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    Unique(&'a Who),
    /// Nobody has the values of the record.
    Unknown,
    Several,
    /// The account of the only one who has them is disabled.
    Left,
    /// It cannot be said now.
    Unresolved,
}

/// Returns the owner of a record with these keys. Every key that has a holder must have the same one. The holder must
/// not have another value where the record has one: a mail address may have been given to somebody else, whose employee
/// number differs. `about`: what is known about each holder.
pub fn owner<'a>(sought: &[Sought<'a>], about: &BTreeMap<Who, Holder>) -> Found<'a> {
    let holders: BTreeSet<&'a Who> = sought.iter().flat_map(|sought| sought.holders).collect();
    let has_failed = sought.iter().any(|sought| sought.search == Search::Failed);
    let mut holders = holders.into_iter();
    match (holders.next(), holders.next()) {
        (Some(_), Some(_)) => Found::Several,
        _ if has_failed => Found::Unresolved,
        (Some(who), None) => match about.get(who) {
            Some(holder) if sought.iter().any(|sought| contradicts(&holder.keys, sought.key)) => Found::Unknown,
            Some(Holder { is_disabled: true, .. }) => Found::Left,
            Some(Holder { is_disabled: false, .. }) | None => Found::Unique(who),
        },
        (None, _) if sought.iter().all(|sought| sought.search == Search::Complete) => Found::Unknown,
        (None, _) => Found::Unresolved,
    }
}

/// Returns whether somebody with these keys has other values of the attribute of `key`, and not this one.
pub fn contradicts(held: &BTreeSet<OwnerKey>, key: &OwnerKey) -> bool {
    let is_alike = |held: &OwnerKey| held.provider == key.provider && held.attribute == key.attribute;
    !held.contains(key) && held.iter().any(is_alike)
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::record::OwnerAttribute;
    use uuid::Uuid;

    const ADA: Who = Who::Person(PersonId(Uuid::from_u128(1)));
    const BOB: Who = Who::Person(PersonId(Uuid::from_u128(2)));

    fn key(attribute: OwnerAttribute, value: &str) -> OwnerKey {
        OwnerKey { provider: "main".into(), attribute, hmac: value.into() }
    }

    fn mail(value: &str) -> OwnerKey {
        key(OwnerAttribute::Mail, value)
    }

    fn number(value: &str) -> OwnerKey {
        key(OwnerAttribute::EmployeeNumber, value)
    }

    fn holder(keys: &[OwnerKey], is_disabled: bool) -> Holder {
        Holder { keys: keys.iter().cloned().collect(), is_disabled }
    }

    /// Decides for a record with these keys and searches. Everybody who has a key is found with it.
    fn decided(record: &[(OwnerKey, Search)], people: &[(Who, Holder)]) -> String {
        let about: BTreeMap<Who, Holder> = people.iter().cloned().collect();
        let having = |key: &OwnerKey| {
            about.iter().filter(|(_, holder)| holder.keys.contains(key)).map(|(who, _)| who.clone()).collect()
        };
        let holders: Vec<BTreeSet<Who>> = record.iter().map(|(key, _)| having(key)).collect();
        let sought: Vec<_> = record
            .iter()
            .zip(&holders)
            .map(|((key, search), holders)| Sought { key, holders, search: *search })
            .collect();
        format!("{:?}", owner(&sought, &about))
    }

    fn said(found: &Found<'_>) -> String {
        format!("{found:?}")
    }

    #[test]
    fn the_only_one_who_has_the_value_owns_the_record() {
        for search in [Search::Complete, Search::KnownPeople] {
            let found = decided(&[(mail("ada@x"), search)], &[(ADA, holder(&[mail("ada@x")], false))]);
            assert_eq!(found, said(&Found::Unique(&ADA)));
        }
    }

    #[test]
    fn two_people_with_one_value_own_nothing() {
        let people = [(ADA, holder(&[mail("team@x")], false)), (BOB, holder(&[mail("team@x")], true))];
        for search in [Search::Complete, Search::KnownPeople, Search::Failed] {
            assert_eq!(decided(&[(mail("team@x"), search)], &people), said(&Found::Several));
        }
    }

    #[test]
    fn rules_that_find_different_people_find_several() {
        let people = [(ADA, holder(&[mail("ada@x")], false)), (BOB, holder(&[number("7")], false))];
        let record = [(mail("ada@x"), Search::Complete), (number("7"), Search::Complete)];
        assert_eq!(decided(&record, &people), said(&Found::Several));
    }

    #[test]
    fn a_person_whose_other_value_differs_is_not_the_owner() {
        let record = [(mail("ada@x"), Search::Complete), (number("7"), Search::Complete)];
        let other = [(ADA, holder(&[mail("ada@x"), number("8")], false))];
        assert_eq!(decided(&record, &other), said(&Found::Unknown), "the address was given to somebody else");
        let silent = [(ADA, holder(&[mail("ada@x")], false))];
        assert_eq!(decided(&record, &silent), said(&Found::Unique(&ADA)), "the provider states no number");
        let renamed = [(ADA, holder(&[mail("ada@x"), mail("lovelace@x"), number("7")], false))];
        assert_eq!(decided(&record, &renamed), said(&Found::Unique(&ADA)), "the earlier address counts");
    }

    #[test]
    fn a_disabled_account_has_left() {
        let people = [(ADA, holder(&[mail("ada@x")], true))];
        assert_eq!(decided(&[(mail("ada@x"), Search::Complete)], &people), said(&Found::Left));
    }

    #[test]
    fn nobody_is_certain_only_if_the_directory_answered() {
        assert_eq!(decided(&[(mail("ada@x"), Search::Complete)], &[]), said(&Found::Unknown));
        assert_eq!(decided(&[(mail("ada@x"), Search::KnownPeople)], &[]), said(&Found::Unresolved));
        let known = [(ADA, holder(&[mail("ada@x")], false))];
        assert_eq!(decided(&[(mail("ada@x"), Search::Failed)], &known), said(&Found::Unresolved));
    }
}
