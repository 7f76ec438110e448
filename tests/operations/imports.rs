//! `muster import`: previous records through the running server and without one, interrupted, repeated and undone.

mod interrupted;

use events::envelope::ActorKind;
use events::record::{ImportEvent, ImportId, RecordEvent};
use events::{Entry, Event};
use futures_util::StreamExt as _;
use harness::binary::{Said, Serving, muster, muster_at};
use harness::desk::write;
use harness::{TestServer, installation};
use muster::app::assemble::read_log;
use muster::config::Config;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const HEADER: &str = "JSS Mobile Device ID,Device Ownership Type,Serial Number,IMEI,Email Address,OS Version";

/// Maximum growth of the log by one row, in bytes.
const BYTES_PER_ROW: u64 = 2_048;

/// An installation with a directory for exports.
struct Scene {
    directory: tempfile::TempDir,
    config: PathBuf,
}

impl Scene {
    async fn set() -> Scene {
        let (directory, config) = installation().await;
        Scene { directory, config }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn import(&self, file: &str, options: &[&str]) -> Said {
        muster_at(&self.config, &[&["import", "records", file], options].concat(), "")
    }

    /// Imports a file, and returns the result as JSON.
    #[track_caller]
    fn imported(&self, file: &str, options: &[&str]) -> Value {
        let said = self.import(file, &[options, &["--json"]].concat());
        assert!(matches!(said.code, Some(0 | 3)), "{said:#?}");
        serde_json::from_str(&said.out).unwrap()
    }

    fn list(&self) -> Value {
        let said = muster_at(&self.config, &["import", "list", "--json"], "").expect_success();
        serde_json::from_str(&said).unwrap()
    }

    fn undo(&self, import: &Value) -> Said {
        muster_at(&self.config, &["import", "undo", import.as_str().unwrap()], "")
    }

    /// Returns the events of records and imports.
    async fn events(&self) -> Vec<Entry> {
        let log = read_log(&Config::load(&self.config).unwrap()).unwrap();
        let entries = log.page(None, 10_000).await.unwrap();
        entries.into_iter().filter(|entry| matches!(entry.event, Event::Record(_) | Event::Import(_))).collect()
    }

    /// Returns the size of the log in bytes.
    fn log_size(&self) -> u64 {
        let size =
            |file: &str| std::fs::metadata(self.config.with_file_name("data").join(file)).map_or(0, |it| it.len());
        size("events.db") + size("events.db-wal")
    }
}

/// Rows of an export, with ids from `ids`.
fn rows(ids: impl IntoIterator<Item = u32>) -> String {
    ids.into_iter().fold(String::new(), |mut rows, id| {
        writeln!(rows, "{id},PersonalDeviceProfile,F2LX{id:08},,person{id}@school.example,15.{}", id % 8).unwrap();
        rows
    })
}

fn export(ids: impl IntoIterator<Item = u32>) -> String {
    format!("{HEADER}\n{}", rows(ids))
}

/// The numbers of new, changed, unchanged, missing, bad and erased records.
#[track_caller]
fn counts(result: &Value) -> [u64; 6] {
    ["new", "changed", "unchanged", "missing", "set_aside", "erased"]
        .map(|name| result["counts"][name].as_u64().unwrap())
}

async fn walk(scene: &Scene) {
    let file = scene.write("export.csv", export(1..=4));
    let rehearsed = scene.imported(&file, &["--dry-run", "--complete"]);
    assert_eq!((counts(&rehearsed), &rehearsed["id"]), ([4, 0, 0, 0, 0, 0], &Value::Null));
    assert_eq!(scene.list(), Value::Array(vec![]), "a dry run changes nothing");

    let first = scene.imported(&file, &[]);
    assert_eq!(counts(&first), [4, 0, 0, 0, 0, 0]);
    assert_eq!((&first["source"], &first["preset"]), (&"Jamf Pro".into(), &"jamf-pro".into()));
    assert_eq!(counts(&scene.imported(&file, &["--complete"])), [0, 0, 4, 0, 0, 0], "an import twice is one");

    let later = export([1, 2, 5]).replace("person2@", "lovelace@");
    let later = scene.write("later.csv", later);
    let expected = [1, 1, 1, 2, 0, 0];
    assert_eq!(counts(&scene.imported(&later, &["--complete", "--dry-run"])), expected);
    let second = scene.imported(&later, &["--complete"]);
    assert_eq!(counts(&second), expected, "the dry run said what would happen");
    assert_eq!(counts(&scene.imported(&later, &["--complete"])), [0, 0, 3, 0, 0, 0], "missing is said once");
    let returned = scene.write("returned.csv", export([3]));
    assert_eq!(counts(&scene.imported(&returned, &[])), [0, 1, 0, 0, 0, 0], "a missing record has returned");

    let undone = scene.undo(&second["id"]).expect_success();
    assert!(undone.contains("4 records restored"), "{undone}");
    assert_eq!(
        counts(&scene.imported(&later, &["--dry-run"])),
        [1, 1, 1, 0, 0, 0],
        "the undone import can be repeated"
    );
    let list = scene.list();
    let listed: Vec<_> = list.as_array().unwrap().iter().map(|one| (&one["id"], &one["undone"])).collect();
    assert_eq!(listed.len(), 5, "{list}");
    assert!(
        list.as_array().unwrap().iter().all(|one| one["begun"].is_string() && one["finished"].is_string()),
        "{list}"
    );
    assert!(listed.contains(&(&second["id"], &true.into())), "{list}");
    assert!(listed.contains(&(&first["id"], &false.into())), "{list}");
}

#[tokio::test]
async fn records_are_imported_updated_missed_found_again_and_undone_through_the_running_server() {
    let scene = Scene::set().await;
    let mut server = Serving::start(&scene.config);
    walk(&scene).await;
    let before = scene.list();
    server.terminate();
    assert_eq!(scene.list(), before, "the list is the same without a server");
    let _server = Serving::start(&scene.config);
    assert_eq!(scene.list(), before, "and after a restart");
}

#[tokio::test]
async fn records_are_imported_updated_missed_found_again_and_undone_without_a_server() {
    walk(&Scene::set().await).await;
}

#[tokio::test]
async fn the_events_of_an_import_name_the_operator_and_the_log_has_no_personal_value_in_plain_text() {
    let scene = Scene::set().await;
    let _server = Serving::start(&scene.config);
    let file = scene.write("export.csv", export([7]));
    scene.imported(&file, &[]);
    let events = scene.events().await;
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|entry| entry.actor.kind == ActorKind::Operator), "{events:?}");
    let details = events.iter().find_map(|entry| match &entry.event {
        Event::Record(RecordEvent::PreviousRecordImported { details, .. }) => Some(details),
        _ => None,
    });
    let personal = details.unwrap().personal.get().unwrap();
    assert_eq!(personal.mail.as_deref(), Some("person7@school.example"));
    assert!(matches!(events.last().unwrap().event, Event::Import(ImportEvent::ImportFinished { .. })));
    for name in ["events.db", "events.db-wal"] {
        let bytes = std::fs::read(scene.config.with_file_name("data").join(name)).unwrap_or_default();
        for value in ["person7@school.example", "F2LX00000007"] {
            assert!(!bytes.windows(value.len()).any(|window| window == value.as_bytes()), "{value} is in {name}");
        }
    }
}

#[tokio::test]
async fn utf_16_semicolons_and_a_damaged_imei_are_read_and_reported() {
    let scene = Scene::set().await;
    let text = format!(
        "{}\r\n8;Institutional;F2LX00000008;3,56938E+14;änne@school.example;17.5\r\n",
        HEADER.replace(',', ";")
    );
    let bytes: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let file = scene.write("export.csv", bytes);
    let said = scene.import(&file, &[]).expect_success();
    for part in [
        "CSV with semicolons, UTF-16",
        "source \"Jamf Pro\", preset jamf-pro",
        "serial_number      \"Serial Number\"",
        "new                1\n",
        "imei: left out: a spreadsheet turned it into a number and lost digits",
        "first in line 2",
        "muster import undo ",
    ] {
        assert!(said.contains(part), "{part:?} is missing in {said}");
    }
    let events = scene.events().await;
    let details = events.iter().find_map(|entry| match &entry.event {
        Event::Record(RecordEvent::PreviousRecordImported { details, .. }) => details.personal.get(),
        _ => None,
    });
    let details = details.unwrap();
    assert_eq!((details.imeis.len(), details.mail.as_deref()), (0, Some("änne@school.example")));
}

#[tokio::test]
async fn bad_rows_are_set_aside_in_a_new_file_which_is_corrected_and_imported() {
    let scene = Scene::set().await;
    let _server = Serving::start(&scene.config);
    let file = scene.write("export.csv", format!("{}{},,,,nobody@school.example,15.1\n", export([1]), ""));
    let rehearsed = scene.import(&file, &["--dry-run"]);
    assert_eq!(rehearsed.code, Some(3), "{rehearsed:?}");
    assert!(rehearsed.out.contains("line 3: source_id has no value"), "{}", rehearsed.out);
    let bad = scene.directory.path().join("export.bad.csv");
    assert!(!bad.exists(), "a dry run writes no file");

    let said = scene.import(&file, &[]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.out.contains("set aside          1  with their reasons in ") && said.out.contains("export.bad.csv"));
    let text = std::fs::read_to_string(&bad).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], format!("\u{feff}Import error,{HEADER}"));
    assert!(lines[1].starts_with("\"line 3: source_id") && lines[1].ends_with(",nobody@school.example,15.1"), "{text}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&bad).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "rows are personal data");

    let again = scene.imported(&file, &[]);
    assert!(again["bad_rows"].as_str().unwrap().ends_with("export.bad-2.csv"), "an existing file stays: {again}");
    let named = scene.import(&file, &["--bad-rows", bad.to_str().unwrap()]).expect_failure();
    assert!(named.contains("exists already"), "{named}");
    let corrected = scene.write("corrected.csv", text.replace("\",,,,,nobody", "\",99,,,,nobody"));
    let complete = scene.import(&corrected, &["--complete"]).expect_failure();
    assert!(complete.contains("has the column \"Import error\"") && complete.contains("with --complete"), "{complete}");
    assert_eq!(counts(&scene.imported(&corrected, &[])), [1, 0, 0, 0, 0, 0]);
    let empty = scene.write("empty.csv", format!("{HEADER}\n"));
    let refused = scene.import(&empty, &["--complete"]).expect_failure();
    assert!(refused.contains("no records") && refused.contains("leave --complete out"), "{refused}");
    assert!(!refused.contains("import undo"), "no import began: {refused}");
    let other = scene.import(&corrected, &["--source", "jamf pro"]).expect_failure();
    assert!(other.contains("use \"Jamf Pro\""), "{other}");
}

#[tokio::test]
async fn an_export_on_standard_input_is_imported_and_its_bad_rows_go_to_a_named_file() {
    let scene = Scene::set().await;
    let _server = Serving::start(&scene.config);
    let bad = scene.directory.path().join("bad.csv");
    let command = ["import", "records", "-", "--json", "--bad-rows", bad.to_str().unwrap()];
    let said = muster_at(&scene.config, &command, &format!("{}x\n", export(1..=3)));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(counts(&serde_json::from_str(&said.out).unwrap()), [3, 0, 0, 0, 1, 0]);
    assert!(std::fs::read_to_string(bad).unwrap().contains("the row has 1 of 6 fields"));
}

#[tokio::test]
async fn as_many_bad_rows_as_good_ones_come_back_while_the_file_is_sent() {
    let scene = Scene::set().await;
    let _server = Serving::start(&scene.config);
    // More than all buffers hold on the way there and on the way back.
    let long = "x".repeat(900);
    let bad: String = (0..12_000).map(|nth| format!(",,{nth}{long},,,\n")).collect();
    let file = scene.write("export.csv", format!("{HEADER}\n{bad}{}", rows(1..=3)));
    let result = scene.imported(&file, &[]);
    assert_eq!(counts(&result), [3, 0, 0, 0, 12_000, 0]);
    let set_aside = std::fs::read_to_string(result["bad_rows"].as_str().unwrap()).unwrap();
    assert_eq!(set_aside.lines().count(), 12_001);
}

#[tokio::test]
async fn a_mapping_of_ones_own_is_made_from_the_template_and_a_source_keeps_instances_apart() {
    let scene = Scene::set().await;
    let template = muster(&["import", "template"], "").expect_success();
    let mapping = scene.write("mapping.toml", template.replace("\"Device ID\"", "\"No\""));
    let file = scene.write("export.csv", "No,Mail\n1,ada@school.example\n");
    let unmapped = scene.import(&file, &[]).expect_failure();
    assert!(unmapped.contains("no known product") && unmapped.contains("\"No\", \"Mail\""), "{unmapped}");
    let said = scene.import(&file, &["--mapping", &mapping]).expect_success();
    assert!(said.contains("source \"Previous MDM\", own mapping"), "{said}");
    assert!(said.contains("columns that are not read: \"Mail\""), "{said}");
    let other = scene.imported(&file, &["--mapping", &mapping, "--source", "Berlin", "--complete"]);
    assert_eq!((counts(&other), &other["source"]), ([1, 0, 0, 0, 0, 0], &"Berlin".into()), "another instance");
    let wrong = scene.write("wrong.toml", "colums = {}\n");
    let wrong = scene.import(&file, &["--mapping", &wrong]).expect_failure();
    assert!(wrong.contains("wrong.toml") && wrong.contains("colums"), "{wrong}");
    assert_eq!(scene.list().as_array().unwrap().len(), 2, "what was refused has left nothing");
}

#[tokio::test]
async fn what_cannot_be_imported_or_undone_says_why() {
    let scene = Scene::set().await;
    let missing = scene.import("/nowhere/export.csv", &[]).expect_failure();
    assert!(missing.contains("cannot read /nowhere/export.csv"), "{missing}");
    let directory = scene.import(scene.directory.path().to_str().unwrap(), &[]).expect_failure();
    assert!(directory.contains("is a directory"), "{directory}");
    let workbook = scene.write("export.xlsx", b"PK\x03\x04rest");
    let unknown = uuid::Uuid::from_u128(7).to_string().into();
    let refused = |scene: &Scene| {
        let workbook = scene.import(&workbook, &[]).expect_failure();
        assert!(workbook.contains("workbook") && workbook.contains("CSV UTF-8"), "{workbook}");
        let undone = scene.undo(&unknown).expect_failure();
        assert!(undone.contains("there is no import") && undone.contains("muster import list"), "{undone}");
    };
    refused(&scene);
    let none = muster_at(&scene.config, &["import", "list"], "").expect_success();
    assert!(none.contains("there is no import yet"), "{none}");
    let _server = Serving::start(&scene.config);
    refused(&scene);
}

/// An export with a value in every column of the preset.
fn full_export(rows: u32) -> String {
    let header = "JSS Mobile Device ID,Device Ownership Type,Serial Number,UDID,IMEI,Wi-Fi MAC Address,Bluetooth MAC \
                  Address,Model Identifier,Model,OS Version,Display Name,Username,Email Address,Full Name,Last Inventory \
                  Update,Last Enrollment,Site,Asset Tag\n";
    (0..rows).fold(header.to_owned(), |mut text, id| {
        let mac = format!("A4:83:E7:{:02X}:{:02X}:{:02X}", id >> 16, (id >> 8) & 255, id & 255);
        writeln!(
            text,
            "{id},PersonalDeviceProfile,F2LX{id:08},00008110-{id:016X},,{mac},{mac},\"iPhone14,5\",iPhone 13 \
             (128 GB),15.7.1,Phone of Person Number {id},person.number.{id},person.number.{id}@students.school.example,\
             Person Number {id},2024-03-04T05:06:07Z,2021-09-10T11:12:13Z,Campus North,Inventory-{id:08}"
        )
        .unwrap();
        text
    })
}

#[tokio::test]
async fn a_row_grows_the_log_by_at_most_two_kilobytes_with_and_without_owner_rules() {
    const ROWS: u32 = 3_000;
    // The outcome has as many bytes as that of an account with which nobody has signed in: no import makes people.
    for rules in [&[][..], &["--owner", "user_name=local:user_name", "--owner", "mail=local:mail"]] {
        let scene = Scene::set().await;
        let file = scene.write("export.csv", full_export(ROWS));
        let mut server = Serving::start(&scene.config);
        let before = scene.log_size();
        let imported = scene.imported(&file, &[&["--complete"], rules].concat());
        assert_eq!(counts(&imported), [ROWS.into(), 0, 0, 0, 0, 0]);
        assert_eq!(imported["owners"]["unknown"].as_u64(), (!rules.is_empty()).then_some(ROWS.into()));
        server.terminate();
        assert_eq!(scene.list()[0]["owners"], imported["owners"]);
        let list = muster_at(&scene.config, &["import", "list"], "").expect_success();
        assert_eq!(list.contains("owners of the rows: one person 0, one account 0, nobody 3000,"), !rules.is_empty());
        let grown = (scene.log_size() - before) / u64::from(ROWS);
        assert!((500..=BYTES_PER_ROW).contains(&grown), "{grown} bytes a row, rules {rules:?}");
        let before = scene.log_size();
        let again = scene.imported(&file, &[&["--complete"], rules].concat());
        assert_eq!(counts(&again), [0, 0, ROWS.into(), 0, 0, 0]);
        let grown = scene.log_size() - before;
        assert!(grown < 100_000, "a repeated import writes only its beginning and its end, but {grown} bytes");
    }
}

#[test]
fn the_presets_are_shown_without_an_installation() {
    let said = muster(&["import", "presets"], "").expect_success();
    for part in ["jamf-pro (Jamf Pro)", "\"JSS Mobile Device ID\"", "intune (Intune)", "muster import template"] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
    let template = muster(&["import", "template", "--preset", "intune"], "").expect_success();
    assert!(template.contains("preset = \"intune\"") && template.contains("# udid = [\"udid\"]"), "{template}");
    let unknown = muster(&["import", "template", "--preset", "kandji"], "");
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("jamf-pro"), "{}", unknown.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_imports_is_complete_however_long_it_is() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    let begin = |nth: i64| {
        let (server, import) = (&server, ImportId(server.app().platform.world.random_uuid()));
        let begun = ImportEvent::ImportBegun { source: format!("Source {nth}"), preset: None, is_complete: false };
        async move { write(server, &import.stream(), now.plus_seconds(nth), begun).await }
    };
    // Several at a time, so that they share the commits.
    futures_util::stream::iter(0..1_003).map(begin).buffer_unordered(32).for_each(async |()| {}).await;
    let config = server.config_file();
    // Those that were written at the same time have no order.
    let all: BTreeSet<String> = (0..1_003).map(|nth| format!("Source {nth}")).collect();
    let listed = async || {
        let listed = sources(&config).await;
        (listed.len(), listed.into_iter().collect::<BTreeSet<_>>())
    };
    assert_eq!(listed().await, (1_003, all.clone()), "from the running server");
    let directory = server.stop_keeping().await;
    assert_eq!(listed().await, (1_003, all), "and without it");
    drop(directory);
}

/// Returns the sources of the imports that the command lists.
async fn sources(config: &Path) -> Vec<String> {
    let config = config.to_owned();
    let list = move || muster_at(&config, &["import", "list", "--json"], "").expect_success();
    let listed: Vec<Value> = serde_json::from_str(&tokio::task::spawn_blocking(list).await.unwrap()).unwrap();
    listed.iter().map(|one| one["source"].as_str().unwrap().to_owned()).collect()
}
