//! Exports of the other product: which rows are new, changed or missing in each import.

use crate::act::Act;
use crate::dice::Dice;
use crate::scenes::house::{Rows, import_id};
use crate::scenes::records::Row;
use crate::who::Who;
use events::record::{RecordField, RecordId};
use population::{AccountId, ExportRow};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The imports of a team.
pub(crate) struct Imports {
    seed: u64,
    /// Numbers of the rows by import.
    pub(crate) rows: Vec<Rows>,
    records: BTreeMap<population::RecordId, Known>,
}

/// What the last import said about a record.
struct Known {
    record: RecordId,
    row: ExportRow,
    first: usize,
    is_missing: bool,
}

impl Imports {
    pub(crate) fn new(seed: u64, imports: usize) -> Imports {
        Imports { seed, rows: vec![Rows::default(); imports], records: BTreeMap::new() }
    }

    /// Returns a record that was imported.
    pub(crate) fn known(&self, record: population::RecordId) -> Option<RecordId> {
        self.records.get(&record).map(|known| known.record)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = RecordId> {
        self.records.values().map(|known| known.record)
    }

    /// Returns the records whose owner has this name, and which no complete import lacked.
    pub(crate) fn records_of(&self, user_name: &str) -> Vec<RecordId> {
        let named = |known: &&Known| known.row.user_name.as_deref() == Some(user_name) && !known.is_missing;
        self.records.values().filter(named).map(|known| known.record).collect()
    }

    /// Returns the records of a wave, and those of them that have no owner. The second wave has the later records.
    pub(crate) fn for_wave(&self, wave: u64) -> (Vec<RecordId>, Vec<RecordId>) {
        let of_wave = |known: &&Known| (known.first > 1) == (wave == 1);
        let records = self.records.values().filter(of_wave);
        let skipped = records.clone().filter(|known| known.row.user_name.is_none() && known.row.mail.is_none());
        (records.map(|known| known.record).collect(), skipped.map(|known| known.record).take(3).collect())
    }

    /// Reads the rows of an import.
    pub(crate) fn read(
        &mut self,
        (nth, time, is_complete): (usize, i64, bool),
        rows: Vec<ExportRow>,
        team: u32,
        people: &HashMap<AccountId, Arc<Who>>,
    ) -> Vec<(i64, Act)> {
        let import = import_id(self.seed, nth);
        // An import of a million rows takes an hour; the teams come one after the other.
        let time = time + 5 + i64::from(team % 3_000);
        let owners: HashMap<&str, &Arc<Who>> = people.values().map(|who| (&*who.names.user_name, who)).collect();
        let (mut acts, mut seen) = (Vec::new(), Vec::new());
        for row in rows {
            // An export lost some rows: its smart group was too small. The next one has them again.
            if nth == 2 && Dice::of(&[self.seed, 81, u64::from(row.record.0)]).chance(25) {
                continue;
            }
            seen.push(row.record);
            let owner = row.user_name.as_deref().and_then(|name| owners.get(name)).map(|who| Arc::clone(who));
            let act = self.read_row((nth, import), row, owner);
            acts.extend(act.map(|act| (time, act)));
        }
        for (number, known) in self.records.iter_mut().filter(|_| is_complete) {
            if !known.is_missing && seen.binary_search(number).is_err() {
                known.is_missing = true;
                self.rows[nth].counts.missing += 1;
                acts.push((time + 1, Act::Miss(known.record, import)));
            }
        }
        acts
    }

    fn read_row(
        &mut self,
        (nth, import): (usize, events::record::ImportId),
        row: ExportRow,
        owner: Option<Arc<Who>>,
    ) -> Option<Act> {
        let Rows { counts, owners } = &mut self.rows[nth];
        match &owner {
            Some(_) => owners.account += 1,
            None => owners.none += 1,
        }
        let known = self.records.get_mut(&row.record);
        let record = known.as_ref().map_or_else(|| record_id(self.seed, row.record), |known| known.record);
        let of_import =
            |row: &ExportRow| Box::new(Row { record, import, row: row.clone(), owner, is_owner_known: false });
        let Some(known) = known else {
            counts.new += 1;
            let act = Act::Import(of_import(&row));
            self.records.insert(row.record, Known { record, row, first: nth, is_missing: false });
            return Some(act);
        };
        let was_missing = std::mem::replace(&mut known.is_missing, false);
        // A record that returns has the values of before: nobody worked with it meanwhile.
        let changed = if was_missing { Vec::new() } else { changed(&known.row, &row) };
        if changed.is_empty() {
            counts.unchanged += 1;
            return was_missing.then_some(Act::FindAgain(record, import));
        }
        counts.changed += 1;
        let act = Act::Change(of_import(&row), changed);
        known.row = row;
        Some(act)
    }
}

fn record_id(seed: u64, record: population::RecordId) -> RecordId {
    RecordId(Dice::of(&[seed, 80, u64::from(record.0)]).uuid_derived())
}

// An import without a value says nothing about it.
fn changed(before: &ExportRow, after: &ExportRow) -> Vec<RecordField> {
    let mut changed = Vec::new();
    let mut note = |is_new: bool, field| changed.extend(is_new.then_some(field));
    note(before.os != after.os && after.os.is_some(), RecordField::OsVersion);
    note(before.device_name != after.device_name, RecordField::DeviceName);
    note(before.user_name != after.user_name, RecordField::UserName);
    note(before.mail != after.mail, RecordField::Mail);
    note(before.full_name != after.full_name, RecordField::FullName);
    note(before.last_contact != after.last_contact && after.last_contact.is_some(), RecordField::LastContact);
    changed
}
