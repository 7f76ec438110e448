//! Staff accounts: creation, changes, disabling, proofs, refusals.

use super::*;

fn happens(account: &LocalAccount, command: Command) -> Vec<StaffEvent> {
    account.decide(&command).expect("the command is permitted")
}

fn program() -> LocalAccount {
    let add =
        Command::AddApiClient { user_name: sealed("inventory"), display_name: None, token: SecretHash("one".into()) };
    given(&happens(&LocalAccount::default(), add))
}

fn show(passkey: PasskeyId, credential: Option<&str>) -> Command {
    let credential = credential.map(sealed);
    Command::Factor(FactorCommand::UsePasskey { passkey, credential, purpose: Purpose::SignIn, entering: Some(METHOD) })
}

#[test]
fn an_account_is_added_once_and_with_a_role() {
    let nobody = LocalAccount::default();
    assert_eq!(nobody.decide(&Command::Add(account(&[]))), Err(Refusal::NoPrivilege));
    let added = auditor_with([]);
    assert_eq!(added.decide(&Command::Add(account(&[Privilege::Auditor]))), Err(Refusal::Exists));
    assert_eq!((added.user_name.clone(), added.password.clone()), (Some(sealed("grace")), Some(sealed("hash"))));
    let token = SecretHash("two".into());
    let client = Command::AddApiClient { user_name: sealed("inventory"), display_name: None, token };
    assert_eq!(added.decide(&client), Err(Refusal::Exists));
}

#[test]
fn nothing_is_done_to_an_account_that_does_not_exist() {
    for command in [
        Command::Disable,
        Command::SignIn { method: METHOD },
        Command::SignOut,
        Command::ConfirmPassword,
        Command::Factor(FactorCommand::RemoveAll),
    ] {
        assert_eq!(LocalAccount::default().decide(&command), Err(Refusal::Unknown), "{command:?}");
    }
}

#[test]
fn an_account_is_switched_off_and_on_once_each() {
    let on = auditor_with([]);
    assert_eq!(happens(&on, Command::Enable), []);
    let off = auditor_with(happens(&on, Command::Disable));
    assert!(off.disabled);
    assert_eq!(happens(&off, Command::Disable), []);
    assert_eq!(happens(&off, Command::Enable), [StaffEvent::LocalAccountEnabled {}]);
    assert!(!auditor_with([StaffEvent::LocalAccountDisabled {}, StaffEvent::LocalAccountEnabled {}]).disabled);
}

#[test]
fn roles_change_to_others_and_never_to_none() {
    let auditor = auditor_with([]);
    let change = |roles: &[Privilege]| Command::ChangePrivileges { privileges: roles.iter().copied().collect() };
    assert_eq!(happens(&auditor, change(&[Privilege::Auditor])), []);
    assert_eq!(auditor.decide(&change(&[])), Err(Refusal::NoPrivilege));
    let changed = happens(&auditor, change(&[Privilege::HelpDesk]));
    let (before, after) = ([Privilege::Auditor].into(), [Privilege::HelpDesk].into());
    assert_eq!(changed, [StaffEvent::PrivilegesChanged { before, after }]);
    assert_eq!(auditor_with(changed).privileges, [Privilege::HelpDesk].into());
}

#[test]
fn a_new_password_takes_the_place_of_the_old_one() {
    let changed = happens(&auditor_with([]), Command::ChangePassword { password: sealed("new hash") });
    assert_eq!(auditor_with(changed).password, Some(sealed("new hash")));
    assert_eq!(program().decide(&Command::ChangePassword { password: sealed("hash") }), Err(Refusal::NoPassword));
}

#[test]
fn a_program_has_one_token_at_a_time_and_a_person_none() {
    let issue = |token: &str| Command::IssueApiToken { token: SecretHash(token.into()) };
    let program = program();
    assert_eq!(
        (program.api_token.clone(), program.privileges.clone()),
        (Some(SecretHash("one".into())), [Privilege::ApiClient].into())
    );
    let issued = happens(&program, issue("two"));
    let program = issued.iter().fold(program, LocalAccount::evolve);
    assert_eq!(program.api_token, Some(SecretHash("two".into())));
    assert_eq!(auditor_with([]).decide(&issue("two")), Err(Refusal::NoApiClient));
    let off = program.evolve(&StaffEvent::LocalAccountDisabled {});
    assert_eq!(off.decide(&issue("three")), Err(Refusal::Disabled));
}

#[test]
fn what_somebody_proves_and_what_is_refused_is_on_record() {
    let account = auditor_with([codes(1)]);
    let session = Uuid::from_u128(5);
    for (command, event) in [
        (Command::ProveFirst { method: METHOD }, StaffEvent::FirstFactorProven { method: METHOD }),
        (Command::SignIn { method: METHOD }, StaffEvent::StaffSignedIn { method: METHOD }),
        (
            Command::RefuseSignIn { method: METHOD, reason: SignInRefusal::WrongPassword },
            StaffEvent::StaffSignInRefused { method: METHOD, reason: SignInRefusal::WrongPassword },
        ),
        (Command::SignOut, StaffEvent::StaffSignedOut {}),
        (Command::EndSession { session }, StaffEvent::StaffSessionEnded { session }),
        (Command::EndSessions, StaffEvent::StaffSessionsEnded {}),
        (Command::ConfirmPassword, StaffEvent::PasswordConfirmed {}),
        (
            Command::RefuseConfirmation { reason: SignInRefusal::Throttled },
            StaffEvent::PasswordConfirmationRefused { reason: SignInRefusal::Throttled },
        ),
        (
            Command::RefuseApiToken { reason: ApiRefusal::WrongToken },
            StaffEvent::ApiTokenRefused { reason: ApiRefusal::WrongToken },
        ),
        (
            Command::Factor(FactorCommand::Refuse { factor: SecondFactor::Passkey, reason: FactorRefusal::Wrong }),
            StaffEvent::SecondFactorRefused { factor: SecondFactor::Passkey, reason: FactorRefusal::Wrong },
        ),
    ] {
        assert_eq!(happens(&account, command), [event]);
    }
}

#[test]
fn a_passkey_signs_in_as_often_as_it_is_shown_and_its_newest_state_is_kept() {
    let account = auditor_with([passkey(PHONE)]);
    assert_eq!(account.decide(&show(LAPTOP, None)), Err(Refusal::FactorUnknown));
    let happened = happens(&account, show(PHONE, Some("counter 2")));
    assert_eq!(happened[1..], [StaffEvent::StaffSignedIn { method: METHOD }]);
    let account = auditor_with([vec![passkey(PHONE)], happened].concat());
    assert_eq!(account.factors.passkeys[&PHONE].credential, sealed("counter 2"));
    let again = happens(&account, show(PHONE, None));
    let account = again.iter().fold(account, LocalAccount::evolve);
    assert_eq!(
        account.factors.passkeys[&PHONE].credential,
        sealed("counter 2"),
        "an unchanged credential is not in the event"
    );
}

#[test]
fn whoever_sets_up_a_factor_on_the_way_in_is_in_and_whoever_is_in_already_only_has_it() {
    let add = |entering| {
        let label = sealed("Phone");
        Command::Factor(FactorCommand::AddPasskey { passkey: PHONE, label, credential: sealed("{}"), entering })
    };
    let account = auditor_with([]);
    assert_eq!(happens(&account, add(Some(METHOD))), [passkey(PHONE), StaffEvent::StaffSignedIn { method: METHOD }]);
    assert_eq!(happens(&account, add(None)), [passkey(PHONE)]);
    let seed = |entering| Command::Factor(FactorCommand::AddOneTimeCodes { seed: sealed("SEED"), step: 7, entering });
    assert_eq!(happens(&account, seed(None)), [codes(7)]);
}

#[test]
fn a_factor_that_is_not_there_is_not_removed() {
    let account = auditor_with([passkey(PHONE)]);
    let laptop = Command::Factor(FactorCommand::RemovePasskey { passkey: LAPTOP, required: false });
    assert_eq!(account.decide(&laptop), Err(Refusal::FactorUnknown));
    let no_codes = Command::Factor(FactorCommand::RemoveOneTimeCodes { required: false });
    assert_eq!(account.decide(&no_codes), Err(Refusal::FactorUnknown));
    assert_eq!(account.decide(&use_code(5)), Err(Refusal::FactorUnknown));
}

#[test]
fn recovery_codes_go_with_the_last_factor_and_stay_beside_another() {
    let made = StaffEvent::RecoveryCodesMade { hashes: vec![secret("one")] };
    let remove = |passkey| Command::Factor(FactorCommand::RemovePasskey { passkey, required: false });
    let two = auditor_with([passkey(PHONE), passkey(LAPTOP), made.clone()]);
    assert_eq!(happens(&two, remove(PHONE)), [StaffEvent::PasskeyRemoved { passkey: PHONE }]);
    let one = auditor_with([passkey(PHONE), made]);
    let gone = [StaffEvent::PasskeyRemoved { passkey: PHONE }, StaffEvent::RecoveryCodesRemoved {}];
    let removed = happens(&one, remove(PHONE));
    assert_eq!(removed, gone);
    assert_eq!(removed.iter().fold(one, LocalAccount::evolve).factors, Factors::default());
}

#[test]
fn a_set_up_link_is_for_an_account_that_does_not_exist() {
    let link = SetUpLink { hash: secret("link"), expires: NOW };
    assert_eq!(auditor_with([]).decide(&Command::IssueSetUpLink(link.clone())), Err(Refusal::Exists));
    let nobody = LocalAccount::default();
    assert_eq!(happens(&nobody, Command::RevokeSetUpLink), [], "there is no link to revoke");
    let issued = happens(&nobody, Command::IssueSetUpLink(link.clone()));
    let waiting = given(&issued);
    assert_eq!(waiting.open_link(&secret("link")), Ok(&link));
    assert_eq!(happens(&waiting, Command::RevokeSetUpLink), [StaffEvent::SetUpLinkRevoked {}]);
}

#[test]
fn somebody_whose_provider_tells_another_mail_or_provider_is_known_anew() {
    let known = given(&happens(&LocalAccount::default(), Command::Know(vouched("grace", &[Privilege::Auditor]))));
    let same = || vouched("grace", &[Privilege::Auditor]);
    let external = External { method: SignInMethodName::Saml, provider: "campus".into() };
    for told in [
        Vouched { mail: Some(sealed("grace@example.com")), ..same() },
        Vouched { display_name: Some(sealed("Grace Hopper")), ..same() },
        Vouched { external, ..same() },
    ] {
        let happened = happens(&known, Command::Know(told.clone()));
        assert!(matches!(happened[..], [StaffEvent::ExternalStaffKnown { .. }]), "{told:?}");
    }
}

#[test]
fn the_roles_at_the_console_are_those_of_people_who_look_at_devices() {
    let at_console = |role: Privilege| works_at_console(&[role].into());
    assert!(CONSOLE_ROLES.into_iter().all(at_console));
    for role in [Privilege::Enroll, Privilege::EnrollForOthers, Privilege::ApiClient] {
        assert!(!at_console(role), "{role:?}");
    }
    assert!(!works_at_console(&BTreeSet::new()));
}

#[test]
fn recovery_codes_are_made_beside_a_factor_and_take_the_place_of_earlier_ones() {
    let make = |name: &str| Command::Factor(FactorCommand::MakeRecoveryCodes { hashes: vec![secret(name)] });
    let account = auditor_with([codes(1)]);
    let account = happens(&account, make("one")).iter().fold(account, LocalAccount::evolve);
    let account = happens(&account, make("two")).iter().fold(account, LocalAccount::evolve);
    assert_eq!(account.factors.recovery_codes, [secret("two")]);
}

#[test]
fn a_user_name_belongs_to_the_account_that_reserved_it_first() {
    let (first, other) = (events::staff::StaffId(Uuid::from_u128(1)), events::staff::StaffId(Uuid::from_u128(2)));
    let reserve = |name: &UserName, account| name.decide(&ReserveUserName { account });
    let free = UserName::default();
    let reserved = reserve(&free, first).expect("the name is free");
    let taken = UserName::replay(&reserved);
    assert_eq!((taken.account, reserve(&taken, first)), (Some(first), Ok(vec![])));
    assert_eq!(reserve(&taken, other), Err(NameTaken));
}
