//! A previous record at a time, read from the log, so that erased data is gone from it at once.

use crate::admin::problem::Problem;
use crate::admin::session::Staff;
use decisions::Aggregate as _;
use decisions::record::Record;
use events::record::RecordId;
use events::{Entry, Event, Timestamp};

/// Maximum number of events read of a record. Each import that changes the record adds one.
const MOST_EVENTS: usize = 1_000;

/// The record at a time, and what led to it.
pub(crate) struct Folded {
    pub id: RecordId,
    pub record: Record,
    pub entries: Vec<Entry>,
}

/// Returns the record, without events if there was none at `as_of`.
///
/// # Errors
/// Returns an error if the event log cannot be read.
pub(crate) async fn folded(staff: &Staff, id: RecordId, as_of: Option<Timestamp>) -> Result<Folded, Problem> {
    let entries = staff.events_of(&id.stream(), MOST_EVENTS).await?;
    // A clock that was set back makes no event appear earlier than the one before.
    let up_to = entries.iter().take_while(|entry| as_of.is_none_or(|as_of| entry.at <= as_of)).count();
    let entries: Vec<Entry> = entries.into_iter().take(up_to).collect();
    let events =
        entries.iter().filter_map(|entry| if let Event::Record(event) = &entry.event { Some(event) } else { None });
    let record = events.fold(Record::default(), Record::evolve);
    Ok(Folded { id, record, entries })
}
