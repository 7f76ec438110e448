//! Posting lists of the index: the positions of the rows that have a value in a column, in the order of a search.

use rusqlite::{CachedStatement, Connection, params};
use std::collections::VecDeque;

/// The positions that a search looks at, and their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub oldest: i64,
    pub newest: i64,
    pub oldest_first: bool,
}

impl Span {
    pub(super) fn first(self) -> i64 {
        if self.oldest_first { self.oldest } else { self.newest }
    }

    /// Returns the position that follows in the order of the search.
    pub(super) fn following(self, position: i64) -> i64 {
        if self.oldest_first { position.saturating_add(1) } else { position.saturating_sub(1) }
    }

    pub(super) fn contains(self, position: i64) -> bool {
        (self.oldest..=self.newest).contains(&position)
    }

    /// Returns whether `one` precedes `other` in the order of the search.
    pub(super) fn precedes(self, one: i64, other: i64) -> bool {
        if self.oldest_first { one < other } else { one > other }
    }

    /// Returns the part of the span from `position` on, as its oldest and newest position.
    pub(super) fn from(self, position: i64) -> (i64, i64) {
        if self.oldest_first {
            (position.max(self.oldest), self.newest)
        } else {
            (self.oldest, position.min(self.newest))
        }
    }
}

/// Number of index entries that a search may still examine.
#[derive(Debug)]
pub(super) struct Budget(pub(super) usize);

impl Budget {
    pub(super) fn spend(&mut self, entries: usize) {
        self.0 = self.0.saturating_sub(entries);
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0 == 0
    }
}

/// A column with an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Kind,
    Code,
    Device,
    Actor,
    Person,
    Account,
    Stream,
    Source,
}

/// The statements that read a posting list.
struct Statements {
    newest_first: &'static str,
    oldest_first: &'static str,
    count: &'static str,
}

macro_rules! statements {
    ($column:literal) => {
        Statements {
            newest_first: statements!("SELECT position", $column, " ORDER BY position DESC LIMIT ?4"),
            oldest_first: statements!("SELECT position", $column, " ORDER BY position LIMIT ?4"),
            count: statements!("SELECT count(*) FROM (SELECT 1", $column, " LIMIT ?4)"),
        }
    };
    ($select:literal, $column:literal, $end:literal) => {
        concat!(
            $select,
            " FROM audit_events INDEXED BY audit_by_",
            $column,
            " WHERE ",
            $column,
            " = ?1 AND position BETWEEN ?2 AND ?3",
            $end
        )
    };
}

impl Column {
    #[cfg(test)]
    pub(super) const ALL: [Column; 8] = [
        Column::Kind,
        Column::Code,
        Column::Device,
        Column::Actor,
        Column::Person,
        Column::Account,
        Column::Stream,
        Column::Source,
    ];

    fn statements(self) -> Statements {
        match self {
            Column::Kind => statements!("kind"),
            Column::Code => statements!("code"),
            Column::Device => statements!("device"),
            Column::Actor => statements!("actor"),
            Column::Person => statements!("person"),
            Column::Account => statements!("account"),
            Column::Stream => statements!("stream"),
            Column::Source => statements!("source"),
        }
    }
}

/// Number of positions that the first read of a list returns at most, and the first one after a jump.
const FEW: usize = 8;

/// Number of positions that a read of a list returns at most.
const MOST: usize = 64;

/// The positions of the rows with one value in one column.
#[derive(Debug)]
pub(super) struct List {
    column: Column,
    value: i64,
    /// The next positions, in the order of the search.
    ahead: VecDeque<i64>,
    /// Whether `ahead` has all that follow.
    is_whole: bool,
    block: usize,
}

impl List {
    pub(super) fn of(column: Column, value: i64) -> List {
        List { column, value, ahead: VecDeque::new(), is_whole: false, block: FEW }
    }

    /// Returns the first position of the list that does not precede `at`; `None` if there is none in the span.
    fn seek(&mut self, rows: &Connection, span: Span, at: i64, budget: &mut Budget) -> rusqlite::Result<Option<i64>> {
        let before = self.ahead.len();
        while self.ahead.front().is_some_and(|next| span.precedes(*next, at)) {
            self.ahead.pop_front();
        }
        if self.ahead.is_empty() && !self.is_whole {
            // Reads more if the search takes one position after the other.
            self.block = if before == 1 { (self.block * 2).min(MOST) } else { FEW };
            self.read(rows, span, at)?;
            budget.spend(1 + self.ahead.len());
        }
        Ok(self.ahead.front().copied())
    }

    fn read(&mut self, rows: &Connection, span: Span, at: i64) -> rusqlite::Result<()> {
        let (oldest, newest) = span.from(at);
        let Statements { newest_first, oldest_first, .. } = self.column.statements();
        let mut select = rows.prepare_cached(if span.oldest_first { oldest_first } else { newest_first })?;
        let found = select.query_map(params![self.value, oldest, newest, self.block], |row| row.get(0))?;
        self.ahead = found.collect::<Result<_, _>>()?;
        self.is_whole = self.ahead.len() < self.block;
        Ok(())
    }

    fn count(&self, rows: &Connection, span: Span, most: i64) -> rusqlite::Result<u64> {
        let mut count: CachedStatement<'_> = rows.prepare_cached(self.column.statements().count)?;
        count.query_row(params![self.value, span.oldest, span.newest, most], |row| row.get(0))
    }
}

/// The positions of several lists together.
#[derive(Debug, Default)]
pub(super) struct Union {
    pub lists: Vec<List>,
    /// Positions that are known without a list.
    pub fixed: Vec<i64>,
}

impl Union {
    pub(super) fn of(column: Column, values: impl IntoIterator<Item = i64>) -> Union {
        Union { lists: values.into_iter().map(|value| List::of(column, value)).collect(), fixed: Vec::new() }
    }

    /// Same as for a list.
    pub(super) fn seek(
        &mut self,
        rows: &Connection,
        span: Span,
        at: i64,
        budget: &mut Budget,
    ) -> rusqlite::Result<Option<i64>> {
        let fixed = self.fixed.iter().copied().filter(|next| span.contains(*next) && !span.precedes(*next, at));
        let mut first = fixed.reduce(|one, other| if span.precedes(one, other) { one } else { other });
        for list in &mut self.lists {
            let next = list.seek(rows, span, at, budget)?;
            if let Some(next) = next.filter(|next| first.is_none_or(|first| span.precedes(*next, first))) {
                first = Some(next);
            }
        }
        Ok(first)
    }

    /// Returns the number of entries in the span, but not more than `most` of each list.
    pub(super) fn count(&self, rows: &Connection, span: Span, most: i64) -> rusqlite::Result<u64> {
        let counts = self.lists.iter().map(|list| list.count(rows, span, most));
        Ok(counts.sum::<Result<u64, _>>()? + self.fixed.len() as u64)
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<&'static str> {
    Column::ALL
        .into_iter()
        .flat_map(|column| {
            let Statements { newest_first, oldest_first, count } = column.statements();
            [newest_first, oldest_first, count]
        })
        .collect()
}
