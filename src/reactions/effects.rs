//! Effects that are commands to other streams.

use super::{ReactionError, claims, effect_of, owners, reenrollment, settled};
use crate::app::App;
use crate::app::lost_keys;
use decisions::Aggregate as _;
use decisions::person::{self, Person};
use devices::commands::{QueueError, first_questions, self_service};
use events::device::{CommandId, DeviceEvent, DeviceId};
use events::enrollment::{EnrollmentEvent, EnrollmentId, Ownership};
use events::log::Entry;
use events::person::{PersonEvent, PersonId};
use events::record::{ImportId, RecordEvent, RecordId};
use events::store::ReadError;
use events::{Event, Personal};
use platform::PerformError;
use platform::context::Context;
use plist::Dictionary;
use projections::disposable;
use uuid::Uuid;

pub(super) async fn react(app: &App, entry: &Entry) -> Result<(), ReactionError> {
    let Ok(id) = Uuid::parse_str(entry.stream.id()) else { return Ok(()) };
    match &entry.event {
        Event::Enrollment(event) => react_to_enrollment(app, entry, EnrollmentId(id), event).await,
        Event::Device(event) => react_to_device(app, entry, DeviceId(id), event).await,
        Event::Person(event) => react_to_person(app, entry, PersonId(id), event).await,
        Event::Log(_) | Event::Account(_) | Event::Hardware(_) | Event::Staff(_) => Ok(()),
        Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) => {
            Ok(())
        }
        Event::Record(event) => react_to_record(app, entry, RecordId(id), event).await,
        Event::Import(event) => reenrollment::react_to_import(app, entry, ImportId(id), event).await,
        Event::Settings(_) | Event::Successor(_) => Ok(()),
    }
}

// A link that cannot be proposed now does not hold up the key, or the other way round.
async fn react_to_record(app: &App, entry: &Entry, id: RecordId, event: &RecordEvent) -> Result<(), ReactionError> {
    let effects = (owners::hand_key(app, id, event), reenrollment::react_to_record(app, entry, id, event));
    let (handed, linked) = futures_util::future::join(effects.0, effects.1).await;
    handed.and(linked)
}

async fn react_to_enrollment(
    app: &App,
    entry: &Entry,
    id: EnrollmentId,
    event: &EnrollmentEvent,
) -> Result<(), ReactionError> {
    match event {
        EnrollmentEvent::UserSignedIn { person, .. } => hand_over_enrollment_key(app, id, *person).await,
        EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id } => {
            remember_managed_apple_id(app, entry, id, managed_apple_id).await
        }
        EnrollmentEvent::TermsAccepted { ownership, version, .. } => {
            remember_acceptance(app, entry, id, (*ownership, version)).await
        }
        EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::AccountDrivenBegun { .. } => Ok(()),
        EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::IdentityRefused { .. } => Ok(()),
        EnrollmentEvent::FormRefused { .. } | EnrollmentEvent::LanguageChosen { .. } => Ok(()),
        EnrollmentEvent::VisitResumed { .. } | EnrollmentEvent::SignInRefused { .. } => Ok(()),
        EnrollmentEvent::UserSignedInAgain { .. } | EnrollmentEvent::SingleSignOnBegun { .. } => Ok(()),
        EnrollmentEvent::SingleSignOnProven { .. } | EnrollmentEvent::SingleSignOnRefused { .. } => Ok(()),
        EnrollmentEvent::AssignmentOffered { .. } | EnrollmentEvent::EnrollmentAssigned { .. } => Ok(()),
        EnrollmentEvent::AssignmentDeclined {}
        | EnrollmentEvent::AttributesReceived { .. }
        | EnrollmentEvent::AccessDecided { .. } => Ok(()),
        EnrollmentEvent::TermsRequested { .. } | EnrollmentEvent::PreviousRecordFound { .. } => Ok(()),
        EnrollmentEvent::ImportedRecordFound { .. } | EnrollmentEvent::PreviousRecordAnswered { .. } => Ok(()),
        EnrollmentEvent::PreviousRecordsNoted {} | EnrollmentEvent::OwnershipChosen { .. } => Ok(()),
        EnrollmentEvent::CaProfileServed { .. } | EnrollmentEvent::CaInstallReported {} => Ok(()),
        EnrollmentEvent::CaStepSkipped {} | EnrollmentEvent::ManagedAppleIdAssigned { .. } => Ok(()),
        EnrollmentEvent::AccessTokenIssued { .. } | EnrollmentEvent::AuthorizationCodeIssued { .. } => Ok(()),
        EnrollmentEvent::AccessTokenRefreshed { .. } | EnrollmentEvent::MachineInformationReceived { .. } => Ok(()),
        EnrollmentEvent::SignInAgainAsked { .. } | EnrollmentEvent::ProfileServiceServed { .. } => Ok(()),
        EnrollmentEvent::DeviceAttributesReported { .. } => Ok(()),
        EnrollmentEvent::VerificationProfileServed { .. } => Ok(()),
        EnrollmentEvent::VerificationIdentityIssued { .. } | EnrollmentEvent::ProfileServiceRefused { .. } => Ok(()),
        EnrollmentEvent::MdmProfileServed { .. } | EnrollmentEvent::IdentityIssued { .. } => Ok(()),
        EnrollmentEvent::IdentityRevoked { .. } | EnrollmentEvent::EnrollmentRefused { .. } => Ok(()),
        EnrollmentEvent::EnrollmentAbandoned {} | EnrollmentEvent::SignedOut {} => Ok(()),
    }
}

async fn react_to_person(app: &App, entry: &Entry, id: PersonId, event: &PersonEvent) -> Result<(), ReactionError> {
    match event {
        PersonEvent::PersonErased {} => forget(app, entry, id).await,
        PersonEvent::PersonKeysNoted { keys } => owners::resolve(app, entry, id, keys, None).await,
        PersonEvent::PersonRecordsResolved { up_to } => owners::go_on(app, entry, id, *up_to).await,
        PersonEvent::PersonKnown { .. } | PersonEvent::PersonAttributesChanged { .. } => Ok(()),
        PersonEvent::ManagedAppleIdLearned { .. } | PersonEvent::TermsAcceptanceKept { .. } => Ok(()),
    }
}

async fn react_to_device(app: &App, entry: &Entry, id: DeviceId, event: &DeviceEvent) -> Result<(), ReactionError> {
    match event {
        DeviceEvent::DeviceEnrolled { .. } => {
            // Each effect runs on its own: a corrupt enrollment or earlier record blocks only the effects that depend
            // on it.
            let effects = (
                queue_first_commands(app, entry, id),
                claims::enrolled(app, entry, id),
                reenrollment::device_enrolled(app, entry, id),
            );
            let (queued, claimed, linked) = futures_util::future::join3(effects.0, effects.1, effects.2).await;
            queued.and(claimed).and(linked)
        }
        DeviceEvent::InventoryReported { changes } => claims::told_otherwise(app, entry, id, changes).await,
        DeviceEvent::HardwareAttested { .. } => {
            let effects = (claims::attested(app, entry, id), reenrollment::device_enrolled(app, entry, id));
            let (attested, linked) = futures_util::future::join(effects.0, effects.1).await;
            attested.and(linked)
        }
        DeviceEvent::PushFailed { unregistered_since: Some(since), .. } => {
            let effects =
                (claims::unregistered(app, entry, id, *since), reenrollment::own_record_changed(app, entry, id));
            let (unregistered, linked) = futures_util::future::join(effects.0, effects.1).await;
            unregistered.and(linked)
        }
        DeviceEvent::DeviceRevived { superseded_by } => {
            let effects =
                (claims::revived(app, entry, id, *superseded_by), reenrollment::own_record_changed(app, entry, id));
            let (revived, linked) = futures_util::future::join(effects.0, effects.1).await;
            revived.and(linked)
        }
        DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::DeviceCheckedOut { .. }
        | DeviceEvent::DeviceUnenrolled { .. }
        | DeviceEvent::DeviceSuperseded { .. } => reenrollment::own_record_changed(app, entry, id).await,
        DeviceEvent::PushFailed { unregistered_since: None, .. } => Ok(()),
        DeviceEvent::DeviceAuthenticated { .. } | DeviceEvent::PushTokenRenewed { .. } => Ok(()),
        DeviceEvent::IdentityRenewed { .. } | DeviceEvent::IdentityRenewalRequested { .. } => Ok(()),
        DeviceEvent::DeviceReauthenticated { .. } | DeviceEvent::IdentityRenewalCompleted { .. } => Ok(()),
        DeviceEvent::IdentityRenewalFailed { .. } | DeviceEvent::IdentityRolledBack { .. } => Ok(()),
        DeviceEvent::MdmCommandQueued { .. } | DeviceEvent::MdmCommandDelivered { .. } => Ok(()),
        DeviceEvent::MdmCommandCancelled { .. } | DeviceEvent::MdmCommandExpired { .. } => Ok(()),
        DeviceEvent::MdmCommandAnswered { .. } | DeviceEvent::MdmResultTooLarge { .. } => Ok(()),
        DeviceEvent::ManagedAppReported { .. } => Ok(()),
        DeviceEvent::ContactWatchBegun { .. } | DeviceEvent::DevicePushed { .. } => Ok(()),
        DeviceEvent::RecordArchived {} | DeviceEvent::RecordRestored {} => Ok(()),
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => Ok(()),
        DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => Ok(()),
        DeviceEvent::MdmAnswerUnreadable { .. } => Ok(()),
        DeviceEvent::HardwareClaimNoted { .. } | DeviceEvent::HardwareClaimDismissed { .. } => Ok(()),
        DeviceEvent::HardwareAttestationRequested { .. } => Ok(()),
        DeviceEvent::HardwareAttestationRefused { .. } => Ok(()),
    }
}

// The person's key was destroyed before the event. This destroys it again in case it came back (for example, from a
// backup), and deletes the databases that were set aside while the key existed.
async fn forget(app: &App, entry: &Entry, person: PersonId) -> Result<(), ReactionError> {
    owners::hand_over(app, entry, person).await?;
    lost_keys::destroy_again(&app.platform.keys, vec![person.key()]).await?;
    let paths = [app.platform.projections.path().to_owned(), app.sign_in.staff_sessions.path().to_owned()];
    let forget = move || paths.iter().try_for_each(|path| disposable::forget_set_aside(path));
    let forgotten = tokio::task::spawn_blocking(forget).await;
    let forgotten = forgotten.map_err(|error| ReactionError::Perform(error.to_string()))?;
    forgotten.map_err(|error| ReactionError::Perform(error.to_string()))?;
    // The next start sets a damaged database aside. The retry of this effect then deletes it.
    match app.platform.projections.damage().or(app.sign_in.staff_sessions.damage()) {
        Some(_) => {
            Err(ReactionError::Perform("a damaged database may hold data of an erased person until a restart".into()))
        }
        None => Ok(()),
    }
}

// Data from the enrollment before sign-in now belongs to the person, and is erased together with the person's data.
async fn hand_over_enrollment_key(app: &App, id: EnrollmentId, person: PersonId) -> Result<(), ReactionError> {
    let keys = std::sync::Arc::clone(app.platform.log.keys());
    let handed = tokio::task::spawn_blocking(move || keys.set_owner(&id.enrollment_key(), &person.key())).await;
    Ok(handed.map_err(|error| ReactionError::Perform(error.to_string()))??)
}

async fn remember_managed_apple_id(
    app: &App,
    entry: &Entry,
    id: EnrollmentId,
    given: &Personal<String>,
) -> Result<(), ReactionError> {
    let enrollment = app.platform.enrollment(id).await?;
    let Some(person) = enrollment.owner().map(|owner| owner.person) else { return Ok(()) };
    let learn = person::Command::LearnManagedAppleId { managed_apple_id: given.under(person.key()) };
    let learned = |kept: &Event| matches!(kept, Event::Person(PersonEvent::ManagedAppleIdLearned { .. }));
    if changes_nothing(app, person, &learn).await? || is_overtaken(app, entry, person, learned).await? {
        return Ok(());
    }
    settled(
        app.platform.perform::<Person>(&person.stream(), &learn, &effect_of(entry, "remember-managed-apple-id")).await,
    )
}

// A person who accepted the terms is not asked again for the same version. An acceptance by someone else on the
// person's behalf does not count.
async fn remember_acceptance(
    app: &App,
    entry: &Entry,
    id: EnrollmentId,
    (ownership, version): (Ownership, &str),
) -> Result<(), ReactionError> {
    let enrollment = app.platform.enrollment(id).await?;
    let Some(person) = enrollment.accepts_for_themself() else { return Ok(()) };
    let kept = |kept: &Event| matches!(kept, Event::Person(PersonEvent::TermsAcceptanceKept { ownership: of, .. }) if *of == ownership);
    let keep = person::Command::KeepTermsAcceptance { ownership, version: version.to_owned(), enrollment: id };
    if changes_nothing(app, person, &keep).await? || is_overtaken(app, entry, person, kept).await? {
        return Ok(());
    }
    settled(
        app.platform.perform::<Person>(&person.stream(), &keep, &effect_of(entry, "remember-terms-acceptance")).await,
    )
}

// People often enroll another device with the same data. Then no stream has to be read from the log.
async fn changes_nothing(app: &App, person: PersonId, command: &person::Command) -> Result<bool, ReactionError> {
    let (state, _) = app.platform.load::<Person>(&person.stream()).await?;
    Ok(state.decide(command).is_ok_and(|events| events.is_empty()))
}

// Whether newer data of the person is already stored. A repeated effect must not overwrite it with older data.
async fn is_overtaken(
    app: &App,
    entry: &Entry,
    person: PersonId,
    is_alike: impl Fn(&Event) -> bool,
) -> Result<bool, ReactionError> {
    let remembered = app.platform.log.read(&person.stream()).await?;
    let Some(last) = remembered.iter().rev().find(|kept| is_alike(&kept.event)) else { return Ok(false) };
    // The correlation names the enrollment in which the data was given. It was stored by this effect, or at once by the
    // portal.
    let enrollment = match app.platform.log.read(&EnrollmentId(last.correlation).stream()).await {
        Ok(enrollment) => enrollment,
        // Another enrollment is corrupt: the time when the data was given is unknown, but the time when it was stored
        // is known.
        Err(ReadError::Corrupt { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let told = enrollment.iter().rfind(|told| match last.causation {
        Some(cause) => told.id == cause,
        None => told.position < last.position && told.event.type_name() == entry.event.type_name(),
    });
    Ok(told.map_or(last.position, |told| told.position) >= entry.position)
}

// Queues the offer of the Self Service app, and the first queries for a newly enrolled device, limited to what its
// enrollment type permits.
async fn queue_first_commands(app: &App, entry: &Entry, id: DeviceId) -> Result<(), ReactionError> {
    let (offer, failed) = match self_service_commands(app, entry, id).await {
        Ok(commands) => (commands, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let device = app.platform.device(id).await?;
    let commands = offer.into_iter().chain(first_questions(&device)).collect();
    queue(app, entry, id, commands).await.and(failed)
}

// The organization's name is first, because the install prompt of the app shows it.
async fn self_service_commands(
    app: &App,
    entry: &Entry,
    id: DeviceId,
) -> Result<Vec<(&'static str, Dictionary)>, ReactionError> {
    let settings = app.settings.at(entry.position).await?;
    let enrollment = app.platform.enrollment(id.enrollment()).await?;
    let offer = self_service::offer(&settings, enrollment.ownership);
    Ok(self_service::commands(&offer, &settings.organization))
}

async fn queue(
    app: &App,
    entry: &Entry,
    id: DeviceId,
    commands: Vec<(&'static str, Dictionary)>,
) -> Result<(), ReactionError> {
    // The command's id is derived from its cause, so retries queue it once.
    let command = |(effect, command)| (CommandId(entry.id.caused(effect, 0).0), command, effect_of(entry, effect));
    let commands: Vec<(CommandId, Dictionary, Context)> = commands.into_iter().map(command).collect();
    match app.devices.queue_commands(id, &commands).await {
        Ok(_) => Ok(()),
        Err(QueueError::Perform(PerformError::Append(error))) => Err(ReactionError::Perform(error.to_string())),
        Err(QueueError::Perform(PerformError::Read(error))) => Err(error.into()),
        Err(_) => queue_each(app, id, &commands).await,
    }
}

// A command that cannot be queued holds up no other.
async fn queue_each(
    app: &App,
    id: DeviceId,
    commands: &[(CommandId, Dictionary, Context)],
) -> Result<(), ReactionError> {
    for (command_id, command, context) in commands {
        match app.devices.queue_command(id, *command_id, command, context).await {
            Err(QueueError::Perform(error)) => settled::<(), _>(Err(error))?,
            Err(error) => {
                let effect = context.effect.as_deref();
                tracing::error!(device.id = %id, %error, effect, "cannot queue a generated command");
            }
            Ok(_) => {}
        }
    }
    Ok(())
}
