//! Decisions about links: confirm, reject, undo; and what the page says afterwards.

use super::shown::{Decision, Place, action, doer};
use super::{Asked, PATH};
use crate::admin::act::wait_for_all;
use crate::admin::carried::{About, Act, Field};
use crate::admin::devices;
use crate::admin::form::Genuine;
use crate::admin::lineage::{Side, side};
use crate::admin::problem::Problem;
use crate::admin::proof;
use crate::admin::query::{Query, filled};
use crate::admin::records::{self, parse_record};
use crate::admin::session::{DecidesLinks, May, Own, Staff, is_fresh, see_other};
use crate::admin::words::Instant;
use ::reenrollment::{DecideError, Pair};
use actix_web::{HttpResponse, web};
use decisions::record::Refusal;
use events::record::RecordId;
use projections::links::{LinkFilter, LinkRow, LinkState, list, of_record};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Sent {
    #[serde(default)]
    from: String,
}

/// Decides about a link.
///
/// # Errors
/// Returns an error if there is no such link, it was decided otherwise in the meantime, or the event log or the
/// projections are unavailable.
pub(crate) async fn decide(
    staff: May<DecidesLinks>,
    own: Own,
    path: web::Path<(String, String, String)>,
    form: Genuine<Sent>,
) -> Result<HttpResponse, Problem> {
    let pair = Pair { record: parse_record(&path.0)?, successor: devices::parse_device(&path.1)? };
    let decision = Decision::parse(&path.2).ok_or(Problem::NotFound)?;
    let place = Place::parse(&form.0.from).unwrap_or(Place::Device);
    find(&staff, pair).await?.ok_or(Problem::NotFound)?;
    if !is_fresh(&staff) {
        return proof::first(&own, &act(&staff, pair, decision, place).await?);
    }
    let (reenrollment, context) = (&staff.app().reenrollment, staff.context());
    let done = match decision {
        Decision::Confirm => reenrollment.confirm(pair, &context).await,
        Decision::Reject => reenrollment.reject(pair, &context).await,
        Decision::Undo => reenrollment.undo(pair, &context).await,
    };
    // Also a refusal shows what another administrator did a moment ago.
    wait_for_all(staff.app()).await;
    match done {
        Ok(()) => Ok(see_other(&after(pair, decision, place))),
        Err(error) => Err(refused(&staff, pair, error).await?),
    }
}

async fn find(staff: &Staff, pair: Pair) -> Result<Option<LinkRow>, Problem> {
    let Pair { record, successor } = pair;
    let filter = LinkFilter { record: Some(record), successor: Some(successor), ..LinkFilter::default() };
    let found = list(staff.projections(), filter, 1).await.map_err(|error| staff.broken(error))?;
    Ok(found.links.into_iter().next())
}

async fn sides(staff: &Staff, pair: Pair) -> Result<(Side, Side), Problem> {
    Ok((side(staff, pair.record, None).await?, side(staff, RecordId::of_device(pair.successor), None).await?))
}

async fn act(staff: &Staff, pair: Pair, decision: Decision, place: Place) -> Result<Act, Problem> {
    let (old, new) = sides(staff, pair).await?;
    let told = |which: &str, side: &Side| format!("{which}: {} · {} · {}", side.label, side.source, side.kind);
    let devices = vec![told("The earlier record", &old), told("The device", &new)];
    Ok(Act {
        path: action(pair.record, pair.successor, decision),
        about: About { label: decision.label().to_owned(), devices, more: 0, chosen_later: false },
        consequence: decision.consequence().to_owned(),
        fields: vec![Field { name: "from".to_owned(), value: place.as_str().to_owned() }],
        back: page(pair, place),
    })
}

fn page(pair: Pair, place: Place) -> String {
    match place {
        Place::List => PATH.to_owned(),
        Place::Device => devices::href(pair.successor, None),
        Place::Record if pair.record.is_imported() => records::href(pair.record),
        Place::Record => devices::href(pair.record.device(), None),
    }
}

fn after(pair: Pair, decision: Decision, place: Place) -> String {
    let link = format!("{}.{}", pair.record, pair.successor);
    Query::default().with("done", Some(decision.as_str())).with("link", Some(&link)).href(&page(pair, place))
}

/// Returns what the previous form did. The address only says what to look for; the text comes from the link, so that
/// no address can make the page show something false.
///
/// # Errors
/// Returns an error if the event log or the projections are unavailable.
pub(crate) async fn said(staff: &Staff, asked: &Asked) -> Result<Option<String>, Problem> {
    let decision = filled(asked.done.as_deref()).and_then(Decision::parse);
    let pair = filled(asked.link.as_deref()).and_then(|link| link.split_once('.'));
    let (Some(decision), Some((record, successor))) = (decision, pair) else { return Ok(None) };
    let (Ok(record), Ok(successor)) = (parse_record(record), devices::parse_device(successor)) else {
        return Ok(None);
    };
    let pair = Pair { record, successor };
    let Some(link) = find(staff, pair).await? else { return Ok(None) };
    let (old, new) = sides(staff, pair).await?;
    let named = |side: &Side| format!("{} ({})", side.label, side.source);
    let (old, new) = (named(&old), named(&new));
    let both = format!("{old} and {new}");
    let (by, name) = doer(staff, &link).await?;
    let at = Instant::of(link.since, staff.now()).words;
    let is_own = by == staff.id.to_string();
    Ok(match (decision, link.state) {
        (Decision::Confirm, LinkState::Confirmed) if is_own => {
            Some(format!("Confirmed: {new} took the place of {old}."))
        }
        (Decision::Reject, LinkState::Rejected) if is_own => {
            Some(format!("Rejected: {new} did not take the place of {old}. Muster does not propose this link again."))
        }
        (Decision::Confirm, LinkState::Confirmed) => Some(format!(
            "{name} was first and confirmed the link of {both} on {at}. Your confirmation changed nothing."
        )),
        (Decision::Reject, LinkState::Rejected) => {
            Some(format!("{name} was first and rejected the link of {both} on {at}. Your rejection changed nothing."))
        }
        (Decision::Undo, LinkState::Proposed) => Some(format!("Undone: the link of {both} is proposed again.")),
        _ => None,
    })
}

// Returns the page that says why the decision was not made. A fault of the server is no refusal.
async fn refused(staff: &Staff, pair: Pair, error: DecideError) -> Result<Problem, Problem> {
    let here = page(pair, Place::Device);
    let (why, href) = match error {
        DecideError::Failed(error) => return Err(staff.broken(error)),
        DecideError::Taken(taken) => {
            let (other, new) =
                (side(staff, taken.by, None).await?, side(staff, RecordId::of_device(pair.successor), None).await?);
            let why = format!(
                "{} from {} is the confirmed earlier record of {}. A device has at most one record of each source. If that one \
                 is wrong, undo it first; otherwise reject this link.",
                other.label, other.source, new.label
            );
            (why, here)
        }
        DecideError::Refused(Refusal::OtherSuccessor) => other_successor(staff, pair).await?,
        DecideError::Refused(refusal @ (Refusal::Confirmed | Refusal::Rejected)) => {
            (decided_before(staff, pair, refusal).await?, here)
        }
        DecideError::Refused(
            Refusal::NoLink | Refusal::Unknown | Refusal::Erased | Refusal::TooManyNotes | Refusal::Linked,
        ) => {
            let why = "The link is no longer proposed: later facts speak against it, or the import of the record was undone. \
                       There is nothing to decide.";
            (why.to_owned(), here)
        }
        // Of the rule that needs no administrator.
        DecideError::Refused(refusal @ (Refusal::ForPeople | Refusal::Contested)) => (refusal.to_string(), here),
    };
    Ok(Problem::LinkRefused { why, href })
}

async fn decided_before(staff: &Staff, pair: Pair, refusal: Refusal) -> Result<String, Problem> {
    let verb = if refusal == Refusal::Confirmed { "confirmed" } else { "rejected" };
    let by = match find(staff, pair).await? {
        Some(link) => {
            let (name, at) = (doer(staff, &link).await?.1, Instant::of(link.since, staff.now()).words);
            format!("{name} {verb} the link on {at}.")
        }
        None => format!("The link is already {verb}."),
    };
    Ok(format!("{by} If that is wrong, undo it first."))
}

async fn other_successor(staff: &Staff, pair: Pair) -> Result<(String, String), Problem> {
    let links = of_record(staff.projections(), pair.record, None, 100).await.map_err(|error| staff.broken(error))?;
    let confirmed = links.into_iter().find(|link| link.state == LinkState::Confirmed);
    let Some(link) = confirmed else {
        let why = "The record is confirmed as the past of another device. If that is wrong, undo it first.";
        return Ok((why.to_owned(), page(pair, Place::Record)));
    };
    let (old, other) =
        (side(staff, pair.record, None).await?, side(staff, RecordId::of_device(link.successor), None).await?);
    let why = format!(
        "{} is confirmed as the past of {}, another device. If that is wrong, undo it first; otherwise reject this link.",
        old.label, other.label
    );
    Ok((why, devices::href(link.successor, None)))
}
