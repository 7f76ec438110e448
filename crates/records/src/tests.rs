//! Tests of whole files.

mod files;
mod hostile;
mod products;
mod round_trip;

use crate::{BadRow, Mapping, Outcome, Reader, Row, Summary};

fn mapping(text: &str) -> Mapping {
    toml::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A mapping of columns that are named as their fields.
fn plain(columns: &[&str]) -> Mapping {
    let columns: Vec<String> = columns.iter().map(|name| format!("{name} = \"{name}\"")).collect();
    mapping(&format!("source = \"x\"\n[columns]\n{}", columns.join("\n")))
}

fn read(bytes: &[u8], mapping: &Mapping) -> Vec<Outcome> {
    let reader = Reader::open(bytes, mapping).unwrap_or_else(|error| panic!("{error}"));
    reader.map(|row| row.unwrap()).collect()
}

fn rows(bytes: &[u8], mapping: &Mapping) -> Vec<Row> {
    read(bytes, mapping).into_iter().map(|row| row.unwrap_or_else(|bad| panic!("{bad:?}"))).collect()
}

fn one(bytes: &[u8], mapping: &Mapping) -> Row {
    let mut rows = rows(bytes, mapping);
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn bad(bytes: &[u8], mapping: &Mapping) -> Vec<BadRow> {
    read(bytes, mapping).into_iter().filter_map(Result::err).collect()
}

fn open_error(bytes: &[u8], mapping: &Mapping) -> String {
    Reader::open(bytes, mapping).err().expect("the file is refused").to_string()
}

fn summary(outcomes: &[Outcome]) -> Summary {
    let mut summary = Summary::default();
    outcomes.iter().for_each(|outcome| summary.add(outcome));
    summary
}

fn labels(row: &Row) -> Vec<String> {
    let field = |note: &crate::Note| note.field.map(|field| format!("{field}: ")).unwrap_or_default();
    row.notes.iter().map(|note| format!("{}{}", field(note), note.kind.label())).collect()
}
