//! Who is meant: a local account, somebody in a directory, or somebody whom an identity provider would vouch for.

use super::Question;
use crate::Staff;
use decisions::person::{self, Person};
use decisions::staff::LocalAccount;
use events::StreamName;
use events::enrollment::{Ownership, SignInMethodName, parse_help_code};
use events::person::PersonId;
use events::personal::Personal;
use events::settings::{Settings, Ways};
use events::staff::{Privilege, StaffId};
use identity::{Account, LOCAL};
use platform::user_names;
use projections::visits::{self, VisitFilter};
use sign_in::{LookedUp, account_name, look_up_in, of_visit, untold_of};
use std::collections::BTreeMap;

pub(super) struct Subject {
    pub account: Account,
    pub kind: Kind,
    /// What else there is to know.
    pub remark: Option<&'static str>,
    /// The rules are never about them.
    pub for_others_only: bool,
    /// How many devices they have now; `None` where they cannot be told from others.
    pub devices: Option<u64>,
    /// The terms of use that they accepted.
    pub accepted: BTreeMap<Ownership, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Local,
    Directory,
    SingleSignOn,
}

impl Kind {
    pub(super) fn of(self, provider: &str) -> String {
        match self {
            Kind::Local => "local account".into(),
            Kind::Directory => format!("directory {provider:?}"),
            Kind::SingleSignOn => format!("identity provider {provider:?}"),
        }
    }
}

impl Subject {
    /// Why the portal does not offer the way that this person would take.
    pub(super) fn way_is_off(&self, ways: &Ways) -> Option<String> {
        let provider = &self.account.provider;
        let (on, key) = match self.kind {
            Kind::Local => (ways.local_accounts, "local_accounts"),
            Kind::Directory => (ways.directories.contains(provider), "directories"),
            Kind::SingleSignOn => (ways.single_sign_on.contains(provider), "single_sign_on"),
        };
        (!on).then(|| format!("the setting sign_in.enrollment.{key} leaves {provider:?} out"))
    }
}

/// Finds who is meant.
pub(super) async fn subject(service: &Staff, settings: &Settings, question: &Question) -> Result<Subject, String> {
    if let Some(code) = &question.visit {
        return of_help_code(service, code).await;
    }
    let supposed = !question.groups.is_empty() || !question.claims.is_empty();
    match &question.provider {
        Some(provider) => of_provider(service, question, provider, supposed).await,
        None if supposed => Err(format!(
            "say with --provider who would tell these groups and claims: {}",
            providers(service).into_keys().collect::<Vec<_>>().join(", ")
        )),
        None => anywhere(service, settings, question).await,
    }
}

fn providers(service: &Staff) -> BTreeMap<String, Kind> {
    let identity = &service.identity;
    let directories = identity.directory.iter().map(|one| (one.name.clone(), Kind::Directory));
    let openid_connect = identity.openid_connect.iter().map(|one| (one.name.clone(), Kind::SingleSignOn));
    let saml = identity.saml.iter().map(|one| (one.name.clone(), Kind::SingleSignOn));
    [(LOCAL.to_owned(), Kind::Local)].into_iter().chain(directories).chain(openid_connect).chain(saml).collect()
}

async fn of_provider(service: &Staff, question: &Question, provider: &str, supposed: bool) -> Result<Subject, String> {
    let known = providers(service);
    let kind = *known.get(provider).ok_or_else(|| {
        let known = known.keys().cloned().collect::<Vec<_>>().join(", ");
        format!("the configuration knows no provider {provider:?}; it knows {known}")
    })?;
    let name = &question.user_name;
    match kind {
        Kind::Local if supposed => Err("local accounts are in no groups and have no claims".into()),
        Kind::Local => local(service, name)
            .await?
            .ok_or_else(|| format!("there is no local account {name:?}; `muster user list` shows them")),
        Kind::Directory if !supposed => match look_up_in(&service.sign_in, provider, name).await {
            LookedUp::Found(account) => with_past(service, Kind::Directory, *account).await,
            LookedUp::Unavailable => {
                Err(format!("the directory {provider:?} cannot be asked; `muster check-config --live` says why"))
            }
            LookedUp::Unknown | LookedUp::NoDirectory => {
                Err(format!("the directory {provider:?} knows nobody by the name {name:?}"))
            }
        },
        // Whom an identity provider vouches for it says when they sign in, not before.
        Kind::Directory | Kind::SingleSignOn => Ok(supposition(question, provider, kind)),
    }
}

// Whoever got, or was to get, the device of this visit, with what their provider told then.
async fn of_help_code(service: &Staff, code: &str) -> Result<Subject, String> {
    let code = parse_help_code(code).ok_or_else(|| format!("{code:?} is no help code: one reads like 4F7-K2P"))?;
    let filter = VisitFilter { text: Some(code.clone()), ..VisitFilter::default() };
    let found = visits::list(&service.platform.projections, filter, 10).await.map_err(text)?.visits;
    let visit = found.into_iter().find(|visit| visit.help_code == code);
    let visit =
        visit.ok_or_else(|| format!("no visit has the help code {code}; the page of a visit shows its code"))?;
    let arrived = of_visit(&service.sign_in, visit.id).await.map_err(text)?;
    let (provider, received) = arrived.ok_or_else(|| {
        format!("on the visit {code} no directory and no identity provider told anything; ask about the person by name")
    })?;
    let received = received.ok_or_else(|| format!("the person of the visit {code} was erased"))?;
    let kind = providers(service).get(&provider).copied().unwrap_or(Kind::SingleSignOn);
    let owner = visit.owner.or(visit.signed_in);
    let account = Account {
        user_name: owner.as_ref().and_then(|owner| owner.user_name.clone()).unwrap_or_else(|| "the person".into()),
        display_name: owner.as_ref().and_then(|owner| owner.display_name.clone()),
        provider,
        untold: untold_of(&received.untold),
        groups: received.groups,
        claims: received.claims,
        ..Account::default()
    };
    let remark = Some(match received.left_out {
        0 => "nobody was asked: groups and claims are those that arrived on that visit; the rules are today's",
        _ => "there were more groups than the log keeps: the answer below may miss some; the rules are today's",
    });
    let subject = Subject { account, kind, remark, for_others_only: false, devices: None, accepted: BTreeMap::new() };
    match owner {
        Some(owner) => known_as(service, owner.person, subject).await,
        None => Ok(subject),
    }
}

fn supposition(question: &Question, provider: &str, kind: Kind) -> Subject {
    let account = Account {
        provider: provider.to_owned(),
        user_name: question.user_name.clone(),
        groups: question.groups.clone(),
        claims: question.claims.clone(),
        ..Account::default()
    };
    let remark = Some("nobody was asked: groups and claims are those that you gave (--group, --claim)");
    Subject { account, kind, remark, for_others_only: false, devices: None, accepted: BTreeMap::new() }
}

// As at sign-in: local accounts first, then the directories in their order.
async fn anywhere(service: &Staff, settings: &Settings, question: &Question) -> Result<Subject, String> {
    let name = &question.user_name;
    if let Some(local) = local(service, name).await? {
        return Ok(local);
    }
    let directories = &settings.sign_in.enrollment.directories;
    for directory in directories {
        match look_up_in(&service.sign_in, directory, name).await {
            LookedUp::Found(account) => return with_past(service, Kind::Directory, *account).await,
            LookedUp::Unavailable => {
                return Err(format!(
                    "the directory {directory:?} cannot be asked (`muster check-config --live` says why); to see what the rules \
                 would say, give --provider {directory} with --group and --claim"
                ));
            }
            LookedUp::Unknown | LookedUp::NoDirectory => {}
        }
    }
    let asked = if directories.is_empty() {
        String::new()
    } else {
        format!(", and nobody of that name in {}", directories.join(", "))
    };
    Err(format!(
        "there is no local account {name:?}{asked}; for people of an identity provider say which, and what it would tell: \
         --provider NAME --group GROUP --claim NAME=VALUE"
    ))
}

async fn local(service: &Staff, user_name: &str) -> Result<Option<Subject>, String> {
    let named = user_names::account_named(&service.platform, user_name).await.map_err(text)?;
    let Some(StaffId(id)) = named else { return Ok(None) };
    let (account, _) = service.platform.load::<LocalAccount>(&StaffId(id).stream()).await.map_err(text)?;
    if !account.exists {
        return Ok(None);
    }
    let plain = |value: &Option<Personal<String>>| value.as_ref().and_then(|value| value.get().cloned());
    let remark = remark(&account);
    let may = |privilege| account.privileges.contains(&privilege);
    let for_others_only = may(Privilege::EnrollForOthers) && !may(Privilege::Enroll);
    let found = Account {
        provider: LOCAL.to_owned(),
        issuer: LOCAL.to_owned(),
        subject: id.to_string(),
        user_name: plain(&account.user_name).unwrap_or_else(|| user_name.to_owned()),
        display_name: plain(&account.display_name),
        ..Account::default()
    };
    let subject = with_past(service, Kind::Local, found).await?;
    Ok(Some(Subject { remark, for_others_only, ..subject }))
}

fn remark(account: &LocalAccount) -> Option<&'static str> {
    let may = |privilege| account.privileges.contains(&privilege);
    if account.disabled {
        Some("but the account is disabled: nothing below holds until `muster user enable`")
    } else if may(Privilege::EnrollForOthers) {
        Some("may enroll for others: then the rules are about the person whose device it will be, so ask about them")
    } else if !may(Privilege::Enroll) {
        Some("but lacks the privilege to enroll devices: nothing below holds without it")
    } else {
        None
    }
}

// What is on record about them, if they were ever seen.
async fn with_past(service: &Staff, kind: Kind, account: Account) -> Result<Subject, String> {
    let method = match kind {
        Kind::Local => SignInMethodName::LocalAccount,
        Kind::Directory | Kind::SingleSignOn => SignInMethodName::Directory,
    };
    let name = account_name(&service.platform.secrets, method, &account.issuer, &account.subject);
    let (reserved, _) =
        service.platform.load::<person::Account>(&StreamName::of("account", name)).await.map_err(text)?;
    let devices = Some(0);
    let unseen = Subject { account, kind, remark: None, for_others_only: false, devices, accepted: BTreeMap::new() };
    match reserved.person {
        Some(person) => known_as(service, person, unseen).await,
        None => Ok(unseen),
    }
}

async fn known_as(service: &Staff, person: PersonId, subject: Subject) -> Result<Subject, String> {
    let (known, _) = service.platform.load::<Person>(&person.stream()).await.map_err(text)?;
    let active = projections::devices::count_active(&service.platform.projections, person, None).await.map_err(text)?;
    Ok(Subject { devices: Some(active), accepted: known.accepted_terms, ..subject })
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
