//! Previous records: which of them are shown to whom, and which a person's key finds.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use crate::support::*;
use events::Personal;
use events::person::{PersonEvent, PersonId};
use events::record::{
    ImportCounts, ImportEvent, ImportId, NameKey, OwnerAttribute, OwnerCounts, OwnerKey, PersonalDetails, PreviousKind,
    RecordDetails, RecordEvent, RecordField, RecordId, RecordOwner, RestoredRecord,
};
use events::{Position, Timestamp};
use projections::Projections;
use projections::records::{known_people, naming, noted_since, of_source, owned_by, to_resolve, to_resolve_again};
use std::collections::BTreeSet;
use uuid::Uuid;

fn record(nth: u128) -> RecordId {
    RecordId(Uuid::from_u128(0x5000 + nth))
}

fn import(nth: u128) -> ImportId {
    ImportId(Uuid::from_u128(0x6000 + nth))
}

fn key(hmac: &str) -> OwnerKey {
    OwnerKey { provider: "main".into(), attribute: OwnerAttribute::Mail, hmac: hmac.into() }
}

fn details(record: RecordId, contact: Option<i64>) -> RecordDetails {
    let personal = PersonalDetails {
        source_id: "4711".into(),
        serial_number: Some("C02XG0FDH7JY".into()),
        user_name: Some("ada.byron".into()),
        ..PersonalDetails::default()
    };
    RecordDetails {
        kind: PreviousKind::PersonalDeviceProfile,
        product_name: Some("iPhone12,1".into()),
        model_name: None,
        os_version: Some("15.7.1".into()),
        last_contact: contact.map(Timestamp),
        enrolled_at: None,
        profile_identifier: None,
        site: None,
        personal: Personal::new(record.key(), personal),
    }
}

async fn imported(desk: &Desk, nth: u128, contact: Option<i64>, keys: &[&str]) -> RecordId {
    let record = record(nth);
    let event = RecordEvent::PreviousRecordImported {
        import: import(1),
        source: "Jamf Pro".into(),
        details: Box::new(details(record, contact)),
        owner_keys: keys.iter().map(|hmac| key(hmac)).collect(),
        names: vec![name("of a record")],
        owner: None,
    };
    desk.write(&record.stream(), NOON, event).await;
    record
}

/// Imports a record with personal values that contain `mark`, owned by `person`.
pub(crate) async fn owned_record(desk: &Desk, nth: u128, person: PersonId, mark: &str) -> RecordId {
    let record = record(nth);
    let value = |what: &str| Some(format!("{mark}-{what}"));
    let personal = PersonalDetails {
        source_id: format!("{mark}-id"),
        serial_number: value("serial"),
        device_name: value("old phone"),
        user_name: value("user"),
        mail: value("mail"),
        full_name: value("full name"),
        ..PersonalDetails::default()
    };
    let details = RecordDetails { personal: Personal::new(record.key(), personal), ..details(record, None) };
    let event = RecordEvent::PreviousRecordImported {
        import: import(1),
        source: "Jamf Pro".into(),
        details: Box::new(details),
        owner_keys: vec![key("z")],
        names: vec![],
        owner: None,
    };
    desk.write(&record.stream(), NOON, event).await;
    noted(desk, person, &["z"]).await;
    resolved(desk, record, RecordOwner::Unique { person }).await;
    record
}

fn changed(record: RecordId, fields: &[RecordField], keys: &[&str]) -> RecordEvent {
    RecordEvent::PreviousRecordChanged {
        import: import(2),
        changed: fields.to_vec(),
        details: Box::new(details(record, None)),
        owner_keys: keys.iter().map(|hmac| key(hmac)).collect(),
        names: vec![],
    }
}

async fn resolved(desk: &Desk, record: RecordId, owner: RecordOwner) {
    desk.write(&record.stream(), NOON, RecordEvent::PreviousRecordOwnerResolved { owner }).await;
}

async fn noted(desk: &Desk, person: PersonId, keys: &[&str]) {
    let keys = keys.iter().map(|hmac| key(hmac)).collect();
    desk.write(&person.stream(), NOON, PersonEvent::PersonKeysNoted { keys, names: vec![name("of a person")] }).await;
}

async fn owned(projections: &Projections, person: PersonId) -> Vec<RecordId> {
    owned_by(projections, person, 10).await.unwrap().into_iter().map(|row| row.record).collect()
}

fn hmacs(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|hmac| (*hmac).to_owned()).collect()
}

async fn found(projections: &Projections, keys: &[&str], person: PersonId) -> Vec<RecordId> {
    to_resolve(projections, hmacs(keys), person, None, 10).await.unwrap()
}

async fn carrying(projections: &Projections, keys: &[&str]) -> Vec<RecordId> {
    naming(projections, (hmacs(keys), BTreeSet::new()), person(9), None, 10).await.unwrap()
}

fn name(hmac: &str) -> NameKey {
    NameKey(hmac.to_owned())
}

/// Writes an import, and owners of each outcome.
pub(crate) async fn import_with_owners(desk: &Desk) {
    let begun = ImportEvent::ImportBegun { source: "Jamf Pro".into(), preset: None, is_complete: true };
    desk.write(&import(1).stream(), NOON, begun).await;
    let record = imported(desk, 1, Some(5), &["a"]).await;
    noted(desk, person(1), &["a"]).await;
    resolved(desk, record, RecordOwner::Unique { person: person(1) }).await;
    imported(desk, 2, None, &["b"]).await;
    let owners = Some(OwnerCounts { unique: 1, account: 2, none: 3, several: 4, left: 5, unresolved: 6 });
    let counts = ImportCounts::default();
    let finished = ImportEvent::ImportFinished { file: "f".into(), counts, owners, newest_contact: None };
    desk.write(&import(1).stream(), NOON, finished).await;
}

#[tokio::test]
async fn a_person_sees_only_present_records_that_are_theirs_alone_the_latest_contact_first() {
    let desk = Desk::new();
    let ada = RecordOwner::Unique { person: person(1) };
    let mut records = Vec::new();
    for (nth, contact) in [(1, Some(10)), (2, None), (3, Some(30)), (4, Some(40)), (5, Some(50)), (6, Some(60))] {
        records.push(imported(&desk, nth, contact, &["a"]).await);
        resolved(&desk, records[records.len() - 1], ada).await;
    }
    imported(&desk, 7, Some(70), &["a"]).await;
    let gone = RecordEvent::PreviousRecordMissing { import: import(2) };
    desk.write(&records[3].stream(), NOON, gone).await;
    resolved(&desk, records[4], RecordOwner::Several {}).await;
    resolved(&desk, records[5], RecordOwner::Left {}).await;
    let projections = desk.caught_up().await;
    assert_eq!(owned(&projections, person(1)).await, [records[2], records[0], records[1]]);
    let first = owned_by(&projections, person(1), 1).await.unwrap();
    assert_eq!((first.len(), first[0].record), (1, records[2]));
    assert!(owned(&projections, person(2)).await.is_empty());
}

#[tokio::test]
async fn an_owner_is_unresolved_after_the_name_in_the_record_changed() {
    let desk = Desk::new();
    let record = imported(&desk, 1, None, &["a"]).await;
    resolved(&desk, record, RecordOwner::Unique { person: person(1) }).await;
    desk.write(&record.stream(), NOON, changed(record, &[RecordField::OsVersion], &["a"])).await;
    desk.write(&record.stream(), NOON, changed(record, &[RecordField::Site], &[])).await;
    let projections = desk.caught_up().await;
    assert_eq!(owned(&projections, person(1)).await, [record], "the name is as before");
    desk.write(&record.stream(), NOON, changed(record, &[RecordField::Mail], &["b"])).await;
    desk.follow(&projections).await;
    assert!(owned(&projections, person(1)).await.is_empty());
    assert!(found(&projections, &["a"], person(1)).await.is_empty(), "an earlier key finds nobody");
    assert_eq!(found(&projections, &["b"], person(1)).await, [record]);
    assert_eq!(carrying(&projections, &["a"]).await, [record], "but it is not forgotten");
}

#[tokio::test]
async fn an_undone_import_gives_back_the_owner_and_the_keys() {
    let desk = Desk::new();
    let record = imported(&desk, 1, None, &["a"]).await;
    desk.write(&record.stream(), NOON, changed(record, &[RecordField::Mail], &["b"])).await;
    let restored = RestoredRecord {
        import: import(1),
        details: details(record, None),
        owner_keys: vec![key("a")],
        earlier_keys: vec![],
        names: vec![],
        owner: Some(RecordOwner::Unique { person: person(1) }),
        missing_since: None,
    };
    let undone = RecordEvent::PreviousRecordImportUndone { import: import(2), restored: Some(Box::new(restored)) };
    desk.write(&record.stream(), NOON, undone).await;
    let projections = desk.caught_up().await;
    assert_eq!(owned(&projections, person(1)).await, [record]);
    assert!(found(&projections, &["b"], person(2)).await.is_empty());
    assert_eq!(carrying(&projections, &["b"]).await, [record]);
    let undone = RecordEvent::PreviousRecordImportUndone { import: import(1), restored: None };
    desk.write(&record.stream(), NOON, undone).await;
    desk.follow(&projections).await;
    assert!(owned(&projections, person(1)).await.is_empty());
    assert_eq!(carrying(&projections, &["a", "b"]).await, [record], "the log still names them");
}

#[tokio::test]
async fn a_key_finds_the_records_that_somebody_else_owns_and_not_those_of_several() {
    let desk = Desk::new();
    let mine = imported(&desk, 1, None, &["a", "b"]).await;
    let other = imported(&desk, 2, None, &["a"]).await;
    let several = imported(&desk, 3, None, &["a"]).await;
    let unresolved = imported(&desk, 4, None, &["b"]).await;
    resolved(&desk, mine, RecordOwner::Unique { person: person(1) }).await;
    resolved(&desk, other, RecordOwner::Unique { person: person(2) }).await;
    resolved(&desk, several, RecordOwner::Several {}).await;
    let projections = desk.caught_up().await;
    assert_eq!(found(&projections, &["a", "b"], person(1)).await, [other, unresolved]);
    let page = to_resolve(&projections, hmacs(&["a", "b"]), person(1), None, 1).await.unwrap();
    assert_eq!(page, [other]);
    let page = to_resolve(&projections, hmacs(&["a", "b"]), person(1), Some(other), 1).await.unwrap();
    assert_eq!(page, [unresolved]);
}

#[tokio::test]
async fn known_people_are_found_by_a_key_with_all_their_keys_until_they_are_erased() {
    let desk = Desk::new();
    noted(&desk, person(1), &["a", "b"]).await;
    noted(&desk, person(1), &["c"]).await;
    noted(&desk, person(2), &["a"]).await;
    let projections = desk.caught_up().await;
    let people = known_people(&projections, hmacs(&["c", "d"])).await.unwrap();
    assert_eq!(people, [(person(1), [key("a"), key("b"), key("c")].into())].into());
    assert_eq!(known_people(&projections, hmacs(&["a"])).await.unwrap().len(), 2);
    desk.write(&person(1).stream(), NOON, PersonEvent::PersonErased {}).await;
    desk.follow(&projections).await;
    assert_eq!(
        known_people(&projections, hmacs(&["a", "c"])).await.unwrap().into_keys().collect::<Vec<_>>(),
        [person(2)]
    );
}

#[tokio::test]
async fn an_erased_person_leaves_no_plain_text_in_the_records_that_name_them() {
    let desk = Desk::new();
    import_with_owners(&desk).await;
    let unresolved = imported(&desk, 3, None, &["a"]).await;
    let renamed = imported(&desk, 4, None, &["a"]).await;
    desk.write(&renamed.stream(), NOON, changed(renamed, &[RecordField::Mail], &["x"])).await;
    let projections = desk.caught_up().await;
    desk.write(&person(1).stream(), NOON, PersonEvent::PersonErased {}).await;
    desk.follow(&projections).await;
    assert!(owned(&projections, person(1)).await.is_empty());
    let dump = projections.dump().await.unwrap();
    let rows = &dump.iter().find(|table| table.table == "records_current").unwrap().rows;
    for record in [record(1), unresolved, renamed] {
        let row = rows.iter().find(|row| row.contains(&record.to_string())).unwrap();
        assert!(!row.contains("ada.byron") && !row.contains("C02XG0FDH7JY") && !row.contains("4711"), "{row}");
        assert!(row.contains("erased=1"), "{row}");
    }
    let other = rows.iter().find(|row| row.contains(&record(2).to_string())).unwrap();
    assert!(other.contains("ada.byron"), "another person's record stays: {other}");
    assert_eq!(of_source(&projections, "Jamf Pro".into(), None, 10).await.unwrap().len(), 4);
}

#[tokio::test]
async fn people_who_were_noted_while_an_import_ran_are_found_with_the_records_that_are_not_theirs() {
    let desk = Desk::new();
    import_with_owners(&desk).await;
    let projections = desk.caught_up().await;
    let since = projections.health().position;
    assert!(noted_since(&projections, since, None, 10).await.unwrap().is_empty());
    noted(&desk, person(2), &["a", "b"]).await;
    desk.follow(&projections).await;
    assert_eq!(noted_since(&projections, since, None, 10).await.unwrap(), [record(1), record(2)]);
    assert_eq!(noted_since(&projections, since, Some(record(1)), 10).await.unwrap(), [record(2)]);
    let before: Option<Position> = None;
    assert_eq!(noted_since(&projections, before, None, 1).await.unwrap(), [record(1)]);
}

#[tokio::test]
async fn a_name_finds_records_page_by_page_but_not_those_of_another_person_of_that_name() {
    let desk = Desk::new();
    let mut records = Vec::new();
    for nth in 1..=4 {
        let record = record(nth);
        let (import, source) = (import(1), "Jamf Pro".into());
        let (details, names) = (Box::new(details(record, None)), vec![name("ada"), name("7")]);
        let imported = RecordEvent::PreviousRecordImported {
            import,
            source,
            details,
            owner_keys: vec![key("a")],
            names,
            owner: None,
        };
        desk.write(&record.stream(), NOON, imported).await;
        records.push(record);
    }
    let noted = |names: &[&str]| PersonEvent::PersonKeysNoted {
        keys: vec![],
        names: names.iter().map(|hmac| name(hmac)).collect(),
    };
    desk.write(&person(1).stream(), NOON, noted(&["ada", "7"])).await;
    desk.write(&person(2).stream(), NOON, noted(&["ada"])).await;
    desk.write(&person(3).stream(), NOON, noted(&["carol"])).await;
    for (record, nth) in [(records[1], 2), (records[2], 3)] {
        resolved(&desk, record, RecordOwner::Unique { person: person(nth) }).await;
    }
    let projections = desk.caught_up().await;
    let find = async |names: &[&str], after, limit| {
        let names = names.iter().map(|hmac| name(hmac)).collect();
        naming(&projections, (BTreeSet::new(), names), person(1), after, limit).await.unwrap()
    };
    let [first, second, third, fourth] = records[..] else { unreachable!("there are four") };
    assert_eq!(find(&["ada"], None, 10).await, [first, third, fourth], "the second is of another ada");
    assert_eq!(find(&["ada"], None, 2).await, [first, third]);
    assert_eq!(find(&["ada"], Some(third), 2).await, [fourth]);
    assert_eq!(find(&["ada", "7"], None, 10).await, [first, second, third, fourth], "that one has no such number");
    assert!(owned(&projections, person(1)).await.is_empty(), "a name gives no record to anybody");
    assert!(found(&projections, &["ada"], person(1)).await.is_empty());
}

#[tokio::test]
async fn a_record_of_which_it_was_found_out_that_it_is_nobodys_is_looked_at_again_only_for_a_new_key() {
    let desk = Desk::new();
    noted(&desk, person(1), &["a"]).await;
    let record = imported(&desk, 1, None, &["a", "b"]).await;
    resolved(&desk, record, RecordOwner::Unknown {}).await;
    let pending = imported(&desk, 2, None, &["a"]).await;
    resolved(&desk, pending, RecordOwner::Account {}).await;
    let projections = desk.caught_up().await;
    let again = async |keys: &[&str]| to_resolve_again(&projections, hmacs(keys), person(1), 10).await.unwrap();
    assert_eq!(found(&projections, &["a"], person(1)).await, [record, pending], "an effect of a new key looks at both");
    assert_eq!(again(&["a"]).await, [pending]);
    assert_eq!(again(&["a", "b"]).await, [record, pending], "the key is new, although the projection lacks it");
    noted(&desk, person(1), &["b"]).await;
    desk.follow(&projections).await;
    assert_eq!(again(&["a", "b"]).await, [record, pending]);
    resolved(&desk, record, RecordOwner::Unknown {}).await;
    desk.follow(&projections).await;
    assert_eq!(again(&["a", "b"]).await, [pending]);
}
