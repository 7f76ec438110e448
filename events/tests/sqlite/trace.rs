//! Reads the record of `strace`, and rebuilds what a disk may hold after a failure.

use std::collections::BTreeMap;
use std::path::Path;

/// A system call that matters, in the order of the record. A write counts from its beginning, a sync from its end.
#[derive(Debug)]
pub(super) enum Step {
    Write {
        file: String,
        offset: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        length: u64,
    },
    Sync {
        file: String,
    },
    Remove {
        file: String,
    },
    /// The process has noted that the event with this number is at this position.
    Acknowledged(u32, u64),
}

/// What becomes of the writes that were not synced.
#[derive(Debug, Clone, Copy)]
pub(super) enum Loss {
    /// None reached the disk.
    All,
    /// All reached the disk.
    Nothing,
    /// Only the last one of each file did.
    AllButTheLast,
    /// All did, and the last one of each file only with its first half.
    HalfOfTheLast,
}

impl Loss {
    pub(super) const ALL: [Loss; 4] = [Loss::All, Loss::Nothing, Loss::AllButTheLast, Loss::HalfOfTheLast];
}

/// The files of a directory: what is synced, and the later changes.
pub(super) struct Disk(BTreeMap<String, File>);

#[derive(Default)]
struct File {
    synced: Vec<u8>,
    later: Vec<Change>,
}

enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

impl Disk {
    /// The files in `directory`, all synced.
    pub(super) fn of(directory: &Path) -> Disk {
        let files = std::fs::read_dir(directory).unwrap().map(|entry| {
            let entry = entry.unwrap();
            let file = File { synced: std::fs::read(entry.path()).unwrap(), later: Vec::new() };
            (entry.file_name().into_string().unwrap(), file)
        });
        Disk(files.collect())
    }

    pub(super) fn apply(&mut self, step: &Step) {
        let mut change = |file: &String, change| self.0.entry(file.clone()).or_default().later.push(change);
        match step {
            Step::Write { file, offset, bytes } => change(file, Change::Write(*offset, bytes.clone())),
            Step::Truncate { file, length } => change(file, Change::Truncate(*length)),
            Step::Sync { file } => {
                let file = self.0.entry(file.clone()).or_default();
                for change in std::mem::take(&mut file.later) {
                    change.make(&mut file.synced);
                }
            }
            Step::Remove { file } => drop(self.0.remove(file)),
            Step::Acknowledged(..) => {}
        }
    }

    /// Writes the files as a failure leaves them.
    pub(super) fn write(&self, directory: &Path, loss: Loss) {
        for (name, file) in self.0.iter().filter(|(name, _)| !name.ends_with("-shm")) {
            std::fs::write(directory.join(name), file.left(loss)).unwrap();
        }
    }
}

impl File {
    fn left(&self, loss: Loss) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let last = self.later.len().saturating_sub(1);
        for (nth, change) in self.later.iter().enumerate() {
            match (loss, change) {
                (Loss::All, _) => {}
                (Loss::AllButTheLast, _) if nth < last => {}
                (Loss::HalfOfTheLast, Change::Write(offset, written)) if nth == last => {
                    Change::Write(*offset, written[..written.len() / 2].to_vec()).make(&mut bytes);
                }
                _ => change.make(&mut bytes),
            }
        }
        bytes
    }
}

impl Change {
    fn make(&self, file: &mut Vec<u8>) {
        match self {
            Change::Write(offset, bytes) => {
                let offset = usize::try_from(*offset).unwrap();
                let end = offset + bytes.len();
                file.resize(file.len().max(end), 0);
                file[offset..end].copy_from_slice(bytes);
            }
            Change::Truncate(length) => file.resize(usize::try_from(*length).unwrap(), 0),
        }
    }
}

/// Returns the steps of a record of calls on files in `directory`/log, and the acknowledgements.
pub(super) fn read(record: &str, directory: &Path) -> Vec<Step> {
    let log = directory.join("log");
    let directory = log.parent().unwrap().to_str().unwrap().to_owned();
    let mut unfinished: BTreeMap<String, String> = BTreeMap::new();
    let mut steps = Vec::new();
    for line in record.lines() {
        let Some((process, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        // A call of one thread that another one interrupts in the record.
        let resumed = call.strip_prefix("<... ").and_then(|_| unfinished.remove(process));
        let is_begun = call.ends_with("<unfinished ...>");
        if is_begun {
            unfinished.insert(process.to_owned(), call.to_owned());
        }
        let (text, is_end) = match &resumed {
            Some(beginning) => (beginning.as_str(), true),
            None => (call, !is_begun),
        };
        let is_sync = text.starts_with("fsync") || text.starts_with("fdatasync");
        // A write takes effect at its beginning, a sync at its end.
        if if is_sync { is_end } else { resumed.is_none() } {
            steps.extend(step(text, &directory));
        }
    }
    steps
}

fn step(call: &str, directory: &str) -> Vec<Step> {
    let Some((name, rest)) = call.split_once('(') else { return Vec::new() };
    let path = || {
        let hex = rest.split_once('<')?.1.split_once('>')?.0;
        Some(String::from_utf8(bytes_of(hex)).unwrap())
    };
    let in_log = |path: String| path.strip_prefix(directory)?.strip_prefix("/log/").map(str::to_owned);
    let numbers = || rest.rsplit(')').nth(1).unwrap_or(rest).trim_end_matches("<unfinished ...>").trim_end();
    let last = || numbers().rsplit(", ").next().and_then(|number| number.parse::<u64>().ok());
    match name {
        "write" if path().is_some_and(|path| path == format!("{directory}/acknowledged")) => {
            let text = String::from_utf8(quoted(rest)).unwrap();
            let note = |line: &str| {
                let (number, position) = line.split_once(' ').unwrap();
                Step::Acknowledged(number.parse().unwrap(), position.parse().unwrap())
            };
            text.lines().map(note).collect()
        }
        "pwrite64" => path()
            .and_then(in_log)
            .map(|file| Step::Write { file, offset: last().expect("an offset"), bytes: quoted(rest) })
            .into_iter()
            .collect(),
        "ftruncate" => path()
            .and_then(in_log)
            .map(|file| Step::Truncate { file, length: last().expect("a length") })
            .into_iter()
            .collect(),
        "fsync" | "fdatasync" => path().and_then(in_log).map(|file| Step::Sync { file }).into_iter().collect(),
        "unlink" | "unlinkat" => {
            let path = String::from_utf8(quoted(rest)).unwrap();
            in_log(path).map(|file| Step::Remove { file }).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

// Returns the bytes of the first text in quotes.
fn quoted(call: &str) -> Vec<u8> {
    let text = call.split_once('"').and_then(|(_, rest)| rest.split_once('"')).map_or("", |(text, _)| text);
    bytes_of(text)
}

// Reads bytes of the form \x6d.
fn bytes_of(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|digits| u8::from_str_radix(&digits[..2], 16).unwrap()).collect()
}
