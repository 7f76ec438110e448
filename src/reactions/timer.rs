//! One timer: turns what has become due into commands, each keyed by the event its time counts from, so that it happens
//! once however often it is tried.

use super::pushes::Reminders;
use super::{ReactionError, settled};
use crate::app::App;
use crate::app::context::Context;
use crate::enrollment::device::Phase;
use crate::enrollment::visit::{Command, Visit};
use events::enrollment::EnrollmentId;
use events::{Actor, ActorKind};
use projections::due::{self, Due, DueKind};
use std::time::Duration;
use uuid::Uuid;

/// How often the timer looks.
const TICK: Duration = Duration::from_secs(1);

/// How much of a kind is done in one look.
const AT_MOST: usize = 200;

pub(super) async fn run(app: &App, reminders: &Reminders) {
    loop {
        tokio::time::sleep(TICK).await;
        if let Err(error) = tick(app, reminders).await {
            tracing::error!(%error, "what is due could not be done; it is tried again");
        }
    }
}

// Kind by kind: what cannot be done now, such as pushes while the push service is away, holds up nothing else.
async fn tick(app: &App, reminders: &Reminders) -> Result<(), ReactionError> {
    for kind in DueKind::ALL {
        let at_most = if kind == DueKind::PushAgain { reminders.room() } else { AT_MOST };
        for due in due::due_of(&app.projections, kind, app.world.now(), at_most).await? {
            act(app, reminders, due).await?;
        }
    }
    Ok(())
}

async fn act(app: &App, reminders: &Reminders, due: Due) -> Result<(), ReactionError> {
    let Ok(id) = Uuid::parse_str(due.stream.id()) else { return Ok(()) };
    let context = Context::effect(Actor::new(ActorKind::System, "timer"), due.cause, id, due.kind.as_str());
    match due.kind {
        DueKind::AbandonVisit => {
            let enrollment = EnrollmentId(id);
            let device = app.device(enrollment.device()).await?;
            let device_enrolled = device.phase == Phase::Enrolled || device.phase.has_ended();
            let abandon = Command::Abandon { device_enrolled };
            settled(app.perform::<Visit>(&enrollment.stream(), &abandon, &context).await)
        }
        DueKind::PushAgain => {
            reminders.remind(due);
            Ok(())
        }
    }
}
