//! Somebody who proved who they are comes in: the visit belongs to a person from here on, and the access rules say what
//! they may enroll. The same for every way of signing in.

use super::Proof;
use super::attributes::{claimant, received};
use super::count_refusal;
use super::portal::Outcome;
use crate::app::account_driven::link::{AccountLink, Purpose};
use crate::app::context::Context;
use crate::app::secrets::hash;
use crate::app::{App, PerformError};
use decisions::access;
use decisions::person::{self, Person, ReserveAccount};
use decisions::visit::{self, Admission, Command, Entry, NEAREST_RECORDS, Policy, PreviousRecords, SignedIn, Visit};
use events::enrollment::{EnrollmentEvent, EnrollmentId, Evidence, FoundRecord, Platform};
use events::envelope::{Actor, ActorKind};
use events::person::{PersonAttributes, PersonId};
use events::settings::Settings;
use events::staff::Privilege;
use events::store::{AppendError, ReadError};
use events::{Personal, StreamName};
use identity::{Account, Unavailable};
use projections::ProjectionError;
use std::net::IpAddr;

/// Who comes to the portal, and how.
pub struct Entrance<'a> {
    /// The visit that the session cookie names, where there is one.
    pub visit: Option<EnrollmentId>,
    pub source: IpAddr,
    pub user_agent: &'a str,
    pub platform: Platform,
    pub language: &'a str,
    /// The link that a device followed from Settings, where it did.
    pub link: Option<AccountLink>,
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

impl SignInError {
    /// Whether a stream, or what it is sealed with, is damaged.
    pub fn is_damage(&self) -> bool {
        match self {
            SignInError::Append(error) => error.is_damage(),
            SignInError::Read(error) => error.is_damage(),
            SignInError::Unavailable(_) | SignInError::Refused(_) => false,
        }
    }
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

/// Lets somebody in who proved who they are.
///
/// # Errors
/// If the log cannot be used.
pub async fn admit(
    app: &App,
    entrance: &Entrance<'_>,
    enrollment: EnrollmentId,
    proof: &Proof,
) -> Result<Outcome, SignInError> {
    let signed_in = know(app, proof, |person| as_person(entrance, enrollment, person)).await?;
    let context = as_person(entrance, enrollment, signed_in.person);
    hand_over(app, enrollment, signed_in.person).await?;
    let secret = app.world.secret();
    let entry = entry(app, entrance, proof, signed_in.person).await?;
    let command = Command::SignIn { signed_in, session: hash(&secret), entry };
    match app.perform::<Visit>(&enrollment.stream(), &command, &context).await {
        // Who signs in once more on an enrolled device may be another person.
        Ok(performed) if performed.events.iter().any(lets_in) => {
            Ok(Outcome::SignedIn { enrollment, secret, known_browser: None })
        }
        Ok(performed) => {
            if performed.events.is_empty() {
                count_refusal(app, entrance.source);
            }
            Ok(Outcome::Refused { opened: None, retry_after: None })
        }
        Err(PerformError::Refused(visit::Refusal::OutOfStep(_))) => Ok(Outcome::OutOfStep),
        Err(error) => Err(error.into()),
    }
}

fn lets_in(event: &EnrollmentEvent) -> bool {
    matches!(event, EnrollmentEvent::UserSignedIn { .. } | EnrollmentEvent::UserSignedInAgain { .. })
}

/// The person behind an account, known from now on at the latest; `context` is that of whoever makes them known.
pub(super) async fn know(
    app: &App,
    proof: &Proof,
    context: impl Fn(PersonId) -> Context,
) -> Result<SignedIn, SignInError> {
    let (account, name) = (&proof.account, proof.account_name(&app.secrets));
    let person = person_of(app, &name, &context).await?;
    let know =
        person::Command::Know { method: proof.method, account: name.clone(), attributes: attributes(account, person) };
    app.perform::<Person>(&person.stream(), &know, &context(person)).await?;
    let user_name = Personal::new(person.key(), account.user_name.clone());
    Ok(SignedIn { method: proof.method, person, account: name, user_name })
}

// Whoever reserves the account first decides which person it is. An erased person stays forgotten: the account leads to
// a new one, who begins without a past.
async fn person_of(app: &App, account: &str, context: impl Fn(PersonId) -> Context) -> Result<PersonId, SignInError> {
    let stream = StreamName::of("account", account);
    let mut in_place_of = None;
    loop {
        let fresh = PersonId(app.world.random_uuid());
        let command = ReserveAccount { person: fresh, in_place_of };
        let performed = app.perform::<person::Account>(&stream, &command, &context(fresh)).await?;
        let person = performed.state.person.unwrap_or(fresh);
        let (known, _) = app.load::<Person>(&person.stream()).await?;
        if !known.erased {
            return Ok(person);
        }
        in_place_of = Some(person);
    }
}

// A local account that carries the privilege is asked for whom the device is.
async fn entry(app: &App, entrance: &Entrance<'_>, proof: &Proof, person: PersonId) -> Result<Entry, SignInError> {
    let privileges = proof.local.as_ref().map(|(_, privileges)| privileges);
    if privileges.is_some_and(|privileges| privileges.contains(&Privilege::EnrollForOthers)) {
        let for_oneself = privileges.is_some_and(|privileges| privileges.contains(&Privilege::Enroll));
        return Ok(Entry::AskForWhom { for_oneself });
    }
    Ok(Entry::Oneself(admission(app, &proof.account, person, entrance.platform).await?))
}

/// What is found about the person whose device it will be.
///
/// # Errors
/// If the log cannot be read, or if the number of devices is limited and their records cannot be looked up: an unknown number is
/// not none.
pub async fn admission(
    app: &App,
    account: &Account,
    person: PersonId,
    platform: Platform,
) -> Result<Admission, SignInError> {
    let settings = app.settings().await?;
    let access = access::decide(&settings.access, &claimant(account));
    if let Some(access) = access.as_ref().filter(|access| !access.untold.is_empty()) {
        tracing::warn!(
            %person,
            provider = account.provider,
            untold = ?access.untold,
            "refused: access rules ask for groups or claims that the provider did not tell, and they would make a difference; \
             docs/signing-in.md, \"Groups that do not come\", says what to do"
        );
    }
    let previous = match previous_records(app, person, platform).await {
        Ok(previous) => previous,
        Err(error) if access.as_ref().is_some_and(|access| access.devices_per_person.is_some()) => {
            return Err(Unavailable(format!("how many devices the person has is not known: {error}")).into());
        }
        Err(_) => PreviousRecords::default(),
    };
    let (received, policy) = (received(account, person), policy(app, &settings, person).await?);
    Ok(Admission { access, received, previous, policy })
}

/// What the settings say about the way of this person.
///
/// # Errors
/// If the log cannot be read.
pub async fn policy(app: &App, settings: &Settings, person: PersonId) -> Result<Policy, ReadError> {
    let (known, _) = app.load::<Person>(&person.stream()).await?;
    Ok(Policy {
        offered: settings.ownership_kinds.clone(),
        skip_ca_profile: settings.skip_ca_profile,
        limits: settings.limits.clone(),
        terms: settings.terms.iter().map(|(ownership, terms)| (*ownership, terms.version.clone())).collect(),
        assigned_managed_apple_id: known.attributes.managed_apple_id.clone(),
        accepted: known.accepted_terms,
        account_driven: settings.account_driven.clone(),
    })
}

/// The visit that is there, or a new one with the secret of its session.
///
/// # Errors
/// If the log cannot be used.
pub async fn open(
    app: &App,
    entrance: &Entrance<'_>,
) -> Result<(EnrollmentId, Option<(EnrollmentId, String)>), SignInError> {
    if let Some(enrollment) = entrance.visit {
        return Ok((enrollment, None));
    }
    let link = entrance.link.as_ref();
    let enrollment = link.map_or_else(|| EnrollmentId(app.world.uuid()), |link| link.enrollment);
    let state = link.and_then(|link| link.state.clone());
    let secret = app.world.secret();
    let user_agent: String = entrance.user_agent.chars().take(512).collect();
    let (session, user_agent) = (hash(&secret), Personal::new(enrollment.visit_key(), user_agent));
    let account_driven = match link.map(|link| link.purpose) {
        Some(Purpose::SignInAgain) => {
            let resume = Command::Resume { session, user_agent, now: app.world.now(), state };
            app.perform::<Visit>(&enrollment.stream(), &resume, &visitor(entrance, enrollment)).await?;
            return Ok((enrollment, Some((enrollment, secret))));
        }
        Some(Purpose::Enroll { mode, .. }) => Some(visit::Begun { mode, state }),
        None => None,
    };
    let (platform, language) = (entrance.platform, entrance.language.to_owned());
    let command = Command::Open { session, user_agent, platform, language, account_driven };
    app.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await?;
    Ok((enrollment, Some((enrollment, secret))))
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

/// The person's records that are active. Of a projection that lags, or that stopped before a corrupt event, these are those that
/// it knows.
///
/// # Errors
/// If the projection cannot be read: then it is unknown whether there are any.
pub async fn previous_records(
    app: &App,
    person: PersonId,
    platform: Platform,
) -> Result<PreviousRecords, ProjectionError> {
    let family = platform.family;
    let active = projections::devices::active_of_person(&app.projections, person, family, NEAREST_RECORDS).await;
    let active = active.inspect_err(|error| tracing::error!(%error, "earlier records cannot be looked up"))?;
    let record = |active: projections::devices::Active| {
        let mut evidence = vec![Evidence::SamePerson];
        if active.family == Some(family) {
            evidence.push(Evidence::SameFamily);
        }
        FoundRecord { device: active.device, evidence }
    };
    Ok(PreviousRecords { nearest: active.nearest.into_iter().map(record).collect(), count: active.count })
}

/// On behalf of somebody who did not sign in yet.
pub fn visitor(entrance: &Entrance<'_>, enrollment: EnrollmentId) -> Context {
    let actor = Actor::new(ActorKind::Visitor, enrollment);
    Context::of(actor, Some((entrance.source, enrollment.visit_key())), enrollment.0)
}

fn as_person(entrance: &Entrance<'_>, enrollment: EnrollmentId, person: PersonId) -> Context {
    Context::of(Actor::new(ActorKind::Person, person), Some((entrance.source, person.key())), enrollment.0)
}
