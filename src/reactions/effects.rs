//! The effects of each event.

use super::{ReactionError, claims, effect_of, invitations, owners, reenrollment, retirement, settled};
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
use std::pin::Pin;
use std::sync::Arc;
use uuid::Uuid;

/// When the effects of events run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// At once.
    AtOnce,
    /// When the projections have the event, since the effects read them. The projections may be far behind, and no
    /// other effect waits for them.
    Behind,
}

type Effect<'a> = Pin<Box<dyn Future<Output = Result<(), ReactionError>> + Send + 'a>>;

/// The effects of one event. None has begun. Each runs on its own: a corrupt enrollment or earlier record blocks only
/// the effects that depend on it.
struct Effects<'a>(Vec<(Order, Effect<'a>)>);

impl<'a> Effects<'a> {
    fn none() -> Effects<'a> {
        Effects(Vec::new())
    }

    fn at_once(self, effect: impl Future<Output = Result<(), ReactionError>> + Send + 'a) -> Effects<'a> {
        self.with(Order::AtOnce, effect)
    }

    fn behind(self, effect: impl Future<Output = Result<(), ReactionError>> + Send + 'a) -> Effects<'a> {
        self.with(Order::Behind, effect)
    }

    fn with(
        mut self,
        order: Order,
        effect: impl Future<Output = Result<(), ReactionError>> + Send + 'a,
    ) -> Effects<'a> {
        self.0.push((order, Box::pin(effect)));
        self
    }

    async fn run(self, order: Order) -> Result<(), ReactionError> {
        let effects = self.0.into_iter().filter(|(of, _)| *of == order).map(|(_, effect)| effect);
        futures_util::future::join_all(effects).await.into_iter().collect()
    }
}

/// Runs the effects of an event that have this order.
pub(super) async fn react(app: &App, entry: &Entry, order: Order) -> Result<(), ReactionError> {
    let Ok(id) = Uuid::parse_str(entry.stream.id()) else { return Ok(()) };
    of_event(app, entry, id).run(order).await
}

fn of_event<'a>(app: &'a App, entry: &'a Entry, id: Uuid) -> Effects<'a> {
    match &entry.event {
        Event::Enrollment(event) => of_enrollment(app, entry, EnrollmentId(id), event),
        Event::Device(event) => of_device(app, entry, DeviceId(id), event),
        Event::Person(event) => of_person(app, entry, PersonId(id), event),
        Event::Log(_) | Event::Account(_) | Event::Hardware(_) | Event::Staff(_) => Effects::none(),
        Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) => {
            Effects::none()
        }
        Event::Record(event) => Effects::none()
            .at_once(owners::hand_key(app, RecordId(id), event))
            .at_once(shred(app, RecordId(id), event))
            .behind(invitations::readdress(app, entry, RecordId(id), event))
            .behind(reenrollment::react_to_record(app, entry, RecordId(id), event)),
        Event::Import(event) => Effects::none().behind(reenrollment::react_to_import(app, entry, ImportId(id), event)),
        Event::Invitation(event) => Effects::none().behind(reenrollment::react_to_invitation(app, entry, event)),
        Event::Code(_) | Event::Wave(_) | Event::Migration(_) => Effects::none(),
        Event::Settings(_) | Event::Successor(_) => Effects::none(),
    }
}

fn of_enrollment<'a>(app: &'a App, entry: &'a Entry, id: EnrollmentId, event: &'a EnrollmentEvent) -> Effects<'a> {
    match event {
        EnrollmentEvent::UserSignedIn { person, .. } => Effects::none()
            .at_once(hand_over_enrollment_key(app, id, *person))
            .behind(invitations::spend(app, entry, id)),
        EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id } => {
            Effects::none().at_once(remember_managed_apple_id(app, entry, id, managed_apple_id))
        }
        EnrollmentEvent::TermsAccepted { ownership, version, .. } => {
            Effects::none().at_once(remember_acceptance(app, entry, id, (*ownership, version)))
        }
        EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::AccountDrivenBegun { .. } => Effects::none(),
        EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::IdentityRefused { .. } => Effects::none(),
        EnrollmentEvent::FormRefused { .. } | EnrollmentEvent::LanguageChosen { .. } => Effects::none(),
        EnrollmentEvent::VisitResumed { .. } | EnrollmentEvent::SignInRefused { .. } => Effects::none(),
        EnrollmentEvent::UserSignedInAgain { .. } | EnrollmentEvent::SingleSignOnBegun { .. } => Effects::none(),
        EnrollmentEvent::SingleSignOnProven { .. } | EnrollmentEvent::SingleSignOnRefused { .. } => Effects::none(),
        EnrollmentEvent::EnrollmentAssigned { .. } | EnrollmentEvent::InvitationPresented { .. } => {
            Effects::none().behind(invitations::spend(app, entry, id))
        }
        EnrollmentEvent::AssignmentOffered { .. } => Effects::none(),
        EnrollmentEvent::AssignmentDeclined {}
        | EnrollmentEvent::AttributesReceived { .. }
        | EnrollmentEvent::AccessDecided { .. } => Effects::none(),
        EnrollmentEvent::TermsRequested { .. } | EnrollmentEvent::PreviousRecordFound { .. } => Effects::none(),
        EnrollmentEvent::ImportedRecordFound { .. } | EnrollmentEvent::PreviousRecordAnswered { .. } => Effects::none(),
        EnrollmentEvent::OldManagementRemovalAgreed { record } => {
            Effects::none().at_once(retirement::removal_agreed(app, entry, id, *record))
        }
        EnrollmentEvent::PreviousRecordsNoted {} | EnrollmentEvent::OwnershipChosen { .. } => Effects::none(),
        EnrollmentEvent::CaProfileServed { .. } | EnrollmentEvent::CaInstallReported {} => Effects::none(),
        EnrollmentEvent::CaStepSkipped {} | EnrollmentEvent::ManagedAppleIdAssigned { .. } => Effects::none(),
        EnrollmentEvent::AccessTokenIssued { .. } | EnrollmentEvent::AuthorizationCodeIssued { .. } => Effects::none(),
        EnrollmentEvent::AccessTokenRefreshed { .. } | EnrollmentEvent::MachineInformationReceived { .. } => {
            Effects::none()
        }
        EnrollmentEvent::SignInAgainAsked { .. } | EnrollmentEvent::ProfileServiceServed { .. } => Effects::none(),
        EnrollmentEvent::DeviceAttributesReported { .. } => Effects::none(),
        EnrollmentEvent::VerificationProfileServed { .. } => Effects::none(),
        EnrollmentEvent::VerificationIdentityIssued { .. } | EnrollmentEvent::ProfileServiceRefused { .. } => {
            Effects::none()
        }
        EnrollmentEvent::MdmProfileServed { .. } | EnrollmentEvent::IdentityIssued { .. } => Effects::none(),
        EnrollmentEvent::IdentityRevoked { .. } | EnrollmentEvent::EnrollmentRefused { .. } => Effects::none(),
        EnrollmentEvent::EnrollmentAbandoned {} | EnrollmentEvent::SignedOut {} => Effects::none(),
    }
}

fn of_person<'a>(app: &'a App, entry: &'a Entry, id: PersonId, event: &'a PersonEvent) -> Effects<'a> {
    match event {
        PersonEvent::PersonErased {} => {
            Effects::none().at_once(forget(app, id)).behind(owners::hand_over(app, entry, id))
        }
        PersonEvent::PersonKnown { keys, .. } | PersonEvent::PersonKeysNoted { keys, .. } => {
            Effects::none().behind(owners::resolve(app, entry, id, keys, None))
        }
        PersonEvent::PersonRecordsResolved { up_to } => Effects::none().behind(owners::go_on(app, entry, id, *up_to)),
        PersonEvent::PersonAttributesChanged { .. } => Effects::none(),
        PersonEvent::ManagedAppleIdLearned { .. } | PersonEvent::TermsAcceptanceKept { .. } => Effects::none(),
    }
}

fn of_device<'a>(app: &'a App, entry: &'a Entry, id: DeviceId, event: &'a DeviceEvent) -> Effects<'a> {
    match event {
        DeviceEvent::DeviceEnrolled { .. } => Effects::none()
            .at_once(queue_first_commands(app, entry, id))
            .at_once(claims::enrolled(app, entry, id))
            .behind(reenrollment::device_enrolled(app, entry, id)),
        DeviceEvent::InventoryReported { changes } => {
            Effects::none().at_once(claims::told_otherwise(app, entry, id, changes))
        }
        DeviceEvent::HardwareAttested { .. } => Effects::none()
            .at_once(claims::attested(app, entry, id))
            .behind(reenrollment::device_enrolled(app, entry, id)),
        DeviceEvent::PushFailed { unregistered_since: Some(since), .. } => Effects::none()
            .at_once(claims::unregistered(app, entry, id, *since))
            .behind(reenrollment::own_record_changed(app, entry, id)),
        DeviceEvent::DeviceRevived { superseded_by } => Effects::none()
            .at_once(claims::revived(app, entry, id, *superseded_by))
            .behind(reenrollment::own_record_changed(app, entry, id)),
        DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::DeviceCheckedOut { .. }
        | DeviceEvent::DeviceUnenrolled { .. }
        | DeviceEvent::DeviceSuperseded { .. } => {
            Effects::none().behind(reenrollment::own_record_changed(app, entry, id))
        }
        DeviceEvent::PushFailed { unregistered_since: None, .. } => Effects::none(),
        DeviceEvent::DeviceAuthenticated { .. } | DeviceEvent::PushTokenRenewed { .. } => Effects::none(),
        DeviceEvent::IdentityRenewed { .. } | DeviceEvent::IdentityRenewalRequested { .. } => Effects::none(),
        DeviceEvent::DeviceReauthenticated { .. } | DeviceEvent::IdentityRenewalCompleted { .. } => Effects::none(),
        DeviceEvent::IdentityRenewalFailed { .. } | DeviceEvent::IdentityRolledBack { .. } => Effects::none(),
        DeviceEvent::MdmCommandQueued { .. } | DeviceEvent::MdmCommandDelivered { .. } => Effects::none(),
        DeviceEvent::MdmCommandCancelled { .. } | DeviceEvent::MdmCommandExpired { .. } => Effects::none(),
        DeviceEvent::MdmCommandAnswered { .. } | DeviceEvent::MdmResultTooLarge { .. } => Effects::none(),
        DeviceEvent::ManagedAppReported { .. } => Effects::none(),
        DeviceEvent::ContactWatchBegun { .. } | DeviceEvent::DevicePushed { .. } => Effects::none(),
        DeviceEvent::EarlierViewsCleared { .. } => Effects::none(),
        DeviceEvent::RecordArchived {} | DeviceEvent::RecordRestored {} => Effects::none(),
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => Effects::none(),
        DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => Effects::none(),
        DeviceEvent::MdmAnswerUnreadable { .. } => Effects::none(),
        DeviceEvent::HardwareClaimNoted { .. } | DeviceEvent::HardwareClaimDismissed { .. } => Effects::none(),
        DeviceEvent::HardwareAttestationRequested { .. } => Effects::none(),
        DeviceEvent::HardwareAttestationRefused { .. } => Effects::none(),
    }
}

// The person's key was destroyed before the event. This destroys it again in case it came back (for example, from a
// backup), and deletes the databases that were set aside while the key existed.
async fn forget(app: &App, person: PersonId) -> Result<(), ReactionError> {
    lost_keys::destroy_again(&app.platform.keys, vec![person.key()]).await?;
    forget_set_aside(app).await
}

// The event says that nobody needs the record any more. Only a destroyed key makes that final.
async fn shred(app: &App, record: RecordId, event: &RecordEvent) -> Result<(), ReactionError> {
    if !matches!(event, RecordEvent::PreviousRecordShredded {}) {
        return Ok(());
    }
    let keys = Arc::clone(&app.platform.keys);
    let destroyed = tokio::task::spawn_blocking(move || keys.destroy(&record.key())).await;
    destroyed.map_err(|error| ReactionError::Perform(error.to_string()))??;
    forget_set_aside(app).await
}

async fn forget_set_aside(app: &App) -> Result<(), ReactionError> {
    let (projections, sessions) = (app.platform.projections.clone(), app.sign_in.staff_sessions.path().to_owned());
    let forget = move || projections.forget_set_aside().and_then(|()| disposable::forget_set_aside(&sessions));
    let forgotten = tokio::task::spawn_blocking(forget).await;
    let forgotten = forgotten.map_err(|error| ReactionError::Perform(error.to_string()))?;
    forgotten.map_err(|error| ReactionError::Perform(error.to_string()))?;
    // The next start sets a damaged database aside. The retry of this effect then deletes it.
    if app.platform.projections.damage().is_some() || app.sign_in.staff_sessions.damage().is_some() {
        let why = "a damaged database may hold data of an erased person until a restart";
        return Err(ReactionError::Perform(why.into()));
    }
    Ok(())
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
