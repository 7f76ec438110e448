//! What is in the file of the index: its runs, the merges of them, and their filters.

use super::Place;
use super::block::Item;
use super::file::{self, Double, Origin};
use super::filter::{Filters, Known};
use super::merge::{Merge, Progress, wanted};
use super::runs::{self, Reading, Run, RunWriter};
use super::search;
use super::tail::Heads;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::sync::Arc;

/// How many blocks are read at once to make a filter: about 100,000 places.
const BLOCKS: usize = 1_000;

/// How many blocks are removed in one transaction: about 20 MB. New events wait for it.
const REMOVED: usize = 10_000;

/// The file of the index, which only its thread writes.
pub(super) struct Contents {
    file: Connection,
    /// In the order of the log.
    runs: Vec<Run>,
    merge: Option<Merge>,
    /// Runs whose filters have to be made.
    unread: Vec<Run>,
    reading: Option<Reading>,
    /// Whether there may be blocks of runs that were merged, or of a merge that did not end.
    has_left: bool,
    filters: Arc<Filters>,
    /// The id of the next run. No id is used twice, so that each filter belongs to one run.
    next: i64,
}

impl Contents {
    /// Uses an open file. The filters of its runs are made by [`Contents::work`].
    pub(super) fn of(file: Connection) -> rusqlite::Result<Contents> {
        let (runs, next) = (runs::all(&file)?, runs::free_id(&file)?);
        Ok(Contents {
            file,
            unread: runs.clone(),
            runs,
            merge: None,
            reading: None,
            has_left: true,
            filters: Arc::default(),
            next,
        })
    }

    /// Returns the filters, which change with the runs.
    pub(super) fn filters(&self) -> Arc<Filters> {
        Arc::clone(&self.filters)
    }

    /// Notes that the file has all events that are not in the tail. From then on a stream is absent if each run has a
    /// filter and none has the stream.
    pub(super) fn note_ready(&self) {
        let filters = self.filters.now();
        if self.runs.iter().all(|run| filters.has(run.id)) {
            self.filters.completed();
        }
    }

    /// Adds a run: places in order of stream and revision, of the events after `after` up to the origin's position.
    /// With `heads` it finds a place that is taken already; without them a merge finds it.
    pub(super) fn add(
        &mut self,
        items: &[Item],
        after: u64,
        origin: &Origin,
        heads: Option<&Heads>,
    ) -> rusqlite::Result<Result<(), Double>> {
        let transaction = self.file.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.next += 1;
        let streams = || items.chunk_by(|a, b| a.0 == b.0);
        let mut passed = Vec::new();
        if let Some(heads) = heads {
            let filters = self.filters.now();
            for of_stream in streams() {
                match known_places(&transaction, &filters, heads, of_stream)? {
                    Ok(places) => passed.extend(places),
                    Err(double) => return Ok(Err(double)),
                }
            }
        }
        let mut writer = RunWriter::begin(self.next - 1, [after, origin.position], streams().count() as u64);
        let mut insert = runs::insert(&transaction)?;
        for item in items.iter().filter(|item| passed.is_empty() || !passed.contains(*item)) {
            match writer.last() {
                Some(last) if last == item => {}
                Some((key, there)) if *key == item.0 && there.revision == item.1.revision => {
                    let positions = [there.position, item.1.position];
                    return Ok(Err(Double { revision: there.revision, positions }));
                }
                _ => writer.push(&mut insert, item)?,
            }
        }
        drop(insert);
        let (run, filter) = writer.end(&transaction, &[])?;
        file::set_origin(&transaction, origin)?;
        transaction.commit()?;
        self.runs.push(run);
        self.filters.add(run.id, filter);
        Ok(Ok(()))
    }

    /// Returns whether there is work that is not a new run.
    pub(super) fn has_work(&self) -> bool {
        self.lacks_filters() || self.merge.is_some() || self.has_left || wanted(&self.runs).is_some()
    }

    /// Returns whether filters have to be made.
    pub(super) fn lacks_filters(&self) -> bool {
        self.reading.is_some() || !self.unread.is_empty()
    }

    /// Does a part of the work: makes filters, removes blocks, or merges runs. The inner error names two events with
    /// one revision.
    pub(super) fn work(&mut self) -> rusqlite::Result<Result<(), Double>> {
        if self.lacks_filters() {
            return self.read().map(Ok);
        }
        // The blocks of a merge that goes on look the same.
        if self.has_left && self.merge.is_none() {
            return self.remove_left().map(Ok);
        }
        match self.merge.is_some() {
            true => self.merge(None),
            false => self.merge(wanted(&self.runs).map(|runs| Merge::of(runs, self.next))),
        }
    }

    /// Returns whether there is more than one run.
    pub(super) fn is_divided(&self) -> bool {
        self.runs.len() > 1
    }

    /// Begins to make one run of all.
    pub(super) fn unite(&mut self) -> rusqlite::Result<Result<(), Double>> {
        self.merge(Some(Merge::of(&self.runs, self.next)))
    }

    fn read(&mut self) -> rusqlite::Result<()> {
        let Some(mut reading) = self.reading.take().or_else(|| self.unread.pop().map(Reading::of)) else {
            return Ok(());
        };
        match reading.go_on(&self.file, BLOCKS) {
            Ok(true) => self.filters.add(reading.run().id, reading.filter()),
            Ok(false) => self.reading = Some(reading),
            Err(error) => {
                // Begins again.
                self.unread.push(*reading.run());
                return Err(error);
            }
        }
        Ok(())
    }

    fn remove_left(&mut self) -> rusqlite::Result<()> {
        let Some(run) = runs::without_row(&self.file)? else {
            self.has_left = false;
            return Ok(());
        };
        let transaction = self.file.transaction_with_behavior(TransactionBehavior::Immediate)?;
        runs::remove_blocks(&transaction, run, REMOVED)?;
        transaction.commit()
    }

    // Begins this merge, or goes on with the one that was begun. After an error it begins again.
    fn merge(&mut self, new: Option<Merge>) -> rusqlite::Result<Result<(), Double>> {
        let transaction = self.file.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let merge = match (self.merge.take(), new) {
            (_, Some(new)) => {
                self.next += 1;
                new
            }
            (Some(begun), None) => begun,
            (None, None) => return Ok(Ok(())),
        };
        self.has_left = true;
        let progress = match merge.go_on(&transaction)? {
            Ok(progress) => progress,
            Err(double) => return Ok(Err(double)),
        };
        transaction.commit()?;
        match progress {
            Progress::Unfinished(merge) => self.merge = Some(merge),
            Progress::Finished(run, filter, merged) => {
                let first = self.runs.iter().position(|run| merged.contains(&run.id)).unwrap_or_default();
                self.runs.retain(|run| !merged.contains(&run.id));
                self.runs.insert(first, run);
                self.filters.replace(&merged, run.id, filter);
            }
        }
        Ok(Ok(()))
    }

    /// Shortens the write-ahead log of the file, which the next start would read.
    pub(super) fn close(self) {
        let _ = self.file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

// Returns those places of a stream that the index has already. An error if it has others for their revisions. Usually
// the head of the stream is in memory and says that all are new.
fn known_places(
    index: &Transaction<'_>,
    filters: &Known,
    heads: &Heads,
    of_stream: &[Item],
) -> rusqlite::Result<Result<Vec<Item>, Double>> {
    let Some((key, first)) = of_stream.first() else { return Ok(Ok(Vec::new())) };
    let head = heads.get(key).map(|head| head.revision.0);
    if filters.is_absent(key) || head.is_some_and(|head| Some(head) == first.revision.checked_sub(1)) {
        return Ok(Ok(Vec::new()));
    }
    let Some(last) = search::last(index, filters, key)? else { return Ok(Ok(Vec::new())) };
    let mut passed = Vec::new();
    for item @ (_, place) in of_stream.iter().filter(|(_, place)| place.revision <= last.revision) {
        let there: Option<Place> = search::places(index, filters, key, place.revision, 1)?.first().copied();
        let there = there.filter(|there| there.revision == place.revision);
        if let Some(there) = there.filter(|there| there != place) {
            return Ok(Err(Double { revision: place.revision, positions: [there.position, place.position] }));
        }
        // One that lies in a gap of the stream is passed as well: readers of the stream find the gap.
        passed.push(*item);
    }
    Ok(Ok(passed))
}

#[cfg(test)]
mod tests {
    use super::super::search::IndexReader;
    use super::*;
    use crate::envelope::{EventId, Revision};
    use crate::store::StreamHead;
    use crate::store::sqlite::index::Key;
    use std::collections::BTreeMap;
    use uuid::Uuid;

    struct Log {
        directory: tempfile::TempDir,
        contents: Contents,
        heads: Heads,
        streams: BTreeMap<Key, Vec<Place>>,
        end: u64,
    }

    impl Log {
        fn new() -> Log {
            let directory = tempfile::tempdir().unwrap();
            let contents = opened(&directory);
            Log { directory, contents, heads: Heads::new(), streams: BTreeMap::new(), end: 0 }
        }

        /// Adds a batch with the next event of each of these streams.
        fn add(&mut self, streams: impl IntoIterator<Item = u8>) {
            let (after, mut items) = (self.end, Vec::new());
            for stream in streams {
                let places = self.streams.entry(key(stream)).or_default();
                self.end += 1;
                places.push(Place { revision: places.len() as u64, position: self.end });
                items.push((key(stream), places[places.len() - 1]));
            }
            items.sort_unstable_by_key(|(key, place)| (*key, place.revision));
            self.contents.add(&items, after, &origin(self.end), Some(&self.heads)).unwrap().unwrap();
        }

        fn finish(&mut self) {
            while self.contents.has_work() {
                self.contents.work().unwrap().unwrap();
            }
            self.contents.note_ready();
        }

        fn assert_whole(&self) {
            let path = self.directory.path().join(file::FILE);
            let with = IndexReader::with(&path, Arc::clone(&self.contents.filters)).unwrap().unwrap();
            let without = IndexReader::open(&path).unwrap().unwrap();
            for reader in [with, without] {
                for (key, places) in &self.streams {
                    assert_eq!(reader.last(key).unwrap(), places.last().copied());
                    for (from, limit) in [(0, 1_000), (0, 3), (2, 2), (places.len() / 2, 7), (places.len(), 1)] {
                        let wanted: Vec<_> = places.iter().skip(from).take(limit).copied().collect();
                        assert_eq!(reader.places(key, from as u64, limit).unwrap(), wanted, "{from} {limit}");
                    }
                }
                assert_eq!(reader.last(&key(255)).unwrap(), None);
                assert_eq!(reader.places(&key(255), 0, 9).unwrap(), []);
            }
        }
    }

    fn opened(directory: &tempfile::TempDir) -> Contents {
        let file = file::open(&directory.path().join(file::FILE)).unwrap().unwrap();
        Contents::of(file).unwrap()
    }

    fn key(stream: u8) -> Key {
        *openssl::sha::sha256(&[stream]).first_chunk().unwrap()
    }

    fn origin(position: u64) -> Origin {
        Origin { log: None, position, leaf: None }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
        #[test]
        fn every_place_is_found_after_any_batches_merges_and_restarts(
            batches in proptest::collection::vec(
                (proptest::collection::vec(0_u8..20, 1..60), 0_u8..8),
                1..30,
            ),
        ) {
            let mut log = Log::new();
            for (streams, then) in batches {
                log.add(streams);
                match then {
                    0 => log.finish(),
                    1 => drop(log.contents.work().unwrap()),
                    2 => log.contents = opened(&log.directory),
                    3 => log.assert_whole(),
                    _ => {}
                }
            }
            log.assert_whole();
            log.finish();
            log.assert_whole();
            proptest::prop_assert!(log.contents.runs.len() < 16);
            log.contents.unite().unwrap().unwrap();
            log.assert_whole();
            proptest::prop_assert_eq!(log.contents.runs.len(), 1);
        }
    }

    #[test]
    fn a_merge_in_parts_is_seen_when_it_ends_and_begins_again_after_a_restart() {
        let mut log = Log::new();
        // Larger than a part of a merge.
        for _ in 0..4 {
            log.add((0..60_000_u32).map(|nth| (nth % 251) as u8));
        }
        (0..2).for_each(|_| log.contents.work().unwrap().unwrap());
        assert_eq!((log.contents.runs.len(), log.contents.merge.is_some()), (4, true));
        log.assert_whole();
        log.contents = opened(&log.directory);
        while log.contents.merge.is_none() {
            log.contents.work().unwrap().unwrap();
        }
        log.add([1, 2, 3]);
        log.finish();
        assert_eq!(log.contents.runs.len(), 2);
        assert_eq!(log.contents.runs, runs::all(&log.contents.file).unwrap(), "in the order of the log");
        log.assert_whole();
        let runs: u64 =
            log.contents.file.query_row("SELECT count(DISTINCT run) FROM blocks", [], |row| row.get(0)).unwrap();
        assert_eq!(runs, 2, "nothing is left of the merge that did not end");
    }

    #[test]
    fn a_run_whose_filter_could_not_be_made_is_read_again_before_a_stream_is_absent() {
        let mut log = Log::new();
        for stream in 1..=3 {
            log.add([stream]);
        }
        for made_before in 0..3 {
            log.contents = opened(&log.directory);
            (0..made_before).for_each(|_| drop(log.contents.work().unwrap()));
            log.contents.file.progress_handler(1, Some(|| true)).unwrap();
            assert!(log.contents.work().is_err_and(|error| !file::is_flaw(&error)), "SQLite was interrupted");
            log.contents.file.progress_handler(0, None::<fn() -> bool>).unwrap();
            for _ in 0..4 {
                log.contents.note_ready();
                let filters = log.contents.filters.now();
                assert!((1..=3).all(|stream| !filters.is_absent(&key(stream))), "{made_before}");
                log.contents.work().unwrap().unwrap();
            }
            log.finish();
            assert!(log.contents.filters.now().is_absent(&key(255)));
        }
    }

    #[test]
    fn a_merge_does_not_hide_that_a_block_is_missing() {
        for lost in [1, 4] {
            let mut log = Log::new();
            for _ in 0..4 {
                log.add([1, 2, 3]);
            }
            log.contents.file.execute("DELETE FROM blocks WHERE run = ?1", [lost]).unwrap();
            let failed = (0..9).find_map(|_| log.contents.work().err());
            assert!(failed.is_some_and(|error| file::is_flaw(&error)), "{lost}");
            assert!(log.contents.unite().is_err_and(|error| file::is_flaw(&error)), "{lost}");
            assert!(opened(&log.directory).runs.len() == 4, "nothing was merged");
        }
    }

    #[test]
    fn a_place_that_is_there_is_passed_and_another_one_for_its_revision_is_told() {
        let mut log = Log::new();
        for _ in 0..3 {
            log.add([1, 2, 3]);
        }
        // Positions 2 and 5 are the first two events of stream 2.
        let item = |revision, position| (key(2), Place { revision, position });
        let again = [item(1, 5), item(2, 8), item(3, 10)];
        log.contents.add(&again, log.end, &origin(10), Some(&log.heads)).unwrap().unwrap();
        (log.end, _) = (10, log.streams.get_mut(&key(2)).unwrap().push(again[2].1));
        log.assert_whole();
        let taken = log.contents.add(&[item(1, 11)], 10, &origin(11), Some(&log.heads)).unwrap();
        assert_eq!(taken, Err(Double { revision: 1, positions: [5, 11] }));
        log.assert_whole();
        let twice = log.contents.add(&[item(4, 11), item(4, 12)], 10, &origin(12), None).unwrap();
        assert_eq!(twice, Err(Double { revision: 4, positions: [11, 12] }));
        // Without heads a merge finds it.
        log.contents.add(&[item(1, 11)], 10, &origin(11), None).unwrap().unwrap();
        assert_eq!(log.contents.unite().unwrap(), Err(Double { revision: 1, positions: [5, 11] }));
    }

    #[test]
    fn a_head_in_memory_saves_the_search_and_one_that_is_not_the_last_does_not_mislead() {
        for head in [0, 1, 7] {
            let mut log = Log::new();
            log.add([1, 1, 1]);
            log.heads.note(key(1), StreamHead { revision: Revision(head), id: EventId(Uuid::nil()) });
            let item = (key(1), Place { revision: 2, position: 9 });
            let taken = log.contents.add(&[item], 3, &origin(9), Some(&log.heads)).unwrap();
            match head {
                1 => assert_eq!(taken, Ok(()), "the head says that it is new"),
                _ => assert_eq!(taken, Err(Double { revision: 2, positions: [3, 9] })),
            }
        }
    }

    #[test]
    fn a_stream_may_begin_late_and_a_gap_stays_a_gap() {
        let mut log = Log::new();
        let items = |revisions: &[u64]| -> Vec<Item> {
            revisions.iter().map(|revision| (key(1), Place { revision: *revision, position: revision * 10 })).collect()
        };
        for (nth, revisions) in [&[5, 6, 9][..], &[10]].into_iter().enumerate() {
            log.contents
                .add(&items(revisions), nth as u64, &origin(nth as u64 + 1), Some(&log.heads))
                .unwrap()
                .unwrap();
        }
        let reader = IndexReader::open(&log.directory.path().join(file::FILE)).unwrap().unwrap();
        let found = |from| reader.places(&key(1), from, 10).unwrap().iter().map(|p| p.revision).collect::<Vec<_>>();
        assert_eq!((found(0), found(7)), (vec![5, 6, 9, 10], vec![9, 10]));
    }

    #[test]
    fn a_lost_or_altered_run_is_a_flaw_for_every_reader_and_a_lost_block_for_those_who_read_the_run() {
        for (damage, shows_at_once) in [
            ("DELETE FROM runs WHERE after = 0", true),
            ("DELETE FROM runs WHERE after = 3", true),
            ("DELETE FROM runs WHERE after = 6", true),
            ("DELETE FROM runs", true),
            ("UPDATE runs SET id = 9 WHERE after = 3", true),
            ("UPDATE runs SET streams = 1 << 60 WHERE after = 3", true),
            ("UPDATE origin SET runs = 0", true),
            ("DELETE FROM blocks WHERE run = 2", false),
        ] {
            let mut log = Log::new();
            for _ in 0..3 {
                log.add([1, 2, 3]);
            }
            let reader = IndexReader::open(&log.directory.path().join(file::FILE)).unwrap().unwrap();
            log.contents.file.execute_batch(damage).unwrap();
            assert_eq!(reader.last(&key(1)).is_err_and(|error| file::is_flaw(&error)), shows_at_once, "{damage}");
            assert!(reader.read_filters().is_err_and(|error| file::is_flaw(&error)), "{damage}");
            let added = log.contents.add(&[], 9, &origin(10), None);
            assert_eq!(added.is_err_and(|error| file::is_flaw(&error)), shows_at_once, "{damage} is not hidden");
        }
    }

    #[test]
    fn runs_that_overlap_are_a_flaw() {
        let mut log = Log::new();
        log.add([1, 2, 3]);
        // As if a batch was written whose commit seemed to fail, and then written again.
        for stream in [4, 5] {
            let item = (key(stream), Place { revision: 0, position: 4 });
            log.contents.add(&[item], 3, &origin(4), None).unwrap().unwrap();
        }
        let reader = IndexReader::open(&log.directory.path().join(file::FILE)).unwrap().unwrap();
        assert!(reader.last(&key(1)).is_err_and(|error| file::is_flaw(&error)));
    }

    #[test]
    fn a_reader_of_all_runs_sees_one_state_while_they_are_merged() {
        let mut log = Log::new();
        log.add([1, 2, 3]);
        let reader = IndexReader::open(&log.directory.path().join(file::FILE)).unwrap().unwrap();
        std::thread::scope(|scope| {
            let reads = scope.spawn(move || (0..300).try_for_each(|_| reader.read_filters()));
            // Bounded by the 300 reads.
            while !reads.is_finished() {
                log.add([1, 2, 3]);
                log.finish();
            }
            reads.join().unwrap().unwrap();
        });
    }

    #[test]
    fn blocks_of_merged_runs_are_removed_after_the_merge_in_parts() {
        let mut log = Log::new();
        for _ in 0..4 {
            log.add(0..250);
        }
        let runs_of_blocks = |log: &Log| -> u64 {
            let select = "SELECT count(DISTINCT run) FROM blocks";
            log.contents.file.query_row(select, [], |row| row.get(0)).unwrap()
        };
        while log.contents.runs.len() > 1 {
            log.contents.work().unwrap().unwrap();
        }
        assert_eq!(runs_of_blocks(&log), 5, "the merge removes none");
        let transaction = log.contents.file.transaction().unwrap();
        let left = runs::without_row(&transaction).unwrap().unwrap();
        let blocks = || -> u64 {
            let select = "SELECT count(*) FROM blocks WHERE run = ?1";
            transaction.query_row(select, [left], |row| row.get(0)).unwrap()
        };
        let before = blocks();
        runs::remove_blocks(&transaction, left, 2).unwrap();
        assert_eq!(blocks(), before - 2);
        transaction.commit().unwrap();
        for is_reopened in [false, true] {
            if is_reopened {
                log.contents = opened(&log.directory);
            }
            log.assert_whole();
            log.contents.work().unwrap().unwrap();
        }
        log.finish();
        assert_eq!(runs_of_blocks(&log), 1);
        log.assert_whole();
    }
}
