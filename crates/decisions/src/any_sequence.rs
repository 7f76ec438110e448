//! Property tests of the small aggregates: any sequence of commands leads to a valid state, and replaying the events
//! gives the same state.

mod links;

use super::Aggregate;
use super::examples::{ENROLLMENT, NOW, sealed, secret};
use super::hardware::{Enroll, Hardware};
use super::link::Weight;
use super::person::{self, Account, Person, ReserveAccount};
use super::record::{self, Import, ImportCommand, LinkDecision, Record};
use super::settings::{Apply, Current};
use super::staff::{
    self, External, FactorCommand, LocalAccount, NewAccount, ReserveUserName, SetUpLink, UserName, Vouched,
};
use super::successor::{self, Successor};
use events::device::DeviceId;
use events::enrollment::{Ownership, SecretHash, SignInMethodName, SignInRefusal};
use events::person::{PersonAttributes, PersonId};
use events::record::{
    ImportCounts, ImportId, LinkBand, LinkEvidence, LinkProof, NameKey, OwnerAttribute, OwnerKey, PersonalDetails,
    PreviousKind, RecordDetails, RecordId, RecordOwner, Silence, Weighed,
};
use events::settings::Settings;
use events::staff::{PasskeyId, Privilege, Purpose, StaffId};
use events::{KeyName, Personal};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Debug;
use uuid::Uuid;

/// Runs the commands in order, checks every state with `legal`, and replays the events.
fn run<A: Aggregate + PartialEq + Debug>(commands: Vec<A::Command>, legal: impl Fn(&A)) {
    let (mut live, mut log) = (A::default(), vec![]);
    for command in commands {
        if let Ok(happened) = live.decide(&command) {
            live = happened.iter().fold(live, A::evolve);
            log.extend(happened);
        }
        legal(&live);
    }
    assert_eq!(A::replay(&log), live);
}

const METHOD: SignInMethodName = SignInMethodName::LocalAccount;

fn person_command() -> impl Strategy<Value = person::Command> {
    prop_oneof![
        ("[a-c]", vec("[a-c]", 0..3)).prop_map(|(name, hmacs)| person::Command::Know {
            method: METHOD,
            account: "account".into(),
            attributes: Box::new(PersonAttributes { user_name: Some(sealed(&name)), ..PersonAttributes::default() }),
            keys: hmacs.into_iter().map(owner_key).collect(),
            names: vec![NameKey(name)],
        }),
        "[a-c]".prop_map(|id| person::Command::LearnManagedAppleId { managed_apple_id: sealed(&id) }),
        "[a-c]".prop_map(|version| person::Command::KeepTermsAcceptance {
            ownership: Ownership::Personal,
            version,
            enrollment: ENROLLMENT,
        }),
        vec("[a-c]", 0..3)
            .prop_map(|hmacs| person::Command::NoteNames { names: hmacs.into_iter().map(NameKey).collect() }),
        Just(person::Command::GoOnAfter { record: RecordId(Uuid::from_u128(1)) }),
    ]
}

fn owner_key(hmac: String) -> OwnerKey {
    OwnerKey { provider: "campus".into(), attribute: OwnerAttribute::Mail, hmac }
}

fn record_command() -> impl Strategy<Value = record::Command> {
    let import = || (0..3u128).prop_map(|id| ImportId(Uuid::from_u128(id)));
    let owner = prop_oneof![
        (0..2u128).prop_map(|id| RecordOwner::Unique { person: PersonId(Uuid::from_u128(id)) }),
        Just(RecordOwner::Account {}),
        Just(RecordOwner::Several {}),
        Just(RecordOwner::Unknown {}),
    ];
    prop_oneof![
        (import(), "[a-c]", "[a-c]", vec("[a-c]", 0..2)).prop_map(|(import, mail, version, hmacs)| {
            record::Command::Import {
                import,
                source: "Jamf Pro".into(),
                details: Box::new(record_details(&mail, version)),
                owner_keys: hmacs.into_iter().map(owner_key).collect(),
                names: vec![NameKey(mail)],
                owner: None,
            }
        }),
        import().prop_map(|import| record::Command::Miss { import }),
        import().prop_map(|import| record::Command::UndoImport { import }),
        ("[a-c]", owner)
            .prop_map(|(hmac, owner)| record::Command::ResolveOwner { keys: [owner_key(hmac)].into(), owner }),
        (id().prop_map(DeviceId), 0..4usize)
            .prop_map(|(successor, band)| record::Command::ProposeLink { successor, weight: weight(band) }),
        (id().prop_map(DeviceId), 0..4usize).prop_map(|(successor, act)| match act {
            0 => record::Command::NoteSilence { successor, silence: Silence::Unknown {} },
            1 => record::Command::ConfirmLink { successor },
            2 => record::Command::RejectLink { successor },
            _ => record::Command::UndoLink { successor },
        }),
    ]
}

fn record_details(mail: &str, version: String) -> RecordDetails {
    let personal = PersonalDetails { mail: Some(mail.to_owned()), ..PersonalDetails::default() };
    RecordDetails {
        kind: PreviousKind::Unknown,
        product_name: None,
        model_name: None,
        os_version: Some(version),
        last_contact: None,
        enrolled_at: None,
        profile_identifier: None,
        site: None,
        personal: Personal::new(KeyName("record-1".into()), personal),
    }
}

fn staff_command() -> impl Strategy<Value = staff::Command> {
    let all = [Privilege::Enroll, Privilege::Administrator, Privilege::Auditor];
    let privileges = || proptest::sample::subsequence(all.to_vec(), 0..=3).prop_map(|some| some.into_iter().collect());
    prop_oneof![
        privileges().prop_map(|privileges| staff::Command::Add(new_account(privileges))),
        (0..3i64, privileges()).prop_map(|(minute, privileges)| staff::Command::SetUp {
            secret: secret("link"),
            now: NOW.plus_seconds(minute * 60),
            account: new_account(privileges),
        }),
        Just(staff::Command::IssueSetUpLink(SetUpLink { hash: secret("link"), expires: NOW.plus_seconds(60) })),
        Just(staff::Command::RevokeSetUpLink),
        privileges().prop_map(|privileges| staff::Command::Know(Vouched {
            external: External { method: SignInMethodName::Directory, provider: "campus".into() },
            user_name: sealed("ada"),
            display_name: None,
            mail: None,
            privileges,
        })),
        factor_command().prop_map(staff::Command::Factor),
        privileges().prop_map(|privileges| staff::Command::ChangePrivileges { privileges }),
        "[a-c]".prop_map(|token| staff::Command::AddApiClient {
            user_name: sealed("ada"),
            display_name: None,
            token: SecretHash(token),
        }),
        "[a-c]".prop_map(|token| staff::Command::IssueApiToken { token: SecretHash(token) }),
        Just(staff::Command::Disable),
        Just(staff::Command::Enable),
        "[a-c]".prop_map(|password| staff::Command::ChangePassword { password: sealed(&password) }),
        Just(staff::Command::SignIn { method: METHOD }),
        Just(staff::Command::RefuseSignIn { method: METHOD, reason: SignInRefusal::WrongPassword }),
        Just(staff::Command::SignOut),
    ]
}

fn new_account(privileges: BTreeSet<Privilege>) -> NewAccount {
    NewAccount {
        user_name: sealed("ada"),
        password: sealed("hash"),
        privileges,
        display_name: None,
        mail: None,
        managed_apple_id: None,
    }
}

fn factor_command() -> impl Strategy<Value = FactorCommand> {
    let passkey = || id().prop_map(PasskeyId);
    let entering = || proptest::option::of(Just(METHOD));
    prop_oneof![
        (passkey(), entering()).prop_map(|(passkey, entering)| FactorCommand::AddPasskey {
            passkey,
            label: sealed("Phone"),
            credential: sealed("{}"),
            entering,
        }),
        (passkey(), entering()).prop_map(|(passkey, entering)| FactorCommand::UsePasskey {
            passkey,
            credential: Some(sealed("{1}")),
            purpose: Purpose::SignIn,
            entering,
        }),
        (passkey(), any::<bool>()).prop_map(|(passkey, required)| FactorCommand::RemovePasskey { passkey, required }),
        (0..4u64, entering()).prop_map(|(step, entering)| FactorCommand::AddOneTimeCodes {
            seed: sealed("SEED"),
            step,
            entering
        }),
        (0..4u64, entering()).prop_map(|(step, entering)| FactorCommand::UseOneTimeCode {
            step,
            purpose: Purpose::SignIn,
            entering
        }),
        any::<bool>().prop_map(|required| FactorCommand::RemoveOneTimeCodes { required }),
        "[a-c]".prop_map(|code| FactorCommand::MakeRecoveryCodes { hashes: vec![secret(&code), secret("d")] }),
        ("[a-d]", entering())
            .prop_map(|(code, entering)| FactorCommand::UseRecoveryCode { code_hash: secret(&code), entering }),
        Just(FactorCommand::RemoveAll),
    ]
}

fn weight(band: usize) -> Weight {
    let evidence = vec![Weighed { evidence: LinkEvidence::SamePerson {}, points: 3 }];
    Weight { evidence, score: 3, band: LinkBand::ALL[band], proof: LinkProof::default() }
}

fn import_command() -> impl Strategy<Value = ImportCommand> {
    prop_oneof![
        any::<bool>().prop_map(|is_complete| ImportCommand::Begin {
            source: "Jamf Pro".into(),
            preset: None,
            is_complete
        }),
        (0..3u64).prop_map(|new| ImportCommand::Finish {
            file: "00".into(),
            counts: ImportCounts { new, ..ImportCounts::default() },
            owners: None,
            newest_contact: None,
        }),
        Just(ImportCommand::Undo),
        Just(ImportCommand::GoOnAfter { record: RecordId(Uuid::nil()), successor: DeviceId(Uuid::nil()) }),
    ]
}

fn id() -> impl Strategy<Value = Uuid> {
    (0..4u128).prop_map(Uuid::from_u128)
}

proptest! {
    #[test]
    fn of_a_person(commands in vec(person_command(), 0..30)) {
        run::<Person>(commands, |person| {
            assert!(person.keys.len() <= person::MOST_KEYS);
            assert!(person.known || person.attributes == PersonAttributes::default(), "attributes of nobody");
        });
    }

    #[test]
    fn of_a_previous_record(commands in vec(record_command(), 0..40)) {
        run::<Record>(commands, |record| {
            assert!(record.details.is_some() || (record.owner.is_none() && record.owner_keys.is_empty()));
            assert!(record.owner.is_none() || !record.owner_keys.is_empty(), "an owner is found by keys");
            assert!(record.owner_keys.is_disjoint(&record.earlier_keys));
            let confirmed = |link: &&record::Link| link.decision == LinkDecision::Confirmed;
            assert!(record.links.values().filter(confirmed).count() <= 1, "one successor");
            assert_eq!(record.details.is_some(), record.import.is_some(), "an import gave the details");
            assert!(record.details.is_some() || record.missing_since.is_none(), "nothing is missed that is not there");
        });
    }

    #[test]
    fn of_a_local_account(commands in vec(staff_command(), 0..30)) {
        run::<LocalAccount>(commands, |account| {
            let ours = account.exists && account.external.is_none();
            assert!(!ours || !account.privileges.is_empty(), "an account of ours has a privilege");
            assert!(account.exists || (!account.disabled && account.privileges.is_empty()));
            let person = ours && account.api_token.is_none();
            assert_eq!(person, account.password.is_some(), "a person with an account of ours has a password, nobody else");
            assert!(account.exists || !account.factors.any());
            let factors = &account.factors;
            assert!(factors.any() || factors.recovery_codes.is_empty(), "recovery codes stand in for a factor");
            assert!(!ours || account.set_up_link.is_none(), "a link is gone when its account is there");
        });
    }

    #[test]
    fn of_an_account_that_is_reserved(ids in vec(id(), 1..10)) {
        let first = PersonId(ids[0]);
        let commands =
            ids.into_iter().map(|id| ReserveAccount { person: PersonId(id), in_place_of: None }).collect();
        run::<Account>(commands, |account| assert_eq!(account.person, Some(first)));
    }

    #[test]
    fn of_an_account_that_is_taken_over(ids in vec((id(), proptest::option::of(id())), 1..10)) {
        let mut holder = None;
        for (person, in_place_of) in &ids {
            if holder.is_none() || holder == *in_place_of {
                holder = Some(*person);
            }
        }
        let command = |(person, in_place_of): (Uuid, Option<Uuid>)| {
            ReserveAccount { person: PersonId(person), in_place_of: in_place_of.map(PersonId) }
        };
        let commands: Vec<_> = ids.into_iter().map(command).collect();
        let last = commands.iter().fold(Account::default(), |account, command| {
            let happened = account.decide(command).expect("never refused");
            happened.iter().fold(account, Account::evolve)
        });
        assert_eq!(last.person, holder.map(PersonId));
        run::<Account>(commands, |account| assert!(account.person.is_some()));
    }

    #[test]
    fn of_a_user_name_that_is_reserved(ids in vec(id(), 1..10)) {
        let first = StaffId(ids[0]);
        let commands = ids.into_iter().map(|id| ReserveUserName { account: StaffId(id) }).collect();
        run::<UserName>(commands, |name| assert_eq!(name.account, Some(first)));
    }

    #[test]
    fn of_hardware(ids in vec(id(), 0..10)) {
        let commands = ids.into_iter().map(|id| Enroll { device: DeviceId(id) }).collect();
        run::<Hardware>(commands, |hardware| {
            let mut once = hardware.devices.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), hardware.devices.len(), "a device is named once");
        });
    }

    #[test]
    fn of_a_link_that_is_decided_on_and_undone(commands in vec(record_command(), 0..40), device in id()) {
        let given = commands.iter().fold(Record::default(), |record, command| match record.decide(command) {
            Ok(happened) => happened.iter().fold(record, Record::evolve),
            Err(_) => record,
        });
        let successor = DeviceId(device);
        for command in [record::Command::ConfirmLink { successor }, record::Command::RejectLink { successor }] {
            let Ok(happened) = given.decide(&command) else { continue };
            if !happened.is_empty() {
                let decided = happened.iter().fold(given.clone(), Record::evolve);
                let undone = decided.decide(&record::Command::UndoLink { successor }).expect("there is a link");
                let undone = undone.iter().fold(decided, Record::evolve);
                assert_eq!(undone.never_undone(), given.clone().never_undone(), "undo restores exactly");
            }
        }
    }

    #[test]
    fn of_an_import_that_is_undone(commands in vec(record_command(), 0..40), is_missed in any::<bool>()) {
        let given = commands.iter().fold(Record::default(), |record, command| match record.decide(command) {
            Ok(happened) => happened.iter().fold(record, Record::evolve),
            Err(_) => record,
        });
        let import = ImportId(Uuid::from_u128(99));
        let (source, details, owner_keys) = ("Jamf Pro".to_owned(), Box::new(record_details("a", "d".into())), vec![]);
        let command = match is_missed {
            true => record::Command::Miss { import },
            false => record::Command::Import { import, source, details, owner_keys, names: vec![], owner: None },
        };
        let happened = given.decide(&command).expect("never erased");
        if !happened.is_empty() {
            let after = happened.iter().fold(given.clone(), Record::evolve);
            let undone = after.decide(&record::Command::UndoImport { import }).expect("never refused");
            let undone = undone.iter().fold(after, Record::evolve);
            // With other keys, the owner is found anew.
            let shown = |record: &Record| {
                (record.details.clone(), record.owner_keys.clone(), record.import, record.missing_since)
            };
            assert_eq!(shown(&undone), shown(&given), "undo restores exactly");
        }
    }

    #[test]
    fn of_marks_that_are_undone_in_any_order(had in vec(any::<bool>(), 0..12), order in vec(any::<u16>(), 12)) {
        let id = |n: usize| ImportId(Uuid::from_u128(n as u128));
        let import = |n: usize| record::Command::Import {
            import: id(n),
            source: "Jamf Pro".to_owned(),
            details: Box::new(record_details("a", "d".into())),
            owner_keys: vec![],
            names: vec![],
            owner: None,
        };
        let perform = |record: Record, command: record::Command| {
            let happened = record.decide(&command).expect("never refused");
            let is_done = !happened.is_empty();
            (happened.iter().fold(record, Record::evolve), is_done)
        };
        let first = perform(Record::default(), import(99)).0;
        let (mut record, mut marks) = (first.clone(), Vec::new());
        for (n, had) in had.into_iter().enumerate() {
            let command = if had { import(n) } else { record::Command::Miss { import: id(n) } };
            let (after, is_done) = perform(record, command);
            marks.extend(is_done.then_some((n, had)));
            record = after;
        }
        while !marks.is_empty() {
            let (undone, _) = marks.remove(usize::from(order[marks.len()]) % marks.len());
            let (after, is_done) = perform(record, record::Command::UndoImport { import: id(undone) });
            assert!(is_done, "a mark can always be undone");
            let missing = marks.last().and_then(|(n, had)| (!had).then_some(id(*n)));
            assert_eq!(after.missing_since, missing, "as if the import had not been");
            record = after;
        }
        assert_eq!(record, first);
    }

    #[test]
    fn of_a_record_that_is_imported_twice(commands in vec(record_command(), 0..40), import in id()) {
        let given = commands.iter().fold(Record::default(), |record, command| match record.decide(command) {
            Ok(happened) => happened.iter().fold(record, Record::evolve),
            Err(_) => record,
        });
        let (import, source, owner_keys) = (ImportId(import), "Jamf Pro".to_owned(), vec![]);
        let (details, names) = (Box::new(record_details("a", "d".into())), vec![NameKey("a".into())]);
        let row = record::Command::Import { import, source, details, owner_keys, names, owner: None };
        let once = given.decide(&row).expect("never erased").iter().fold(given, Record::evolve);
        assert_eq!(once.decide(&row), Ok(vec![]), "an import twice is an import once");
    }

    #[test]
    fn of_an_import(commands in vec(import_command(), 0..20)) {
        run::<Import>(commands, |import| {
            assert!(import.source.is_some() || (import.counts.is_none() && !import.is_undone), "it began first");
        });
    }

    #[test]
    fn of_a_successor(commands in vec((any::<bool>(), id()), 0..20)) {
        let command = |(reserve, id): (bool, Uuid)| match reserve {
            true => successor::Command::Reserve { record: RecordId(id), in_place_of: None },
            false => successor::Command::Release(RecordId(id)),
        };
        run::<Successor>(commands.into_iter().map(command).collect(), |_| {});
    }

    #[test]
    fn of_the_settings(names in vec("[a-c]", 0..10)) {
        let last = names.last().cloned();
        let apply = |organization| Apply { after: Settings { organization, ..Settings::default() }, over: None };
        let commands: Vec<_> = names.into_iter().map(apply).collect();
        let state = commands.iter().fold(Current::default(), |current, command| {
            let happened = current.decide(command).expect("never refused");
            happened.iter().fold(current, Current::evolve)
        });
        if let Some(last) = last {
            assert_eq!(state.settings.organization, last);
        }
        run::<Current>(commands, |_| {});
    }
}
