mod account;

use super::*;
use crate::Aggregate;
use crate::examples::{NOW, sealed, secret};
use events::settings::SecondFactors;
use events::staff::StaffEvent;

const METHOD: SignInMethodName = SignInMethodName::LocalAccount;
const PHONE: PasskeyId = PasskeyId(Uuid::from_u128(11));
const LAPTOP: PasskeyId = PasskeyId(Uuid::from_u128(12));

fn given(events: &[StaffEvent]) -> LocalAccount {
    LocalAccount::replay(events)
}

fn account(privileges: &[Privilege]) -> NewAccount {
    NewAccount {
        user_name: sealed("grace"),
        password: sealed("hash"),
        privileges: privileges.iter().copied().collect(),
        display_name: None,
        mail: None,
        managed_apple_id: None,
    }
}

fn added(privileges: &[Privilege]) -> StaffEvent {
    LocalAccount::default().decide(&Command::Add(account(privileges))).unwrap().remove(0)
}

fn auditor_with(events: impl IntoIterator<Item = StaffEvent>) -> LocalAccount {
    given(&std::iter::once(added(&[Privilege::Auditor])).chain(events).collect::<Vec<_>>())
}

fn passkey(passkey: PasskeyId) -> StaffEvent {
    StaffEvent::PasskeyAdded { passkey, label: sealed("Phone"), credential: sealed("{}") }
}

fn codes(step: u64) -> StaffEvent {
    StaffEvent::OneTimeCodesAdded { seed: sealed("SEED"), step }
}

fn use_code(step: u64) -> Command {
    Command::Factor(FactorCommand::UseOneTimeCode { step, purpose: Purpose::SignIn, entering: Some(METHOD) })
}

fn vouched(user_name: &str, privileges: &[Privilege]) -> Vouched {
    Vouched {
        external: External { method: SignInMethodName::Directory, provider: "campus".into() },
        user_name: sealed(user_name),
        display_name: None,
        mail: None,
        privileges: privileges.iter().copied().collect(),
    }
}

#[test]
fn a_one_time_code_signs_in_once_and_no_earlier_one_after_it() {
    let account = auditor_with([codes(100)]);
    assert_eq!(account.decide(&use_code(100)), Err(Refusal::CodeUsed), "the code of the set-up is used, too");
    let happened = account.decide(&use_code(101)).unwrap();
    let used = StaffEvent::OneTimeCodeUsed { step: 101, purpose: Purpose::SignIn };
    assert_eq!(happened, [used.clone(), StaffEvent::StaffSignedIn { method: METHOD }]);
    let account = auditor_with([codes(100), used]);
    for step in [100, 101] {
        assert_eq!(account.decide(&use_code(step)), Err(Refusal::CodeUsed));
    }
    assert!(account.decide(&use_code(102)).is_ok());
}

#[test]
fn a_recovery_code_signs_in_once() {
    let made = StaffEvent::RecoveryCodesMade { hashes: vec![secret("one"), secret("two")] };
    let using = |name: &str| {
        Command::Factor(FactorCommand::UseRecoveryCode { code_hash: secret(name), entering: Some(METHOD) })
    };
    let account = auditor_with([codes(1), made.clone()]);
    assert_eq!(account.decide(&using("three")), Err(Refusal::FactorUnknown));
    let used = account.decide(&using("one")).unwrap();
    let account = auditor_with([codes(1), made].into_iter().chain(used));
    assert_eq!(account.decide(&using("one")), Err(Refusal::FactorUnknown));
    assert!(account.decide(&using("two")).is_ok());
}

#[test]
fn the_last_second_factor_stays_where_the_settings_ask_for_one() {
    let remove = |passkey| Command::Factor(FactorCommand::RemovePasskey { passkey, required: true });
    let account = auditor_with([passkey(PHONE), passkey(LAPTOP)]);
    let removed = account.decide(&remove(PHONE)).unwrap();
    assert_eq!(removed, [StaffEvent::PasskeyRemoved { passkey: PHONE }]);
    let account = auditor_with([passkey(LAPTOP)]);
    assert_eq!(account.decide(&remove(LAPTOP)), Err(Refusal::LastFactor));
    let codes_only = auditor_with([codes(1)]);
    let remove_codes = |required| Command::Factor(FactorCommand::RemoveOneTimeCodes { required });
    assert_eq!(codes_only.decide(&remove_codes(true)), Err(Refusal::LastFactor));
    assert_eq!(codes_only.decide(&remove_codes(false)), Ok(vec![StaffEvent::OneTimeCodesRemoved {}]));
}

#[test]
fn with_the_last_second_factor_the_recovery_codes_go() {
    let made = StaffEvent::RecoveryCodesMade { hashes: vec![secret("one")] };
    let account = auditor_with([codes(1), passkey(PHONE), made]);
    let all = account.decide(&Command::Factor(FactorCommand::RemoveAll)).unwrap();
    let gone = [
        StaffEvent::PasskeyRemoved { passkey: PHONE },
        StaffEvent::OneTimeCodesRemoved {},
        StaffEvent::RecoveryCodesRemoved {},
    ];
    assert_eq!(all, gone);
    let without = auditor_with([]);
    let hashes = vec![secret("one")];
    let make = Command::Factor(FactorCommand::MakeRecoveryCodes { hashes });
    assert_eq!(without.decide(&make), Err(Refusal::FactorUnknown), "they stand in for a factor");
}

#[test]
fn a_disabled_account_proves_nothing() {
    let account = auditor_with([codes(1), passkey(PHONE), StaffEvent::LocalAccountDisabled {}]);
    assert_eq!(account.decide(&use_code(2)), Err(Refusal::Disabled));
    assert_eq!(account.decide(&Command::ProveFirst { method: METHOD }), Err(Refusal::Disabled));
    assert_eq!(account.decide(&Command::SignIn { method: METHOD }), Err(Refusal::Disabled));
}

#[test]
fn a_set_up_link_makes_one_account_within_its_time() {
    let link = |name: &str| StaffEvent::SetUpLinkIssued { hash: secret(name), expires: NOW.plus_seconds(60) };
    let use_it =
        |name: &str, now| Command::SetUp { secret: secret(name), now, account: account(&[Privilege::Administrator]) };
    let issued = given(&[link("first")]);
    assert_eq!(issued.decide(&use_it("guess", NOW)), Err(Refusal::LinkUnknown));
    assert_eq!(issued.decide(&use_it("first", NOW.plus_seconds(60))), Err(Refusal::LinkExpired));
    let happened = issued.decide(&use_it("first", NOW)).unwrap();
    let used = given(&[vec![link("first")], happened].concat());
    assert_eq!(used.decide(&use_it("first", NOW)), Err(Refusal::LinkUnknown), "it serves once");
    let again = given(&[link("first"), link("second")]);
    assert_eq!(again.decide(&use_it("first", NOW)), Err(Refusal::LinkUnknown), "another link takes its place");
    let revoked = given(&[link("first"), StaffEvent::SetUpLinkRevoked {}]);
    assert_eq!(revoked.decide(&use_it("first", NOW)), Err(Refusal::LinkUnknown));
}

#[test]
fn somebody_of_a_directory_is_known_once_and_their_roles_are_what_the_rules_say_now() {
    let first = LocalAccount::default().decide(&Command::Know(vouched("grace", &[Privilege::Auditor]))).unwrap();
    assert!(matches!(first[0], StaffEvent::ExternalStaffKnown { .. }));
    let (before, after) = (BTreeSet::new(), BTreeSet::from([Privilege::Auditor]));
    assert_eq!(first[1], StaffEvent::PrivilegesChanged { before, after: after.clone() });
    let known = given(&first);
    assert_eq!(known.decide(&Command::Know(vouched("grace", &[Privilege::Auditor]))), Ok(vec![]));
    let lost = known.decide(&Command::Know(vouched("grace", &[]))).unwrap();
    assert_eq!(lost, [StaffEvent::PrivilegesChanged { before: after, after: BTreeSet::new() }]);
    let renamed = known.decide(&Command::Know(vouched("hopper", &[Privilege::Auditor]))).unwrap();
    assert!(matches!(renamed[..], [StaffEvent::ExternalStaffKnown { .. }]));
}

#[test]
fn an_account_that_others_vouch_for_has_neither_a_password_nor_roles_of_its_own() {
    let known = LocalAccount::default().decide(&Command::Know(vouched("grace", &[Privilege::Auditor]))).unwrap();
    let known = given(&known);
    assert_eq!(known.decide(&Command::ChangePassword { password: sealed("hash") }), Err(Refusal::NotOurs));
    let privileges = BTreeSet::from([Privilege::Administrator]);
    assert_eq!(known.decide(&Command::ChangePrivileges { privileges }), Err(Refusal::RolesByRule));
    let ours = auditor_with([]);
    assert_eq!(ours.decide(&Command::Know(vouched("grace", &[Privilege::Administrator]))), Err(Refusal::Exists));
}

#[test]
fn a_program_keeps_its_one_role() {
    let token = SecretHash("hash".into());
    let add = Command::AddApiClient { user_name: sealed("inventory"), display_name: None, token };
    let program = given(&LocalAccount::default().decide(&add).unwrap());
    for privileges in [BTreeSet::from([Privilege::Auditor]), BTreeSet::from([Privilege::ApiClient]), BTreeSet::new()] {
        assert_eq!(program.decide(&Command::ChangePrivileges { privileges }), Err(Refusal::Program));
    }
}

#[test]
fn whoever_has_a_second_factor_shows_it_and_whoever_needs_one_sets_it_up() {
    let required = SecondFactors { required_for: BTreeSet::from([Privilege::Auditor]), trust_single_sign_on: false };
    let free = SecondFactors::default();
    let (with, without) = (auditor_with([codes(1)]), auditor_with([]));
    assert_eq!(standing(&without, &free, METHOD, false), Standing::Full);
    assert_eq!(standing(&without, &required, METHOD, false), Standing::SetUp);
    for settings in [&free, &required] {
        assert_eq!(standing(&with, settings, METHOD, false), Standing::Prove);
        assert_eq!(standing(&with, settings, METHOD, true), Standing::Full);
    }
    let trusting = SecondFactors { trust_single_sign_on: true, ..required };
    assert_eq!(standing(&without, &trusting, SignInMethodName::Saml, false), Standing::Full);
    assert_eq!(standing(&without, &trusting, SignInMethodName::Directory, false), Standing::SetUp);
}
