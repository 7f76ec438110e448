//! Evaluates the access rules and role rules of the settings for a person.

use events::enrollment::{Access, AttributeName, Untold};
use events::settings::{AccessRule, RoleRule, Who};
use events::staff::Privilege;
use names::{GroupName, folded};
use std::collections::{BTreeMap, BTreeSet};

/// A person who proved their identity, with the attributes that rules use.
#[derive(Debug, Clone)]
pub struct Claimant<'a> {
    /// `local`, or the name of a directory or identity provider.
    provider: &'a str,
    groups: BTreeSet<GroupName>,
    claims: &'a BTreeMap<String, BTreeSet<String>>,
    /// Unknown attributes: the person may have more groups and values than those stated.
    untold: Vec<Untold>,
}

impl<'a> Claimant<'a> {
    pub fn new(
        provider: &'a str,
        groups: &BTreeSet<String>,
        claims: &'a BTreeMap<String, BTreeSet<String>>,
        untold: Vec<Untold>,
    ) -> Claimant<'a> {
        Claimant { provider, groups: groups.iter().map(|group| GroupName::of(group)).collect(), claims, untold }
    }

    fn untold(&self, wanted: &AttributeName) -> Option<&Untold> {
        self.untold.iter().find(|untold| untold.attribute == *wanted)
    }
}

/// Returns what the first matching rule grants. `None` if there are no rules: then everyone may enroll what the
/// settings offer. If it is unknown whether a rule matches, the rules are evaluated for both answers. If the results
/// differ, nothing is granted and the unknown attributes are named.
pub fn decide(rules: &[AccessRule], claimant: &Claimant<'_>) -> Option<Access> {
    if rules.is_empty() {
        return None;
    }
    let mut untold = BTreeSet::new();
    let mut perhaps = vec![];
    let mut decides = None;
    for rule in rules {
        match fit(&rule.who, rule.provider.as_deref(), claimant) {
            Fit::About => {
                decides = Some(rule);
                break;
            }
            Fit::Unknown(what) => {
                perhaps.push(grant(Some(rule), claimant));
                untold.insert(what.clone());
            }
            Fit::OtherProvider | Fit::NotInGroup | Fit::OtherClaim => {}
        }
    }
    let access = grant(decides, claimant);
    if perhaps.iter().all(|other| grants_the_same(other, &access)) {
        return Some(access);
    }
    Some(Access { untold: untold.into_iter().collect(), ..grant(None, claimant) })
}

fn grant(rule: Option<&AccessRule>, claimant: &Claimant<'_>) -> Access {
    let provider = claimant.provider.to_owned();
    let untold = vec![];
    match rule {
        Some(rule) => Access {
            provider,
            rule: Some(rule.name.clone()),
            offered: rule.enroll.clone(),
            account_driven: rule.account_driven,
            terms_required: rule.terms_required,
            devices_per_person: rule.devices_per_person,
            untold,
        },
        None => Access {
            provider,
            rule: None,
            offered: BTreeSet::new(),
            account_driven: false,
            terms_required: false,
            devices_per_person: None,
            untold,
        },
    }
}

fn grants_the_same(one: &Access, other: &Access) -> bool {
    let nothing = |access: &Access| access.offered.is_empty() && !access.account_driven;
    let both_nothing = nothing(one) && nothing(other);
    both_nothing || Access { rule: None, ..one.clone() } == Access { rule: None, ..other.clone() }
}

/// Returns whether the access decided at sign-in is still valid: its rule still exists and grants no less. Whether the
/// rule would still be the first match is unknown without asking for the person's groups again. Without rules nothing
/// is restricted. If there were no rules then and there are some now, access has to be decided again.
pub(crate) fn still_grants(rules: &[AccessRule], decided: Option<&Access>) -> bool {
    let Some(access) = decided.filter(|_| !rules.is_empty()) else { return rules.is_empty() };
    // A person without a matching rule was granted nothing, so nothing can be withdrawn.
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

/// Returns the roles of all matching rules. A rule that possibly matches gives no role.
pub fn roles(rules: &[RoleRule], claimant: &Claimant<'_>) -> BTreeSet<Privilege> {
    let about = rules.iter().filter(|rule| fit(&rule.who, rule.provider.as_deref(), claimant) == Fit::About);
    about.flat_map(|rule| rule.roles.iter().copied()).collect()
}

/// Returns the unknown attributes that decide whether the claimant has roles.
pub fn roles_untold<'a>(rules: &[RoleRule], claimant: &'a Claimant<'_>) -> BTreeSet<&'a Untold> {
    let fits = rules.iter().map(|rule| fit(&rule.who, rule.provider.as_deref(), claimant));
    fits.filter_map(|fit| if let Fit::Unknown(what) = fit { Some(what) } else { None }).collect()
}

/// Whether a rule matches a person, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit<'a> {
    About,
    /// The rule is for people of another provider.
    OtherProvider,
    NotInGroup,
    /// The claim is missing or has other values.
    OtherClaim,
    /// The provider did not state the attribute that the rule uses.
    Unknown(&'a Untold),
}

/// Checks whether a rule matches the claimant. Names are compared as defined in [`names`].
pub fn fit<'a>(who: &Who, provider: Option<&str>, claimant: &'a Claimant<'_>) -> Fit<'a> {
    if provider.is_some_and(|provider| provider != claimant.provider) {
        return Fit::OtherProvider;
    }
    let (has, asked, lacks) = match who {
        Who::Everyone => return Fit::About,
        Who::Group(group) => (claimant.groups.contains(&GroupName::of(group)), AttributeName::Groups, Fit::NotInGroup),
        Who::Claim { name, value } => {
            let wanted = folded(value);
            let values = claimant.claims.get(name).into_iter().flatten();
            (
                values.map(|value| folded(value)).any(|value| value == wanted),
                AttributeName::Claim(name.clone()),
                Fit::OtherClaim,
            )
        }
    };
    if has { Fit::About } else { claimant.untold(&asked).map_or(lacks, Fit::Unknown) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::enrollment::{Absence, Ownership};

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
        decide(rules, &Claimant::new(provider, &groups, &claims, vec![]))
    }

    // Decides for a person of whose groups only `told` are known.
    fn decided_of_untold(rules: &[AccessRule], told: &[&str]) -> Access {
        let groups = told.iter().map(|group| (*group).to_owned()).collect();
        let untold = [Untold { attribute: AttributeName::Groups, why: Absence::Elsewhere }];
        decide(rules, &Claimant::new("main", &groups, &BTreeMap::new(), untold.to_vec())).expect("there are rules")
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
        let at = |provider| roles(std::slice::from_ref(&it), &Claimant::new(provider, &groups, &claims, vec![]));
        assert_eq!(at("main"), BTreeSet::from([Privilege::Administrator]));
        assert!(at("school").is_empty());
        let untold = [Untold { attribute: AttributeName::Groups, why: Absence::Silent }];
        let nobody = BTreeSet::new();
        let claimant = Claimant::new("main", &nobody, &claims, untold.to_vec());
        assert!(roles(std::slice::from_ref(&it), &claimant).is_empty());
        assert_eq!(roles_untold(std::slice::from_ref(&it), &claimant), untold.iter().collect());
    }

    #[test]
    fn a_rule_finds_its_group_in_whatever_spelling_the_directory_has() {
        let rules = [
            rule("Suspended", Who::Group(r"cn=Leavers\, suspended,ou=groups,dc=example,dc=test".into()), &[]),
            rule("Everybody else", Who::Everyone, &[Ownership::Institutional]),
        ];
        let access = decided(&rules, "main", &[r"cn=Leavers\2C suspended,ou=groups,dc=example,dc=test"]).unwrap();
        assert_eq!((access.rule.as_deref(), access.offered.len()), (Some("Suspended"), 0));
    }

    #[test]
    fn what_is_not_known_is_not_empty() {
        let leavers = || rule("Leavers", Who::Group("leavers".into()), &[]);
        let staff = || rule("Staff", Who::Group("staff".into()), &[Ownership::Personal]);
        let others = |kinds: &[Ownership]| rule("Others", Who::Everyone, kinds);
        let of = |access: &Access| (access.rule.clone(), access.offered.len(), access.untold.len());
        // The person may be in the group without access.
        let access = decided_of_untold(&[leavers(), others(&[Ownership::Personal])], &[]);
        assert_eq!(of(&access), (None, 0, 1));
        assert_eq!(access.untold[0].why, Absence::Elsewhere);
        // The result is the same whether or not the person is in the group.
        assert_eq!(
            of(&decided_of_untold(&[staff(), others(&[Ownership::Personal])], &[])),
            (Some("Others".into()), 1, 0)
        );
        assert_eq!(of(&decided_of_untold(&[leavers(), others(&[])], &[])), (Some("Others".into()), 0, 0));
        assert_eq!(of(&decided_of_untold(&[leavers()], &[])), (None, 0, 0));
        // Stated groups count, and unknown attributes that no rule uses make no difference.
        assert_eq!(of(&decided_of_untold(&[staff(), leavers()], &["Staff"])), (Some("Staff".into()), 1, 0));
        assert_eq!(of(&decided_of_untold(&[others(&[Ownership::Personal])], &[])), (Some("Others".into()), 1, 0));
        let at_school = AccessRule { provider: Some("school".into()), ..leavers() };
        assert_eq!(
            of(&decided_of_untold(&[at_school, others(&[Ownership::Personal])], &[])),
            (Some("Others".into()), 1, 0)
        );
    }

    #[test]
    fn a_claim_that_was_not_told_is_not_empty() {
        let rules = [
            rule("Left", Who::Claim { name: "status".into(), value: "left".into() }, &[]),
            rule("Others", Who::Everyone, &[Ownership::Personal]),
        ];
        let (groups, claims) =
            (BTreeSet::new(), BTreeMap::from([("status".to_owned(), BTreeSet::from(["Left".to_owned()]))]));
        let untold = [Untold { attribute: AttributeName::Claim("status".into()), why: Absence::Silent }];
        let with = |claims: &BTreeMap<_, _>, untold: &[Untold]| {
            let access = decide(&rules, &Claimant::new("main", &groups, claims, untold.to_vec())).unwrap();
            (access.rule, access.untold.len())
        };
        assert_eq!(with(&BTreeMap::new(), &untold), (None, 1));
        assert_eq!(with(&BTreeMap::new(), &[]), (Some("Others".into()), 0));
        assert_eq!(with(&claims, &[]), (Some("Left".into()), 0));
    }

    #[test]
    fn a_limit_of_devices_that_was_lowered_grants_less_and_one_that_was_raised_or_lifted_does_not() {
        let with =
            |most| AccessRule { devices_per_person: most, ..rule("Staff", Who::Everyone, &[Ownership::Personal]) };
        let then = decided(&[with(Some(2))], "main", &[]);
        let still = |most| still_grants(&[with(most)], then.as_ref());
        assert!(still(None) && still(Some(3)) && still(Some(2)) && !still(Some(1)));
    }

    #[test]
    fn rules_that_grant_nothing_are_the_same_whatever_else_they_ask_for() {
        let leavers = AccessRule { terms_required: true, ..rule("Leavers", Who::Group("leavers".into()), &[]) };
        let access = decided_of_untold(std::slice::from_ref(&leavers), &[]);
        assert_eq!((access.rule, access.untold.len()), (None, 0));
        let by_account = AccessRule { account_driven: true, ..leavers };
        assert_eq!(decided_of_untold(&[by_account], &[]).untold.len(), 1, "it grants the way from Settings");
    }
}
