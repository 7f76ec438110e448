//! Imports into a real log: what they append, count and leave out.

mod owners;

use super::*;
use decisions::record::{ImportRefusal, Record};
use events::log::Log;
use events::personal::keys::{MasterKey, SqliteKeyStore};
use events::record::{ImportCounts, ImportId};
use events::store::sqlite::SqliteStore;
use platform::context::Context;
use platform::health::Health;
use platform::secrets::Secrets;
use platform::{Parts, PerformError};
use projections::Projections;
use projections::records::{ImportRow, UndoPreview};
use records::{Field, Mapping, NoteKind, Preset};
use settings::SettingsService;
use sign_in::Directories;
use sign_in::redirect::Providers;
use sign_in::staff_sessions::StaffSessions;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, mpsc};
use telemetry::Metrics;
use tokio::sync::mpsc as told;
use uuid::Uuid;
use world::World;

const HEADER: &str = "JSS Mobile Device ID,Serial Number,IMEI,Email Address,OS Version\n";

/// A service on a log in a temporary directory, whose projections are folded.
struct Scene {
    _directory: tempfile::TempDir,
    imports: Arc<Imports>,
}

impl Scene {
    async fn set() -> Scene {
        let directory = tempfile::tempdir().unwrap();
        let engine = Arc::new(SqliteStore::create(directory.path()).unwrap());
        let master = MasterKey::from_bytes([7; 32]);
        let secrets = Secrets::derive(&master);
        let file = directory.path().join("keys.db");
        let keys = Arc::new(SqliteKeyStore::create(&file, master, World::fill).unwrap());
        let log = Log::new(Arc::clone(&engine) as _, Arc::clone(&keys) as _);
        let (projections, _) = Projections::open(directory.path(), None).unwrap();
        let (following, of) = (projections.clone(), log.clone());
        tokio::spawn(async move { following.run(of).await });
        let parts = Parts {
            engine,
            keys,
            log,
            world: World::system(),
            secrets,
            public_url: "https://mdm.example".into(),
            projections,
            health: Health::default(),
            disk: Default::default(),
            turns: Default::default(),
            metrics: Metrics::new(),
        };
        let platform = Platform::new(parts, None);
        let settings = SettingsService::new(platform.clone(), Arc::default(), Vec::new());
        let (sessions, _) = StaffSessions::open(directory.path()).unwrap();
        let providers = Providers::load(&Default::default(), "https://mdm.example");
        let directories = Directories::default();
        let sign_in = SignIn::new(platform.clone(), Arc::new(settings), directories, providers, sessions);
        Scene { _directory: directory, imports: Arc::new(Imports::new(platform, Arc::new(sign_in))) }
    }

    async fn run_order(&self, file: impl Read + Send + 'static, order: Order) -> Result<Finished, ImportError> {
        // Nobody listens.
        let (told, _) = told::channel(1);
        self.imports.run(file, order, &operator(), &told).await
    }

    async fn run(&self, rows: &str, order: Order) -> Finished {
        self.run_order(file(rows), order).await.unwrap()
    }

    async fn undo(&self, import: Option<ImportId>) -> Undone {
        self.imports.undo(import.unwrap(), &operator()).await.unwrap()
    }

    async fn preview(&self, import: Option<ImportId>) -> UndoPreview {
        self.list().await;
        projections::records::undo_preview(&self.imports.platform.projections, import.unwrap()).await.unwrap()
    }

    async fn record(&self, id: &str) -> Arc<Record> {
        let stream = self.imports.record_id("Jamf Pro", id).stream();
        self.imports.platform.load(&stream).await.unwrap().0
    }

    async fn version(&self, id: &str) -> Option<String> {
        self.record(id).await.details.as_ref()?.os_version.clone()
    }

    async fn list(&self) -> Vec<ImportRow> {
        let platform = &self.imports.platform;
        if let Some(head) = platform.log.store().head().await.unwrap() {
            platform.projections.wait_for(head).await.unwrap();
        }
        projections::records::imports(&platform.projections, None, 100).await.unwrap().imports
    }
}

fn operator() -> Context {
    Context::operator(Uuid::from_u128(1))
}

fn file(rows: &str) -> Cursor<Vec<u8>> {
    Cursor::new(format!("{HEADER}{rows}").into_bytes())
}

fn partial() -> Order {
    Order { mapping: Mapping::default(), is_complete: false, is_rehearsal: false }
}

fn complete() -> Order {
    Order { is_complete: true, ..partial() }
}

fn rehearsal(order: Order) -> Order {
    Order { is_rehearsal: true, ..order }
}

fn counts(new: u64, changed: u64, unchanged: u64, missing: u64) -> ImportCounts {
    ImportCounts { new, changed, unchanged, missing, ..ImportCounts::default() }
}

const TWO: &str = "1,F2LXAAAAAAAA,,ada@school.example,15.1\n2,F2LXBBBBBBBB,,grace@school.example,15.1\n";

#[tokio::test]
async fn an_import_twice_is_one_and_a_later_one_appends_only_what_changed() {
    let scene = Scene::set().await;
    assert_eq!(scene.run(TWO, partial()).await.counts, counts(2, 0, 0, 0));
    let head = scene.imports.platform.log.store().head().await.unwrap().unwrap();
    assert_eq!(scene.run(TWO, partial()).await.counts, counts(0, 0, 2, 0));
    let appended = scene.imports.platform.log.page(Some(head), 100).await.unwrap();
    assert_eq!(appended.len(), 2, "the beginning and the end: {appended:?}");
    let later = TWO.replace("grace@school.example,15.1", "grace@school.example,16.0");
    assert_eq!(scene.run(&later, partial()).await.counts, counts(0, 1, 1, 0));
    assert_eq!(scene.version("2").await.as_deref(), Some("16.0"));
}

#[tokio::test]
async fn a_rehearsal_counts_what_the_import_then_does_and_appends_nothing() {
    let scene = Scene::set().await;
    scene.run(TWO, partial()).await;
    let rows = "2,F2LXBBBBBBBB,,grace@school.example,16.0\n3,F2LXCCCCCCCC,,,15.1\n,,,x,\n";
    let head = scene.imports.platform.log.store().head().await.unwrap();
    let rehearsed = scene.run(rows, rehearsal(complete())).await;
    assert_eq!(scene.imports.platform.log.store().head().await.unwrap(), head);
    assert_eq!((rehearsed.import, rehearsed.counts), (None, ImportCounts { bad: 1, ..counts(1, 1, 0, 0) }));
    assert_eq!(scene.run(rows, complete()).await.counts, rehearsed.counts);
}

#[tokio::test]
async fn no_record_is_missing_while_a_row_that_was_set_aside_may_be_its_own() {
    let scene = Scene::set().await;
    scene.run(TWO, partial()).await;
    let one = "1,F2LXAAAAAAAA,,ada@school.example,15.1\n";
    let unreadable = scene.run(&format!("{one},,,x,\n"), complete()).await;
    assert_eq!((unreadable.counts.missing, unreadable.counts.bad), (0, 1));
    let other = one.replace("15.1", "16.0");
    let repeated = scene.run(&format!("{one}{other}"), complete()).await;
    assert_eq!((repeated.counts.missing, repeated.counts.bad), (1, 1), "the record of the repeated row is known");
}

#[tokio::test]
async fn a_row_that_is_repeated_with_the_same_values_is_noted_and_not_set_aside() {
    let scene = Scene::set().await;
    scene.run(TWO, partial()).await;
    let one = "1,F2LXAAAAAAAA,,ada@school.example,16.0\n";
    let repeated = scene.run(&format!("{one}{one}{one}"), complete()).await;
    assert_eq!(repeated.counts, counts(0, 1, 0, 1));
    let [noted] = repeated.noted[..] else { panic!("{:?}", repeated.noted) };
    assert_eq!((noted.kind, noted.count, noted.first_line), (NoteKind::Repeated, 2, 3));
}

#[tokio::test]
async fn a_complete_import_without_a_record_is_refused_and_leaves_no_event() {
    let scene = Scene::set().await;
    scene.run(TWO, partial()).await;
    let head = scene.imports.platform.log.store().head().await.unwrap();
    for rows in ["", ",,,x,\n"] {
        for order in [complete(), rehearsal(complete())] {
            let refused = scene.run_order(file(rows), order).await;
            assert!(matches!(refused, Err(ImportError::NoRecords)), "{rows:?}: {refused:?}");
        }
    }
    assert_eq!(scene.imports.platform.log.store().head().await.unwrap(), head);
    assert_eq!(scene.run("", partial()).await.counts, counts(0, 0, 0, 0));
    let late = scene.run(&format!("{}{TWO}", ",,,x,\n".repeat(600)), complete()).await;
    assert_eq!((late.counts.unchanged, late.counts.bad), (2, 600), "the first batch has no record");
}

#[tokio::test]
async fn a_file_of_rows_that_were_set_aside_is_no_complete_export() {
    let scene = Scene::set().await;
    scene.run(TWO, partial()).await;
    let corrected = format!("\u{feff}Import error,{HEADER}line 4: no id,3,F2LXCCCCCCCC,,,15.1\n");
    let of = |order| scene.run_order(Cursor::new(corrected.clone().into_bytes()), order);
    let refused = of(complete()).await;
    assert!(matches!(refused, Err(ImportError::NotComplete)), "{refused:?}");
    assert_eq!(of(partial()).await.unwrap().counts, counts(1, 0, 0, 0));
    assert_eq!(scene.record("1").await.missing_since, None);
}

fn of_source(name: &str) -> Order {
    Order { mapping: Mapping { source: Some(name.into()), ..Mapping::default() }, ..partial() }
}

#[tokio::test]
async fn a_source_that_differs_from_a_known_one_only_in_capitals_is_refused_with_the_known_name() {
    let scene = Scene::set().await;
    let first = scene.run(TWO, of_source("Jamf Berlin")).await;
    let refused = scene.run_order(file(TWO), of_source("jamf  BERLIN")).await.unwrap_err().to_string();
    assert!(refused.starts_with("the source \"Jamf Berlin\" is known, and \"jamf  BERLIN\" differs"), "{refused}");
    assert_eq!(scene.run(TWO, of_source("Jamf Berlin")).await.counts, counts(0, 0, 2, 0));
    assert_eq!(scene.run(TWO, of_source("Jamf Bern")).await.counts, counts(2, 0, 0, 0));
    for import in [first.import, scene.list().await[1].import.into()] {
        scene.undo(import).await;
    }
    assert_eq!(scene.run(TWO, of_source("jamf BERLIN")).await.counts, counts(2, 0, 0, 0), "no import has that name");
}

#[tokio::test]
async fn a_record_that_a_complete_export_lacks_is_missing_until_a_later_import_has_it() {
    let scene = Scene::set().await;
    scene.run(TWO, partial()).await;
    let one = "1,F2LXAAAAAAAA,,ada@school.example,15.1\n";
    assert_eq!(scene.run(one, partial()).await.counts, counts(0, 0, 1, 0), "a partial export says nothing of others");
    let complete_one = scene.run(one, complete()).await;
    assert_eq!(complete_one.counts, counts(0, 0, 1, 1));
    let record = scene.record("2").await;
    assert!(record.details.is_some(), "it is not deleted");
    assert_eq!(record.missing_since, complete_one.import);
    assert_eq!(scene.run(one, complete()).await.counts, counts(0, 0, 1, 0), "it is missed once");
    assert_eq!(scene.run(TWO, complete()).await.counts, counts(0, 1, 1, 0));
    assert_eq!(scene.record("2").await.missing_since, None);
}

#[tokio::test]
async fn a_complete_export_of_one_source_misses_no_record_of_another() {
    let scene = Scene::set().await;
    scene.run(TWO, partial()).await;
    let mapping = Mapping { source: Some("Jamf Pro Berlin".into()), ..Mapping::default() };
    let berlin = Order { mapping, ..complete() };
    let one = "1,F2LXDDDDDDDD,,,15.1\n";
    assert_eq!(scene.run(one, berlin.clone()).await.counts, counts(1, 0, 0, 0), "the same id in another source");
    assert_eq!(scene.run(TWO, complete()).await.counts, counts(0, 0, 2, 0));
    assert_eq!(scene.run(one, berlin).await.counts, counts(0, 0, 1, 0));
}

#[tokio::test]
async fn an_undone_import_leaves_the_records_as_they_were_and_those_that_changed_later_stay() {
    let scene = Scene::set().await;
    let first = scene.run(TWO, partial()).await.import;
    let rows = "1,F2LXAAAAAAAA,,ada@school.example,16.0\n3,F2LXCCCCCCCC,,,15.1\n";
    let second = scene.run(rows, complete()).await;
    assert_eq!(second.counts, counts(1, 1, 0, 1));
    assert_eq!(scene.undo(second.import).await, Undone { restored: 3, kept: 0 });
    assert_eq!(scene.version("1").await.as_deref(), Some("15.1"));
    assert_eq!((scene.record("2").await.missing_since, scene.version("3").await), (None, None));
    assert_eq!(scene.undo(second.import).await, Undone::default(), "nothing is left to undo");

    scene.run("1,F2LXAAAAAAAA,,ada@school.example,17.0\n", partial()).await;
    assert_eq!(scene.undo(first).await, Undone { restored: 1, kept: 1 });
    assert_eq!((scene.version("1").await.as_deref(), scene.version("2").await), (Some("17.0"), None));
    let unknown = scene.imports.undo(ImportId(Uuid::from_u128(9)), &operator()).await;
    assert!(matches!(unknown, Err(ImportError::Import(PerformError::Refused(ImportRefusal::Unknown)))), "{unknown:?}");
}

#[tokio::test]
async fn the_marks_of_missing_records_are_undone_in_any_order() {
    for is_last_first in [true, false] {
        let scene = Scene::set().await;
        scene.run(TWO, complete()).await;
        let missed = scene.run("1,F2LXAAAAAAAA,,ada@school.example,15.1\n", complete()).await;
        let returned = scene.run(TWO, complete()).await;
        assert_eq!((missed.counts, returned.counts), (counts(0, 0, 1, 1), counts(0, 1, 1, 0)));
        let (first, second) = if is_last_first { (&returned, &missed) } else { (&missed, &returned) };
        assert_eq!(scene.preview(first.import).await, UndoPreview { removed: 0, restored: 1, kept: 0 });
        assert_eq!(scene.undo(first.import).await, Undone { restored: 1, kept: 0 });
        let expected = missed.import.filter(|_| is_last_first);
        assert_eq!(scene.record("2").await.missing_since, expected, "it is missing again");
        assert_eq!(scene.undo(second.import).await, Undone { restored: 1, kept: 0 });
        assert_eq!(scene.record("2").await.missing_since, None);
    }
}

#[tokio::test]
async fn more_records_than_are_read_at_once_are_missed_and_undone() {
    let scene = Scene::set().await;
    let many: String = (1..=PAGE + 200).map(|id| format!("{id},,,person{id}@school.example,15.1\n")).collect();
    let all = u64::from(PAGE) + 200;
    assert_eq!(scene.run(&many, partial()).await.counts, counts(all, 0, 0, 0));
    let emptied = scene.run("1,,,person1@school.example,15.1\n", complete()).await;
    assert_eq!(emptied.counts, counts(0, 0, 1, all - 1));
    assert_eq!(scene.undo(emptied.import).await, Undone { restored: all - 1, kept: 0 });
    assert_eq!(scene.run(&many, complete()).await.counts, counts(0, 0, all, 0));
}

#[tokio::test]
async fn a_record_whose_owner_was_erased_is_not_imported_again() {
    let scene = Scene::set().await;
    scene.run(TWO, partial()).await;
    let key = scene.imports.record_id("Jamf Pro", "1").key();
    scene.imports.platform.keys.destroy(&key).unwrap();
    let head = scene.imports.platform.log.store().head().await.unwrap();
    let later = TWO.replace("15.1", "16.0");
    assert_eq!(scene.run(&later, partial()).await.counts, ImportCounts { erased: 1, ..counts(0, 1, 0, 0) });
    let appended = scene.imports.platform.log.page(head, 100).await.unwrap();
    let stream = scene.imports.record_id("Jamf Pro", "1").stream();
    assert!(appended.len() == 3 && appended.iter().all(|entry| entry.stream != stream), "{appended:?}");
    assert_eq!(scene.version("1").await.as_deref(), Some("15.1"));
}

/// A file whose bytes come one after the other. It breaks if its sender is dropped before the empty one.
struct Slow(mpsc::Receiver<Vec<u8>>, Cursor<Vec<u8>>, bool);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.1.read(buffer)?;
            if length > 0 || self.2 {
                return Ok(length);
            }
            let bytes = self.0.recv().map_err(|_| io::Error::other("the file broke"))?;
            self.2 = bytes.is_empty();
            self.1 = Cursor::new(bytes);
        }
    }
}

fn slow() -> (mpsc::Sender<Vec<u8>>, Slow) {
    let (sender, receiver) = mpsc::channel();
    (sender, Slow(receiver, Cursor::default(), false))
}

#[tokio::test]
async fn one_import_or_undo_runs_at_a_time() {
    let scene = Scene::set().await;
    let (sender, slow) = slow();
    let (told, mut heard) = told::channel(16);
    let imports = Arc::clone(&scene.imports);
    let first = tokio::spawn(async move { imports.run(slow, partial(), &operator(), &told).await });
    let rows: String = (1..=2_000).map(|id| format!("{id},,,,15.1\n")).collect();
    sender.send(format!("{HEADER}{rows}").into_bytes()).unwrap();
    assert!(matches!(heard.recv().await, Some(Told::Opened(layout)) if layout.preset == Some(Preset::JamfPro)));
    let second = scene.run_order(file(TWO), complete()).await;
    assert!(matches!(second, Err(ImportError::Busy)), "{second:?}");
    let undone = scene.imports.undo(scene.list().await[0].import, &operator()).await;
    assert!(matches!(undone, Err(ImportError::Busy)), "{undone:?}");
    sender.send(vec![]).unwrap();
    let hearing = async { while heard.recv().await.is_some() {} };
    let (finished, ()) = tokio::join!(first, hearing);
    assert_eq!(finished.unwrap().unwrap().counts, counts(2_000, 0, 0, 0));
    assert_eq!(scene.run(TWO, partial()).await.counts, counts(0, 2, 0, 0), "the turn was given back");
}

#[tokio::test]
async fn a_file_that_breaks_ends_the_import_early_and_no_record_is_missing() {
    let scene = Scene::set().await;
    let many: String = (1..=3_000).map(|id| format!("{id},,,,15.1\n")).collect();
    scene.run(&many, complete()).await;
    let (sender, slow) = slow();
    let half = many.split_inclusive('\n').take(1_700).collect::<String>().replace("15.1", "16.0");
    sender.send(format!("{HEADER}{half}").into_bytes()).unwrap();
    drop(sender);
    let broken = scene.run_order(slow, complete()).await;
    assert!(matches!(broken, Err(ImportError::File(_))), "{broken:?}");
    let list = scene.list().await;
    assert_eq!((list[0].counts, list[0].is_complete), (None, true));
    let repeated = scene.run(&many.replace("15.1", "16.0"), complete()).await.counts;
    assert_eq!(repeated, counts(0, 1_500, 1_500, 0), "three batches of rows had been imported");
}

#[tokio::test]
async fn notes_and_skipped_rows_are_counted_and_bad_rows_are_told() {
    let scene = Scene::set().await;
    let rows = "1,F2LXAAAAAAAA,356938035643808,,15.1\n2,F2LXBBBBBBBB,356938035643807,,15.1\n,,,,\n,F2LXCCCCCCCC,,,\n";
    let (told, mut heard) = told::channel(16);
    let finished = scene.imports.run(file(rows), partial(), &operator(), &told).await.unwrap();
    drop(told);
    assert_eq!(finished.counts, ImportCounts { bad: 1, ..counts(2, 0, 0, 0) });
    let [noted] = finished.noted[..] else { panic!("{:?}", finished.noted) };
    assert_eq!((noted.field, noted.count, noted.first_line), (Some(Field::Imei), 2, 2));
    assert!(matches!(noted.kind, NoteKind::LeftOut(_)));
    let mut lines = Vec::new();
    while let Some(told) = heard.recv().await {
        if let Told::SetAside(row) = told {
            lines.push(row.line);
        }
    }
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("\"line 5: source_id has no value"), "{lines:?}");
}

#[tokio::test]
async fn a_line_that_is_no_object_is_set_aside_with_its_number() {
    let scene = Scene::set().await;
    let (told, mut heard) = told::channel(16);
    let lines = Cursor::new("{\"id\":\"1\"}\n[1]\n");
    let mapping = toml::from_str("source = \"Old\"\ncolumns.source_id = \"id\"").unwrap();
    let finished = scene.imports.run(lines, Order { mapping, ..partial() }, &operator(), &told).await.unwrap();
    drop(told);
    assert_eq!(finished.counts, ImportCounts { bad: 1, ..counts(1, 0, 0, 0) });
    let mut set_aside = Vec::new();
    while let Some(told) = heard.recv().await {
        set_aside.extend(if let Told::SetAside(row) = told { Some(row) } else { None });
    }
    assert_eq!(set_aside[0].line, "[1]\n");
    assert!(set_aside[0].why.starts_with("line 2: the line is not a JSON object"), "{set_aside:?}");
}

#[tokio::test]
async fn a_last_contact_in_the_future_is_noted() {
    let scene = Scene::set().await;
    let mapping: Mapping =
        toml::from_str("source = \"Old\"\n[columns]\nsource_id = \"id\"\nlast_contact = \"seen\"").unwrap();
    let rows = Cursor::new("id,seen\n1,2020-01-01T00:00:00Z\n2,2190-01-01T00:00:00Z\n");
    let finished = scene.run_order(rows, Order { mapping, ..partial() }).await.unwrap();
    let [noted] = finished.noted[..] else { panic!("{:?}", finished.noted) };
    assert_eq!((noted.field, noted.kind), (Some(Field::LastContact), NoteKind::Future));
    assert_eq!((noted.count, noted.first_line, finished.counts), (1, 3, counts(2, 0, 0, 0)));
}

#[tokio::test]
async fn long_bad_rows_are_told_before_many_of_them_are_read() {
    let scene = Scene::set().await;
    let bad = format!(",,,{},\n", "x".repeat(100_000)).repeat(100);
    let (told, mut heard) = told::channel(1_000);
    let finished = scene.imports.run(file(&bad), partial(), &operator(), &told).await.unwrap();
    drop(told);
    assert_eq!(finished.counts.bad, 100);
    let (mut batches, mut lines) = (0, 0);
    while let Some(told) = heard.recv().await {
        batches += u32::from(matches!(told, Told::Progress { .. }));
        lines += u32::from(matches!(told, Told::SetAside(_)));
    }
    assert!(lines == 100 && batches >= 9, "{lines} lines in {batches} batches");
}

#[tokio::test]
async fn a_file_that_no_mapping_fits_leaves_nothing() {
    let scene = Scene::set().await;
    let unknown = scene.run_order(Cursor::new(b"A,B\n1,2\n".to_vec()), partial()).await;
    assert!(matches!(unknown, Err(ImportError::Open(_))), "{unknown:?}");
    assert_eq!(scene.imports.platform.log.store().head().await.unwrap(), None);
}
