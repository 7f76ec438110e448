//! What an import did, and the list of imports, for people and as JSON.

use crate::cli::say;
use crate::server::command_socket::imports::{Imported, Listed, Note, Opened, Wanted};
use events::record::{ImportCounts, ImportId, OwnerCounts};
use names::quoted;
use names::visible::{visible_line, visible_path};
use plural::counted;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(super) struct Report {
    /// The name of the export in messages.
    pub(super) file: String,
    pub(super) wanted: Wanted,
    pub(super) opened: Opened,
    pub(super) imported: Imported,
    /// The file of bad rows, if there is one, and the first reasons.
    pub(super) bad: (Option<PathBuf>, Vec<String>),
}

/// The result for programs, with the names of the API.
#[derive(Serialize)]
struct Json<'a> {
    /// `None`: a dry run.
    id: Option<ImportId>,
    source: &'a str,
    preset: Option<&'a str>,
    complete: bool,
    dry_run: bool,
    counts: JsonCounts,
    /// `None`: no owner rule.
    owners: Option<JsonOwners>,
    /// Rows without a value in a column that is read.
    skipped: u64,
    bad_rows: Option<&'a PathBuf>,
    /// The columns of each field that is read.
    columns: BTreeMap<&'a str, &'a [String]>,
    ignored_columns: &'a [String],
    notes: &'a [Note],
}

/// An import in a list for programs, with the names of the API.
#[derive(Serialize)]
struct JsonListed<'a> {
    id: ImportId,
    source: &'a str,
    preset: Option<&'a str>,
    complete: bool,
    begun: &'a str,
    finished: Option<&'a str>,
    undone: bool,
    counts: Option<JsonCounts>,
    owners: Option<JsonOwners>,
}

impl<'a> From<&'a Listed> for JsonListed<'a> {
    fn from(listed: &'a Listed) -> JsonListed<'a> {
        JsonListed {
            id: listed.import,
            source: &listed.source,
            preset: listed.preset.as_deref(),
            complete: listed.is_complete,
            begun: &listed.begun,
            finished: listed.finished.as_deref(),
            undone: listed.is_undone,
            counts: listed.counts.map(JsonCounts::from),
            owners: listed.owners.map(JsonOwners::from),
        }
    }
}

#[derive(Serialize)]
struct JsonCounts {
    new: u64,
    changed: u64,
    unchanged: u64,
    missing: u64,
    set_aside: u64,
    erased: u64,
}

impl From<ImportCounts> for JsonCounts {
    fn from(counts: ImportCounts) -> JsonCounts {
        let ImportCounts { new, changed, unchanged, missing, bad, erased } = counts;
        JsonCounts { new, changed, unchanged, missing, set_aside: bad, erased }
    }
}

#[derive(Serialize)]
struct JsonOwners {
    unique: u64,
    account: u64,
    unknown: u64,
    several: u64,
    left: u64,
    unresolved: u64,
}

impl From<OwnerCounts> for JsonOwners {
    fn from(counts: OwnerCounts) -> JsonOwners {
        let OwnerCounts { unique, account, none, several, left, unresolved } = counts;
        JsonOwners { unique, account, unknown: none, several, left, unresolved }
    }
}

impl Report {
    pub(super) fn say(&self, json: bool) -> anyhow::Result<()> {
        if json {
            say(serde_json::to_string_pretty(&self.json())?);
        } else {
            self.lines().into_iter().for_each(say);
        }
        Ok(())
    }

    fn json(&self) -> Json<'_> {
        Json {
            id: self.imported.import,
            source: &self.opened.source,
            preset: self.opened.preset.as_deref(),
            complete: self.wanted.is_complete,
            dry_run: self.wanted.is_rehearsal,
            counts: self.imported.counts.into(),
            owners: self.imported.owners.map(JsonOwners::from),
            skipped: self.imported.skipped,
            bad_rows: self.bad.0.as_ref(),
            columns: self.opened.fields.iter().map(|(field, columns)| (field.as_str(), &columns[..])).collect(),
            ignored_columns: &self.opened.ignored,
            notes: &self.imported.notes,
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = self.layout();
        lines.push(String::new());
        if self.wanted.is_rehearsal {
            lines.push("dry run: nothing was changed; the import would be".to_owned());
        }
        lines.extend(self.counts());
        lines.extend(self.bad.1.iter().map(|reason| format!("  {reason}")));
        if self.imported.counts.bad > self.bad.1.len() as u64 {
            lines.push("  …".to_owned());
        }
        lines.extend(self.owners());
        lines.extend(self.notes());
        lines.extend(
            self.imported
                .import
                .map(|import| format!("\nimport {import} is finished; `muster import undo {import}` undoes it")),
        );
        lines
    }

    fn layout(&self) -> Vec<String> {
        let Opened { source, preset, form, fields, ignored, .. } = &self.opened;
        let by = preset.as_deref().map_or("own mapping".to_owned(), |preset| format!("preset {preset}"));
        let mut lines = vec![format!("{}: source {}, {by}, {form}", self.file, quoted(source))];
        lines.extend(fields.iter().map(|(field, columns)| format!("  {field:<18} {}", listed(columns))));
        if !ignored.is_empty() {
            lines.push(format!("  columns that are not read: {}", listed(ignored)));
        }
        lines
    }

    fn counts(&self) -> Vec<String> {
        let ImportCounts { new, changed, unchanged, missing, bad, erased } = self.imported.counts;
        let place = match &self.bad.0 {
            Some(path) => format!("with their reasons in {}", visible_path(path)),
            None if bad > 0 => "--bad-rows writes them to a file, with their reasons".to_owned(),
            None => String::new(),
        };
        let missed = match (self.wanted.is_complete, missing) {
            (false, _) => "not looked for: --complete says that the file has all records of its source",
            (true, 0) if bad > 0 => {
                "nothing is marked while a row that was set aside may be one of them: correct the export, and import all of it"
            }
            (true, 0) => "",
            (true, _) => "no longer in the export: marked, not deleted",
        };
        let gone = if erased > 0 { "the owner was erased: not imported again" } else { "" };
        let skip = if self.imported.skipped > 0 { "rows without a value in a column that is read" } else { "" };
        let row = |name: &str, count: u64, what: &str| format!("{name:<10} {count:>9}  {what}").trim_end().to_owned();
        let mut lines = vec![
            row("new", new, ""),
            row("changed", changed, ""),
            row("unchanged", unchanged, ""),
            row("missing", missing, missed),
            row("erased", erased, gone),
        ];
        if self.imported.skipped > 0 {
            lines.push(row("skipped", self.imported.skipped, skip));
        }
        lines.push(row("set aside", bad, &place));
        lines
    }

    fn owners(&self) -> Vec<String> {
        let Some(OwnerCounts { unique, account, none, several, left, unresolved }) = self.imported.owners else {
            return vec!["owners are not resolved: no --owner and no [[owner]] in the mapping names them".to_owned()];
        };
        let first = if account > 0 { "it becomes a person at the first sign-in" } else { "" };
        let later = if unresolved > 0 { "until they sign in, or until a directory answers a later import" } else { "" };
        let row = |name: &str, count: u64, what: &str| format!("  {name:<11} {count:>6}  {what}").trim_end().to_owned();
        vec![
            "owners of the rows:".to_owned(),
            row("one person", unique, ""),
            row("one account", account, first),
            row("nobody", none, ""),
            row("several", several, ""),
            row("left", left, if left > 0 { "the account is disabled" } else { "" }),
            row("unresolved", unresolved, later),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let note = |note: &Note| {
            let Note { field, text, count, first_line, .. } = note;
            let field = field.as_ref().map_or("row", |field| field);
            format!("  {field}: {text} ({}, first in line {first_line})", counted(*count, "time"))
        };
        let head = (!self.imported.notes.is_empty()).then(|| "notes on values of rows that were read:".to_owned());
        head.into_iter().chain(self.imported.notes.iter().map(note)).collect()
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// Returns a list of imports as JSON.
pub(super) fn json(imports: &[Listed]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&imports.iter().map(JsonListed::from).collect::<Vec<_>>())
}

/// Returns the lines of a list of imports.
pub(super) fn table(imports: &[Listed]) -> Vec<String> {
    let row = |id: &str, begun: &str, counts: [String; 6], source: &str| {
        let [new, changed, unchanged, missing, bad, erased] = counts;
        let numbers = format!("{new:>9} {changed:>9} {unchanged:>9} {missing:>9} {bad:>9} {erased:>7}");
        format!("{id:<36}  {begun:<20} {numbers}  {source}").trim_end().to_owned()
    };
    let head = ["NEW", "CHANGED", "UNCHANGED", "MISSING", "SET ASIDE", "ERASED"].map(str::to_owned);
    let mut lines = vec![row("IMPORT", "BEGUN", head, "SOURCE")];
    for listed in imports {
        let Listed { import, source, is_complete, begun, counts, owners, is_undone, .. } = listed;
        let numbers = match counts {
            Some(ImportCounts { new, changed, unchanged, missing, bad, erased }) => {
                [new, changed, unchanged, missing, bad, erased].map(u64::to_string)
            }
            None => [""; 6].map(|_| "-".to_owned()),
        };
        let states = [
            is_complete.then_some("complete"),
            counts.is_none().then_some("not finished"),
            is_undone.then_some("undone"),
        ];
        let states: Vec<&str> = states.into_iter().flatten().collect();
        let state = if states.is_empty() { String::new() } else { format!(" ({})", states.join(", ")) };
        // The seconds suffice.
        let begun = format!("{}Z", begun.split(['.', 'Z', '+']).next().unwrap_or_default());
        lines.push(row(&import.to_string(), &begun, numbers, &format!("{}{state}", visible_line(source))));
        lines.extend(owners.map(owners_line));
    }
    lines
}

fn owners_line(owners: OwnerCounts) -> String {
    let OwnerCounts { unique, account, none, several, left, unresolved } = owners;
    format!(
        "  owners of the rows: one person {unique}, one account {account}, nobody {none}, several {several}, left {left}, \
         unresolved {unresolved}"
    )
}
