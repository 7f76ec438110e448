//! Events of deliveries, opened as far as they can be read.

use crate::{ProjectionError, corrupt};
use events::log::{Delivery, Log, Opened};
use events::person::PersonEvent;
use events::record::RecordEvent;
use events::{Entry, Event, KeyName};
use std::collections::BTreeSet;

/// The first events of a delivery, as many as can be read.
pub(crate) struct Part {
    opened: Opened,
    readable: usize,
}

impl Part {
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.opened.viewed().take(self.readable).flatten()
    }
}

/// Events before the first one that cannot be parsed.
pub(crate) struct Readable {
    pub(crate) parts: Vec<Part>,
    /// Keys of fields that read as damaged.
    pub(crate) damaged: BTreeSet<KeyName>,
    /// What is wrong with the event that follows.
    pub(crate) error: Option<ProjectionError>,
}

pub(crate) async fn open(log: &Log, deliveries: &[Delivery], is_awaited: bool) -> Result<Readable, ProjectionError> {
    let mut readable = Readable { parts: Vec::new(), damaged: BTreeSet::new(), error: None };
    for delivery in deliveries {
        let opened = if is_awaited { delivery.open_awaited(log).await } else { delivery.open(log).await };
        let opened = opened.map_err(|error| corrupt(&error))?;
        readable.damaged.extend(opened.damaged());
        let first_error = opened.viewed().enumerate().find_map(|(nth, event)| Some((nth, corrupt(event.err()?))));
        let (first, error) = first_error.map_or((delivery.recorded().len(), None), |(nth, error)| (nth, Some(error)));
        readable.parts.push(Part { opened, readable: first });
        if error.is_some() {
            return Ok(Readable { error, ..readable });
        }
    }
    Ok(readable)
}

/// Returns whether an event destroys keys: the text that they sealed is then also erased from pages of the files that
/// are not used any more.
pub(crate) fn erases(entries: &[&Entry]) -> bool {
    entries.iter().any(|entry| {
        matches!(entry.event, Event::Person(PersonEvent::PersonErased {}))
            || matches!(entry.event, Event::Record(RecordEvent::PreviousRecordShredded {}))
    })
}
