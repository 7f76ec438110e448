//! Finds the person of the question: a local account, an account of a directory, or an assumed account of an identity
//! provider.

use super::Question;
use crate::Staff;
use decisions::person::{self, Person};
use decisions::staff::LocalAccount;
use events::StreamName;
use events::enrollment::{Ownership, SignInMethodName, parse_short_code};
use events::person::PersonId;
use events::personal::Personal;
use events::settings::{Settings, Ways};
use events::staff::{Privilege, StaffId};
use identity::{Account, LOCAL};
use platform::user_names;
use projections::enrollments::{self, EnrollmentFilter};
use sign_in::{LookedUp, account_name, look_up_in, of_enrollment, untold_of};
use std::collections::BTreeMap;

pub(super) struct Subject {
    pub account: Account,
    pub kind: Kind,
    /// A note that is shown with the account.
    pub remark: Option<&'static str>,
    /// Why this account may not enroll a device for themselves, and how to change that. `None` if it may.
    pub barred: Option<Barred>,
    /// Number of active devices. `None` if the person cannot be identified.
    pub devices: Option<u64>,
    /// Versions of the terms of use that the person accepted.
    pub accepted: BTreeMap<Ownership, String>,
}

/// Why the rules do not apply to a local account as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Barred {
    Disabled,
    /// It lacks the privilege to enroll.
    NoPrivilege,
    /// It may only enroll devices for others, so the rules are never evaluated for it.
    ForOthersOnly,
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
            Kind::Local => SignInMethodName::LocalAccount.label().to_owned(),
            Kind::Directory => format!("directory {provider:?}"),
            Kind::SingleSignOn => format!("identity provider {provider:?}"),
        }
    }
}

impl Subject {
    /// Returns why this person cannot sign in at the portal. `None` if they can.
    pub(super) fn way_is_off(&self, ways: &Ways) -> Option<String> {
        if self.barred == Some(Barred::Disabled) {
            return Some(format!(
                "the account is disabled; `muster user enable {}` enables it",
                self.account.user_name
            ));
        }
        let provider = &self.account.provider;
        let (on, key) = match self.kind {
            Kind::Local => (ways.local_accounts, "local_accounts"),
            Kind::Directory => (ways.directories.contains(provider), "directories"),
            Kind::SingleSignOn => (ways.single_sign_on.contains(provider), "single_sign_on"),
        };
        (!on).then(|| format!("the setting sign_in.enrollment.{key} does not enable {provider:?}"))
    }
}

/// Finds the person of the question.
pub(super) async fn subject(service: &Staff, settings: &Settings, question: &Question) -> Result<Subject, String> {
    if let Some(code) = &question.enrollment {
        return of_help_code(service, code).await;
    }
    let supposed = !question.groups.is_empty() || !question.claims.is_empty();
    match &question.provider {
        Some(provider) => of_provider(service, question, provider, supposed).await,
        None if supposed => Err(format!(
            "name the provider of these groups and claims with --provider: {}",
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
        format!("the provider {provider:?} is not in the configuration; available: {known}")
    })?;
    let name = &question.user_name;
    match kind {
        Kind::Local if supposed => Err("local accounts have no groups and no claims".into()),
        Kind::Local => local(service, name)
            .await?
            .ok_or_else(|| format!("there is no local account {name:?}; `muster user list` shows all")),
        Kind::Directory if !supposed => match look_up_in(&service.sign_in, provider, name).await {
            LookedUp::Found(account) => with_past(service, Kind::Directory, *account).await,
            LookedUp::Unavailable => {
                Err(format!("the directory {provider:?} cannot be queried; `muster check-config --live` says why"))
            }
            LookedUp::Unknown | LookedUp::NoDirectory => {
                Err(format!("the directory {provider:?} has no account with the name {name:?}"))
            }
        },
        // An identity provider reports an account only when the person signs in.
        Kind::Directory | Kind::SingleSignOn => Ok(supposition(question, provider, kind)),
    }
}

// Returns the person who got, or was to get, the device of this enrollment, with the groups and claims that the
// enrollment received.
async fn of_help_code(service: &Staff, code: &str) -> Result<Subject, String> {
    let code = parse_short_code(code).ok_or_else(|| format!("{code:?} is not a help code such as 4F7-K2P"))?;
    let filter = EnrollmentFilter { text: Some(code.clone()), ..EnrollmentFilter::default() };
    let found = enrollments::list(&service.platform.projections, filter, 10).await.map_err(text)?.enrollments;
    let enrollment = found.into_iter().find(|enrollment| enrollment.help_code == code);
    let enrollment = enrollment
        .ok_or_else(|| format!("no enrollment has the help code {code}; the page of an enrollment shows its code"))?;
    let arrived = of_enrollment(&service.sign_in, enrollment.id).await.map_err(text)?;
    let (provider, received) = arrived.ok_or_else(|| {
        format!(
            "the enrollment {code} received nothing from a directory or identity provider; ask about the person by name"
        )
    })?;
    let received = received.ok_or_else(|| format!("the person of the enrollment {code} was erased"))?;
    let kind = providers(service).get(&provider).copied().unwrap_or(Kind::SingleSignOn);
    let owner = enrollment.owner.or(enrollment.signed_in);
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
        0 => "no provider was asked: groups and claims are those that the enrollment received; the current rules apply",
        _ => "the enrollment received more groups than the log stores: some may be missing; the current rules apply",
    });
    let subject = Subject { account, kind, remark, barred: None, devices: None, accepted: BTreeMap::new() };
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
    let remark = Some("no provider was asked: groups and claims are those that you gave (--group, --claim)");
    Subject { account, kind, remark, barred: None, devices: None, accepted: BTreeMap::new() }
}

// Looks up the name as at sign-in: local accounts first, then the directories in order.
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
                    "the directory {directory:?} cannot be queried (`muster check-config --live` says why); to test the rules, \
                 give --provider {directory} with --group and --claim"
                ));
            }
            LookedUp::Unknown | LookedUp::NoDirectory => {}
        }
    }
    let asked = if directories.is_empty() {
        String::new()
    } else {
        format!(", and no account with this name in {}", directories.join(", "))
    };
    Err(format!(
        "there is no local account {name:?}{asked}; for people of an identity provider give it with groups and claims: \
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
    let barred = barred(&account);
    let found = Account {
        provider: LOCAL.to_owned(),
        issuer: LOCAL.to_owned(),
        subject: id.to_string(),
        user_name: plain(&account.user_name).unwrap_or_else(|| user_name.to_owned()),
        display_name: plain(&account.display_name),
        ..Account::default()
    };
    let subject = with_past(service, Kind::Local, found).await?;
    Ok(Some(Subject { remark, barred, ..subject }))
}

fn remark(account: &LocalAccount) -> Option<&'static str> {
    account.privileges.contains(&Privilege::EnrollForOthers).then_some(
        "may enroll for others: the rules are evaluated for the person who gets the device, so ask about them",
    )
}

fn barred(account: &LocalAccount) -> Option<Barred> {
    let may = |privilege| account.privileges.contains(&privilege);
    match (account.disabled, may(Privilege::Enroll), may(Privilege::EnrollForOthers)) {
        (true, _, _) => Some(Barred::Disabled),
        (false, true, _) => None,
        (false, false, true) => Some(Barred::ForOthersOnly),
        (false, false, false) => Some(Barred::NoPrivilege),
    }
}

// Adds the number of devices and the accepted terms of the person, if the account belongs to one.
async fn with_past(service: &Staff, kind: Kind, account: Account) -> Result<Subject, String> {
    let method = match kind {
        Kind::Local => SignInMethodName::LocalAccount,
        Kind::Directory | Kind::SingleSignOn => SignInMethodName::Directory,
    };
    let name = account_name(&service.platform.secrets, method, &account.issuer, &account.subject);
    let (reserved, _) =
        service.platform.load::<person::Account>(&StreamName::of("account", name)).await.map_err(text)?;
    let devices = Some(0);
    let unseen = Subject { account, kind, remark: None, barred: None, devices, accepted: BTreeMap::new() };
    match reserved.person {
        Some(person) => known_as(service, person, unseen).await,
        None => Ok(unseen),
    }
}

async fn known_as(service: &Staff, person: PersonId, subject: Subject) -> Result<Subject, String> {
    let (known, _) = service.platform.load::<Person>(&person.stream()).await.map_err(text)?;
    let active = projections::devices::count_active(&service.platform.projections, person, None).await.map_err(text)?;
    Ok(Subject { devices: Some(active), accepted: known.accepted_terms.clone(), ..subject })
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
