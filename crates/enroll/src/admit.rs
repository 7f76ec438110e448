//! Admits an authenticated person to an enrollment: assigns the enrollment to the person and evaluates the access
//! rules. The same for all sign-in methods.

use crate::Enroll;
use crate::entrance::{Entered, Entrance, SignInOutcome};
use crate::imported::imported_records;
use crate::invited::spend;
use decisions::access;
use decisions::enrollment::{self, Admission, Command, Enrollment, Entry, NEAREST_RECORDS, Policy, PreviousRecords};
use decisions::person::Person;
use events::enrollment::{EnrollmentEvent, EnrollmentId, Evidence, FoundRecord, Platform};
use events::envelope::{Actor, ActorKind};
use events::person::PersonId;
use events::settings::Settings;
use events::staff::Privilege;
use events::store::{AppendError, ReadError};
use identity::{Account, Unavailable};
use platform::PerformError;
use platform::context::Context;
use platform::secrets::hash;
use projections::ProjectionError;
use sign_in::{Proof, SignInError, claimant, count_refusal, find_or_create_person, received};

/// Signs an authenticated person in to an enrollment, which is opened in the same append if it is new.
///
/// # Errors
/// Returns an error if the log cannot be read or written, or the number of the person's devices is limited and unknown.
pub(crate) async fn admit(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    entered: Entered,
    proof: &Proof,
) -> Result<SignInOutcome, SignInError> {
    let Entered { enrollment, opening } = entered;
    let signed_in =
        find_or_create_person(&enroll.platform, proof, |person| as_person(entrance, enrollment, person)).await?;
    let context = as_person(entrance, enrollment, signed_in.person);
    give_enrollment_key_to_person(enroll, enrollment, signed_in.person).await?;
    let secret = enroll.platform.world.secret();
    let entry = entry(enroll, entrance, proof, signed_in.person).await?;
    let command = Command::SignIn { signed_in, session: hash(&secret), entry };
    let opening = opening.as_ref().map(|opening| (&opening.command, &opening.context));
    let commands: Vec<_> = opening.into_iter().chain([(&command, &context)]).collect();
    match enroll.platform.perform_together::<Enrollment>(&enrollment.stream(), &commands).await {
        // A person who signs in again on an enrolled device may be another person, who is refused.
        Ok(performed) if performed.events.iter().any(lets_in) => {
            let not_invited = spend(enroll, enrollment, &performed.state, &context).await;
            Ok(SignInOutcome::SignedIn { enrollment, secret, known_browser: None, not_invited })
        }
        Ok(performed) => {
            if performed.events.is_empty() {
                count_refusal(&enroll.sign_in, entrance.source);
            }
            Ok(SignInOutcome::Refused { opened: None, retry_after: None })
        }
        Err(PerformError::Refused(enrollment::Refusal::OutOfStep(_))) => Ok(SignInOutcome::OutOfStep),
        Err(error) => Err(error.into()),
    }
}

fn lets_in(event: &EnrollmentEvent) -> bool {
    matches!(event, EnrollmentEvent::UserSignedIn { .. } | EnrollmentEvent::UserSignedInAgain { .. })
}

// A local account with the privilege to enroll for others is asked who the device is for.
async fn entry(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    proof: &Proof,
    person: PersonId,
) -> Result<Entry, SignInError> {
    let privileges = proof.local.as_ref().map(|(_, privileges)| privileges);
    if privileges.is_some_and(|privileges| privileges.contains(&Privilege::EnrollForOthers)) {
        let for_oneself = privileges.is_some_and(|privileges| privileges.contains(&Privilege::Enroll));
        return Ok(Entry::AskForWhom { for_oneself });
    }
    Ok(Entry::Oneself(admission(enroll, &proof.account, person, entrance.platform).await?))
}

/// Collects the decision of the access rules, received attributes, earlier records and policy for the person who gets
/// the device.
///
/// # Errors
/// Returns an error if the log cannot be read, or if the access rules limit the number of devices and the person's
/// records cannot be read: an unknown number must not count as zero.
pub async fn admission(
    enroll: &Enroll,
    account: &Account,
    person: PersonId,
    platform: Platform,
) -> Result<Admission, SignInError> {
    let settings = enroll.settings.current().await?;
    let access = access::decide(&settings.access, &claimant(account));
    if let Some(access) = access.as_ref().filter(|access| !access.untold.is_empty()) {
        tracing::warn!(
            %person,
            provider = account.provider,
            untold = ?access.untold,
            "refused: the access rules need groups or claims that the provider did not report, and the decision depends on them; \
             docs/signing-in.md, \"Groups that do not come\", says what to do"
        );
    }
    let previous = match previous_records(enroll, person, platform).await {
        Ok(previous) => previous,
        Err(error) if access.as_ref().is_some_and(|access| access.devices_per_person.is_some()) => {
            return Err(Unavailable(format!("the number of the person's devices is unknown: {error}")).into());
        }
        Err(_) => PreviousRecords::default(),
    };
    let (received, policy) = (received(account, person), policy(enroll, &settings, person).await?);
    let imported = imported_records(enroll, account, person, platform).await;
    Ok(Admission { access, received, previous, imported, policy })
}

/// Returns the parts of the settings and of the person's history that decide the steps of their enrollment.
///
/// # Errors
/// Returns an error if the stream of the person cannot be read.
pub async fn policy(enroll: &Enroll, settings: &Settings, person: PersonId) -> Result<Policy, ReadError> {
    let (known, _) = enroll.platform.load::<Person>(&person.stream()).await?;
    Ok(Policy {
        offered: settings.ownership_kinds.clone(),
        skip_ca_profile: settings.skip_ca_profile,
        limits: settings.limits.clone(),
        terms: settings.terms.iter().map(|(ownership, terms)| (*ownership, terms.version.clone())).collect(),
        assigned_managed_apple_id: known.attributes.managed_apple_id.clone(),
        accepted: known.accepted_terms.clone(),
        account_driven: settings.account_driven.clone(),
    })
}

// Hands the key of the enrollment to the person, so that the data from before the sign-in is erased with the person.
async fn give_enrollment_key_to_person(
    enroll: &Enroll,
    enrollment: EnrollmentId,
    person: PersonId,
) -> Result<(), SignInError> {
    let keys = std::sync::Arc::clone(enroll.platform.log.keys());
    let unavailable = |why: String| SignInError::Append(AppendError::Unavailable(why));
    tokio::task::spawn_blocking(move || keys.set_owner(&enrollment.enrollment_key(), &person.key()))
        .await
        .map_err(|error| unavailable(error.to_string()))?
        .map_err(|error| unavailable(error.to_string()))
}

/// Returns the person's active records. If the projection lags, or stopped before a corrupt event, the result contains
/// only the records up to there.
///
/// # Errors
/// Returns an error if the projection cannot be read. It is unknown then whether there are records.
pub async fn previous_records(
    enroll: &Enroll,
    person: PersonId,
    platform: Platform,
) -> Result<PreviousRecords, ProjectionError> {
    let family = platform.family;
    let active =
        projections::devices::active_of_person(&enroll.platform.projections, person, family, NEAREST_RECORDS).await;
    let active = active.inspect_err(|error| tracing::error!(%error, "earlier device records cannot be read"))?;
    let record = |active: projections::devices::Active| {
        let mut evidence = vec![Evidence::SamePerson];
        if active.family == Some(family) {
            evidence.push(Evidence::SameFamily);
        }
        FoundRecord { device: active.device, evidence }
    };
    Ok(PreviousRecords { nearest: active.nearest.into_iter().map(record).collect(), count: active.count })
}

fn as_person(entrance: &Entrance<'_>, enrollment: EnrollmentId, person: PersonId) -> Context {
    Context::of(Actor::new(ActorKind::Person, person), Some((entrance.source, person.key())), enrollment.0)
}
