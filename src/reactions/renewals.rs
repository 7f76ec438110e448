//! Renews identities ahead of their expiry, a few at a time: what is due is a projection, how many begin is decided here.

use super::ReactionError;
use crate::app::App;
use decisions::device::{Command, Device};
use devices::renewal::RenewalError;
use events::device::CommandId;
use events::store::Appended;
use events::{Actor, ActorKind, Position};
use platform::PerformError;
use platform::aside::Aside;
use platform::context::Context;
use projections::renewals::{self, Act, Due, Standing};
use uuid::Uuid;

/// So many renewals begin in a minute. Each is a profile to sign, a push and a conversation; 100,000 that are due at once,
/// as after a restored backup, take three and a half days of the half year that there is.
const MOST_A_MINUTE: usize = 20;

/// So many renewals whose time is over are ended in one look.
const MOST_ENDS: usize = 200;

/// Looks between two counts for the metrics.
const COUNT_EVERY: u32 = 10;

/// What is kept from one look of the timer to the next.
#[derive(Default)]
pub(super) struct Renewals {
    /// Where the last event stands that was written here: before the projection has it, it tells what was due before.
    written: Option<Position>,
    aside: Aside<Uuid>,
    looks: u32,
}

impl Renewals {
    /// Does what is due.
    ///
    /// # Errors
    /// If the projections cannot be read. What is wrong with one device is no error.
    pub async fn tick(&mut self, app: &App) -> Result<(), ReactionError> {
        self.count(app).await?;
        if self.written > app.platform.projections.health().position {
            return Ok(());
        }
        let now = app.platform.world.now();
        self.aside.look(now);
        let begun = renewals::requested_between(&app.platform.projections, now.plus_seconds(-60), now).await?;
        let mut room = MOST_A_MINUTE.saturating_sub(begun);
        let (requests, ends) = (self.aside.besides(room), self.aside.besides(MOST_ENDS));
        let found = renewals::due(&app.platform.projections, now, requests, ends).await?;
        for due in found {
            if self.aside.holds(&due.device.0) || (due.act == Act::Request && room == 0) {
                continue;
            }
            room -= usize::from(due.act == Act::Request);
            match act(app, &due).await {
                Ok(appended) => self.written = appended.map(|appended| appended.position).max(self.written),
                Err(error) => {
                    tracing::error!(device.id = %due.device, %error, "an identity could not be renewed; it is tried again");
                    self.aside.put(due.device.0);
                }
            }
        }
        Ok(())
    }

    async fn count(&mut self, app: &App) -> Result<(), ReactionError> {
        if self.looks.is_multiple_of(COUNT_EVERY) {
            let counts = renewals::counts(&app.platform.projections, app.platform.world.now()).await?;
            for standing in Standing::ALL {
                app.platform.metrics.identities(standing.as_str(), counts.of(standing));
            }
        }
        self.looks = self.looks.wrapping_add(1);
        Ok(())
    }
}

// Keyed by the event from which the time counts, so that it happens once however often it is tried.
async fn act(app: &App, due: &Due) -> Result<Option<Appended>, RenewalError> {
    let actor = Actor::new(ActorKind::System, "timer");
    let performed = match due.act {
        Act::Request => {
            let context = Context::effect(actor, due.cause, due.device.0, "renew-identity");
            let id = CommandId(due.cause.caused("renew-identity-command", 0).0);
            app.devices.request_renewal(due.device, id, &context).await
        }
        Act::Lapse(command) => {
            let context = Context::effect(actor, due.cause, due.device.0, "lapse-renewal");
            let lapse = Command::LapseRenewal { command };
            let performed = app.platform.perform::<Device>(&due.device.stream(), &lapse, &context).await;
            performed.map(|performed| performed.appended).map_err(RenewalError::from)
        }
    };
    match performed {
        // An answer: it left in this moment.
        Err(RenewalError::Perform(PerformError::Refused(_))) => Ok(None),
        other => other,
    }
}
