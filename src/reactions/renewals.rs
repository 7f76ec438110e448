//! Renews identity certificates before they expire, a few at a time. A projection lists the due renewals; this module
//! decides how many begin.

use super::ReactionError;
use super::written::Written;
use crate::app::App;
use decisions::device::{Command, Device};
use devices::renewal::RenewalError;
use events::device::CommandId;
use events::store::Appended;
use events::{Actor, ActorKind};
use platform::PerformError;
use platform::aside::Aside;
use platform::context::Context;
use projections::renewals::{self, Act, Due, Standing};
use uuid::Uuid;

/// Maximum number of renewals that begin per minute. Each takes a signed profile, a push and a conversation. 100,000
/// renewals that are due at once (for example, after a backup was restored) take three and a half days; half a year is
/// available.
const MOST_A_MINUTE: usize = 20;

/// Maximum number of overdue renewals that are ended in one tick.
const MOST_ENDS: usize = 200;

/// Number of ticks between two counts for the metrics.
const COUNT_EVERY: u32 = 10;

/// State between two ticks of the timer.
#[derive(Default)]
pub(super) struct Renewals {
    written: Written,
    aside: Aside<Uuid>,
    looks: u32,
}

impl Renewals {
    /// Starts and ends the renewals that are due.
    ///
    /// # Errors
    /// Returns an error if the projections cannot be read. A failure of a single device is logged, not returned.
    pub(crate) async fn tick(&mut self, app: &App) -> Result<(), ReactionError> {
        self.count(app).await?;
        if !self.written.is_folded(app).await? {
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
                Ok(appended) => self.written.note(appended.map(|appended| appended.position)),
                Err(error) => {
                    tracing::error!(device.id = %due.device, %error, "cannot renew an identity certificate; the renewal will be retried");
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

// The effect is keyed by the event that started the period, so retries run it once.
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
        // A refusal settles the renewal: the device has just left management.
        Err(RenewalError::Perform(PerformError::Refused(_))) => Ok(None),
        other => other,
    }
}
