//! Active Directory accounts: the forms of user names, groups, and each reason for a refusal.

use super::samba::{self, GROUPS, LOCKED_AFTER, PASSWORD, PEOPLE, SEARCHER, Samba};
use events::Event;
use events::enrollment::{EnrollmentEvent, SignInRefusal};
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::Browser;
use harness::directory::{denied, proven, verdict};
use harness::guest::{Guest, iphone};
use harness::test_name;
use identity::config::{Directory, Groups};
use identity::ldap::Ldap;
use identity::{Denial, Identifier};
use std::collections::BTreeSet;
use world::World;

/// Returns the domain's configuration as `docs/providers/active-directory.md` describes it.
fn config(samba: &Samba) -> Directory {
    let quoted = |path: std::path::PathBuf| format!("{:?}", path.to_str().unwrap());
    toml::from_str(&format!(
        "name = \"main\"\nservers = [\"{}\"]\nroot = {}\nbind_dn = \"{SEARCHER}\"\nbind_password = {}\nbase = \"{PEOPLE}\"\n\
         user_filter = \"(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={{name}})(userPrincipalName={{name}})))\"\n\
         windows_domain = \"EXAMPLE\"\nunique_attribute = \"objectGUID\"\nuser_name_attribute = \"sAMAccountName\"\n\
         display_name_attribute = \"displayName\"\nlockout_failures = 100\n\
         groups = {{ by = \"active_directory_nested\", base = \"{GROUPS}\" }}\n",
        samba.ldaps(),
        quoted(samba.ca()),
        quoted(samba.searcher_password()),
    ))
    .unwrap()
}

fn names(groups: &BTreeSet<String>) -> Vec<&str> {
    groups.iter().map(|dn| dn.trim_start_matches("CN=").split(',').next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_active_directory_is_found_by_each_name_that_people_type() {
    let Some(samba) = samba::domain(test_name!()) else {
        return;
    };
    let ldap = Ldap::load(&config(samba)).unwrap();
    let ada = proven(verdict(&ldap, "ada", PASSWORD).await);
    assert_eq!((ada.user_name.as_str(), ada.display_name.as_deref()), ("ada", Some("Ada Lovelace")));
    assert_eq!(ada.subject.len(), 32, "objectGUID in hex: {}", ada.subject);
    for name in ["ADA", "ada@example.test", "Ada@EXAMPLE.test", "EXAMPLE\\ada", "example\\ADA"] {
        assert_eq!(proven(verdict(&ldap, name, PASSWORD).await), ada, "{name}");
    }
    for name in ["OTHER\\ada", "EXAMPLE\\", "\\ada", "EXAMPLE\\EXAMPLE\\ada", "ada@other.test", "a*"] {
        assert_eq!(denied(verdict(&ldap, name, PASSWORD).await), Denial::UnknownName, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_of_records_are_found_by_their_user_principal_names_and_a_disabled_account_is_told_apart() {
    let Some(samba) = samba::domain(test_name!()) else {
        return;
    };
    let upn = Some("userPrincipalName".to_owned());
    let ldap = Ldap::load(&Directory { user_principal_name_attribute: upn, ..config(samba) }).unwrap();
    let wanted = ["ADA@example.test", "disabled@example.test", "nobody@example.test", "a*@example.test"];
    let listed = ldap.holders(Identifier::UserPrincipalName, &wanted.map(str::to_owned)).await.unwrap();
    let mut listed: Vec<_> = listed.iter().map(|one| (one.account.user_name.as_str(), one.is_disabled)).collect();
    listed.sort_unstable();
    assert_eq!(listed, [("ada", false), ("disabled", true)]);
    let ada = proven(verdict(&ldap, "ada", PASSWORD).await);
    let states = |identifier| ada.identifiers.of(identifier).collect::<Vec<_>>();
    assert_eq!(states(Identifier::UserPrincipalName), ["ada@example.test"]);
    assert_eq!((states(Identifier::UserName), states(Identifier::EmployeeNumber)), (vec!["ada"], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_groups_and_the_primary_group_of_active_directory_are_found() {
    let Some(samba) = samba::domain(test_name!()) else {
        return;
    };
    let ldap = Ldap::load(&config(samba)).unwrap();
    let ada = proven(verdict(&ldap, "ada", PASSWORD).await).groups;
    assert_eq!(names(&ada), ["Physics", "Science", "Staff", "Teaching"]);
    let whole =
        Directory { groups: Groups::ActiveDirectoryNested { base: "DC=example,DC=test".into() }, ..config(samba) };
    let alan = proven(verdict(&Ldap::load(&whole).unwrap(), "alan", PASSWORD).await).groups;
    assert_eq!(
        names(&alan),
        ["Caretakers", "Domain Users", "Users"],
        "includes the default primary group and its parent group"
    );

    let direct = Ldap::load(&Directory { groups: Groups::MemberOf {}, ..config(samba) }).unwrap();
    let ada = proven(verdict(&direct, "ada", PASSWORD).await).groups;
    assert!(!names(&ada).contains(&"Physics"), "memberOf does not contain the primary group: {ada:?}");
    let told: Vec<_> = direct.live_check(None).await.into_iter().filter_map(|step| step.outcome.err()).collect();
    let wrong: Vec<&str> = told.iter().map(|trouble| trouble.wrong.as_str()).collect();
    assert!(matches!(wrong.as_slice(), [one] if one.contains("nor the primary group")), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_in_which_active_directory_says_no_is_kept_apart() {
    let Some(samba) = samba::domain(test_name!()) else { return };
    let ldap = Ldap::load(&config(samba)).unwrap();
    for (name, denial) in [
        ("nobody-here", Denial::UnknownName),
        ("old", Denial::PasswordExpired),
        ("must", Denial::PasswordMustBeChanged),
        ("gone", Denial::Expired),
        ("hours", Denial::OutsideHours),
        ("elsewhere", Denial::ElsewhereOnly),
        ("disabled", Denial::Disabled),
    ] {
        assert_eq!(denied(verdict(&ldap, name, PASSWORD).await), denial, "{name}");
        let wrong = if name == "nobody-here" { Denial::UnknownName } else { Denial::WrongPassword };
        assert_eq!(
            denied(verdict(&ldap, name, "a wrong one").await),
            wrong,
            "{name}: the reason is returned only with the right password"
        );
    }
    for _ in 0..LOCKED_AFTER {
        assert_eq!(denied(verdict(&ldap, "locked", "a wrong one").await), Denial::WrongPassword);
    }
    assert_eq!(denied(verdict(&ldap, "locked", PASSWORD).await), Denial::Locked);
    for (name, words) in [("disabled", "disabled"), ("locked", "locked"), ("old", "expired")] {
        let steps = ldap.live_check(Some(name)).await;
        let wrong: Vec<String> =
            steps.into_iter().filter_map(|step| step.outcome.err()).map(|trouble| trouble.wrong).collect();
        assert!(matches!(wrong.as_slice(), [one] if one.contains(words)), "{name}: {wrong:?}");
    }
}

/// Starts a server that uses the domain as its directory.
async fn server(samba: &Samba) -> TestServer {
    let directory = config(samba);
    let server = TestServer::start_with(World::system(), |config| config.identity.directory = vec![directory]).await;
    server
        .settings(|settings| {
            settings.sign_in.enrollment.directories = vec!["main".into()];
            settings.sign_in.staff.directories = vec!["main".into()];
        })
        .await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_to_change_their_password_first_is_told_so_and_the_help_desk_reads_each_reason() {
    let Some(samba) = samba::domain(test_name!()) else {
        return;
    };
    let server = server(samba).await;
    let ldap = Ldap::load(&config(samba)).unwrap();
    for _ in 0..LOCKED_AFTER {
        denied(verdict(&ldap, "barred", "a wrong one").await);
    }
    let desk = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    let refused = "Check the user name and the password.";
    let first = "Change your password first.";
    for (name, password, told, advice) in [
        ("must", PASSWORD, first, "the directory requires a new one first"),
        ("old", PASSWORD, first, "the directory requires a new one first"),
        ("must", "a wrong one", refused, "The password was wrong"),
        ("gone", PASSWORD, refused, "The account has expired"),
        ("hours", PASSWORD, refused, "at certain hours only"),
        ("elsewhere", PASSWORD, refused, "at certain computers only"),
        ("disabled", PASSWORD, refused, "The account is disabled"),
        ("barred", PASSWORD, refused, "has locked the account"),
    ] {
        let mut guest = Guest::new(&server, &iphone("17.5"));
        let answer = guest.sign_in(name, password).await;
        assert!(answer.status == 401 && answer.body.contains(told), "{name}: {}", answer.body);
        server.caught_up().await;
        let code = answer.body.split_once("Help code ").expect("a help code").1[..7].to_owned();
        let list = desk.get(&format!("/console/visits?q={code}")).await;
        let page = desk.get(&list.attribute("tbody th a", "href").unwrap()).await;
        let lines = page.texts(".tell li");
        assert!(lines.iter().any(|line| line.contains(advice)), "{name}: {lines:?}");
    }
    let reasons: Vec<SignInRefusal> = server
        .events_of("enrollment")
        .await
        .into_iter()
        .filter_map(|event| match event {
            Event::Enrollment(EnrollmentEvent::SignInRefused { reason, .. }) => Some(reason),
            _ => None,
        })
        .collect();
    let expected = [
        SignInRefusal::PasswordMustBeChanged,
        SignInRefusal::PasswordExpired,
        SignInRefusal::WrongPassword,
        SignInRefusal::AccountExpired,
        SignInRefusal::OutsideLogonHours,
        SignInRefusal::WorkstationNotPermitted,
        SignInRefusal::AccountDisabled,
        SignInRefusal::AccountLocked,
    ];
    assert_eq!(reasons, expected);
    let staff = Browser::new(&server).sign_in("must", PASSWORD).await;
    assert!(staff.status == 401 && staff.body.contains("Change your password first"), "{}", staff.body);
    server.stop().await;
}
