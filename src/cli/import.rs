//! `muster import …`: imports device records of other MDM products, lists imports and undoes them; through the running
//! server's socket, or directly if no server runs.

mod bad_rows;
mod mappings;
mod progress;
mod report;
mod run;

use super::{At, say};
use crate::app::App;
use crate::config::Config;
use crate::server::command_socket;
use crate::server::command_socket::imports::{self, ImportRequest, Line, Listed};
use anyhow::{Context as _, anyhow, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand};
use events::record::ImportId;
use plural::counted;
use records::{OwnerRule, Preset};
use std::path::PathBuf;
use std::process::ExitCode;
use world::World;

#[derive(Subcommand)]
pub(crate) enum Import {
    /// Import device records of another MDM product from an export (CSV or JSON Lines). A repeated import changes only
    /// what the export changed.
    Records(Box<Records>),
    /// List the imports, the newest first.
    List {
        /// Print the imports as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: At,
    },
    /// Undo an import: its records are as they were before it. Records that a later import changed stay.
    Undo {
        /// The id of the import, from `muster import list`.
        import: uuid::Uuid,
        #[command(flatten)]
        at: At,
    },
    /// Show the presets: which columns of the exports of other products are read.
    Presets,
    /// Print a mapping to edit, for an export that no preset fits.
    Template {
        /// Start with this preset.
        #[arg(long, value_parser = preset())]
        preset: Option<Preset>,
    },
}

#[derive(Args)]
pub(crate) struct Records {
    /// The export. `-` reads it from standard input.
    file: PathBuf,
    /// The product that made the export. If omitted, it is recognized by the columns.
    #[arg(long, value_parser = preset(), conflicts_with = "mapping")]
    preset: Option<Preset>,
    /// A TOML file that says which column has which field: see `muster import template`.
    #[arg(long, value_name = "TOML FILE")]
    mapping: Option<PathBuf>,
    /// Name of the source, such as the product and the site of its server. Records of a later import are found by it:
    /// always use the same name. The default is the name of the product.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Which field names the owner, as FIELD=PROVIDER:ATTRIBUTE: it equals an attribute of people at a provider, such
    /// as `mail=main:mail`. Rules that find somebody must find the same person; one whose value nobody has does not
    /// contradict. FIELD is user_name, mail or employee_number; PROVIDER is `local`, or the name of a directory or
    /// identity provider; ATTRIBUTE is user_name, user_principal_name, mail or employee_number. Without a rule, here or
    /// in the mapping, owners are not resolved.
    #[arg(long = "owner", value_name = "RULE")]
    owners: Vec<OwnerRule>,
    /// The file has all records of its source: those that it lacks are marked as missing. None is deleted. Refused for
    /// a file without records, and for a file of rows that were set aside.
    #[arg(long)]
    complete: bool,
    /// Report what the import would do. Changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// File for the rows that cannot be read, each with the reason. It must not exist yet. The default is a new file
    /// beside FILE, with `.bad` in its name; with --dry-run, no file is written without this option.
    #[arg(long, value_name = "NEW FILE")]
    bad_rows: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

fn preset() -> impl clap::builder::TypedValueParser<Value = Preset> {
    PossibleValuesParser::new(Preset::ALL.map(Preset::name))
        .try_map(|name| Preset::ALL.into_iter().find(|preset| preset.name() == name).ok_or("there is no such preset"))
}

impl Import {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Import::Records(records) => records.run().await,
            Import::List { json, at } => list(&at, json).await,
            Import::Undo { import, at } => undo(&at, ImportId(import)).await,
            Import::Presets => {
                say(mappings::presets().trim_end());
                Ok(ExitCode::SUCCESS)
            }
            Import::Template { preset } => {
                say(mappings::template(preset).trim_end());
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// Opens the installation in this process, because no server runs. The projections are folded meanwhile.
async fn open(config: Config) -> anyhow::Result<App> {
    let app = App::open(config, World::system()).await?;
    let (projections, log) = (app.platform.projections.clone(), app.platform.log.clone());
    // Its health contains the error.
    tokio::spawn(async move { projections.run(log).await });
    Ok(app)
}

/// Who answers commands: the running server, or this process once it has opened the installation.
struct Answering {
    config: Config,
    app: Option<App>,
}

impl Answering {
    fn at(at: &At) -> anyhow::Result<Answering> {
        Ok(Answering { config: at.load()?, app: None })
    }

    async fn perform(&mut self, request: &ImportRequest) -> anyhow::Result<Line> {
        let app = match self.app.take() {
            Some(app) => app,
            None => {
                let broken =
                    "the running server did not answer: `muster import list` shows whether the command was performed";
                let asked = command_socket::ask(&self.config.store.directory, request).await.context(broken)?;
                match asked {
                    Some(line) => return Ok(line),
                    None => open(self.config.clone()).await?,
                }
            }
        };
        let app = self.app.insert(app);
        Ok(match request {
            ImportRequest::UndoImport { import } => imports::undo(app, *import).await,
            ImportRequest::ListImports { after } => imports::list(app, *after).await,
            ImportRequest::ImportRecords(_) => bail!("a file is imported by other means"),
        })
    }
}

fn unexpected() -> anyhow::Error {
    anyhow!("the answer of the running server is unknown here: use the `muster` of the server's version")
}

async fn undo(at: &At, import: ImportId) -> anyhow::Result<ExitCode> {
    match Answering::at(at)?.perform(&ImportRequest::UndoImport { import }).await? {
        Line::Undone { restored, kept } => {
            say(restored_text(restored));
            if kept > 0 {
                say(kept_text(kept));
            }
            Ok(ExitCode::SUCCESS)
        }
        Line::Refused { why } => Err(anyhow!(why)),
        _ => Err(unexpected()),
    }
}

fn restored_text(restored: u64) -> String {
    let whose = if restored == 1 { "its" } else { "their" };
    format!("{} restored to {whose} state before the import", counted(restored, "record"))
}

fn kept_text(kept: u64) -> String {
    let which = if kept == 1 { "it" } else { "them" };
    format!("{} kept, because a later import changed {which}", counted(kept, "record"))
}

async fn all(answering: &mut Answering) -> anyhow::Result<Vec<Listed>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (imports, next) = match answering.perform(&ImportRequest::ListImports { after }).await? {
            Line::Imports { imports, next } => (imports, next),
            Line::Refused { why } => return Err(anyhow!(why)),
            _ => return Err(unexpected()),
        };
        all.extend(imports);
        if next.is_none() {
            return Ok(all);
        }
        after = next;
    }
}

async fn list(at: &At, json: bool) -> anyhow::Result<ExitCode> {
    let listed = all(&mut Answering::at(at)?).await?;
    match (json, listed.is_empty()) {
        (true, _) => say(report::json(&listed)?),
        (false, true) => say("there is no import yet: `muster import records FILE`"),
        (false, false) => report::table(&listed).into_iter().for_each(say),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undo_says_what_became_of_one_record_and_of_several() {
        assert_eq!(restored_text(1), "1 record restored to its state before the import");
        assert_eq!(restored_text(0), "0 records restored to their state before the import");
        assert_eq!(kept_text(1), "1 record kept, because a later import changed it");
        assert_eq!(kept_text(2), "2 records kept, because a later import changed them");
    }
}
