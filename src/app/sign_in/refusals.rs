//! Refusals written down, within the budget.

use super::budget::Grant;
use super::single_sign_on::Place;
use super::{Refused, canonical_name};
use crate::app::context::Context;
use crate::app::{App, PerformError};
use crate::enrollment::staff::{Command, LocalAccount, Refusal};
use events::enrollment::{SignInMethodName, SignInRefusal};
use events::envelope::{Actor, ActorKind};
use events::log::Draft;
use events::staff::StaffId;
use events::store::{AppendError, Expected};
use events::system::RefusalEvent;
use events::{KeyName, StreamName};
use std::net::IpAddr;
use std::time::Duration;

/// Suppressed refusals are written as one event after this long.
const SUM_UP_AFTER: Duration = Duration::from_secs(60);

/// Writes down that somebody was refused at the console.
///
/// # Errors
/// If the log cannot be written.
pub async fn record_staff_refusal(app: &App, refused: &Refused, source: IpAddr) -> Result<(), PerformError<Refusal>> {
    if !granted(app) {
        return Ok(());
    }
    let method = refused.method;
    let Some(account) = refused.account else {
        let event = RefusalEvent::UnknownStaffRefused { method, reason: refused.reason, name: refused.name.clone() };
        return Ok(record(app, event, Some(source)).await?);
    };
    let actor = Actor::new(ActorKind::Visitor, account);
    let context = Context::of(actor, Some((source, account.key())), app.world.uuid());
    let command = Command::RefuseSignIn { method, reason: refused.reason };
    app.perform::<LocalAccount>(&account.stream(), &command, &context).await.map(drop)
}

/// Writes down that somebody was refused at the console whom we do not know, though another vouches for them.
///
/// # Errors
/// If the log cannot be written.
pub async fn record_unknown_staff(
    app: &App,
    method: SignInMethodName,
    reason: SignInRefusal,
    user_name: &str,
    source: IpAddr,
) -> Result<(), AppendError> {
    if !granted(app) {
        return Ok(());
    }
    let name = app.secrets.name("typed-name", &[&canonical_name(user_name)]);
    record(app, RefusalEvent::UnknownStaffRefused { method, reason, name }, Some(source)).await
}

/// Whether the budget has room for one more refusal; if not, it is counted and summed up later.
pub fn granted(app: &App) -> bool {
    is_granted(app, app.sign_in.budget.take(app.world.now()))
}

/// Whether one more refusal of an account may be written whose first proof was given: some of each always may, however
/// many strangers are refused, since here somebody may be using a stolen password; more of them only within the budget.
pub fn granted_to(app: &App, account: StaffId) -> bool {
    app.sign_in.after_first_proof.take(app.world.now(), account) || granted(app)
}

/// Whether there is room for one more who sets out for an identity provider.
pub(super) fn set_out(app: &App, place: Place, source: IpAddr) -> bool {
    is_granted(app, app.sign_in.departures.take(app.world.now(), place, source))
}

fn is_granted(app: &App, grant: Grant) -> bool {
    match grant {
        Grant::Write => true,
        Grant::Suppress { first } => {
            if first {
                let app = app.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(SUM_UP_AFTER).await;
                    sum_up_refusals(&app).await;
                });
            }
            false
        }
    }
}

/// Writes down how many refusals were suppressed, if any: a minute after the first of them, and when the server stops.
pub async fn sum_up_refusals(app: &App) {
    let count = app.sign_in.budget.drain() + app.sign_in.departures.drain();
    if count == 0 {
        return;
    }
    tracing::warn!(count, "refusals were suppressed");
    if let Err(error) = record(app, RefusalEvent::RefusalsSuppressed { count }, None).await {
        tracing::error!(%error, count, "suppressed refusals cannot be written down");
    }
}

/// Writes down a refusal that belongs to nobody we know.
///
/// # Errors
/// If the log cannot be written.
pub async fn record(app: &App, event: RefusalEvent, source: Option<IpAddr>) -> Result<(), AppendError> {
    let at = app.world.now();
    let stream = StreamName::of("refusals", at.day());
    let key = KeyName::of("refusals", at.day());
    let context =
        Context::of(Actor::new(ActorKind::System, "sign-in"), source.map(|source| (source, key)), app.world.uuid());
    let draft = Draft {
        id: app.world.event_id(),
        at,
        actor: context.actor,
        source: context.source,
        correlation: context.correlation,
        causation: None,
        event: event.into(),
    };
    app.log.append(&stream, Expected::Any, vec![draft]).await.map(drop)
}
