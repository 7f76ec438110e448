//! Searches the index: intersects posting lists, and examines the rows that remain.

use super::found::{Owners, Record};
use super::list::{Budget, Span, Union};
use super::test::Test;
use rusqlite::Connection;

/// Number of lists above which a condition only examines the rows that others find.
pub(super) const MOST_LISTS: usize = 1_000;

/// Number of lists up to which their entries are counted before the search.
const FEW_LISTS: usize = 16;

/// Number of entries up to which a condition finds the rows alone.
const NARROW: i64 = 1_000;

/// Number of rows that are read at once if no list finds them.
const SCANNED: usize = 256;

/// A condition, and the lists that contain every row that meets it (and possibly others).
#[derive(Debug)]
pub(super) struct Clause {
    /// `None`: there are too many lists.
    pub union: Option<Union>,
    pub test: Test,
}

impl Clause {
    pub(super) fn new(union: Union, test: Test) -> Clause {
        Clause { union: Some(union).filter(|union| union.lists.len() <= MOST_LISTS), test }
    }
}

/// What a step of a search finds.
#[derive(Debug)]
pub(super) enum Step {
    Found(Record),
    /// There is none.
    End,
    /// The budget is spent. All rows before this position, in the order of the search, were examined.
    Spent(i64),
}

/// A search for the rows that meet all conditions.
pub(super) struct Search<'c> {
    rows: &'c Connection,
    pub(super) span: Span,
    clauses: Vec<Clause>,
    owners: Owners<'c>,
    scanned: std::vec::IntoIter<Record>,
    budget: Budget,
}

impl<'c> Search<'c> {
    /// `budget`: the number of index entries that are examined at most.
    pub(super) fn new(
        rows: &'c Connection,
        span: Span,
        mut clauses: Vec<Clause>,
        budget: usize,
    ) -> rusqlite::Result<Search<'c>> {
        keep_narrowest(rows, span, &mut clauses)?;
        let (owners, scanned, budget) = (Owners::new(rows), Vec::new().into_iter(), Budget(budget));
        Ok(Search { rows, span, clauses, owners, scanned, budget })
    }

    /// Returns the first row from `at` on.
    pub(super) fn next(&mut self, mut at: i64) -> rusqlite::Result<Step> {
        while self.span.contains(at) {
            if self.budget.is_spent() {
                return Ok(Step::Spent(at));
            }
            let record = match self.candidate(at)? {
                None => break,
                Some(Candidate::Row(record)) => record,
                Some(Candidate::NotBefore(later)) => {
                    at = later;
                    continue;
                }
            };
            self.budget.spend(1);
            if self.meets(&record)? {
                return Ok(Step::Found(record));
            }
            at = self.span.following(record.position);
        }
        Ok(Step::End)
    }

    // Each list moves to the position of the others, until all agree.
    fn candidate(&mut self, at: i64) -> rusqlite::Result<Option<Candidate>> {
        let mut position = at;
        let mut has_lists = false;
        for union in self.clauses.iter_mut().filter_map(|clause| clause.union.as_mut()) {
            has_lists = true;
            match union.seek(self.rows, self.span, position, &mut self.budget)? {
                Some(next) => position = next,
                None => return Ok(None),
            }
        }
        if !has_lists {
            return Ok(self.scan(at)?.map(Candidate::Row));
        }
        if !self.agree(position)? {
            return Ok(Some(Candidate::NotBefore(position)));
        }
        Ok(Some(match Record::at(self.rows, position)? {
            Some(record) => Candidate::Row(record),
            None => Candidate::NotBefore(self.span.following(position)),
        }))
    }

    fn agree(&mut self, position: i64) -> rusqlite::Result<bool> {
        for union in self.clauses.iter_mut().filter_map(|clause| clause.union.as_mut()) {
            if union.seek(self.rows, self.span, position, &mut self.budget)? != Some(position) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn scan(&mut self, at: i64) -> rusqlite::Result<Option<Record>> {
        if let Some(record) = self.scanned.by_ref().find(|record| !self.span.precedes(record.position, at)) {
            return Ok(Some(record));
        }
        self.scanned = Record::scan(self.rows, self.span, at, SCANNED)?.into_iter();
        Ok(self.scanned.next())
    }

    fn meets(&mut self, record: &Record) -> rusqlite::Result<bool> {
        for clause in &self.clauses {
            if !clause.test.holds(self.rows, record, &mut self.owners)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A row that all lists contain, or the first position at which there may be one.
enum Candidate {
    Row(Record),
    NotBefore(i64),
}

// A condition with few entries finds the rows, and the others examine them. If none has few, all lists are intersected.
fn keep_narrowest(rows: &Connection, span: Span, clauses: &mut [Clause]) -> rusqlite::Result<()> {
    let mut narrowest: Option<(u64, usize)> = None;
    for (nth, clause) in clauses.iter().enumerate() {
        let Some(union) = clause.union.as_ref().filter(|union| union.lists.len() <= FEW_LISTS) else { continue };
        let count = union.count(rows, span, NARROW)?;
        narrowest = Some(narrowest.map_or((count, nth), |least| least.min((count, nth))));
    }
    let Some((_, narrowest)) = narrowest.filter(|(count, _)| *count < NARROW.cast_unsigned()) else { return Ok(()) };
    for (nth, clause) in clauses.iter_mut().enumerate() {
        if nth != narrowest {
            clause.union = None;
        }
    }
    Ok(())
}
