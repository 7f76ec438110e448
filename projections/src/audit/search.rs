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
        keep_shortest(&mut clauses);
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

// Each list costs a read before the first row is found. If all together are too many, the condition with the fewest
// finds the rows alone.
fn keep_shortest(clauses: &mut [Clause]) {
    let lists = |clause: &Clause| clause.union.as_ref().map(|union| union.lists.len());
    if clauses.iter().filter_map(lists).sum::<usize>() <= MOST_LISTS {
        return;
    }
    let with_lists = clauses.iter().enumerate().filter_map(|(nth, clause)| Some((lists(clause)?, nth)));
    let shortest = with_lists.min().map(|(_, nth)| nth);
    for (nth, clause) in clauses.iter_mut().enumerate() {
        if Some(nth) != shortest {
            clause.union = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Projection;
    use crate::audit::Audit;
    use crate::audit::list::{Column, List};
    use std::collections::HashSet;

    /// Rows at positions with gaps: `kind` is the position modulo 7, `device` modulo 5, `actor` modulo 3; each 50th row
    /// has the source 9.
    fn rows(count: i64) -> Connection {
        let rows = Connection::open_in_memory().unwrap();
        rows.execute_batch(Audit.schema()).unwrap();
        rows.execute_batch(Audit.indexes()).unwrap();
        for nth in 1..=count {
            let at = nth * 2 + nth % 2;
            let insert = "INSERT INTO audit_events (position, effective, event, kind, code, device, actor, source)
                VALUES (?1, ?1, ?2, ?1 % 7, 0, ?1 % 5, ?1 % 3, ?3)";
            let (event, source) = (uuid::Uuid::from_u128(nth.cast_unsigned().into()), (nth % 50 == 0).then_some(9));
            rows.execute(insert, rusqlite::params![at, event.as_bytes(), source]).unwrap();
        }
        rows
    }

    fn kinds(kinds: &[i64]) -> Clause {
        Clause::new(Union::of(Column::Kind, kinds.iter().copied()), Test::Kinds(kinds.iter().copied().collect()))
    }

    fn device(device: i64) -> Clause {
        Clause::new(Union::of(Column::Device, [device]), Test::Device(device))
    }

    fn actor(actor: i64) -> Clause {
        let lists = vec![List::of(Column::Actor, actor), List::of(Column::Device, actor)];
        Clause::new(Union { lists, fixed: Vec::new() }, Test::Actor(actor))
    }

    fn unlisted(mut clause: Clause) -> Clause {
        clause.union = None;
        clause
    }

    type Clauses = fn() -> Vec<Clause>;
    type Expected = fn(i64) -> bool;

    fn filters() -> Vec<(Clauses, Expected)> {
        vec![
            (|| vec![], |_| true),
            (|| vec![kinds(&[3])], |at| at % 7 == 3),
            (|| vec![kinds(&[0, 2, 3])], |at| [0, 2, 3].contains(&(at % 7))),
            (|| vec![kinds(&[])], |_| false),
            (|| vec![device(1), kinds(&[1, 4])], |at| at % 5 == 1 && [1, 4].contains(&(at % 7))),
            (|| vec![actor(2), device(4), kinds(&[6])], |at| at % 3 == 2 && at % 5 == 4 && at % 7 == 6),
            (|| vec![unlisted(device(3))], |at| at % 5 == 3),
            (|| vec![unlisted(device(3)), kinds(&[5])], |at| at % 5 == 3 && at % 7 == 5),
            (|| vec![device(77)], |_| false),
        ]
    }

    /// Returns all positions that a search finds with this budget, and how often the budget was spent.
    fn found(rows: &Connection, span: Span, clauses: fn() -> Vec<Clause>, budget: usize) -> (Vec<i64>, usize) {
        let (mut found, mut at, mut spent) = (Vec::new(), span.first(), 0);
        'pages: loop {
            let mut search = Search::new(rows, span, clauses(), budget).unwrap();
            loop {
                match search.next(at).unwrap() {
                    Step::Found(record) => {
                        at = span.following(record.position);
                        found.push(record.position);
                    }
                    Step::End => return (found, spent),
                    Step::Spent(reached) => {
                        assert!(!span.precedes(reached, at), "a search never goes back");
                        (at, spent) = (reached, spent + 1);
                        assert!(spent < 100_000, "the search does not end");
                        continue 'pages;
                    }
                }
            }
        }
    }

    #[test]
    fn a_search_finds_the_rows_that_meet_all_conditions_in_both_orders_whatever_its_budget() {
        let count = 3_000;
        let rows = rows(count);
        for oldest_first in [false, true] {
            let span = Span { oldest: 100, newest: 5_501, oldest_first };
            for (nth, (clauses, expected)) in filters().into_iter().enumerate() {
                let positions = (1..=count).map(|nth| nth * 2 + nth % 2);
                let mut wanted: Vec<i64> = positions.filter(|at| span.contains(*at) && expected(*at)).collect();
                if !oldest_first {
                    wanted.reverse();
                }
                for budget in [1, 7, 100, 1_000_000] {
                    let (found, spent) = found(&rows, span, clauses, budget);
                    assert_eq!(found, wanted, "filter {nth} with a budget of {budget}");
                    assert!(budget < 1_000_000 || spent == 0, "filter {nth}");
                }
            }
        }
    }

    #[test]
    fn a_search_that_finds_nothing_ends_when_its_budget_is_spent() {
        let rows = rows(3_000);
        let span = Span { oldest: 1, newest: 10_000, oldest_first: false };
        // No list is short, and no row is in both.
        let clauses = vec![kinds(&[1]), unlisted(Clause::new(Union::default(), Test::Device(77)))];
        let mut search = Search::new(&rows, span, clauses, 500).unwrap();
        let Step::Spent(reached) = search.next(span.first()).unwrap() else { panic!("it examined all") };
        assert!((2_000..6_001).contains(&reached), "{reached}");
    }

    #[test]
    fn if_all_lists_together_are_too_many_the_condition_with_the_fewest_finds_the_rows() {
        let [many, more] = [MOST_LISTS - 2, MOST_LISTS].map(|count| {
            let values = 0..i64::try_from(count).unwrap();
            Clause::new(Union::of(Column::Kind, values.clone()), Test::Kinds(values.collect()))
        });
        let has_lists = |clauses: &[Clause]| clauses.iter().map(|clause| clause.union.is_some()).collect::<Vec<_>>();
        let mut clauses = vec![more, many, unlisted(device(1))];
        keep_shortest(&mut clauses);
        assert_eq!(has_lists(&clauses), [false, true, false]);
        clauses.push(device(1));
        keep_shortest(&mut clauses);
        assert_eq!(has_lists(&clauses), [false, true, false, true]);
    }

    #[test]
    fn a_condition_with_few_rows_finds_them_alone() {
        let rows = rows(3_000);
        let span = Span { oldest: 1, newest: 10_000, oldest_first: false };
        let mut clauses = vec![
            kinds(&[0, 1, 2, 3, 4, 5, 6]),
            Clause::new(Union::of(Column::Source, [9]), Test::Kinds(HashSet::from([0, 1, 2, 3, 4, 5, 6]))),
        ];
        keep_narrowest(&rows, span, &mut clauses).unwrap();
        assert_eq!(clauses.iter().map(|clause| clause.union.is_some()).collect::<Vec<_>>(), [false, true]);
    }
}
