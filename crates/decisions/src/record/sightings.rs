//! Which imports had a record and which missed it. The latest one that is not undone says whether it is missing.

use events::record::ImportId;
use serde::{Deserialize, Serialize};

/// Number of imports that are remembered.
const MOST: usize = 16;

/// What an import said about the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Sighting {
    /// It gave the values.
    Imported,
    /// It was complete, and did not have the record.
    Missed,
    /// It had the record again, with the same values.
    Returned,
}

/// The imports that changed the record or its mark, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sightings {
    list: Vec<(ImportId, Sighting)>,
    /// There were more. What was before the oldest one is not known.
    is_forgotten: bool,
}

impl Sightings {
    pub(super) fn add(&mut self, import: ImportId, sighting: Sighting) {
        self.list.push((import, sighting));
        if self.list.len() > MOST {
            self.list.remove(0);
            self.is_forgotten = true;
        }
    }

    /// Returns the list without the latest mark of an import; `None` if it has none that can be undone.
    pub(super) fn without_mark(&self, import: ImportId) -> Option<Sightings> {
        let is_mark = |(by, sighting): &(ImportId, Sighting)| *by == import && *sighting != Sighting::Imported;
        let at = self.list.iter().rposition(is_mark).filter(|at| *at > 0 || !self.is_forgotten)?;
        Some(self.without(at))
    }

    /// Returns the list without the latest values of an import.
    pub(super) fn without_values(&self, import: ImportId) -> Sightings {
        match self.list.iter().rposition(|seen| *seen == (import, Sighting::Imported)) {
            Some(at) => self.without(at),
            None => self.clone(),
        }
    }

    /// Returns the import that missed the record; `before`: the one of a time that is not remembered.
    pub(super) fn missing_since(&self, before: Option<ImportId>) -> Option<ImportId> {
        match self.list.last() {
            Some((import, Sighting::Missed)) => Some(*import),
            Some(_) => None,
            None => before,
        }
    }

    fn without(&self, at: usize) -> Sightings {
        let mut left = self.clone();
        left.list.remove(at);
        left
    }
}
