//! The timer: turns what has become due into commands. Each command is keyed by the event that started its period, so
//! retries run it once.

use super::pushes::Reminders;
use super::renewals::Renewals;
use super::waves::Waves;
use super::{ReactionError, settled};
use crate::app::App;
use decisions::device::{self, Device, Phase};
use decisions::enrollment::{Command, Enrollment};
use devices::commands::{QueueError, Terms, build};
use events::device::{CommandId, DeviceId};
use events::enrollment::EnrollmentId;
use events::{Actor, ActorKind, EventId, Timestamp};
use platform::aside::Aside;
use platform::context::Context;
use projections::commands::{self, CommandDue, DueAct};
use projections::due::{self, Due, DueKind};
use std::time::Duration;
use uuid::Uuid;

/// Interval of the timer.
const TICK: Duration = Duration::from_secs(1);

/// Lifetime of a query for the state of apps, in seconds.
const ANSWER_WITHIN: i64 = 24 * 3_600;

/// Maximum number of items of each kind in one tick.
const AT_MOST: usize = 200;

pub(super) async fn run(app: &App, reminders: &Reminders) {
    let (mut renewals, mut aside, mut told) = (Renewals::default(), Aside::default(), Aside::default());
    let mut waves = Waves::default();
    loop {
        tokio::time::sleep(TICK).await;
        let done = [
            ("due", tick(app, reminders, &mut aside).await),
            ("renewals", renewals.tick(app).await),
            ("waves", waves.tick(app).await),
        ];
        told.look(app.platform.world.now());
        for (task, done) in done {
            if let Err(error) = done {
                report(&mut told, task, error.to_string());
            }
        }
        app.platform.health.timer_passed();
    }
}

// Logs a failure that repeats at each tick. The work is retried at every tick, but the log line is repeated at the
// intervals of [`Aside`].
fn report(told: &mut Aside<(&'static str, String)>, task: &'static str, error: String) {
    let failure = (task, error);
    if !told.holds(&failure) {
        tracing::error!(task, error = failure.1, "a due task failed and will be retried");
        told.put(failure);
    }
}

// Each kind is processed on its own, so that work that cannot be done now (for example, pushes while the push service
// is down) blocks no other kind. A failure of a single stream is not an error here: the stream is set aside.
async fn tick(app: &App, reminders: &Reminders, aside: &mut Aside<Uuid>) -> Result<(), ReactionError> {
    let now = app.platform.world.now();
    aside.look(now);
    // Each reads its own projection. A stopped projection does not block the others.
    let (times, commands) = (tick_times(app, reminders, aside, now).await, tick_commands(app, aside, now).await);
    let silence = app.reenrollment.ask_silence(now, AT_MOST).await.map_err(ReactionError::from);
    let shredded = app.reenrollment.shred(now).await.map_err(ReactionError::from);
    times.and(commands).and(silence).and(shredded)
}

async fn tick_times(
    app: &App,
    reminders: &Reminders,
    aside: &mut Aside<Uuid>,
    now: Timestamp,
) -> Result<(), ReactionError> {
    for kind in DueKind::ALL {
        let at_most = if kind == DueKind::PushAgain { reminders.room(now) } else { aside.besides(AT_MOST) };
        for due in due::due_of(&app.platform.projections, kind, now, at_most).await? {
            let Ok(id) = Uuid::parse_str(due.stream.id()) else { continue };
            if !aside.holds(&id) {
                set_aside(act(app, reminders, id, due).await, id, aside);
            }
        }
    }
    Ok(())
}

async fn tick_commands(app: &App, aside: &mut Aside<Uuid>, now: Timestamp) -> Result<(), ReactionError> {
    for due in commands::due(&app.platform.projections, now, aside.besides(AT_MOST)).await? {
        if !aside.holds(&due.device.0) {
            set_aside(about_commands(app, &due).await, due.device.0, aside);
        }
    }
    Ok(())
}

fn set_aside(done: Result<(), ReactionError>, id: Uuid, aside: &mut Aside<Uuid>) {
    if let Err(error) = done {
        tracing::error!(stream.id = %id, %error, "a due task failed and will be retried");
        aside.put(id);
    }
}

// Handles due commands. The key is the command that expires, or the event that started the query's period.
async fn about_commands(app: &App, due: &CommandDue) -> Result<(), ReactionError> {
    let (id, effect) = match due.act {
        DueAct::Expire => (due.device, "expire"),
        DueAct::AskForApps => (due.device, "ask-for-apps"),
    };
    let context = Context::effect(Actor::new(ActorKind::System, "timer"), due.cause, id.0, effect);
    match due.act {
        DueAct::Expire => {
            let expire = device::Command::ExpireCommands { now: app.platform.world.now() };
            settled(app.platform.perform::<Device>(&id.stream(), &expire, &context).await)
        }
        DueAct::AskForApps => ask_for_apps(app, id, due.cause, &context).await,
    }
}

async fn ask_for_apps(app: &App, id: DeviceId, cause: EventId, context: &Context) -> Result<(), ReactionError> {
    let state = app.platform.device(id).await?;
    let open = state.apps.iter().filter(|(_, status)| !status.is_settled());
    let open: Vec<String> = open.map(|(name, _)| name.clone()).collect();
    let command = build::managed_apps(&open);
    let terms = Terms {
        expires: Some(app.platform.world.now().plus_seconds(ANSWER_WITHIN)),
        ..Terms::usual("ManagedApplicationList")
    };
    let command_id = CommandId(cause.caused("ask-for-apps", 0).0);
    match app.devices.queue_command_on(id, command_id, &command, terms, context).await {
        Err(QueueError::Perform(error)) => settled::<(), _>(Err(error)),
        Err(error) => Err(ReactionError::Perform(error.to_string())),
        Ok(_) => Ok(()),
    }
}

async fn act(app: &App, reminders: &Reminders, id: Uuid, due: Due) -> Result<(), ReactionError> {
    let context = Context::effect(Actor::new(ActorKind::System, "timer"), due.cause, id, due.kind.as_str());
    match due.kind {
        DueKind::AbandonEnrollment => {
            let enrollment = EnrollmentId(id);
            let device = app.platform.device(enrollment.device()).await?;
            let device_enrolled = device.phase == Phase::Enrolled || device.phase.has_ended();
            let abandon = Command::Abandon { device_enrolled };
            settled(app.platform.perform::<Enrollment>(&enrollment.stream(), &abandon, &context).await)
        }
        DueKind::PushAgain => {
            reminders.remind(id, due);
            Ok(())
        }
        DueKind::AttestAgain => super::claims::attest_again(app, &due, DeviceId(id), &context).await,
    }
}
