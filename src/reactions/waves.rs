//! Waves of invitations: invites the owners of the next records, as many in an hour as the wave permits, and notes
//! deadlines. A projection lists who is next; this module decides how many.

use super::ReactionError;
use super::written::Written;
use crate::app::App;
use decisions::wave::{Command, Wave};
use events::invitation::{NotInvited, WaveId};
use events::record::RecordId;
use events::{Actor, ActorKind, EventId, Position, Timestamp};
use invitations::{Invitee, IssueError, Request};
use platform::PerformError;
use platform::aside::Aside;
use platform::context::Context;
use projections::invitations::made_since;
use projections::migration::{BoardFilter, MigrationState, counts};
use projections::waves::{self, WaveRow};
use telemetry::Alarm;
use uuid::Uuid;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Seconds between two looks.
const LOOK_EVERY: i64 = 5;
/// Maximum number of people that one look invites of each wave.
const AT_ONCE: u64 = 50;
/// Maximum number of deadlines in one look.
const MOST_DEADLINES: usize = 20;

/// State between two ticks of the timer.
#[derive(Default)]
pub(super) struct Waves {
    looked: Option<Timestamp>,
    written: Written,
    aside: Aside<Uuid>,
}

impl Waves {
    /// Invites whoever is next, and notes the deadlines that have passed.
    ///
    /// # Errors
    /// Returns an error if the projections cannot be read. A failure of a single record or wave is logged instead.
    pub(super) async fn tick(&mut self, app: &App) -> Result<(), ReactionError> {
        let now = app.platform.world.now();
        let is_early = self.looked.is_some_and(|looked| (0..LOOK_EVERY).contains(&now.seconds_since(looked)));
        if is_early || !self.written.is_folded(app).await? {
            return Ok(());
        }
        self.looked = Some(now);
        self.aside.look(now);
        for wave in waves::deadlines_due(&app.platform.projections, now, MOST_DEADLINES).await? {
            if !self.aside.holds(&wave.0) {
                let passed = pass_deadline(app, wave, now).await;
                self.note(wave.0, passed);
            }
        }
        for wave in waves::inviting(&app.platform.projections).await? {
            self.invite(app, &wave, now).await?;
        }
        Ok(())
    }

    async fn invite(&mut self, app: &App, wave: &WaveRow, now: Timestamp) -> Result<(), ReactionError> {
        let projections = &app.platform.projections;
        let made = made_since(projections, Some(wave.wave), false, now.plus_seconds(-HOUR)).await?;
        let room = u64::from(wave.most_per_hour).saturating_sub(made).min(AT_ONCE);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        for record in waves::next_to_invite(projections, wave.wave, self.aside.besides(room)).await? {
            if !self.aside.holds(&record.0) {
                let invited = invite(app, wave, record, now).await;
                self.note(record.0, invited);
            }
        }
        Ok(())
    }

    fn note(&mut self, id: Uuid, done: Result<Option<Position>, ReactionError>) {
        match done {
            Ok(written) => self.written.note(written),
            Err(error) => {
                tracing::error!(id = %id, %error, "a wave of invitations cannot go on here; it will be retried");
                self.aside.put(id);
            }
        }
    }
}

async fn invite(
    app: &App,
    wave: &WaveRow,
    record: RecordId,
    now: Timestamp,
) -> Result<Option<Position>, ReactionError> {
    let request = Request {
        id: app.invitations.id_of(&format!("{} {record}", wave.wave)),
        invitee: Invitee::Record(record),
        wave: Some(wave.wave),
        delivery: wave.delivery,
        language: wave.language.clone(),
        expires: now.plus_seconds(i64::from(wave.valid_days) * DAY),
    };
    let context = Context::of(Actor::new(ActorKind::System, "timer"), None, wave.wave.0);
    match app.invitations.issue(&request, &context).await {
        Ok(_) => {}
        Err(IssueError::Refused(why)) => {
            skip(app, wave, record, why.of_record().unwrap_or(NotInvited::UnknownRecord)).await?;
        }
        Err(IssueError::Failed(error)) => return Err(ReactionError::Perform(error.to_string())),
    }
    Ok(app.platform.log.store().head().await?)
}

// Keyed by the record, so that a second look before the projection has the first one changes nothing.
async fn skip(app: &App, wave: &WaveRow, record: RecordId, why: NotInvited) -> Result<(), ReactionError> {
    let context = Context::effect(Actor::new(ActorKind::System, "timer"), EventId(record.0), wave.wave.0, "skip");
    super::settled(app.platform.perform::<Wave>(&wave.wave.stream(), &Command::Skip { record, why }, &context).await)
}

// Those who were invited and have not come, and those whose turn has not come.
async fn pass_deadline(app: &App, wave: WaveId, now: Timestamp) -> Result<Option<Position>, ReactionError> {
    let open = open_records(app, wave).await?;
    let context = Context::of(Actor::new(ActorKind::System, "timer"), None, wave.0);
    let command = Command::PassDeadline { open, now };
    match app.platform.perform::<Wave>(&wave.stream(), &command, &context).await {
        Ok(performed) => {
            if open > 0 && performed.appended.is_some() {
                app.platform.metrics.alarm(Alarm::WaveDeadlinePassed);
            }
            Ok(performed.appended.map(|appended| appended.position))
        }
        Err(PerformError::Refused(_)) => Ok(None),
        Err(error) => Err(ReactionError::Perform(error.to_string())),
    }
}

async fn open_records(app: &App, wave: WaveId) -> Result<u64, ReactionError> {
    let filter = BoardFilter { wave: Some(wave), ..BoardFilter::default() };
    let counts = counts(&app.platform.projections, filter).await?;
    let is_open = |state: &MigrationState| match state {
        MigrationState::ToInvite | MigrationState::Invited | MigrationState::Opened => true,
        MigrationState::Removed | MigrationState::Enrolled | MigrationState::ToConfirm => true,
        MigrationState::Done | MigrationState::Exception | MigrationState::Gone => false,
    };
    Ok(counts.into_iter().filter(|(state, _)| is_open(state)).map(|(_, count)| count).sum())
}
