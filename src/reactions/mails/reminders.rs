//! Reminders: a person who has not used their invitation gets a new link after some days, a few times.
//!
//! The stop rule: nobody is reminded of a record that was linked to a later enrollment, excepted, erased or shredded,
//! or that has another owner. Its invitation is revoked instead, so that it is not looked at again. While a migration
//! is closed, nobody is reminded of its records; and nobody who has enrolled a device, until it is known that it is
//! another one.

use super::failed;
use crate::app::App;
use crate::reactions::ReactionError;
use crate::reactions::written::Written;
use decisions::invitation::{Invitation, Standing};
use decisions::wave::Wave;
use events::invitation::{InvitationId, RenewalCause};
use events::{Actor, ActorKind, Timestamp};
use invitations::{ChangeError, InvitationError, NotIssued};
use platform::aside::Aside;
use platform::context::Context;
use projections::mails::{self, ReminderDue, Reminding};
use projections::migration::{BoardRow, MigrationState, of_records};
use uuid::Uuid;

const DAY: i64 = 86_400;
/// Seconds between two looks.
const LOOK_EVERY: i64 = 10;
/// Maximum number of reminders that begin in one look.
const AT_MOST: usize = 50;

/// State between two looks.
#[derive(Default)]
pub(super) struct Reminders {
    looked: Option<Timestamp>,
    written: Written,
    /// Those that are needed later, if at all.
    aside: Aside<Uuid>,
}

impl Reminders {
    /// Begins the reminders that are due. Their mails become due then.
    ///
    /// # Errors
    /// Returns an error if the log or the projections cannot be used.
    pub(super) async fn look(&mut self, app: &App) -> Result<(), ReactionError> {
        let now = app.platform.world.now();
        let is_early = self.looked.is_some_and(|looked| (0..LOOK_EVERY).contains(&now.seconds_since(looked)));
        if is_early || !self.written.is_folded(app).await? {
            return Ok(());
        }
        self.looked = Some(now);
        let settings = app.settings.current().await?.invitations;
        let besides = Reminding { after_days: settings.remind_after_days, most: settings.most_reminders };
        self.aside.look(now);
        let at_most = self.aside.besides(AT_MOST);
        for due in mails::reminders_due(&app.platform.projections, now, besides, at_most).await? {
            if self.aside.holds(&due.invitation.0) {
                continue;
            }
            match remind(app, due, settings.valid_days, now).await {
                Ok(Reminded::Done) | Err(ChangeError::Refused(_)) => {}
                Ok(Reminded::NotNow) => self.aside.put(due.invitation.0),
                Err(ChangeError::Failed(error)) => return Err(failed(error)),
            }
            self.written.note_head(app).await?;
        }
        Ok(())
    }
}

enum Reminded {
    Done,
    /// The migration is closed, or the owner has enrolled a device.
    NotNow,
}

async fn remind(app: &App, due: ReminderDue, valid_days: u32, now: Timestamp) -> Result<Reminded, ChangeError> {
    let state = app.invitations.state(due.invitation).await?;
    let context = Context::effect(Actor::new(ActorKind::System, "timer"), due.cause, due.invitation.0, "remind");
    if state.standing(now) != Standing::Open {
        // The projection marks it as expired soon.
        return app.invitations.expire(due.invitation, &context).await.map(|()| Reminded::Done);
    }
    match need(app, due.invitation, &state).await? {
        Need::None => return app.invitations.revoke(due.invitation, &context).await.map(|()| Reminded::Done),
        Need::Later => return Ok(Reminded::NotNow),
        Need::Now => {}
    }
    let days = match state.issued.as_ref().and_then(|issued| issued.wave) {
        Some(wave) => {
            let (wave, _) = app.platform.load::<Wave>(&wave.stream()).await?;
            wave.plan.as_ref().map_or(valid_days, |plan| plan.valid_days)
        }
        None => valid_days,
    };
    let expires = now.plus_seconds(i64::from(days) * DAY);
    let renewed = app.invitations.renew(due.invitation, RenewalCause::Reminder, expires, &context).await;
    renewed.map(|_| Reminded::Done)
}

enum Need {
    Now,
    /// Not while the migration is closed, or the owner has enrolled a device.
    Later,
    None,
}

async fn need(app: &App, invitation: InvitationId, state: &Invitation) -> Result<Need, ChangeError> {
    let Some(issued) = state.issued.as_ref().filter(|issued| issued.recipient.details.gone().is_none()) else {
        return Ok(Need::None);
    };
    match app.invitations.present(invitation, issued).await? {
        Err(NotIssued::MigrationClosed) => return Ok(Need::Later),
        Err(_) => return Ok(Need::None),
        Ok(_) => {}
    }
    let Some(record) = issued.record else { return Ok(Need::Now) };
    let rows = of_records(&app.platform.projections, vec![record]).await.map_err(InvitationError::from)?;
    // A proposal may be rejected, and then the device is still to come.
    let has_come = |row: &BoardRow| matches!(row.state, MigrationState::Enrolled | MigrationState::ToConfirm);
    Ok(if rows.iter().any(has_come) { Need::Later } else { Need::Now })
}
