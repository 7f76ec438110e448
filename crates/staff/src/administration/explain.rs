//! `muster access explain`: shows which access rule decides about a person, why the others do not match, and what the
//! person may enroll.

mod subject;
mod words;

use super::Request;
use crate::Staff;
use decisions::access::{self, Fit, fit};
use events::settings::{AccessRule, Settings};
use identity::Account;
use serde::{Deserialize, Serialize};
use sign_in::claimant;
use std::collections::{BTreeMap, BTreeSet};
use subject::{Barred, Subject, subject};
use words::{claims, either, listed, who};

/// The person that the question is about.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub user_name: String,
    /// `local`, a directory or an identity provider. `None`: local accounts and the directories are asked in order.
    pub provider: Option<String>,
    /// The help code of an enrollment. If set, the groups and claims that the enrollment received are used.
    pub enrollment: Option<String>,
    /// Groups and claims that the provider is assumed to report. If there are any, no provider is asked.
    pub groups: BTreeSet<String>,
    pub claims: BTreeMap<String, BTreeSet<String>>,
}

impl From<Question> for Request {
    fn from(question: Question) -> Request {
        Request::ExplainAccess(question)
    }
}

/// Returns the explanation as text of several lines.
///
/// # Errors
/// Returns what to do if the person is not found or cannot be looked up.
pub(crate) async fn explain(service: &Staff, question: &Question) -> Result<String, String> {
    let settings = service.settings.current().await.map_err(|error| error.to_string())?;
    let subject = subject(service, &settings, question).await?;
    let mut lines = introduction(&subject, &settings);
    lines.push(String::new());
    let name = &subject.account.user_name;
    match subject.barred {
        None => {}
        Some(Barred::ForOthersOnly) => {
            lines.push(format!("{name} may not enroll a device for themselves."));
            return Ok(lines.join("\n"));
        }
        Some(Barred::Disabled) => {
            lines.push(format!("{name} may NOT enroll a device now: the account is disabled."));
            lines.push(format!("The following applies after `muster user enable {name}`:\n"));
        }
        Some(Barred::NoPrivilege) => {
            lines.push(format!("{name} may NOT enroll a device now: the account lacks the privilege to enroll."));
            lines.push(format!("The following applies after `muster user set-roles {name} --enroll …`:\n"));
        }
    }
    lines.extend(rules(&settings.access, &subject.account));
    lines.push(String::new());
    lines.extend(words::outcome(&settings, &subject));
    Ok(lines.join("\n"))
}

fn introduction(subject: &Subject, settings: &Settings) -> Vec<String> {
    let Account { provider, user_name, display_name, groups, claims: has, untold, .. } = &subject.account;
    let name = display_name.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
    let mut lines = vec![format!("{user_name}{name} ({})", subject.kind.of(provider))];
    lines.push(match subject.way_is_off(&settings.sign_in.enrollment) {
        Some(why) => format!("  cannot sign in at the portal: {why}"),
        None => "  can sign in at the portal".to_owned(),
    });
    lines.extend(subject.remark.map(|remark| format!("  {remark}")));
    lines.push(format!("  groups: {}", words::with_unreported(listed(groups), untold.groups.is_some())));
    let missing: Vec<&String> = untold.claims.keys().collect();
    let missing = if missing.is_empty() { String::new() } else { format!("; not reported: {}", either(missing)) };
    lines.push(format!("  claims: {}{missing}", claims(has)));
    lines
}

fn rules(rules: &[AccessRule], account: &Account) -> Vec<String> {
    let name = &account.user_name;
    if rules.is_empty() {
        return vec![
            "There are no access rules: all people who can sign in may enroll what ownership_kinds allows.".into(),
        ];
    }
    let mut lines = vec![format!("Access rules in order; the first one that matches {name} decides:")];
    let (claimant, mut decided, mut perhaps) = (claimant(account), false, false);
    for (nth, rule) in rules.iter().enumerate() {
        let verdict = match fit(&rule.who, rule.provider.as_deref(), &claimant) {
            _ if decided => "not evaluated".to_owned(),
            Fit::About => {
                decided = true;
                format!("YES, it is for {}: this rule decides", about(rule))
            }
            Fit::Unknown(_) => {
                perhaps = true;
                format!("PERHAPS, it is for {}, but {:?} did not report this", about(rule), account.provider)
            }
            why => format!("no, {}", why_not(why, rule, account)),
        };
        lines.push(format!("  {}. {:?}: {verdict}", nth + 1, rule.name));
    }
    if !decided {
        lines.push(format!("No rule {}matches {name}.", if perhaps { "certainly " } else { "" }));
    }
    let untold = access::decide(rules, &claimant).is_some_and(|access| !access.untold.is_empty());
    if untold {
        lines.push(format!(
            "What {name} may enroll depends on what was not reported, so it is REFUSED. Configure {:?} to report it, or set \
             absent_groups = \"none\" if it leaves out an empty list.",
            account.provider
        ));
    }
    lines
}

fn about(rule: &AccessRule) -> String {
    let of = rule.provider.as_ref().map(|provider| format!(" of {provider:?}")).unwrap_or_default();
    format!("{}{of}", who(&rule.who))
}

fn why_not(why: Fit<'_>, rule: &AccessRule, account: &Account) -> String {
    let (name, wanted) = (&account.user_name, about(rule));
    match why {
        Fit::About | Fit::Unknown(_) => String::new(),
        Fit::OtherProvider => format!("it is for {wanted}, but {name} is of {:?}", account.provider),
        Fit::NotInGroup if account.groups.is_empty() => format!("it is for {wanted}, but {name} is in no group"),
        Fit::NotInGroup => format!("it is for {wanted}, but {name} is not in this group"),
        Fit::OtherClaim => {
            let has = match &rule.who {
                events::settings::Who::Claim { name: claim, .. } => account.claims.get(claim),
                _ => None,
            };
            let has = has.map_or("has no such claim".to_owned(), |values| format!("has {}", either(values)));
            format!("it is for {wanted}, but {name} {has}")
        }
    }
}
