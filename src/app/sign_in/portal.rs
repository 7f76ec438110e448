//! Somebody signs in at the portal: the visit opens with it, and from here on belongs to a person.

use super::refusals::granted;
use super::{Refused, Verified, account_name, verify_local};
use crate::app::context::Context;
use crate::app::secrets::hash;
use crate::app::{App, PerformError};
use crate::enrollment::person::{self, Person, ReserveAccount};
use crate::enrollment::visit::{self, Command, Policy, PreviousRecord, SignedIn, Visit};
use crate::identity::{Account, Unavailable};
use events::enrollment::{EnrollmentId, Evidence, Platform, SignInMethodName};
use events::envelope::{Actor, ActorKind};
use events::person::{PersonAttributes, PersonId};
use events::staff::Privilege;
use events::store::{AppendError, ReadError};
use events::{Personal, StreamName};
use secrecy::SecretString;
use std::net::IpAddr;

/// What the sign-in form brings along.
pub struct Entrance<'a> {
    /// The visit that the session cookie names, where there is one.
    pub visit: Option<EnrollmentId>,
    pub user_name: &'a str,
    pub password: &'a SecretString,
    pub source: IpAddr,
    pub user_agent: &'a str,
    pub platform: Platform,
    pub language: &'a str,
}

/// What came of it.
pub enum Outcome {
    /// In: the session cookie must hold the new secret.
    SignedIn { enrollment: EnrollmentId, secret: String },
    /// Not in, whatever the reason. `opened` is the new session of a visit that began with this.
    Refused { opened: Option<(EnrollmentId, String)>, retry_after: Option<i64> },
    /// The visit is past this step.
    OutOfStep,
}

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{0}")]
    Refused(String),
}

impl<R: std::error::Error> From<PerformError<R>> for SignInError {
    fn from(error: PerformError<R>) -> SignInError {
        match error {
            PerformError::Refused(refusal) => SignInError::Refused(refusal.to_string()),
            PerformError::Append(error) => SignInError::Append(error),
            PerformError::Read(error) => SignInError::Read(error),
        }
    }
}

/// Lets somebody in, or not; either is written down.
///
/// # Errors
/// If accounts or log cannot be used.
pub async fn at_portal(app: &App, entrance: &Entrance<'_>) -> Result<Outcome, SignInError> {
    let may_enroll = |privileges: &std::collections::BTreeSet<Privilege>| privileges.contains(&Privilege::Enroll);
    match verify_local(app, entrance.user_name, entrance.password, entrance.source, may_enroll).await? {
        Verified::Proven { account, .. } => admit(app, entrance, &account).await,
        Verified::Refused(refused) => refuse(app, entrance, refused).await,
    }
}

async fn refuse(app: &App, entrance: &Entrance<'_>, refused: Refused) -> Result<Outcome, SignInError> {
    let retry_after = refused.retry_after;
    if !granted(app) {
        return Ok(Outcome::Refused { opened: None, retry_after });
    }
    let (enrollment, opened) = open(app, entrance).await?;
    let account = refused.account.map(|id| app.secrets.name("account", &["local_account", "local", &id.to_string()]));
    // Only the HMAC of a name that nobody has: of the others the account says enough.
    let name = account.is_none().then_some(refused.name);
    let method = SignInMethodName::LocalAccount;
    let command = Command::RefuseSignIn { method, reason: refused.reason, account, name };
    match app.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await {
        Ok(_) => Ok(Outcome::Refused { opened, retry_after }),
        Err(PerformError::Refused(visit::Refusal::OutOfStep(_))) => Ok(Outcome::OutOfStep),
        Err(error) => Err(error.into()),
    }
}

async fn admit(app: &App, entrance: &Entrance<'_>, account: &Account) -> Result<Outcome, SignInError> {
    let (enrollment, _) = open(app, entrance).await?;
    let name = account_name(&app.secrets, account);
    let person = reserve(app, entrance, enrollment, &name).await?;
    let context = as_person(entrance, enrollment, person);
    let know = person::Command::Know {
        method: SignInMethodName::LocalAccount,
        account: name.clone(),
        attributes: attributes(account, person),
    };
    app.perform::<Person>(&person.stream(), &know, &context).await?;
    hand_over(app, enrollment, person).await?;
    let secret = app.world.secret();
    let settings = app.settings().await?;
    let command = Command::SignIn {
        signed_in: SignedIn {
            method: SignInMethodName::LocalAccount,
            person,
            account: name,
            user_name: Personal::new(person.key(), account.user_name.clone()),
        },
        session: hash(&secret),
        previous: previous(app, person, entrance.platform).await,
        policy: Policy { offered: settings.ownership_kinds, skip_ca_profile: settings.skip_ca_profile },
    };
    match app.perform::<Visit>(&enrollment.stream(), &command, &context).await {
        Ok(_) => Ok(Outcome::SignedIn { enrollment, secret }),
        Err(PerformError::Refused(visit::Refusal::OutOfStep(_))) => Ok(Outcome::OutOfStep),
        Err(error) => Err(error.into()),
    }
}

// The visit that is there, or a new one with the secret of its session.
async fn open(
    app: &App,
    entrance: &Entrance<'_>,
) -> Result<(EnrollmentId, Option<(EnrollmentId, String)>), SignInError> {
    if let Some(enrollment) = entrance.visit {
        return Ok((enrollment, None));
    }
    let enrollment = EnrollmentId(app.world.uuid());
    let secret = app.world.secret();
    let user_agent: String = entrance.user_agent.chars().take(512).collect();
    let command = Command::Open {
        session: hash(&secret),
        user_agent: Personal::new(enrollment.visit_key(), user_agent),
        platform: entrance.platform,
        language: entrance.language.to_owned(),
    };
    app.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await?;
    Ok((enrollment, Some((enrollment, secret))))
}

// Whoever reserves the account first decides which person it is.
async fn reserve(
    app: &App,
    entrance: &Entrance<'_>,
    enrollment: EnrollmentId,
    name: &str,
) -> Result<PersonId, SignInError> {
    let fresh = PersonId(app.world.random_uuid());
    let stream = StreamName::of("account", name);
    let command = ReserveAccount { person: fresh };
    let performed = app.perform::<person::Account>(&stream, &command, &as_person(entrance, enrollment, fresh)).await?;
    Ok(performed.state.person.unwrap_or(fresh))
}

fn attributes(account: &Account, person: PersonId) -> PersonAttributes {
    let sealed = |value: &String| Personal::new(person.key(), value.clone());
    PersonAttributes {
        user_name: Some(sealed(&account.user_name)),
        display_name: account.display_name.as_ref().map(sealed),
        mail: account.mail.as_ref().map(sealed),
        managed_apple_id: account.managed_apple_id.as_ref().map(sealed),
    }
}

// What the visitor told before is theirs from now on: erased with them.
async fn hand_over(app: &App, enrollment: EnrollmentId, person: PersonId) -> Result<(), SignInError> {
    let keys = std::sync::Arc::clone(app.log.keys());
    let unavailable = |why: String| SignInError::Append(AppendError::Unavailable(why));
    tokio::task::spawn_blocking(move || keys.hand_over(&enrollment.visit_key(), &person.key()))
        .await
        .map_err(|error| unavailable(error.to_string()))?
        .map_err(|error| unavailable(error.to_string()))
}

// A projection that cannot be read, or lags, hides an earlier record; it stops nobody from enrolling.
async fn previous(app: &App, person: PersonId, platform: Platform) -> Vec<PreviousRecord> {
    let active = match projections::devices::active_of_person(&app.projections, person).await {
        Ok(active) => active,
        Err(error) => {
            tracing::error!(%error, "earlier records cannot be looked up");
            return vec![];
        }
    };
    let record = |active: projections::devices::Active| {
        let mut evidence = vec![Evidence::SamePerson];
        if active.family == Some(platform.family) {
            evidence.push(Evidence::SameFamily);
        }
        PreviousRecord { device: active.device, evidence }
    };
    active.into_iter().map(record).collect()
}

fn visitor(entrance: &Entrance<'_>, enrollment: EnrollmentId) -> Context {
    let actor = Actor::new(ActorKind::Visitor, enrollment);
    Context::of(actor, Some((entrance.source, enrollment.visit_key())), enrollment.0)
}

fn as_person(entrance: &Entrance<'_>, enrollment: EnrollmentId, person: PersonId) -> Context {
    Context::of(Actor::new(ActorKind::Person, person), Some((entrance.source, person.key())), enrollment.0)
}
