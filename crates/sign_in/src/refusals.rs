//! Writes refused sign-ins to the log if the budget has room, and otherwise counts them.

use super::refusal_budget::{About, REFUSAL_BYTES};
use crate::SignIn;
use crate::password::typed_name;
use crate::redirect::Place;
use crate::verdict::Refused;
use decisions::person::Account;
use decisions::staff::{Command, LocalAccount, UserName};
use events::enrollment::{SignInMethodName, SignInRefusal};
use events::envelope::{Actor, ActorKind};
use events::person::AccountEvent;
use events::staff::{StaffEvent, StaffId};
use events::store::{AppendError, Expected, ReadError};
use events::system::{RefusalEvent, SuppressedRefusals, SuppressedSource};
use events::{Event, KeyName, Personal, StreamName, Timestamp};
use platform::PerformError;
use platform::budgets::Counted;
use platform::context::Context;
use std::net::{IpAddr, Ipv4Addr};
use telemetry::Alarm;

/// Records a refused sign-in at the console, then waits for the beat, so that timing does not reveal what was written.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn record_staff_refusal(
    sign_in: &SignIn,
    refused: &Refused,
    source: IpAddr,
) -> Result<(), super::SignInError> {
    if refused.is_held_up() {
        sign_in.refusals.count(sign_in.platform.world.now(), None, source);
        return Ok(());
    }
    let method = refused.method;
    match staff_named(sign_in, refused).await? {
        Some(account) if granted_about(sign_in, &About::Staff(account), source) => {
            refuse_staff(sign_in, account, Command::RefuseSignIn { method, reason: refused.reason }, source).await?;
        }
        None if granted(sign_in, source) => {
            let (reason, name) = (refused.reason, refused.name.clone());
            let event = RefusalEvent::UnknownStaffRefused { method, reason, provider: None, name };
            record(sign_in, event, Some(source)).await?;
        }
        Some(_) | None => {}
    }
    refused.beat.wait().await;
    Ok(())
}

// Reads a stream for an unknown name too, so that it takes the same time.
async fn staff_named(sign_in: &SignIn, refused: &Refused) -> Result<Option<StaffId>, ReadError> {
    let name = refused.known.as_ref().map_or("nobody", |known| known.staff.as_str());
    let (reserved, _) = sign_in.platform.load::<UserName>(&StreamName::of("username", name)).await?;
    Ok(refused.account.or(reserved.account))
}

/// Records the refusal `command` on the stream of an account of the staff. The actor is a visitor, because the person
/// who gave the name has not proven to be that account. If the stream is damaged, the refusal is counted.
///
/// # Errors
/// Returns an error if the log cannot be read or written for another reason than damage.
pub async fn refuse_staff(
    sign_in: &SignIn,
    account: StaffId,
    command: Command,
    source: IpAddr,
) -> Result<(), PerformError<decisions::staff::Refusal>> {
    let actor = Actor::new(ActorKind::Visitor, account);
    let context = Context::of(actor, Some((source, account.key())), sign_in.platform.world.uuid());
    let written = sign_in.platform.perform::<LocalAccount>(&account.stream(), &command, &context).await.map(drop);
    unless_damaged(sign_in, written, PerformError::is_damage, Some(source))
}

/// Records a refusal at the console of an account that a provider has authenticated and that is not known as staff.
///
/// # Errors
/// Returns an error if the log cannot be written.
pub async fn record_unknown_staff(
    sign_in: &SignIn,
    method: SignInMethodName,
    reason: SignInRefusal,
    account: &identity::Account,
    source: IpAddr,
) -> Result<(), AppendError> {
    // The page tells the person that the reason is in the log.
    tracing::warn!(
        provider = account.provider,
        ?reason,
        "refused at the console: no role rule gives this person a role"
    );
    if !granted(sign_in, source) {
        return Ok(());
    }
    let (provider, name) = (Some(account.provider.clone()), typed_name(sign_in, &account.user_name));
    record(sign_in, RefusalEvent::UnknownStaffRefused { method, reason, provider, name }, Some(source)).await
}

/// Records a refused sign-in at the portal whose source has no budget left. If the name has an account, the refusal is
/// written to the stream of the account and uses the budget of the account. Otherwise it is counted. No enrollment is
/// opened for it, because that would reveal which names exist.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn record_portal_refusal(
    sign_in: &SignIn,
    refused: &Refused,
    source: IpAddr,
) -> Result<(), super::SignInError> {
    let (now, budget) = (sign_in.platform.world.now(), &sign_in.refusals);
    let about =
        refused.account_name(&sign_in.platform.secrets).map(|name| About::Account { name, staff: refused.staff });
    match about {
        Some(about @ About::Account { .. }) if budget.through_account(now, &about, source) => {
            let event = AccountEvent::AccountSignInRefused { method: refused.method, reason: refused.reason };
            let written = write_about(sign_in, &about, Some(source), |_| event.clone().into()).await;
            unless_damaged(sign_in, written, super::SignInError::is_damage, Some(source))
        }
        about => {
            budget.count(now, about.as_ref(), source);
            Ok(())
        }
    }
}

/// Counts a refusal that is not written because its stream already contains the same refusal.
pub fn count_refusal(sign_in: &SignIn, source: IpAddr) {
    sign_in.refusals.count(sign_in.platform.world.now(), None, source);
}

/// Returns whether one more refusal without an account may be written: if the budget of its source has room. If not, it
/// is counted.
pub fn granted(sign_in: &SignIn, source: IpAddr) -> bool {
    let now = sign_in.platform.world.now();
    // If the disk is nearly full, refusals without an account are the first that are not written.
    let granted =
        !sign_in.platform.disk.is_nearly_full() && sign_in.refusals.through_source(now, source, REFUSAL_BYTES);
    if !granted {
        sign_in.refusals.count(now, None, source);
    }
    granted
}

/// Returns whether one more refusal of this account may be written: if the budget of its source or of the account has
/// room. If not, it is counted for the account.
pub(crate) fn granted_about(sign_in: &SignIn, about: &About, source: IpAddr) -> bool {
    let (now, budget) = (sign_in.platform.world.now(), &sign_in.refusals);
    let granted = budget.through_source(now, source, REFUSAL_BYTES) || budget.through_account(now, about, source);
    if !granted {
        budget.count(now, Some(about), source);
    }
    granted
}

/// Returns whether one more refusal after the first proof of this account may be written. Each account has a separate
/// budget for these, which refusals of unauthenticated clients do not use up, because an attacker may be using a stolen
/// password.
pub fn granted_to(sign_in: &SignIn, account: StaffId, source: IpAddr) -> bool {
    sign_in.refusals.after_first_proof(sign_in.platform.world.now(), account, source)
        || granted_about(sign_in, &About::Staff(account), source)
}

/// Returns whether to write the event that an account must wait after its first proof. If not, it is counted.
pub fn granted_to_wait(sign_in: &SignIn, account: StaffId, source: IpAddr) -> bool {
    let (now, budget) = (sign_in.platform.world.now(), &sign_in.refusals);
    let granted = budget.held_up(now, account);
    if !granted {
        budget.count(now, Some(&About::Staff(account)), source);
    }
    granted
}

/// Returns whether one more single sign-on may start from `source`. If not, the refusal is counted.
pub fn set_out(sign_in: &SignIn, place: Place, source: IpAddr) -> bool {
    let now = sign_in.platform.world.now();
    let granted = sign_in.departures.take(now, place, source);
    if !granted {
        sign_in.refusals.count(now, None, source);
    }
    granted
}

/// Writes the counts of refusals that were not written one by one: the counts that are due, or all if `all` is set.
pub async fn sum_up_refusals(sign_in: &SignIn, all: bool) {
    for (about, counted) in sign_in.refusals.take_counted(sign_in.platform.world.now(), all) {
        let count = counted.total();
        tracing::warn!(count, "refusals were recorded as a count, not one by one");
        let written = match &about {
            None => write_counted(sign_in, &counted).await.map_err(super::SignInError::from),
            Some(about) => write_counted_about(sign_in, about, &counted).await,
        };
        if let Err(error) = written {
            tracing::error!(%error, count, "the count of suppressed refusals cannot be written to the log");
            sign_in.platform.metrics.refusals_not_written(count);
        }
    }
    tell_not_written(sign_in, all);
}

// Logs how many refusals could not be written. The damage itself was reported when it was found.
fn tell_not_written(sign_in: &SignIn, all: bool) {
    let Some(counted) = sign_in.refusals.take_not_written(sign_in.platform.world.now(), all) else { return };
    let (count, alarm) = (counted.total(), Alarm::RefusalsNotWritten);
    tracing::error!(
        alarm = alarm.label(),
        count,
        sources = counted.sources.len(),
        "refused sign-ins could not be written to the log, because a stream or key is damaged: /readyz names it"
    );
    sign_in.platform.metrics.alarm(alarm);
}

async fn write_counted(sign_in: &SignIn, counted: &Counted) -> Result<(), AppendError> {
    let append = async |told| append_refusal(sign_in, RefusalEvent::RefusalsSuppressed(told), None).await;
    match append(suppressed_refusals(counted, &key_of_day(sign_in.platform.world.now()))).await {
        Err(AppendError::DamagedKey(_)) => append(without_sources(counted)).await,
        written => written,
    }
}

async fn write_counted_about(sign_in: &SignIn, about: &About, counted: &Counted) -> Result<(), super::SignInError> {
    match write_about(sign_in, about, None, |key| suppressed(about, suppressed_refusals(counted, key))).await {
        Err(super::SignInError::Append(AppendError::DamagedKey(_))) => {
            write_about(sign_in, about, None, |_| suppressed(about, without_sources(counted))).await
        }
        written => written,
    }
}

// Without addresses, because the key that would seal them is damaged.
fn without_sources(counted: &Counted) -> SuppressedRefusals {
    SuppressedRefusals { count: counted.total(), sources: Vec::new(), others: counted.total() }
}

// Damage does not change the answer. Otherwise the answer would reveal which names exist, because refusals of unknown
// names share one stream and refusals of known names do not.
fn unless_damaged<E>(
    sign_in: &SignIn,
    written: Result<(), E>,
    is_damage: impl Fn(&E) -> bool,
    source: Option<IpAddr>,
) -> Result<(), E> {
    match written {
        Err(error) if is_damage(&error) => {
            let source = source.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            sign_in.refusals.count_not_written(sign_in.platform.world.now(), source);
            sign_in.platform.metrics.refusals_not_written(1);
            Ok(())
        }
        written => written,
    }
}

fn suppressed(about: &About, refusals: SuppressedRefusals) -> Event {
    match about {
        About::Staff(_) => StaffEvent::StaffRefusalsSuppressed(refusals).into(),
        About::Account { .. } => AccountEvent::AccountRefusalsSuppressed(refusals).into(),
    }
}

fn suppressed_refusals(counted: &Counted, key: &KeyName) -> SuppressedRefusals {
    let source = |(source, count): &(IpAddr, u64)| SuppressedSource {
        source: Personal::new(key.clone(), source.to_string()),
        count: *count,
    };
    SuppressedRefusals {
        count: counted.total(),
        sources: counted.sources.iter().map(source).collect(),
        others: counted.others,
    }
}

// Writes to the stream of the account and seals with the key of its owner. An account whose owner never used the portal
// has no key, so the key of the day is used.
async fn write_about(
    sign_in: &SignIn,
    about: &About,
    source: Option<IpAddr>,
    event: impl Fn(&KeyName) -> Event,
) -> Result<(), super::SignInError> {
    let (stream, key, id) = match about {
        About::Staff(id) => (id.stream(), id.key(), id.to_string()),
        About::Account { name, .. } => {
            let stream = StreamName::of("account", name);
            let person = sign_in.platform.load::<Account>(&stream).await?.0.person;
            let key = person.map_or_else(|| key_of_day(sign_in.platform.world.now()), |person| person.key());
            (stream, key, person.map_or_else(|| name.clone(), |person| person.to_string()))
        }
    };
    let actor = match source {
        Some(_) => Actor::new(ActorKind::Visitor, id),
        None => Actor::new(ActorKind::System, "sign-in"),
    };
    let event = event(&key);
    let source = source.map(|source| (source, key));
    let context = Context::of(actor, source, sign_in.platform.world.uuid());
    Ok(sign_in.platform.append_event(&stream, Expected::Any, event, &context).await?)
}

/// Records a refusal without a known account, on the stream of the day. If that stream is damaged, the refusal is
/// counted.
///
/// # Errors
/// Returns an error if the log cannot be written for another reason than damage.
pub async fn record(sign_in: &SignIn, event: RefusalEvent, source: Option<IpAddr>) -> Result<(), AppendError> {
    let written = append_refusal(sign_in, event, source).await;
    unless_damaged(sign_in, written, AppendError::is_damage, source)
}

async fn append_refusal(sign_in: &SignIn, event: RefusalEvent, source: Option<IpAddr>) -> Result<(), AppendError> {
    let at = sign_in.platform.world.now();
    let stream = StreamName::of("refusals", at.day());
    let source = source.map(|source| (source, key_of_day(at)));
    let context = Context::of(Actor::new(ActorKind::System, "sign-in"), source, sign_in.platform.world.uuid());
    sign_in.platform.append_event(&stream, Expected::Any, event, &context).await
}

fn key_of_day(at: Timestamp) -> KeyName {
    KeyName::of("refusals", at.day())
}
