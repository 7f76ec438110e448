//! Given the past of a record, when a command comes, then these events.

use super::*;
use events::KeyName;
use events::person::PersonId;
use events::personal::Personal;
use events::record::{LinkBand, LinkEvidence, LinkProof, OwnerAttribute, PreviousKind, RecordId, Weighed};
use uuid::Uuid;

const FIRST: ImportId = ImportId(Uuid::from_u128(1));
const SECOND: ImportId = ImportId(Uuid::from_u128(2));
const THIRD: ImportId = ImportId(Uuid::from_u128(3));

fn details(version: &str, mail: &str) -> RecordDetails {
    let personal = PersonalDetails { source_id: "4711".into(), mail: Some(mail.into()), ..PersonalDetails::default() };
    RecordDetails {
        kind: PreviousKind::PersonalDeviceProfile,
        product_name: Some("iPhone12,1".into()),
        model_name: None,
        os_version: Some(version.into()),
        last_contact: None,
        enrolled_at: None,
        profile_identifier: None,
        site: None,
        personal: Personal::new(RecordId(Uuid::from_u128(9)).key(), personal),
    }
}

fn key(mail: &str) -> OwnerKey {
    OwnerKey { provider: "entra".into(), attribute: OwnerAttribute::Mail, hmac: mail.into() }
}

fn name(mail: &str) -> NameKey {
    NameKey(mail.into())
}

fn import(import: ImportId, version: &str, mail: &str) -> Command {
    let (details, owner_keys, names) = (Box::new(details(version, mail)), vec![key(mail)], vec![name(mail)]);
    Command::Import { import, source: "Jamf Pro".into(), details, owner_keys, names, owner: None }
}

fn given(commands: impl IntoIterator<Item = Command>) -> Record {
    commands
        .into_iter()
        .fold(Record::default(), |record, command| record.decide(&command).unwrap().iter().fold(record, Record::evolve))
}

fn proposed(successor: DeviceId, band: LinkBand) -> Command {
    let evidence = vec![Weighed { evidence: LinkEvidence::SamePerson {}, points: 3 }];
    let proof = LinkProof { may_be_retired: true, is_same_device: false };
    Command::ProposeLink { successor, weight: Weight { evidence, score: 3, band, proof } }
}

const PHONE: DeviceId = DeviceId(Uuid::from_u128(21));
const OTHER_PHONE: DeviceId = DeviceId(Uuid::from_u128(22));

#[test]
fn a_link_is_proposed_again_only_if_its_band_or_what_it_proves_changes() {
    let record = given([import(FIRST, "15.1", "ada@example.org"), proposed(PHONE, LinkBand::Weak)]);
    assert_eq!(record.decide(&proposed(PHONE, LinkBand::Weak)), Ok(vec![]));
    let happened = record.decide(&proposed(PHONE, LinkBand::Strong)).unwrap();
    assert!(matches!(happened[..], [RecordEvent::LinkProposed { band: LinkBand::Strong, .. }]));
    let happened = record.decide(&proposed(PHONE, LinkBand::None)).unwrap();
    assert!(matches!(happened[..], [RecordEvent::LinkProposed { band: LinkBand::None, .. }]), "it is withdrawn");
    assert_eq!(record.decide(&proposed(OTHER_PHONE, LinkBand::None)), Ok(vec![]), "never proposed, so not withdrawn");
}

#[test]
fn what_was_decided_is_not_proposed_again() {
    for decision in [Command::ConfirmLink { successor: PHONE }, Command::RejectLink { successor: PHONE }] {
        let record = given([proposed(PHONE, LinkBand::Weak), decision]);
        assert_eq!(record.decide(&proposed(PHONE, LinkBand::Strong)), Ok(vec![]));
    }
    let confirmed = given([
        proposed(PHONE, LinkBand::Weak),
        proposed(OTHER_PHONE, LinkBand::Weak),
        Command::ConfirmLink { successor: PHONE },
    ]);
    assert_eq!(confirmed.decide(&proposed(OTHER_PHONE, LinkBand::Strong)), Ok(vec![]), "the successor is known");
    let withdrawn = confirmed.decide(&proposed(OTHER_PHONE, LinkBand::None)).unwrap();
    assert!(matches!(withdrawn[..], [RecordEvent::LinkProposed { band: LinkBand::None, .. }]));
}

#[test]
fn what_a_confirmed_link_proves_is_corrected_and_the_decision_stays() {
    let record = given([proposed(PHONE, LinkBand::Strong), Command::ConfirmLink { successor: PHONE }]);
    let evidence = vec![Weighed { evidence: LinkEvidence::OtherPerson {}, points: -3 }];
    let weight = Weight { evidence, score: -3, band: LinkBand::None, proof: LinkProof::default() };
    let corrected = record.decide(&Command::ProposeLink { successor: PHONE, weight }).unwrap();
    let record = corrected.iter().fold(record, Record::evolve);
    assert_eq!((record.successor(), record.links[&PHONE].proof), (Some(PHONE), LinkProof::default()));
}

#[test]
fn an_older_export_does_not_take_a_later_contact_back() {
    let of = |contact| Box::new(RecordDetails { last_contact: Some(Timestamp(contact)), ..details("15.1", "a") });
    let import = |import, contact| Command::Import {
        import,
        source: "Jamf Pro".into(),
        details: of(contact),
        owner_keys: vec![],
        names: vec![],
        owner: None,
    };
    let record = given([import(FIRST, 2), import(SECOND, 1)]);
    assert_eq!(record.latest_contact, Some(Timestamp(2)));
    let undone = given([import(FIRST, 1), import(SECOND, 2), Command::UndoImport { import: SECOND }]);
    assert_eq!(undone.latest_contact, Some(Timestamp(1)));
}

#[test]
fn only_a_proposal_that_stands_can_be_decided_on() {
    let confirm = Command::ConfirmLink { successor: PHONE };
    assert_eq!(given([]).decide(&confirm), Err(Refusal::NoLink));
    let withdrawn = given([proposed(PHONE, LinkBand::Weak), proposed(PHONE, LinkBand::None)]);
    assert_eq!(withdrawn.decide(&confirm), Err(Refusal::NoLink));
    assert_eq!(withdrawn.decide(&Command::RejectLink { successor: PHONE }), Err(Refusal::NoLink));
    assert_eq!(given([]).decide(&Command::UndoLink { successor: PHONE }), Err(Refusal::NoLink));
}

#[test]
fn a_record_has_one_successor_until_it_is_undone() {
    let both = [proposed(PHONE, LinkBand::Weak), proposed(OTHER_PHONE, LinkBand::Strong)];
    let record = given(both.into_iter().chain([Command::ConfirmLink { successor: PHONE }]));
    assert_eq!(record.successor(), Some(PHONE));
    assert_eq!(record.decide(&Command::ConfirmLink { successor: PHONE }), Ok(vec![]), "the same click again");
    assert_eq!(record.decide(&Command::ConfirmLink { successor: OTHER_PHONE }), Err(Refusal::OtherSuccessor));
    assert_eq!(record.decide(&Command::RejectLink { successor: PHONE }), Err(Refusal::Confirmed));
    let undone = record.decide(&Command::UndoLink { successor: PHONE }).unwrap();
    let record = undone.iter().fold(record, Record::evolve);
    assert_eq!(record.successor(), None);
    let happened = record.decide(&Command::ConfirmLink { successor: OTHER_PHONE }).unwrap();
    assert!(matches!(happened[..], [RecordEvent::LinkConfirmed { successor: OTHER_PHONE, .. }]));
}

fn proven(successor: DeviceId, band: LinkBand) -> Command {
    let evidence = vec![Weighed { evidence: LinkEvidence::InvitedDevice {}, points: 8 }];
    let proof = LinkProof { may_be_retired: true, is_same_device: true };
    Command::ProposeLink { successor, weight: Weight { evidence, score: 8, band, proof } }
}

#[test]
fn a_link_that_somebody_took_back_is_only_confirmed_by_people() {
    let without_staff = Command::ConfirmLinkWithoutStaff { successor: PHONE };
    let confirmed = given([proven(PHONE, LinkBand::Strong), without_staff.clone()]);
    assert_eq!(confirmed.successor(), Some(PHONE));
    assert_eq!(confirmed.decide(&without_staff), Ok(vec![]), "once");
    let undone = || [proven(PHONE, LinkBand::Strong), without_staff.clone(), Command::UndoLink { successor: PHONE }];
    let again = given(undone().into_iter().chain([proven(PHONE, LinkBand::None), proven(PHONE, LinkBand::Strong)]));
    assert_eq!(again.decide(&without_staff), Err(Refusal::ForPeople));
    assert!(again.decide(&Command::ConfirmLink { successor: PHONE }).is_ok_and(|happened| happened.len() == 1));
}

#[test]
fn a_record_with_a_link_is_never_shredded_and_a_shredded_one_stays_so() {
    let shred = Command::NoteShredded;
    let first = import(FIRST, "15.1", "ada@example.org");
    for linked in [
        vec![proposed(PHONE, LinkBand::Weak)],
        vec![proposed(PHONE, LinkBand::Weak), Command::ConfirmLink { successor: PHONE }],
    ] {
        let record = given(std::iter::once(first.clone()).chain(linked));
        assert_eq!(record.decide(&shred), Err(Refusal::Linked));
    }
    let rejected = [proposed(PHONE, LinkBand::Weak), Command::RejectLink { successor: PHONE }, shred.clone()];
    assert!(given(std::iter::once(first.clone()).chain(rejected)).is_shredded);
    let shredded = given([first.clone(), shred.clone()]);
    assert_eq!(shredded.decide(&shred), Ok(vec![]));
    assert_eq!(shredded.decide(&import(SECOND, "16.0", "ada@example.org")), Err(Refusal::Erased));
    assert_eq!(shredded.decide(&proposed(PHONE, LinkBand::Strong)), Ok(vec![]), "nothing is known of it any more");
    let undone = given([first.clone(), shred, Command::UndoImport { import: FIRST }]);
    assert_eq!(undone.decide(&first), Err(Refusal::Erased), "the row does not come back after an undo either");
}

#[test]
fn two_enrollments_that_are_both_proven_are_a_case_for_people() {
    let without_staff = Command::ConfirmLinkWithoutStaff { successor: PHONE };
    let both = [proven(PHONE, LinkBand::Strong), proven(OTHER_PHONE, LinkBand::Strong)];
    assert_eq!(given(both.clone()).decide(&without_staff), Err(Refusal::Contested));
    let rejected = both.clone().into_iter().chain([Command::RejectLink { successor: OTHER_PHONE }]);
    assert!(given(rejected).decide(&without_staff).is_ok_and(|happened| happened.len() == 1));
    let withdrawn = both.into_iter().chain([proven(OTHER_PHONE, LinkBand::None)]);
    assert!(given(withdrawn).decide(&without_staff).is_ok_and(|happened| happened.len() == 1));
    let weaker = [proven(PHONE, LinkBand::Strong), proposed(OTHER_PHONE, LinkBand::Strong)];
    assert!(given(weaker).decide(&without_staff).is_ok_and(|happened| happened.len() == 1));
    let other = given([
        proposed(OTHER_PHONE, LinkBand::Weak),
        proven(PHONE, LinkBand::Strong),
        Command::ConfirmLink { successor: OTHER_PHONE },
    ]);
    assert_eq!(other.decide(&without_staff), Err(Refusal::OtherSuccessor));
}

#[test]
fn a_rejected_link_is_confirmed_only_after_its_rejection_is_undone() {
    let record = given([proposed(PHONE, LinkBand::Weak), Command::RejectLink { successor: PHONE }]);
    assert_eq!(record.decide(&Command::ConfirmLink { successor: PHONE }), Err(Refusal::Rejected));
    assert_eq!(record.decide(&Command::RejectLink { successor: PHONE }), Ok(vec![]), "the same click again");
    let record = given([
        proposed(PHONE, LinkBand::Weak),
        Command::RejectLink { successor: PHONE },
        Command::UndoLink { successor: PHONE },
    ]);
    assert!(record.decide(&Command::ConfirmLink { successor: PHONE }).is_ok_and(|happened| happened.len() == 1));
}

#[test]
fn the_answer_about_silence_is_kept_for_an_open_proposal() {
    let silence = Silence::Unknown {};
    let note = Command::NoteSilence { successor: PHONE, silence };
    assert_eq!(given([]).decide(&note), Ok(vec![]), "nobody asked about it");
    let record = given([proposed(PHONE, LinkBand::Weak)]);
    let asked = record.decide(&note).unwrap();
    assert_eq!(asked, [RecordEvent::SilenceAsked { successor: PHONE, silence }]);
    let record = asked.iter().fold(record, Record::evolve);
    let record = record.decide(&proposed(PHONE, LinkBand::Strong)).unwrap().iter().fold(record, Record::evolve);
    assert_eq!(record.links[&PHONE].silence, Some(silence), "a later proposal does not forget it");
    let decided = given([proposed(PHONE, LinkBand::Weak), Command::RejectLink { successor: PHONE }]);
    assert_eq!(decided.decide(&note), Ok(vec![]), "it was decided without the answer");
}

#[test]
fn undoing_the_first_import_withdraws_proposals_and_keeps_decisions() {
    let record = given([
        import(FIRST, "15.1", "ada@example.org"),
        proposed(PHONE, LinkBand::Weak),
        proposed(OTHER_PHONE, LinkBand::Weak),
        Command::ConfirmLink { successor: PHONE },
        Command::UndoImport { import: FIRST },
    ]);
    assert_eq!(record.links.keys().collect::<Vec<_>>(), [&PHONE]);
}

#[test]
fn a_row_is_imported_once_however_often_it_comes() {
    let record = given([import(FIRST, "15.1", "ada@example.org")]);
    assert_eq!(record.details, Some(details("15.1", "ada@example.org")));
    assert_eq!(record.decide(&import(FIRST, "15.1", "ada@example.org")), Ok(vec![]));
    assert_eq!(record.decide(&import(SECOND, "15.1", "ada@example.org")), Ok(vec![]));
}

#[test]
fn a_later_import_says_what_changed_and_keeps_the_keys_of_earlier_names_apart() {
    let record = given([import(FIRST, "15.1", "ada@example.org")]);
    let happened = record.decide(&import(SECOND, "16.0", "lovelace@example.org")).unwrap();
    let [RecordEvent::PreviousRecordChanged { changed, .. }] = &happened[..] else { panic!("{happened:?}") };
    assert_eq!(*changed, [RecordField::OsVersion, RecordField::Mail]);
    let record = happened.iter().fold(record, Record::evolve);
    assert_eq!(record.owner_keys, BTreeSet::from([key("lovelace@example.org")]));
    assert_eq!(record.earlier_keys, BTreeSet::from([key("ada@example.org")]));
}

#[test]
fn a_record_that_a_complete_export_lacks_is_missing_until_it_returns() {
    let record = given([import(FIRST, "15.1", "a"), Command::Miss { import: SECOND }]);
    assert_eq!(record.missing_since, Some(SECOND));
    assert!(record.details.is_some(), "it is not deleted");
    assert_eq!(record.decide(&Command::Miss { import: THIRD }), Ok(vec![]));
    let returned = record.decide(&import(THIRD, "15.1", "a")).unwrap();
    assert_eq!(returned, [RecordEvent::PreviousRecordReturned { import: THIRD }]);
    assert_eq!(returned.iter().fold(record.clone(), Record::evolve).missing_since, None);
    let changed = given([import(FIRST, "15.1", "a"), Command::Miss { import: SECOND }, import(THIRD, "16.0", "a")]);
    assert_eq!(changed.missing_since, None);
    assert_eq!(Record::default().decide(&Command::Miss { import: FIRST }), Ok(vec![]));
}

#[test]
fn an_undone_import_leaves_the_record_as_it_was() {
    let before = given([import(FIRST, "15.1", "a")]);
    let undone =
        given([import(FIRST, "15.1", "a"), import(SECOND, "16.0", "a"), Command::UndoImport { import: SECOND }]);
    assert_eq!(undone, before);
    let undone =
        given([import(FIRST, "15.1", "a"), Command::Miss { import: SECOND }, Command::UndoImport { import: SECOND }]);
    assert_eq!(undone, before);
    let gone = given([import(FIRST, "15.1", "a"), Command::UndoImport { import: FIRST }]);
    assert_eq!((gone.details.clone(), gone.owner_keys.len()), (None, 0));
    let happened = gone.decide(&import(THIRD, "16.0", "a")).unwrap();
    assert!(matches!(happened[..], [RecordEvent::PreviousRecordImported { import: THIRD, .. }]));
}

#[test]
fn imports_are_undone_one_after_the_other_down_to_the_first() {
    let undo = |import| Command::UndoImport { import };
    let three = [import(FIRST, "15.1", "a"), import(SECOND, "16.0", "a"), import(THIRD, "17.0", "a")];
    let undone = given(three.clone().into_iter().chain([undo(THIRD), undo(SECOND)]));
    assert_eq!(undone, given([import(FIRST, "15.1", "a")]));
    let gone = given(three.into_iter().chain([undo(THIRD), undo(SECOND), undo(FIRST)]));
    assert_eq!((gone.details, gone.import), (None, None));
}

#[test]
fn an_import_older_than_those_that_are_remembered_is_not_undone_for_another() {
    let imports = (1..=10).map(|n| import(ImportId(Uuid::from_u128(n)), &format!("15.{n}"), "a"));
    let undos = (3..=10).rev().map(|n| Command::UndoImport { import: ImportId(Uuid::from_u128(n)) });
    let record = given(imports.chain(undos));
    assert_eq!(record.import, Some(SECOND));
    assert_eq!(record.decide(&Command::UndoImport { import: SECOND }), Ok(vec![]), "what was before is not known");
}

#[test]
fn an_import_is_undone_after_a_later_one_missed_what_it_had_added() {
    let missed = [import(FIRST, "15.1", "a"), Command::Miss { import: SECOND }];
    let gone = given(missed.into_iter().chain([Command::UndoImport { import: FIRST }]));
    assert_eq!((gone.details, gone.missing_since), (None, None));
    let changed = [import(FIRST, "15.1", "a"), import(SECOND, "16.0", "a"), Command::Miss { import: THIRD }];
    let restored = given(changed.into_iter().chain([Command::UndoImport { import: SECOND }]));
    assert_eq!((restored.import, restored.missing_since), (Some(FIRST), Some(THIRD)), "it is still missing");
}

#[test]
fn the_undo_of_an_import_that_had_a_missing_record_again_restores_the_mark() {
    let undo = |import| Command::UndoImport { import };
    let returned = [import(FIRST, "15.1", "a"), Command::Miss { import: SECOND }, import(THIRD, "15.1", "a")];
    let after = |undos: &[ImportId]| given(returned.clone().into_iter().chain(undos.iter().copied().map(undo)));
    assert_eq!(after(&[]).missing_since, None);
    assert_eq!(after(&[THIRD]).missing_since, Some(SECOND), "the second import misses it again");
    let first = given([import(FIRST, "15.1", "a")]);
    assert_eq!(after(&[THIRD, SECOND]), first);
    assert_eq!(after(&[SECOND]).decide(&undo(THIRD)).unwrap().len(), 1, "it is undone in any order");
    assert_eq!(after(&[SECOND, THIRD]), first);
}

#[test]
fn the_undo_of_an_import_does_not_restore_the_mark_of_one_that_was_undone_before() {
    let undo = |import| Command::UndoImport { import };
    let changed = [import(FIRST, "15.1", "a"), Command::Miss { import: SECOND }, import(THIRD, "16.0", "a")];
    let record = given(changed.into_iter().chain([undo(SECOND), undo(THIRD)]));
    assert_eq!(record, given([import(FIRST, "15.1", "a")]));
}

#[test]
fn the_mark_of_an_import_that_is_not_remembered_is_not_undone() {
    let id = |n| ImportId(Uuid::from_u128(n));
    let marks = (2..=20).map(|n| match n % 2 {
        0 => Command::Miss { import: id(n) },
        _ => import(id(n), "15.1", "a"),
    });
    let record = given([import(FIRST, "15.1", "a")].into_iter().chain(marks));
    assert_eq!(record.decide(&Command::UndoImport { import: id(5) }), Ok(vec![]), "what was before is not known");
    assert_eq!(record.decide(&Command::UndoImport { import: id(6) }).unwrap().len(), 1);
}

#[test]
fn an_import_is_not_undone_where_a_later_one_changed_the_record() {
    let record = given([import(FIRST, "15.1", "a"), import(SECOND, "16.0", "a")]);
    assert_eq!(record.decide(&Command::UndoImport { import: FIRST }), Ok(vec![]));
    assert_eq!(record.decide(&Command::UndoImport { import: THIRD }), Ok(vec![]));
}

#[test]
fn a_record_whose_owner_was_erased_is_not_imported_again() {
    let mut record = given([import(FIRST, "15.1", "a")]);
    let key = KeyName("record-9".into());
    let erased = serde_json::from_value(serde_json::json!({ "$erased": { "key": key } })).unwrap();
    record.details = record.details.map(|details| RecordDetails { personal: erased, ..details });
    assert_eq!(record.decide(&import(SECOND, "16.0", "a")), Err(Refusal::Erased));
}

#[test]
fn an_owner_is_recorded_when_they_change() {
    let unique = RecordOwner::Unique { person: PersonId(Uuid::from_u128(7)) };
    let resolve = |owner| Command::ResolveOwner { keys: [key("a")].into(), owner };
    assert_eq!(Record::default().decide(&resolve(unique)), Err(Refusal::Unknown));
    let record = given([import(FIRST, "15.1", "a"), resolve(unique)]);
    assert_eq!(record.decide(&resolve(unique)), Ok(vec![]));
    assert_eq!(record.decide(&resolve(RecordOwner::Several {})).unwrap().len(), 1);
}

#[test]
fn an_import_begins_and_ends_once_and_nothing_is_added_after_it_was_undone() {
    let begin = ImportCommand::Begin { source: "Jamf Pro".into(), preset: None, is_complete: false };
    let counts = ImportCounts { new: 1, ..ImportCounts::default() };
    let finish = ImportCommand::Finish { file: "f".into(), counts, owners: None, newest_contact: None };
    let after = |commands: &[&ImportCommand]| {
        commands.iter().fold(Import::default(), |import, command| {
            import.decide(command).unwrap().iter().fold(import, Import::evolve)
        })
    };
    assert_eq!(Import::default().decide(&finish), Err(ImportRefusal::Unknown));
    assert_eq!(Import::default().decide(&ImportCommand::Undo), Err(ImportRefusal::Unknown));
    let ended = after(&[&begin, &finish]);
    assert_eq!((ended.decide(&begin), ended.decide(&finish)), (Ok(vec![]), Ok(vec![])));
    let undone = after(&[&begin, &finish, &ImportCommand::Undo]);
    assert_eq!(undone.decide(&begin), Err(ImportRefusal::Undone));
    assert_eq!(undone.decide(&ImportCommand::Undo), Ok(vec![]));
    let go_on =
        ImportCommand::GoOnAfter { record: RecordId(Uuid::from_u128(1)), successor: DeviceId(Uuid::from_u128(2)) };
    assert_eq!(Import::default().decide(&go_on), Err(ImportRefusal::Unknown));
    assert_eq!(undone.decide(&go_on).unwrap().len(), 1, "an undo changes answers too");
}

#[test]
fn an_owner_that_was_found_for_other_keys_is_not_recorded() {
    let unique = RecordOwner::Unique { person: PersonId(Uuid::from_u128(7)) };
    let record = given([import(FIRST, "15.1", "a"), import(SECOND, "15.1", "b")]);
    assert_eq!(record.decide(&Command::ResolveOwner { keys: [key("a")].into(), owner: unique }), Ok(vec![]));
    assert_eq!(record.decide(&Command::ResolveOwner { keys: [key("b")].into(), owner: unique }).unwrap().len(), 1);
}

fn resolve(mail: &str, owner: RecordOwner) -> Command {
    Command::ResolveOwner { keys: [key(mail)].into(), owner }
}

const UNIQUE: RecordOwner = RecordOwner::Unique { person: PersonId(Uuid::from_u128(7)) };

#[test]
fn another_name_makes_the_owner_unresolved() {
    let record = given([import(FIRST, "15.1", "a"), resolve("a", UNIQUE), import(SECOND, "16.0", "a")]);
    assert_eq!(record.owner, Some(UNIQUE), "another version does not");
    let record = given([import(FIRST, "15.1", "a"), resolve("a", UNIQUE), import(SECOND, "15.1", "b")]);
    assert_eq!(record.owner, None);
}

#[test]
fn an_import_without_owner_rules_keeps_the_owner_unless_the_name_changed() {
    let without = |version, mail| Command::Import {
        import: SECOND,
        source: "Jamf Pro".into(),
        details: Box::new(details(version, mail)),
        owner_keys: vec![],
        names: vec![name(mail)],
        owner: None,
    };
    let record = given([import(FIRST, "15.1", "a"), resolve("a", UNIQUE)]);
    assert_eq!(record.decide(&without("15.1", "a")), Ok(vec![]));
    let newer = given([import(FIRST, "15.1", "a"), resolve("a", UNIQUE), without("16.0", "a")]);
    assert_eq!((newer.owner, newer.owner_keys), (Some(UNIQUE), [key("a")].into()));
    let renamed = given([import(FIRST, "15.1", "a"), resolve("a", UNIQUE), without("15.1", "b")]);
    assert_eq!((renamed.owner, renamed.owner_keys), (None, BTreeSet::new()));
}

#[test]
fn an_undone_import_does_not_bring_back_an_owner_who_was_taken_away_since() {
    let past = |owner| {
        given([
            import(FIRST, "15.1", "a"),
            resolve("a", UNIQUE),
            import(SECOND, "16.0", "a"),
            resolve("a", owner),
            Command::UndoImport { import: SECOND },
        ])
    };
    assert_eq!(past(UNIQUE).owner, Some(UNIQUE));
    assert_eq!(past(RecordOwner::Several {}).owner, Some(RecordOwner::Several {}));
    let renamed = given([
        import(FIRST, "15.1", "a"),
        resolve("a", UNIQUE),
        import(SECOND, "15.1", "b"),
        Command::UndoImport { import: SECOND },
    ]);
    assert_eq!((renamed.owner, renamed.owner_keys), (None, [key("a")].into()), "it is resolved again");
}

#[test]
fn a_record_of_an_earlier_version_gets_its_names_with_the_next_import_and_an_undo_takes_them_back() {
    let Command::Import { import: first, source, details, owner_keys, owner, .. } = import(FIRST, "15.1", "a") else {
        return;
    };
    let record = given([Command::Import { import: first, source, details, owner_keys, names: vec![], owner }]);
    let changed = record.decide(&import(SECOND, "15.1", "a")).unwrap();
    assert!(matches!(&changed[..], [RecordEvent::PreviousRecordChanged { changed, names, .. }]
            if changed.is_empty() && *names == [name("a")]));
    let record = changed.iter().fold(record, Record::evolve);
    assert_eq!(record.names, [name("a")].into());
    assert_eq!(record.decide(&import(THIRD, "15.1", "a")), Ok(vec![]));
    let undone = record.decide(&Command::UndoImport { import: SECOND }).unwrap();
    let record = undone.iter().fold(record, Record::evolve);
    assert_eq!((record.names, record.owner_keys), ([].into(), [key("a")].into()));
    let other =
        given([import(FIRST, "15.1", "a"), import(SECOND, "15.1", "b"), Command::UndoImport { import: SECOND }]);
    assert_eq!(other.names, [name("a")].into());
}

#[test]
fn what_a_first_import_found_out_is_in_its_event_and_a_person_is_an_event_of_its_own() {
    let found = |found: RecordOwner| {
        let Command::Import { import, source, details, owner_keys, names, .. } = import(FIRST, "15.1", "a") else {
            unreachable!("an import")
        };
        let owner = Some(found).filter(|owner| owner.person().is_none());
        let row = Command::Import { import, source, details, owner_keys, names, owner };
        let record = given([row]);
        let later = record.decide(&resolve("a", found)).unwrap();
        (record.owner, later.len())
    };
    assert_eq!(found(RecordOwner::Account {}), (Some(RecordOwner::Account {}), 0));
    assert_eq!(found(UNIQUE), (None, 1));
}
