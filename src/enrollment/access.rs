//! What the rules of the settings say about somebody: who may enroll what, and which roles they have.

use events::enrollment::Access;
use events::settings::{AccessRule, RoleRule, Who};
use events::staff::Privilege;
use std::collections::{BTreeMap, BTreeSet};

/// Somebody who proved who they are, as far as rules ask.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// `local`, or the name of a directory or identity provider.
    pub provider: &'a str,
    pub groups: &'a BTreeSet<String>,
    pub claims: &'a BTreeMap<String, BTreeSet<String>>,
}

/// The first rule that is about the claimant decides. `None` where there are no rules at all: then everybody may
/// whatever is offered.
pub fn decide(rules: &[AccessRule], claimant: Claimant<'_>) -> Option<Access> {
    if rules.is_empty() {
        return None;
    }
    let provider = claimant.provider.to_owned();
    let nothing = Access {
        provider: provider.clone(),
        rule: None,
        offered: BTreeSet::new(),
        account_driven: false,
        terms_required: false,
        devices_per_person: None,
    };
    let rule = rules.iter().find(|rule| is_about(&rule.who, rule.provider.as_deref(), claimant));
    Some(rule.map_or(nothing, |rule| Access {
        provider,
        rule: Some(rule.name.clone()),
        offered: rule.enroll.clone(),
        account_driven: rule.account_driven,
        terms_required: rule.terms_required,
        devices_per_person: rule.devices_per_person,
    }))
}

/// Whether what was decided at sign-in may still be had: the rule is there and grants no less. Whether it would still be
/// the first that is about them cannot be known without asking for their groups again. Where there are no rules (any
/// more) nothing is restricted; where there were none and now are, it has to be decided.
pub fn still_grants(rules: &[AccessRule], decided: Option<&Access>) -> bool {
    let Some(access) = decided.filter(|_| !rules.is_empty()) else { return rules.is_empty() };
    // Whom no rule was about was granted nothing that could be taken away.
    let Some(name) = &access.rule else { return true };
    rules.iter().find(|rule| rule.name == *name).is_some_and(|rule| grants_no_less(rule, access))
}

fn grants_no_less(rule: &AccessRule, access: &Access) -> bool {
    let devices = match (rule.devices_per_person, access.devices_per_person) {
        (None, _) => true,
        (Some(now), then) => then.is_some_and(|then| now >= then),
    };
    rule.provider.as_ref().is_none_or(|provider| *provider == access.provider)
        && access.offered.is_subset(&rule.enroll)
        && (rule.account_driven || !access.account_driven)
        && (access.terms_required || !rule.terms_required)
        && devices
}

/// The roles of all rules that are about the claimant.
pub fn roles(rules: &[RoleRule], claimant: Claimant<'_>) -> BTreeSet<Privilege> {
    let about = rules.iter().filter(|rule| is_about(&rule.who, rule.provider.as_deref(), claimant));
    about.flat_map(|rule| rule.roles.iter().copied()).collect()
}

/// Whether a rule is about the claimant.
pub fn is_about(who: &Who, provider: Option<&str>, claimant: Claimant<'_>) -> bool {
    fit(who, provider, claimant) == Fit::About
}

/// Whether a rule is about somebody, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    About,
    /// It is for people of another provider.
    OtherProvider,
    NotInGroup,
    /// The claim is missing, or has other values.
    OtherClaim,
}

/// Whether a rule is about the claimant, or why not. Names of groups and values of claims are compared without regard to
/// capitals, as directories do (RFC 4517, caseIgnoreMatch).
pub fn fit(who: &Who, provider: Option<&str>, claimant: Claimant<'_>) -> Fit {
    if provider.is_some_and(|provider| provider != claimant.provider) {
        return Fit::OtherProvider;
    }
    match who {
        Who::Group(group) if !has(claimant.groups, group) => Fit::NotInGroup,
        Who::Claim { name, value } if !claimant.claims.get(name).is_some_and(|values| has(values, value)) => {
            Fit::OtherClaim
        }
        Who::Everyone | Who::Group(_) | Who::Claim { .. } => Fit::About,
    }
}

fn has(given: &BTreeSet<String>, wanted: &str) -> bool {
    given.iter().any(|given| given.to_lowercase() == wanted.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::enrollment::Ownership;

    fn rule(name: &str, who: Who, enroll: &[Ownership]) -> AccessRule {
        AccessRule {
            name: name.into(),
            who,
            provider: None,
            enroll: enroll.iter().copied().collect(),
            account_driven: false,
            terms_required: false,
            devices_per_person: None,
        }
    }

    fn decided(rules: &[AccessRule], provider: &str, groups: &[&str]) -> Option<Access> {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        let claims = BTreeMap::from([("department".to_owned(), BTreeSet::from(["Physics".to_owned()]))]);
        decide(rules, Claimant { provider, groups: &groups, claims: &claims })
    }

    fn name(access: Option<Access>) -> Option<String> {
        access.expect("there are rules").rule
    }

    #[test]
    fn without_rules_nothing_is_restricted() {
        assert_eq!(decided(&[], "main", &["staff"]), None);
    }

    #[test]
    fn the_first_rule_that_is_about_somebody_decides() {
        let rules = [
            rule("Staff", Who::Group("CN=Staff,DC=example,DC=com".into()), &[Ownership::Institutional]),
            rule("Everybody", Who::Everyone, &[Ownership::Personal]),
        ];
        assert_eq!(name(decided(&rules, "main", &["cn=staff,dc=example,dc=com"])).as_deref(), Some("Staff"));
        assert_eq!(name(decided(&rules, "main", &["students"])).as_deref(), Some("Everybody"));
    }

    #[test]
    fn whom_no_rule_is_about_may_nothing() {
        let access =
            decided(&[rule("Staff", Who::Group("staff".into()), &[Ownership::Personal])], "main", &[]).unwrap();
        assert_eq!((access.rule, access.offered.len(), access.account_driven), (None, 0, false));
    }

    #[test]
    fn a_rule_may_ask_for_a_claim_and_for_one_provider() {
        let who = Who::Claim { name: "department".into(), value: "physics".into() };
        let mut rules = [rule("Physicists", who, &[Ownership::Personal])];
        assert_eq!(name(decided(&rules, "main", &[])).as_deref(), Some("Physicists"));
        rules[0].provider = Some("school".into());
        assert_eq!(name(decided(&rules, "main", &[])), None);
        assert_eq!(name(decided(&rules, "school", &[])).as_deref(), Some("Physicists"));
    }

    #[test]
    fn what_a_rule_granted_is_gone_when_the_rule_is_or_grants_less() {
        let rules = [rule("Staff", Who::Group("staff".into()), &[Ownership::Personal, Ownership::Institutional])];
        let decided_then = decided(&rules, "main", &["staff"]);
        let still = |change: fn(&mut AccessRule)| {
            let mut rules = rules.clone();
            change(&mut rules[0]);
            still_grants(&rules, decided_then.as_ref())
        };
        assert!(still(|_| {}));
        assert!(still(|rule| rule.account_driven = true), "more is no less");
        assert!(!still(|rule| rule.name = "Teachers".into()));
        assert!(!still(|rule| rule.enroll = [Ownership::Personal].into()));
        assert!(!still(|rule| rule.provider = Some("school".into())));
        assert!(!still(|rule| rule.terms_required = true));
        assert!(!still(|rule| rule.devices_per_person = Some(1)));
        assert!(still_grants(&[], decided_then.as_ref()), "no rules any more: nothing is restricted");
        assert!(!still_grants(&rules, None), "rules where there were none: they have to decide");
        assert!(still_grants(&rules, decided(&rules, "main", &[]).as_ref()), "nothing was granted");
    }

    #[test]
    fn a_group_of_the_same_name_at_another_provider_gives_no_role() {
        let it = RoleRule {
            who: Who::Group("it".into()),
            provider: Some("main".into()),
            roles: BTreeSet::from([Privilege::Administrator]),
        };
        let (groups, claims) = (BTreeSet::from(["it".to_owned()]), BTreeMap::new());
        let at = |provider| roles(std::slice::from_ref(&it), Claimant { provider, groups: &groups, claims: &claims });
        assert_eq!(at("main"), BTreeSet::from([Privilege::Administrator]));
        assert!(at("school").is_empty());
    }
}
