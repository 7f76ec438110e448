//! Prepares drafts for the store: serializes payloads, and seals personal fields.

use super::Draft;
use super::open::damaged_by;
use crate::envelope::NewEvent;
use crate::personal::keys::{KeyError, KeyStore};
use crate::personal::{KeyName, mark_damaged, personal_keys, seal};
use crate::upcast;
use serde_json::{Value, json};

/// The keys that events are sealed with.
pub(super) struct Names {
    fields: Vec<KeyName>,
    /// Keys of source addresses.
    sources: Vec<KeyName>,
}

impl Names {
    pub(super) fn of(events: &[NewEvent]) -> Names {
        let (mut fields, mut sources) = (Vec::new(), Vec::new());
        for event in events {
            personal_keys(&event.data, &mut fields);
            personal_keys(&event.source, &mut sources);
        }
        Names { fields, sources }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &KeyName> {
        self.fields.iter().chain(&self.sources)
    }
}

/// Seals the personal fields of events. Also returns the errors of damaged keys of source addresses.
pub(super) fn seal_all(
    keys: &dyn KeyStore,
    mut events: Vec<NewEvent>,
    names: &Names,
) -> Result<(Vec<NewEvent>, Vec<KeyError>), KeyError> {
    let damaged = match ensure(keys, names.all().cloned().collect()) {
        Err(error) if damaged_by(&error).is_some() => {
            ensure(keys, names.fields.clone())?;
            leave_out_sources(keys, &mut events)?
        }
        ensured => ensured.map(|()| Vec::new())?,
    };
    for event in &mut events {
        seal(keys, event.id, "/data", &mut event.data)?;
        // The source may be the marker of a damaged key by now.
        if event.source.get("$personal").is_some() {
            seal(keys, event.id, "/source", &mut event.source)?;
        }
    }
    Ok((events, damaged))
}

fn ensure(keys: &dyn KeyStore, mut names: Vec<KeyName>) -> Result<(), KeyError> {
    names.sort();
    names.dedup();
    keys.ensure(&names)
}

fn leave_out_sources(keys: &dyn KeyStore, events: &mut [NewEvent]) -> Result<Vec<KeyError>, KeyError> {
    let mut damaged = Vec::new();
    for event in events {
        let mut names = Vec::new();
        personal_keys(&event.source, &mut names);
        match ensure(keys, names) {
            Err(error) if damaged_by(&error).is_some() => {
                mark_damaged(&mut event.source);
                damaged.push(error);
            }
            ensured => ensured?,
        }
    }
    Ok(damaged)
}

impl From<Draft> for NewEvent {
    /// Serializes the payload; personal fields are not sealed yet.
    fn from(draft: Draft) -> NewEvent {
        let (event_type, data) = draft.event.to_parts();
        NewEvent {
            id: draft.id,
            version: upcast::current_version(&event_type),
            event_type,
            at: draft.at,
            actor: draft.actor,
            source: draft.source.map_or(Value::Null, |source| json!(source)),
            correlation: draft.correlation,
            causation: draft.causation,
            data,
        }
    }
}
