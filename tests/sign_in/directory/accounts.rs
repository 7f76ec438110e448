//! Directory accounts: how a name is found, which attributes are read, and when a password is accepted.

use harness::directory::slapd::{self, PASSWORD, Slapd};
use harness::directory::{changed, config, denied, proven, unavailable, verdict};
use harness::test_name;
use identity::Denial;
use identity::ldap::Ldap;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn the_right_password_proves_an_account_with_its_attributes_over_ldaps_and_starttls() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let over_ldaps = proven(verdict(&Ldap::load(&config(&slapd)).unwrap(), "ada", PASSWORD).await);
    let starttls = changed(&slapd, |config| config.servers = vec![slapd.ldap()]);
    assert_eq!(proven(verdict(&starttls, "ada", PASSWORD).await), over_ldaps);
    assert_eq!((over_ldaps.provider.as_str(), over_ldaps.issuer.as_str()), ("main", "main"));
    assert!(uuid::Uuid::parse_str(&over_ldaps.subject).is_ok(), "{}", over_ldaps.subject);
    assert_eq!(over_ldaps.user_name, "ada");
    assert_eq!(over_ldaps.mail.as_deref(), Some("ada@example.test"));
    assert_eq!(over_ldaps.managed_apple_id.as_deref(), Some("ada@school.example"));
    assert_eq!(over_ldaps.claims["department"], BTreeSet::from(["Chemistry".to_owned(), "Physics".to_owned()]));
    assert_eq!(slapd.log().matches("STARTTLS").count(), 2, "the search and the password check each use a connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_name_are_denied_and_cost_one_bind_each() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let ldap = Ldap::load(&config(&slapd)).unwrap();
    assert_eq!(denied(verdict(&ldap, "alan", "a wrong one").await), Denial::WrongPassword);
    assert_eq!(slapd.binds_of(&format!("uid=alan,{}", slapd::PEOPLE)), 1);
    assert_eq!(denied(verdict(&ldap, "nobody-here", "a wrong one").await), Denial::UnknownName);
    let of_nobody = slapd.log().lines().filter(|line| line.contains("BIND dn=\"cn=nobody-")).count();
    assert_eq!(of_nobody, 1, "{}", slapd.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_password_is_denied_though_the_directory_would_accept_it() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let ldap = Ldap::load(&config(&slapd)).unwrap();
    assert_eq!(denied(verdict(&ldap, "alan", "").await), Denial::WrongPassword);
    assert_eq!(denied(verdict(&ldap, "nobody-here", "").await), Denial::UnknownName);
    let alan = format!("uid=alan,{}", slapd::PEOPLE);
    assert_eq!(slapd.binds_of(&alan), 0, "the directory must not be asked");
    // This server accepts such a bind, as Active Directory does (unauthenticated bind, RFC 4513, 5.1.2).
    let whoami = std::process::Command::new("ldapwhoami")
        .env("LDAPTLS_CACERT", slapd.ca())
        .args(["-x", "-H", &slapd.ldaps(), "-D", &alan, "-w", ""])
        .output()
        .unwrap();
    assert!(whoami.status.success() && whoami.stdout.starts_with(b"anonymous"), "{whoami:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_a_name_and_never_a_filter() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let ldap = Ldap::load(&config(&slapd)).unwrap();
    for typed in ["ala*", "*", "alan)(uid=*", "alan))(|(uid=*", "alan\\2a", "alan\0", "(alan)", "al\\61n", ")", "\\"] {
        assert_eq!(denied(verdict(&ldap, typed, PASSWORD).await), Denial::UnknownName, "{typed:?}");
    }
    assert_eq!(proven(verdict(&ldap, "odd*(name)", PASSWORD).await).user_name, "odd*(name)");
    assert_eq!(
        proven(verdict(&ldap, " ada ", PASSWORD).await).user_name,
        "ada",
        "the DN contains , ( ) * and a backslash"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_entries_with_one_name_neither_is_let_in() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let ldap = Ldap::load(&config(&slapd)).unwrap();
    assert_eq!(denied(verdict(&ldap, "twin", PASSWORD).await), Denial::UnknownName);
    assert_eq!(ldap.look_up("twin").await.unwrap(), None);
    assert!(!slapd.log().contains("BIND dn=\"uid=twin"), "the password must not be checked for either entry");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_attributes_are_compared_without_their_capitals() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let ldap = changed(&slapd, |config| {
        config.unique_attribute = "ENTRYuuid".into();
        config.user_name_attribute = "UID".into();
        config.mail_attribute = "mAiL".into();
        config.managed_apple_id_attribute = Some("EMPLOYEENUMBER".into());
    });
    let as_written = proven(verdict(&Ldap::load(&config(&slapd)).unwrap(), "ADA", PASSWORD).await);
    assert_eq!(proven(verdict(&ldap, "ADA", PASSWORD).await), as_written);
    assert_eq!(as_written.user_name, "ada", "the user name is spelled as in the directory");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_attribute_of_bytes_is_told_in_hex_and_one_that_is_missing_stops_the_sign_in() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let ldap = changed(&slapd, |config| config.unique_attribute = "jpegPhoto".into());
    assert_eq!(proven(verdict(&ldap, "ada", PASSWORD).await).subject, "ffd8ff0001");
    let why = unavailable(verdict(&ldap, "alan", PASSWORD).await);
    assert!(why.contains("jpegPhoto"), "{why}");
    let ldap = changed(&slapd, |config| config.unique_attribute = "departmentNumber".into());
    let why = unavailable(verdict(&ldap, "ada", PASSWORD).await);
    assert!(why.contains("2 values of departmentNumber"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn referrals_are_not_followed() {
    if !slapd::is_here("referrals_are_not_followed") {
        return;
    }
    let slapd = Slapd::start();
    let ldap = Ldap::load(&config(&slapd)).unwrap();
    // The search finds a referral in its subtree, which is ignored.
    assert_eq!(proven(verdict(&ldap, "alan", PASSWORD).await).user_name, "alan");
    // The search base is itself a referral, so the server refers the client to another server.
    let ldap = changed(&slapd, |config| config.base = format!("ou=elsewhere,{}", slapd::PEOPLE));
    let why = unavailable(verdict(&ldap, "alan", PASSWORD).await);
    assert!(why.contains("refers to another server (result 10)"), "{why}");
    assert!(!Slapd::was_referral_followed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_account_is_denied_like_any_other() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let ldap = Ldap::load(&config(&slapd)).unwrap();
    for _ in 0..5 {
        denied(verdict(&ldap, "victim", "a wrong one").await);
    }
    assert_eq!(
        denied(verdict(&ldap, "victim", PASSWORD).await),
        Denial::WrongPassword,
        "OpenLDAP returns only result 49"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_asks_for_no_password_and_tells_the_same() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let ldap = Ldap::load(&config(&slapd)).unwrap();
    let found = ldap.look_up("ada@example.test").await.unwrap().unwrap();
    assert_eq!(found, proven(verdict(&ldap, "ada", PASSWORD).await));
    assert_eq!(ldap.look_up("nobody-here").await.unwrap(), None);
}
