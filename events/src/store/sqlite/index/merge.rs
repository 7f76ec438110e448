//! Merges of runs: some runs become one, so that a search reads few. A merge is done in parts, between which new events
//! are indexed.

use super::block::{First, Item, flaw};
use super::file::Double;
use super::filter::Filter;
use super::runs::{self, Run, RunWriter, next_block};
use rusqlite::{Connection, Transaction};
use std::collections::VecDeque;

/// How many runs of about one size become one.
const RUNS: usize = 4;

/// How many places a part of a merge writes.
const PART: usize = 200_000;

/// Returns the runs that should become one, of all runs in the order of the log: the newest ones. A run counts as one
/// of the size of the largest run after it.
pub(super) fn wanted(runs: &[Run]) -> Option<&[Run]> {
    let (mut largest, mut sizes) = (0, Vec::with_capacity(runs.len()));
    for run in runs.iter().rev() {
        largest = largest.max(run.events.max(1).ilog(RUNS as u64));
        sizes.push(largest);
    }
    // From the newest run on, sizes only grow.
    let full = sizes.chunk_by(|a, b| a == b).scan(0, |count, of_size| {
        *count += of_size.len();
        Some((*count, of_size.len()))
    });
    let (newest, _) = full.into_iter().find(|(_, of_size)| *of_size >= RUNS)?;
    runs.get(runs.len() - newest..)
}

/// A merge that goes on.
pub(super) struct Merge {
    sources: Vec<Source>,
    writer: RunWriter,
}

/// State of a merge after a part of it.
pub(super) enum Progress {
    Unfinished(Merge),
    /// The new run, its filter, and the runs that it replaces.
    Finished(Run, Filter, Vec<i64>),
}

struct Source {
    run: Run,
    after: Option<First>,
    items: VecDeque<Item>,
    /// How many places were read.
    read: u64,
    has_ended: bool,
}

impl Source {
    fn of(run: &Run) -> Source {
        Source { run: *run, after: None, items: VecDeque::new(), read: 0, has_ended: false }
    }

    // A block that is missing would not show in the new run, so it has to show here.
    fn next(&mut self, index: &Connection) -> rusqlite::Result<Option<Item>> {
        if self.items.is_empty() && !self.has_ended {
            match next_block(index, self.run.id, self.after.as_ref())? {
                Some((first, items)) => {
                    self.read += items.len() as u64;
                    (self.after, self.items) = (Some(first), items.into());
                }
                None if self.read != self.run.events => return Err(flaw("a block is missing")),
                None => self.has_ended = true,
            }
        }
        Ok(self.items.front().copied())
    }
}

impl Merge {
    /// Begins a merge of consecutive runs, in the order of the log, into one with a new id.
    pub(super) fn of(runs: &[Run], id: i64) -> Merge {
        let range = [runs.first().map_or(0, |run| run.after), runs.last().map_or(0, |run| run.up_to)];
        let writer = RunWriter::begin(id, range, runs.iter().map(|run| run.streams).sum());
        Merge { sources: runs.iter().map(Source::of).collect(), writer }
    }

    /// Writes the next part. The caller commits. The inner error names two events with one revision.
    pub(super) fn go_on(mut self, transaction: &Transaction<'_>) -> rusqlite::Result<Result<Progress, Double>> {
        let mut insert = runs::insert(transaction)?;
        for _ in 0..PART {
            let Some((nth, item)) = self.least(transaction)? else { return self.finish(transaction).map(Ok) };
            self.sources[nth].items.pop_front();
            match self.writer.last() {
                Some((key, there)) if *key == item.0 && there.revision >= item.1.revision => {
                    // Found in both runs, as after a restart.
                    if *there == item.1 {
                        continue;
                    }
                    let positions = [there.position, item.1.position];
                    return Ok(Err(Double { revision: item.1.revision, positions }));
                }
                _ => self.writer.push(&mut insert, &item)?,
            }
        }
        drop(insert);
        Ok(Ok(Progress::Unfinished(self)))
    }

    // Returns the next place of all sources, and which one has it.
    fn least(&mut self, index: &Connection) -> rusqlite::Result<Option<(usize, Item)>> {
        let mut least: Option<(usize, Item)> = None;
        for (nth, source) in self.sources.iter_mut().enumerate() {
            if let Some(item) = source.next(index)? {
                let order = |item: &Item| (item.0, item.1.revision);
                if least.is_none_or(|(_, other)| order(&item) < order(&other)) {
                    least = Some((nth, item));
                }
            }
        }
        Ok(least)
    }

    fn finish(self, transaction: &Transaction<'_>) -> rusqlite::Result<Progress> {
        let merged: Vec<i64> = self.sources.iter().map(|source| source.run.id).collect();
        let (run, filter) = self.writer.end(transaction, &merged)?;
        Ok(Progress::Finished(run, filter, merged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(events: &[u64]) -> Vec<Run> {
        let run = |(nth, events): (usize, &u64)| Run {
            id: nth as i64,
            after: nth as u64,
            up_to: nth as u64 + 1,
            events: *events,
            streams: 1,
        };
        events.iter().enumerate().map(run).collect()
    }

    #[test]
    fn the_newest_runs_of_about_one_size_become_one() {
        let cases: [(&[u64], usize); 9] = [
            (&[], 0),
            (&[100, 100, 100], 0),
            (&[100, 100, 100, 100], 4),
            (&[9_000, 100, 100, 100, 100], 4),
            (&[9_000, 9_000, 9_000, 9_000, 100, 3], 6),
            (&[9_000, 9_000, 9_000, 100, 100, 100, 3], 0),
            // A small run between large ones counts as one of these.
            (&[9_000, 9_000, 3, 9_000], 4),
            (&[3, 9_000, 9_000], 0),
            (&[0, 0, 0, 0], 4),
        ];
        for (events, wanted_runs) in cases {
            let runs = runs(events);
            let found = wanted(&runs).unwrap_or_default();
            assert_eq!(found.len(), wanted_runs, "{events:?}");
            assert_eq!(found.last(), if wanted_runs == 0 { None } else { runs.last() });
        }
    }

    #[test]
    fn the_number_of_runs_grows_as_the_logarithm_of_the_events() {
        let mut all: Vec<Run> = Vec::new();
        let (mut most, mut merged) = (0, 0);
        for nth in 0..4_096 {
            all.push(Run { id: nth, after: nth as u64, up_to: nth as u64 + 1, events: 1_000, streams: 1 });
            while let Some(some) = wanted(&all) {
                let events: u64 = some.iter().map(|run| run.events).sum();
                let one = Run { events, up_to: nth as u64 + 1, ..some[0] };
                merged += events;
                all.truncate(all.len() - some.len());
                all.push(one);
            }
            most = most.max(all.len());
        }
        assert!(most <= 3 * 7, "{most}");
        assert!(merged <= 6 * 4_096_000, "each event is merged {} times", merged / 4_096_000);
    }
}
