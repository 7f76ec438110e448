//! The groups of a person, found with each of the three methods.

use harness::directory::slapd::{self, GROUPS, MANY, PASSWORD, PATIENT_SEARCHER, Slapd};
use harness::directory::{changed, proven, unavailable, verdict, walk};
use harness::test_name;
use identity::config::Groups;
use std::collections::BTreeSet;

/// Signs in and returns the names of the person's groups.
async fn groups_of(slapd: &Slapd, name: &str, by: Groups) -> BTreeSet<String> {
    let ldap = changed(slapd, |config| config.groups = by);
    let groups = proven(verdict(&ldap, name, PASSWORD).await).groups;
    assert_eq!(ldap.look_up(name).await.unwrap().unwrap().groups, groups);
    groups.into_iter().map(|dn| dn.trim_start_matches("cn=").replace(&format!(",{GROUPS}"), "")).collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn member_of_tells_the_direct_groups() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    assert_eq!(groups_of(&slapd, "ada", Groups::MemberOf {}).await, names(["level1", "staff (all)*"]));
    assert_eq!(groups_of(&slapd, "alan", Groups::MemberOf {}).await, names([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_goes_upward_as_many_levels_as_it_may() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    assert_eq!(groups_of(&slapd, "ada", walk(GROUPS, 1)).await, names(["level1", "staff (all)*"]));
    assert_eq!(groups_of(&slapd, "ada", walk(GROUPS, 3)).await, names(["level1", "level2", "level3", "staff (all)*"]));
    let all = names(["level1", "level2", "level3", "level4", "staff (all)*"]);
    assert_eq!(groups_of(&slapd, "ada", walk(GROUPS, 8)).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_through_a_circle_of_groups_comes_to_an_end() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    assert_eq!(groups_of(&slapd, "dreamer", walk(GROUPS, 1_000_000)).await, names(["about", "round"]));
    let searches = slapd.log().matches("SRCH base=\"ou=groups").count();
    assert_eq!(searches, 6, "three levels, once at sign-in and once in the look-up");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_come_in_pages_and_an_answer_that_is_cut_short_is_noticed() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let many = walk("ou=many,dc=example,dc=test", 2);
    let patient = changed(&slapd, |config| {
        config.groups = many.clone();
        config.bind_dn = PATIENT_SEARCHER.into();
    });
    assert_eq!(proven(verdict(&patient, "joiner", PASSWORD).await).groups.len(), MANY);
    // The searcher may read 50 entries. The directory sends them and reports the limit only in the final result.
    let limited = changed(&slapd, |config| config.groups = many);
    let why = unavailable(verdict(&limited, "joiner", PASSWORD).await);
    assert!(why.contains("returned an incomplete result"), "{why}");
}

/// OpenLDAP does not support Active Directory's matching rule. It returns no entries instead of an error.
#[tokio::test(flavor = "multi_thread")]
async fn the_way_of_active_directory_lets_nobody_in_at_another_directory() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let by = Groups::ActiveDirectoryNested { base: GROUPS.into() };
    let nested = changed(&slapd, |config| config.groups = by.clone());
    let why = unavailable(verdict(&nested, "ada", PASSWORD).await);
    assert!(why.contains("lacks primaryGroupID"), "sign-in fails if the groups are unknown: {why}");
    let steps = changed(&slapd, |config| config.groups = by).live_check(None).await;
    let wrong: Vec<String> =
        steps.into_iter().filter_map(|step| step.outcome.err()).map(|trouble| trouble.wrong).collect();
    assert!(matches!(wrong.as_slice(), [one] if one.contains("not Active Directory")), "{wrong:?}");
}
