//! The file of bad rows: rows that were set aside, each with the reason. It is created with the first bad row, and
//! never replaces an existing file.

use anyhow::{Context as _, bail};
use names::visible::visible_path;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Number of reasons that the summary shows.
const SHOWN: usize = 5;

/// Number of names that are tried for a new file.
const NAMES: u32 = 1_000;

/// Where the bad rows go.
enum Place {
    /// A file that the command names.
    Named(PathBuf),
    /// A new file beside this one.
    Beside(PathBuf),
    /// A new file in the current directory.
    Here,
    Nowhere,
}

pub(super) struct BadRows {
    place: Place,
    /// First line of the file; empty for JSON Lines.
    header: String,
    file: Option<(PathBuf, BufWriter<File>)>,
    reasons: Vec<String>,
}

impl BadRows {
    /// `named`: the file that the command names. `beside`: the export; `None` if it comes from standard input.
    ///
    /// # Errors
    /// Returns an error if the file cannot be created later, as far as that is known.
    pub(super) fn new(named: Option<PathBuf>, beside: Option<&Path>, is_rehearsal: bool) -> anyhow::Result<BadRows> {
        let place = match (named, beside) {
            (Some(named), _) => Place::Named(named),
            (None, _) if is_rehearsal => Place::Nowhere,
            (None, Some(beside)) => Place::Beside(beside.to_owned()),
            (None, None) => Place::Here,
        };
        place.check()?;
        Ok(BadRows { place, header: String::new(), file: None, reasons: Vec::new() })
    }

    pub(super) fn set_header(&mut self, header: &str) {
        header.clone_into(&mut self.header);
    }

    /// Adds a line. `why`: its number in the export, and its reasons.
    ///
    /// # Errors
    /// Returns an error if the file cannot be created or written.
    pub(super) fn add(&mut self, line: &str, why: &str) -> anyhow::Result<()> {
        if self.reasons.len() < SHOWN {
            self.reasons.push(names::visible::visible_line(why).into_owned());
        }
        if self.file.is_none() {
            self.file = self.place.create(!self.header.is_empty())?;
            self.write(&self.header.clone())?;
        }
        self.write(line)
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        file.write_all(text.as_bytes()).with_context(|| unwritable(path))
    }

    /// Returns the path of the file, if there is one, and the first reasons.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(super) fn finish(mut self) -> anyhow::Result<(Option<PathBuf>, Vec<String>)> {
        if let Some((path, file)) = &mut self.file {
            file.flush().with_context(|| unwritable(path))?;
        }
        Ok((self.file.map(|(path, _)| path), self.reasons))
    }
}

fn unwritable(path: &Path) -> String {
    format!("cannot write the bad rows to {}: name another file with --bad-rows", visible_path(path))
}

impl Place {
    fn check(&self) -> anyhow::Result<()> {
        let folder = match self {
            Place::Named(path) if path.symlink_metadata().is_ok() => {
                bail!("--bad-rows: {} exists already: name a new file", visible_path(path));
            }
            Place::Named(path) | Place::Beside(path) => folder_of(path),
            Place::Here => Path::new("."),
            Place::Nowhere => return Ok(()),
        };
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        rustix::fs::access(folder, access).with_context(|| {
            format!(
                "rows that cannot be read are written to a new file in {}, which is not possible: name a file in \
                 another directory with --bad-rows",
                visible_path(folder)
            )
        })
    }

    fn create(&self, is_csv: bool) -> anyhow::Result<Option<(PathBuf, BufWriter<File>)>> {
        let base = match self {
            Place::Named(path) => {
                let file = create(path).with_context(|| unwritable(path))?;
                return Ok(Some((path.clone(), BufWriter::new(file))));
            }
            Place::Beside(path) => path.clone(),
            Place::Here => PathBuf::from(if is_csv { "records.csv" } else { "records.jsonl" }),
            Place::Nowhere => return Ok(None),
        };
        for number in 1..NAMES {
            let path = bad_path(&base, number);
            match create(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                created => {
                    return Ok(Some((path.clone(), BufWriter::new(created.with_context(|| unwritable(&path))?))));
                }
            }
        }
        bail!("{} exists already, and so do the files with numbers: use --bad-rows", visible_path(&bad_path(&base, 1)))
    }
}

// The rows are personal data.
fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `export.csv` gives `export.bad.csv`, then `export.bad-2.csv`.
fn bad_path(export: &Path, number: u32) -> PathBuf {
    let mut name = export.file_stem().unwrap_or_default().to_owned();
    name.push(if number == 1 { ".bad".to_owned() } else { format!(".bad-{number}") });
    if let Some(extension) = export.extension() {
        name.push(".");
        name.push(extension);
    }
    export.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_bad_rows_has_the_name_and_the_ending_of_the_export() {
        for (export, number, bad) in [
            ("a/export.csv", 1, "a/export.bad.csv"),
            ("export.csv", 3, "export.bad-3.csv"),
            ("export", 1, "export.bad"),
            ("x.tar.gz", 1, "x.tar.bad.gz"),
        ] {
            assert_eq!(bad_path(Path::new(export), number), Path::new(bad));
        }
    }

    #[test]
    fn an_existing_file_is_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let export = directory.path().join("export.csv");
        for name in ["export.bad.csv", "export.bad-2.csv"] {
            std::fs::write(directory.path().join(name), "mine").unwrap();
        }
        let mut bad = BadRows::new(None, Some(&export), false).unwrap();
        bad.set_header("Import error,ID\r\n");
        bad.add("\"line 2: the \"\"id\"\" is empty\",\r\n", "line 2: the \"id\" is empty").unwrap();
        let (path, reasons) = bad.finish().unwrap();
        assert_eq!(path, Some(directory.path().join("export.bad-3.csv")));
        assert_eq!(reasons, ["line 2: the \"id\" is empty"]);
        let text = std::fs::read_to_string(path.unwrap()).unwrap();
        assert_eq!(text, "Import error,ID\r\n\"line 2: the \"\"id\"\" is empty\",\r\n");
        let named = BadRows::new(Some(directory.path().join("export.bad.csv")), Some(&export), false);
        assert!(named.err().unwrap().to_string().contains("exists already"));
        assert_eq!(std::fs::read_to_string(directory.path().join("export.bad.csv")).unwrap(), "mine");
    }

    #[test]
    fn without_bad_rows_there_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let bad = BadRows::new(None, Some(&directory.path().join("export.csv")), false).unwrap();
        assert_eq!(bad.finish().unwrap(), (None, vec![]));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_does_not_exist_is_found_before_the_import() {
        let directory = tempfile::tempdir().unwrap();
        let named = BadRows::new(Some(directory.path().join("no/bad.csv")), None, false);
        assert!(format!("{:#}", named.err().unwrap()).contains("--bad-rows"));
    }
}
