//! Accounts of the console: names, roles, second factors, sign-ins.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use crate::support::*;
use events::Personal;
use events::enrollment::{SecretHash, SignInMethodName};
use events::staff::{PasskeyId, Privilege, StaffEvent, StaffId};
use projections::Projections;
use projections::staff::{self, Member};
use uuid::Uuid;

fn staff(nth: u128) -> StaffId {
    StaffId(Uuid::from_u128(0x3000 + nth))
}

fn added(nth: u128, name: &str, display: Option<&str>, privileges: &[Privilege]) -> StaffEvent {
    let personal = |text: &str| Personal::new(staff(nth).key(), text.to_owned());
    StaffEvent::LocalAccountAdded {
        user_name: personal(name),
        password: personal("$argon2id$"),
        privileges: privileges.iter().copied().collect(),
        display_name: display.map(personal),
        mail: None,
        managed_apple_id: None,
    }
}

async fn member(projections: &Projections, nth: u128) -> Member {
    staff::get(projections, staff(nth)).await.unwrap().unwrap()
}

impl Desk {
    async fn of(&self, nth: u128, events: impl IntoIterator<Item = StaffEvent>) {
        for event in events {
            self.write(&staff(nth).stream(), later(100), event).await;
        }
    }
}

#[tokio::test]
async fn everybody_is_listed_by_the_name_that_is_shown() {
    let desk = Desk::new();
    desk.of(1, [added(1, "zoe", Some("Ada Lovelace"), &[Privilege::Administrator])]).await;
    desk.of(2, [added(2, "Grace", None, &[Privilege::Auditor])]).await;
    let personal = |text: &str| Personal::new(staff(3).key(), text.to_owned());
    let vouched = StaffEvent::ExternalStaffKnown {
        method: SignInMethodName::Directory,
        provider: "main".into(),
        user_name: personal("eve"),
        display_name: None,
        mail: None,
    };
    desk.of(3, [vouched]).await;
    desk.of(4, [StaffEvent::ApiClientAdded { user_name: personal("inventory"), display_name: None }]).await;
    let projections = desk.caught_up().await;
    let all = staff::all(&projections).await.unwrap();
    assert_eq!(all.iter().map(|member| member.id).collect::<Vec<_>>(), [staff(1), staff(3), staff(2), staff(4)]);
    let (ada, eve, client) = (&all[0], &all[1], &all[3]);
    assert_eq!((ada.user_name.as_deref(), ada.display_name.as_deref()), (Some("zoe"), Some("Ada Lovelace")));
    assert_eq!((ada.method, ada.provider.as_deref()), (SignInMethodName::LocalAccount, None));
    assert_eq!((eve.method, eve.provider.as_deref()), (SignInMethodName::Directory, Some("main")));
    assert!(eve.privileges.is_empty(), "roles from a directory are assigned at sign-in");
    assert_eq!(client.privileges, [Privilege::ApiClient].into());
    assert_eq!(staff::get(&projections, staff(9)).await.unwrap(), None);
}

#[tokio::test]
async fn an_account_has_the_roles_that_it_was_given_last_and_may_be_switched_off_and_on() {
    let desk = Desk::new();
    let (before, after) = ([Privilege::Auditor].into(), [Privilege::Administrator, Privilege::HelpDesk].into());
    let changed = StaffEvent::PrivilegesChanged { before, after };
    desk.of(1, [added(1, "ada", None, &[Privilege::Auditor]), changed, StaffEvent::LocalAccountDisabled {}]).await;
    let projections = desk.caught_up().await;
    let ada = member(&projections, 1).await;
    assert_eq!(ada.privileges, [Privilege::Administrator, Privilege::HelpDesk].into());
    assert!(ada.disabled);
    desk.of(1, [StaffEvent::LocalAccountEnabled {}]).await;
    desk.follow(&projections).await;
    assert!(!member(&projections, 1).await.disabled);
}

#[tokio::test]
async fn second_factors_are_counted_as_they_come_and_go() {
    let desk = Desk::new();
    let personal = |text: &str| Personal::new(staff(1).key(), text.to_owned());
    let passkey = |nth| StaffEvent::PasskeyAdded {
        passkey: PasskeyId(Uuid::from_u128(nth)),
        label: personal("key"),
        credential: personal("{}"),
    };
    let codes = StaffEvent::OneTimeCodesAdded { seed: personal("AAAA"), step: 1 };
    let recovery = StaffEvent::RecoveryCodesMade { hashes: ["a", "b", "c"].map(|code| SecretHash(code.into())).into() };
    desk.of(1, [added(1, "ada", None, &[]), passkey(1), passkey(2), codes, recovery]).await;
    desk.of(1, [StaffEvent::RecoveryCodeUsed { code_hash: SecretHash("a".into()) }]).await;
    let projections = desk.caught_up().await;
    let ada = member(&projections, 1).await;
    assert_eq!((ada.passkeys, ada.one_time_codes, ada.recovery_codes, ada.last_sign_in), (2, true, 2, None));
    let signed_in = StaffEvent::StaffSignedIn { method: SignInMethodName::LocalAccount };
    let removed = StaffEvent::PasskeyRemoved { passkey: PasskeyId(Uuid::from_u128(1)) };
    desk.of(1, [signed_in, removed, StaffEvent::OneTimeCodesRemoved {}, StaffEvent::RecoveryCodesRemoved {}]).await;
    desk.follow(&projections).await;
    let ada = member(&projections, 1).await;
    assert_eq!((ada.passkeys, ada.one_time_codes, ada.recovery_codes), (1, false, 0));
    assert_eq!(ada.last_sign_in, Some(later(100)));
}
