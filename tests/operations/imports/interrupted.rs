//! Imports whose command or server is killed, and two at once.

use super::{Scene, counts, export, rows};
use harness::binary::{self, Serving};
use harness::waiting::{seen, until};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};

/// An import whose file has not ended: its rows come from standard input.
struct Open {
    command: Child,
    input: ChildStdin,
}

impl Open {
    /// Begins an import of these rows, and waits until the server has opened the file.
    async fn begin(scene: &Scene, text: &str, options: &[&str]) -> Open {
        let before = scene.list().as_array().unwrap().len();
        let mut command = Command::new(binary::path());
        command.args(["import", "records", "-"]).args(options).arg("--config").arg(&scene.config);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut command = command.spawn().unwrap();
        let mut input = command.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        until("the import begins", async || scene.list().as_array().unwrap().len() > before).await;
        Open { command, input }
    }

    fn end(mut self) -> (Option<i32>, String, String) {
        drop(self.input);
        let (mut out, mut err) = (String::new(), String::new());
        self.command.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.command.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (self.command.wait().unwrap().code(), out, err)
    }
}

/// Imports a file as soon as no other import runs.
async fn imported_when_free(scene: &Scene, file: &str, options: &[&str]) -> Value {
    let options = [options, &["--json"]].concat();
    seen("no other import runs", async || {
        let said = scene.import(file, &options);
        match said.code {
            Some(0) => Some(serde_json::from_str(&said.out).unwrap()),
            _ => {
                assert!(said.err.contains("another import runs"), "{said:?}");
                None
            }
        }
    })
    .await
}

#[tokio::test]
async fn the_import_of_a_killed_command_is_not_finished_and_misses_no_record_and_can_be_repeated_or_undone() {
    let scene = Scene::set().await;
    let _server = Serving::start(&scene.config);
    let all = scene.write("all.csv", export(1..=3_000));
    let first = scene.imported(&all, &[]);
    assert_eq!(counts(&first)[0], 3_000);

    // A part of the file: if its end were believed, 1,500 records would be missing.
    let part = export(1..=1_500).replace("@school.example", "@new.example");
    let mut open = Open::begin(&scene, &part, &["--complete"]).await;
    open.command.kill().unwrap();
    open.end();
    let cut = scene.list()[0].clone();
    assert_eq!((&cut["counts"], &cut["finished"]), (&Value::Null, &Value::Null), "{cut}");
    let said = harness::binary::muster_at(&scene.config, &["import", "list"], "").expect_success();
    assert!(said.lines().nth(1).unwrap().contains("(complete, not finished)"), "{said}");

    let renewed = scene.write("renewed.csv", export(1..=3_000).replace("@school.example", "@new.example"));
    let repeated = imported_when_free(&scene, &renewed, &["--complete"]).await;
    let [new, changed, unchanged, missing, bad, erased] = counts(&repeated);
    assert_eq!((new, missing, bad, erased), (0, 0, 0, 0), "{repeated}");
    assert_eq!(changed + unchanged, 3_000, "{repeated}");
    assert!(changed >= 1_500, "{repeated}");
    let events = scene.events().await;
    let is_missing = |name: &str| name == "PreviousRecordMissing";
    assert!(!events.iter().any(|entry| is_missing(&entry.event.to_parts().0)), "no record was missed");

    scene.undo(&repeated["id"]).expect_success();
    scene.undo(&cut["id"]).expect_success();
    assert_eq!(counts(&scene.imported(&all, &["--dry-run"])), [0, 0, 3_000, 0, 0, 0], "all is as it was at first");
}

#[tokio::test]
async fn a_command_whose_server_stops_says_so_and_what_to_do() {
    let scene = Scene::set().await;
    let mut server = Serving::start(&scene.config);
    let open = Open::begin(&scene, &export(1..=1_500), &[]).await;
    let import = scene.list()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(server.terminate().code(), Some(0));
    let (code, _, said) = open.end();
    assert_eq!(code, Some(1), "{said}");
    for part in ["standard input", "run the same command again", &format!("muster import undo {import}")] {
        assert!(said.contains(part), "{part:?} is missing in {said}");
    }
    let file = scene.write("export.csv", export(1..=1_500));
    let repeated = scene.imported(&file, &[]);
    let [new, _, unchanged, ..] = counts(&repeated);
    assert_eq!(new + unchanged, 1_500);
}

#[tokio::test]
async fn a_server_that_is_stopped_or_killed_while_rows_are_written_keeps_them_and_the_import_is_repeated() {
    let scene = Scene::set().await;
    let all = scene.write("all.csv", export(1..=30_000));
    for is_killed in [false, true] {
        let mut server = Serving::start(&scene.config);
        let before = scene.list().as_array().unwrap().len();
        let mut command = Command::new(binary::path());
        command.args(["import", "records", &all, "--complete", "--config"]).arg(&scene.config);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        until("the import begins", async || scene.list().as_array().unwrap().len() > before).await;
        if is_killed {
            drop(server);
        } else {
            assert_eq!(server.terminate().code(), Some(0));
        }
        let ended = command.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        let cut = scene.list()[0].clone();
        assert_eq!(cut["counts"], Value::Null);
        let undo = format!("muster import undo {}", cut["id"].as_str().unwrap());
        // It may not have heard yet that the import began.
        let is_named = said.contains(&undo) || said.contains("muster import list");
        assert!(said.contains("run the same command again") && is_named, "{said}");
    }
    let part = scene.write("part.csv", export(1..=2_000));
    let repeated = scene.imported(&part, &[]);
    let [new, changed, unchanged, ..] = counts(&repeated);
    assert!(new + unchanged == 2_000 && changed == 0, "{repeated}");
}

#[tokio::test]
async fn a_second_import_is_refused_while_one_goes_on_and_changes_nothing() {
    let scene = Scene::set().await;
    let _server = Serving::start(&scene.config);
    let mut open = Open::begin(&scene, &export(1..=1_500), &[]).await;
    let file = scene.write("other.csv", export(1..=3));
    let refused = scene.import(&file, &[]).expect_failure();
    assert!(refused.contains("another import runs"), "{refused}");
    let undone = scene.undo(&scene.list()[0]["id"]).expect_failure();
    assert!(undone.contains("another import runs"), "{undone}");
    open.input.write_all(rows(1_501..=1_600).as_bytes()).unwrap();
    let (code, said, _) = open.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("new             1600"), "the first import is not disturbed: {said}");
    assert_eq!(scene.list().as_array().unwrap().len(), 1);
}
