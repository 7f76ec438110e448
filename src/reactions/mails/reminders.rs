//! Reminders: a person who has not used their invitation gets a new link after some days, a few times.
//!
//! The stop rule: nobody is reminded of a record that was linked to a later enrollment, excepted, erased or shredded, or
//! whose migration was closed. Its invitation is revoked instead, so that it is not looked at again.

use super::failed;
use crate::app::App;
use crate::reactions::ReactionError;
use decisions::invitation::{Invitation, Standing};
use decisions::record::Record;
use decisions::wave::Wave;
use events::invitation::RenewalCause;
use events::{Actor, ActorKind, Position, Timestamp};
use invitations::ChangeError;
use platform::context::Context;
use projections::mails::{self, ReminderDue, Reminding};

const DAY: i64 = 86_400;
/// Seconds between two looks.
const LOOK_EVERY: i64 = 10;
/// Maximum number of reminders that begin in one look.
const AT_MOST: usize = 50;

/// State between two looks.
#[derive(Default)]
pub(super) struct Reminders {
    looked: Option<Timestamp>,
    written: Option<Position>,
}

impl Reminders {
    /// Begins the reminders that are due. Their mails become due then.
    ///
    /// # Errors
    /// Returns an error if the log or the projections cannot be used.
    pub(super) async fn look(&mut self, app: &App) -> Result<(), ReactionError> {
        let now = app.platform.world.now();
        let is_early = self.looked.is_some_and(|looked| (0..LOOK_EVERY).contains(&now.seconds_since(looked)));
        if is_early || self.written > app.platform.projections.health().position {
            return Ok(());
        }
        self.looked = Some(now);
        let settings = app.settings.current().await?.invitations;
        let besides = Reminding { after_days: settings.remind_after_days, most: settings.most_reminders };
        for due in mails::reminders_due(&app.platform.projections, now, besides, AT_MOST).await? {
            match remind(app, due, settings.valid_days, now).await {
                Ok(()) | Err(ChangeError::Refused(_)) => {}
                Err(ChangeError::Failed(error)) => return Err(failed(error)),
            }
            self.written = app.platform.log.store().head().await?.max(self.written);
        }
        Ok(())
    }
}

async fn remind(app: &App, due: ReminderDue, valid_days: u32, now: Timestamp) -> Result<(), ChangeError> {
    let state = app.invitations.state(due.invitation).await?;
    let context = Context::effect(Actor::new(ActorKind::System, "timer"), due.cause, due.invitation.0, "remind");
    if state.standing(now) != Standing::Open {
        // The projection marks it as expired soon.
        return app.invitations.expire(due.invitation, &context).await;
    }
    if is_needless(app, &state).await? {
        return app.invitations.revoke(due.invitation, &context).await;
    }
    let days = match state.issued.as_ref().and_then(|issued| issued.wave) {
        Some(wave) => {
            let (wave, _) = app.platform.load::<Wave>(&wave.stream()).await?;
            wave.plan.as_ref().map_or(valid_days, |plan| plan.valid_days)
        }
        None => valid_days,
    };
    let expires = now.plus_seconds(i64::from(days) * DAY);
    app.invitations.renew(due.invitation, RenewalCause::Reminder, expires, &context).await.map(drop)
}

async fn is_needless(app: &App, state: &Invitation) -> Result<bool, ChangeError> {
    let Some(issued) = &state.issued else { return Ok(true) };
    let is_gone = issued.recipient.details.gone().is_some();
    let Some(record) = issued.record else { return Ok(is_gone) };
    let (known, _) = app.platform.load::<Record>(&record.stream()).await?;
    Ok(is_gone || known.successor().is_some() || known.exception.is_some() || known.is_shredded)
}
