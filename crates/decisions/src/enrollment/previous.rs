//! The earlier records of a person, as a sign-in finds them: our own ones that are still active, and those of other
//! products.

use super::{Enrollment, Said};
use events::enrollment::{EnrollmentEvent, FoundImport, FoundRecord};
use events::record::RecordId;
use serde::{Deserialize, Serialize};

/// Maximum number of earlier records that are listed; the others are only counted.
pub const NEAREST_RECORDS: usize = 5;

/// The earlier records of a person: the most relevant ones and the total number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousRecords {
    pub nearest: Vec<FoundRecord>,
    pub count: u64,
}

impl From<Vec<FoundRecord>> for PreviousRecords {
    /// Keeps the first records of `all`, which is sorted by relevance.
    fn from(mut all: Vec<FoundRecord>) -> PreviousRecords {
        let count = all.len() as u64;
        all.truncate(NEAREST_RECORDS);
        PreviousRecords { nearest: all, count }
    }
}

impl PreviousRecords {
    /// Returns the event that lists the records, if there are any.
    pub(super) fn found(&self) -> Option<EnrollmentEvent> {
        let (records, count) = (self.nearest.clone(), self.count);
        (count > 0).then_some(EnrollmentEvent::PreviousRecordFound { records, count })
    }
}

/// The records of other products that belong to a person: those with the latest contact and the total number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedRecords {
    pub nearest: Vec<FoundImport>,
    pub count: u64,
}

impl ImportedRecords {
    /// Returns the event that lists the records, if there are any.
    pub(super) fn found(&self) -> Option<EnrollmentEvent> {
        let records = self.nearest.iter().take(NEAREST_RECORDS).cloned().collect();
        (self.count > 0).then_some(EnrollmentEvent::ImportedRecordFound { records, count: self.count })
    }
}

impl Enrollment {
    /// Returns the records that the person is shown and asked about.
    pub fn shown_records(&self) -> impl Iterator<Item = RecordId> + '_ {
        let own = self.previous.nearest.iter().map(|found| RecordId::of_device(found.device));
        own.chain(self.imported.nearest.iter().map(|found| found.record))
    }

    // Returns the answers that count: one about each record that was shown.
    pub(super) fn answered(&self, answers: &[Said]) -> Vec<EnrollmentEvent> {
        let of = |record| answers.iter().find(|said| said.record == record);
        let told = self.shown_records().filter_map(of).copied();
        told.map(|Said { record, answer, removed }| EnrollmentEvent::PreviousRecordAnswered { record, answer, removed })
            .collect()
    }
}
