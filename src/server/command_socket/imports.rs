//! Commands about imports of previous records. The file of an import follows its request ([`super::transfer`]); the
//! answer is several lines: `opened`, `begun`, `progress` and `set_aside`, then one of the others.

use crate::app::App;
use decisions::record::ImportRefusal;
use events::Timestamp;
use events::record::{ImportCounts, ImportId, OwnerCounts};
use imports::{Finished, ImportError, Imports, Noted, Order, SetAside, Told, Undone};
use platform::PerformError;
use platform::context::Context;
use projections::records::{ImportRow, ListedImports};
use records::{Delimiter, Encoding, Format, Layout, Mapping, MappingError, NoOwnerRule, OpenError, Preset};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Number of lines that wait for the other side.
pub(crate) const WAITING: usize = 16;

/// Imports in one answer. The command asks again for those after them.
const PAGE: usize = 1_000;

/// A command about imports.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ImportRequest {
    /// The file follows.
    ImportRecords(Wanted),
    UndoImport {
        import: ImportId,
    },
    /// Those after this import; all if it is `None`.
    ListImports {
        after: Option<ImportId>,
    },
}

/// Names of the commands in [`ImportRequest`].
pub(crate) const COMMANDS: [&str; 3] = ["import_records", "undo_import", "list_imports"];

/// What to import, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// A mapping in TOML.
    pub(crate) mapping: Option<String>,
    /// Name of a preset, instead of a mapping.
    pub(crate) preset: Option<String>,
    /// Replaces the source of the mapping.
    pub(crate) source: Option<String>,
    /// Owner rules in addition to those of the mapping: `FIELD=PROVIDER:ATTRIBUTE`.
    #[serde(default)]
    pub(crate) owners: Vec<String>,
    pub(crate) is_complete: bool,
    pub(crate) is_rehearsal: bool,
}

impl Wanted {
    /// Returns the mapping that these options describe.
    ///
    /// # Errors
    /// Returns an error if the mapping or an owner rule cannot be parsed, or there is no such preset.
    pub(crate) fn mapping(&self) -> Result<Mapping, String> {
        let mapping = self.mapping.as_deref().map(toml::from_str::<Mapping>).transpose();
        let mut mapping = mapping.map_err(|error| error.to_string())?.unwrap_or_default();
        if let Some(name) = &self.preset {
            let preset = Preset::ALL.into_iter().find(|preset| preset.name() == name);
            mapping.preset = Some(preset.ok_or_else(|| format!("there is no preset {name}"))?);
        }
        mapping.source = self.source.clone().or(mapping.source);
        for rule in &self.owners {
            mapping.owner.push(rule.parse().map_err(|error: NoOwnerRule| error.to_string())?);
        }
        Ok(mapping)
    }
}

/// A line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    Opened(Box<Opened>),
    /// The import is in the log.
    Begun {},
    Progress {
        bytes: u64,
        counts: ImportCounts,
    },
    /// A row that is set aside.
    SetAside {
        /// The line of the file of bad rows.
        line: String,
        /// The number of the line in the export, and the reasons.
        why: String,
    },
    Imported(Box<Imported>),
    Undone {
        restored: u64,
        kept: u64,
    },
    Imports {
        imports: Vec<Listed>,
        /// `None`: these were the last ones.
        next: Option<ImportId>,
    },
    /// The command ended early. `why` says the reason and what to do.
    Refused {
        why: String,
    },
}

/// What was found out about a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Opened {
    /// `None`: a rehearsal.
    pub(crate) import: Option<ImportId>,
    pub(crate) source: String,
    pub(crate) preset: Option<String>,
    /// Format and encoding.
    pub(crate) form: String,
    /// The fields that are read, each with its columns.
    pub(crate) fields: Vec<(String, Vec<String>)>,
    /// Columns that are not read.
    pub(crate) ignored: Vec<String>,
    /// First line of the file of bad rows; empty for JSON Lines.
    pub(crate) bad_file_header: String,
}

impl Opened {
    fn of(layout: &Layout, import: Option<ImportId>) -> Opened {
        let used: BTreeSet<&String> = layout.fields.iter().flat_map(|(_, columns)| columns).collect();
        Opened {
            import,
            source: layout.source.clone(),
            preset: layout.preset.map(|preset| preset.name().to_owned()),
            form: format!("{}, {}", format_name(layout.format), encoding_name(layout.encoding)),
            fields: layout.fields.iter().map(|(field, columns)| (field.to_string(), columns.clone())).collect(),
            ignored: layout.columns.iter().filter(|column| !used.contains(column)).cloned().collect(),
            bad_file_header: layout.bad_file_header(),
        }
    }
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::Csv(Delimiter::Comma) => "CSV with commas",
        Format::Csv(Delimiter::Semicolon) => "CSV with semicolons",
        Format::Csv(Delimiter::Tab) => "CSV with tabs",
        Format::JsonLines => "JSON Lines",
    }
}

fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf16Le | Encoding::Utf16Be => "UTF-16",
        Encoding::Windows1252 => "Windows-1252",
    }
}

/// The result of an import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Imported {
    /// `None`: a rehearsal.
    pub(crate) import: Option<ImportId>,
    pub(crate) counts: ImportCounts,
    /// `None`: no owner rule, so owners are not resolved.
    pub(crate) owners: Option<OwnerCounts>,
    pub(crate) notes: Vec<Note>,
    /// Rows without a value in a column that is read.
    pub(crate) skipped: u64,
}

/// A note of the reader, and how often it applies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) field: Option<String>,
    /// Fixed name.
    pub(crate) label: String,
    /// The same in words.
    pub(crate) text: String,
    pub(crate) count: u64,
    pub(crate) first_line: u64,
}

impl Imported {
    fn of(finished: Finished) -> Imported {
        let Finished { import, counts, owners, noted, skipped } = finished;
        let note = |Noted { field, kind, count, first_line }| Note {
            field: field.map(|field| field.to_string()),
            label: kind.label().to_owned(),
            text: kind.to_string(),
            count,
            first_line,
        };
        Imported { import, counts, owners, notes: noted.into_iter().map(note).collect(), skipped }
    }
}

/// An import in a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) import: ImportId,
    pub(crate) source: String,
    /// `None`: a mapping of one's own.
    pub(crate) preset: Option<String>,
    pub(crate) is_complete: bool,
    /// RFC 3339, in UTC.
    pub(crate) begun: String,
    /// `None`: as for `counts`.
    pub(crate) finished: Option<String>,
    /// `None`: it goes on, or it ended early.
    pub(crate) counts: Option<ImportCounts>,
    /// What the import found out. `None`: as for `counts`, or no owner rule.
    pub(crate) owners: Option<OwnerCounts>,
    pub(crate) is_undone: bool,
}

impl Listed {
    fn of(row: ImportRow) -> Listed {
        let ImportRow { import, source, preset, is_complete, begun, finished, counts, owners, is_undone, .. } = row;
        let (begun, finished) = (begun.to_rfc3339(), finished.map(Timestamp::to_rfc3339));
        Listed { import, source, preset, is_complete, begun, finished, counts, owners, is_undone }
    }
}

/// Imports a file, and sends the lines of the answer. Returns when the import has ended.
pub(crate) async fn import(
    imports: Arc<Imports>,
    wanted: Wanted,
    file: impl Read + Send + 'static,
    context: Context,
    lines: mpsc::Sender<Line>,
) {
    let mapping = match wanted.mapping() {
        Ok(mapping) => mapping,
        Err(why) => return drop(lines.send(Line::Refused { why }).await),
    };
    let import = imports.new_id();
    let named = (!wanted.is_rehearsal).then_some(import);
    let order = Order { mapping, is_complete: wanted.is_complete, is_rehearsal: wanted.is_rehearsal };
    let (told, mut received) = mpsc::channel(WAITING);
    let running = async {
        let finished = imports.run_as(import, file, order, &context, &told).await;
        drop(told);
        finished
    };
    // If nobody receives the lines any more, the import goes on.
    let telling = async {
        while let Some(told) = received.recv().await {
            let _ = lines.send(line_of(told, named)).await;
        }
    };
    let (finished, ()) = tokio::join!(running, telling);
    let last = match finished {
        Ok(finished) => Line::Imported(Box::new(Imported::of(finished))),
        Err(error) => Line::Refused { why: why(&error) },
    };
    let _ = lines.send(last).await;
}

fn why(error: &ImportError) -> String {
    match error {
        ImportError::Open(OpenError::Mapping(MappingError::NoPreset { .. })) => {
            format!("{error}. `muster import template` prints a mapping to edit")
        }
        ImportError::NoRecords => format!("{error}, or leave --complete out"),
        ImportError::NotComplete => format!("{error} with --complete"),
        error => error.to_string(),
    }
}

fn line_of(told: Told, import: Option<ImportId>) -> Line {
    match told {
        Told::Opened(layout) => Line::Opened(Box::new(Opened::of(&layout, import))),
        Told::Begun => Line::Begun {},
        Told::Progress { bytes, counts, .. } => Line::Progress { bytes, counts },
        Told::SetAside(SetAside { line, why }) => Line::SetAside { line, why },
    }
}

/// Performs a command that has no file.
pub(crate) async fn undo(app: &App, import: ImportId) -> Line {
    match app.imports.undo(import, &operator(app)).await {
        Ok(Undone { restored, kept }) => Line::Undone { restored, kept },
        Err(ImportError::Import(PerformError::Refused(ImportRefusal::Unknown))) => {
            Line::Refused { why: format!("there is no import {import}: `muster import list` shows the imports") }
        }
        Err(error) => Line::Refused { why: error.to_string() },
    }
}

/// Returns the imports after `after`, the newest first.
pub(crate) async fn list(app: &App, after: Option<ImportId>) -> Line {
    let listed = async {
        if let Some(head) = app.platform.log.store().head().await.map_err(|error| error.to_string())? {
            app.platform.projections.wait_for(head).await.map_err(|error| error.to_string())?;
        }
        let found = projections::records::imports(&app.platform.projections, after, PAGE).await;
        found.map_err(|error| error.to_string())
    };
    match listed.await {
        Ok(ListedImports { imports, next }) => {
            Line::Imports { imports: imports.into_iter().map(Listed::of).collect(), next }
        }
        Err(why) => Line::Refused { why },
    }
}

/// Returns the context of events that an operator causes at the command line.
pub(crate) fn operator(app: &App) -> Context {
    Context::operator(app.platform.world.uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_its_name_in_the_list() {
        let wanted = Wanted {
            mapping: None,
            preset: None,
            source: None,
            owners: vec![],
            is_complete: false,
            is_rehearsal: false,
        };
        let requests = [
            ImportRequest::ImportRecords(wanted),
            ImportRequest::UndoImport { import: ImportId(uuid::Uuid::from_u128(1)) },
            ImportRequest::ListImports { after: None },
        ];
        for (request, name) in requests.iter().zip(COMMANDS) {
            let json = serde_json::to_value(request).unwrap();
            assert_eq!(json["command"], name);
            assert!(serde_json::from_value::<ImportRequest>(json).is_ok());
        }
    }

    #[test]
    fn the_source_of_the_command_replaces_that_of_the_mapping() {
        let wanted = Wanted {
            mapping: Some("source = \"A\"\npreset = \"fleet\"".into()),
            preset: None,
            source: Some("B".into()),
            owners: vec![],
            is_complete: false,
            is_rehearsal: false,
        };
        let mapping = wanted.mapping().unwrap();
        assert_eq!((mapping.source.as_deref(), mapping.preset), (Some("B"), Some(Preset::Fleet)));
        let kept = Wanted { source: None, ..wanted.clone() };
        assert_eq!(kept.mapping().unwrap().source.as_deref(), Some("A"));
        let unknown = Wanted { mapping: None, preset: Some("jamf".into()), ..wanted };
        assert!(unknown.mapping().unwrap_err().contains("no preset jamf"));
    }
}
