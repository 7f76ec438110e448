//! Snapshot tests: compares texts with files in a folder `snapshots`, with placeholders for what differs in each run.

use regex::{Captures, Regex};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What differs in each run, and its placeholder, in this order. `#` in a placeholder is the number of the value in its
/// text, so that a snapshot shows which values are equal. `$1` is the first group of the pattern.
const UNSTABLE: [(&str, &str); 20] = [
    // The values of variables in `--help` are those of the machine that runs the tests.
    (r"\[env: (\w+)=[^\]]*\]", "[env: $1=]"),
    // Binary values of property lists: certificates and fingerprints.
    (r"<data>[^<]*</data>", "<data>[binary]</data>"),
    // Secrets with the id of what they open.
    (r"(-[0-9a-f-]{36})\.[0-9A-Za-z_-]{20,}", "$1.[secret]"),
    (r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b", "[uuid #]"),
    // Temporary directories of the tests, with the path that leads to them.
    (r"(?:/[\w.-]+)*/\.tmp\w{6}\b", "[directory]"),
    (r"\b(localhost|127\.0\.0\.1):\d+", "$1:[port]"),
    (r"\bmuster \d+\.\d+\.\d+\b", "muster [version]"),
    (r"\bhash: [0-9a-f]+", "hash: [hash]"),
    (r"\b[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){19,31}\b", "[fingerprint]"),
    (r"\b[0-9A-Fa-f]{40,64}\b", "[hex]"),
    // The end of a UUID, which names a record in lists.
    (r"\b[0-9a-f]{12}\b", "[short id]"),
    // As OpenSSL writes the end of a certificate.
    (r"\b[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4} GMT", "[time]"),
    (r"\bin \d+ days\b", "in [number] days"),
    // As the console and the portal write a time or a day, and as an address has it.
    (r"\b\d{1,2} [A-Z][a-z]{2,8} \d{4}(?:, \d\d:\d\d(?::\d\d)?)?", "[time]"),
    (r"\b\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\d", "[time]"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?", "[time]"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?\b", "[time]"),
    (r"\b\d{4}-\d\d-\d\d\b", "[date]"),
    (r"\b\d+ (?:ms|milliseconds|seconds?|minutes?|hours?|days?) ago\b", "[age] ago"),
    (r"\b[0-9A-Z]{3}-[0-9A-Z]{3}\b", "[help code #]"),
];

/// Texts that a pattern matches but that are equal in each run: names of hash functions and the example of a help code.
const STABLE: [&str; 4] = ["SHA-256", "SHA-384", "SHA-512", "4F7-K2P"];

/// Compares each text with the snapshot of its name in the folder `snapshots/GROUP` beside the source file. The texts
/// are those of the whole group: a snapshot without a text fails, too.
#[macro_export]
macro_rules! snapshots {
    ($group:expr, $texts:expr) => {
        $crate::snapshots::compare(file!(), $group, $texts, |name, text| $crate::insta::assert_snapshot!(name, text))
    };
}

/// For [`crate::snapshots!`]. `source` is the path of the source file from the root of the repository.
///
/// # Panics
/// If a text differs from its snapshot or has none, after all texts were compared; or if a snapshot has no text.
pub fn compare<N: Into<String>>(
    source: &str,
    group: &str,
    texts: impl IntoIterator<Item = (N, String)>,
    assert: impl Fn(&str, &str),
) {
    let folder = folder(source, group);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let (mut names, mut changed) = (BTreeSet::new(), Vec::new());
    for (name, text) in texts {
        let (name, text) = (name.into(), stable(&text));
        let compared = catch_unwind(AssertUnwindSafe(|| settings.bind(|| assert(&name, &text))));
        if compared.is_err() {
            changed.push(name.clone());
        }
        assert!(names.insert(name.clone()), "two texts have the name {name}");
    }
    assert!(changed.is_empty(), "differs from the snapshots in {}: {changed:?}", folder.display());
    let stale: Vec<String> = stored(&folder).into_iter().filter(|name| !names.contains(name)).collect();
    assert!(
        stale.is_empty(),
        "no text has the name of these snapshots, delete them: {stale:?} in {}",
        folder.display()
    );
}

fn folder(source: &str, group: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap_or_default();
    let beside = Path::new(source).parent().unwrap_or(Path::new(""));
    root.join(beside).join("snapshots").join(group)
}

fn stored(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    files.filter_map(|name| name.to_str()?.strip_suffix(".snap").map(str::to_owned)).collect()
}

/// Replaces what differs in each run by placeholders.
pub fn stable(text: &str) -> String {
    static PATTERNS: LazyLock<[(Regex, &str); UNSTABLE.len()]> =
        LazyLock::new(|| UNSTABLE.map(|(pattern, placeholder)| (ascii(pattern), placeholder)));
    PATTERNS.iter().fold(text.to_owned(), |text, (pattern, placeholder)| {
        let mut seen: Vec<String> = Vec::new();
        let replaced = pattern.replace_all(&text, |found: &Captures<'_>| {
            if STABLE.contains(&&found[0]) {
                return found[0].to_owned();
            }
            let value = found[0].to_lowercase();
            let number = seen.iter().position(|known| *known == value).unwrap_or_else(|| {
                seen.push(value);
                seen.len() - 1
            });
            let mut replacement = String::new();
            found.expand(placeholder, &mut replacement);
            replacement.replace('#', &(number + 1).to_string())
        });
        replaced.into_owned()
    })
}

// Digits, letters and limits of words are those of ASCII: the tables of Unicode would take seconds to build.
fn ascii(pattern: &str) -> Regex {
    let ascii = pattern.replace(r"\d", "[0-9]").replace(r"\w", "[0-9A-Za-z_]").replace(r"\b", r"(?-u:\b)");
    Regex::new(&ascii).unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::stable;

    #[test]
    fn equal_values_have_equal_placeholders() {
        let (one, two) = ("0190d5e7-8f6a-7c3b-9d2e-1f4a5b6c7d8e", "0190d5e7-8f6a-7c3b-9d2e-1f4a5b6c7d8f");
        let text = format!("{one} {two} {}", one.to_uppercase());
        assert_eq!(stable(&text), "[uuid 1] [uuid 2] [uuid 1]");
    }

    #[test]
    fn what_is_equal_in_each_run_stays() {
        let text =
            "Enrolls at https://enroll.example.com/scep; 3 devices, iOS 17.5, DER-encoded, RFC 8894, SHA-256, 4F7-K2P";
        assert_eq!(stable(text), text);
    }

    #[test]
    fn places_and_times_are_replaced() {
        assert_eq!(stable("/dev/shm/.tmpa1B2c3/muster/muster.toml: no"), "[directory]/muster/muster.toml: no");
        assert_eq!(
            stable("https://localhost:40123/enroll at 2026-11-29 12:34:56 UTC"),
            "https://localhost:[port]/enroll at [time] UTC"
        );
        assert_eq!(
            stable("--config <CONFIG> [env: MUSTER_CONFIG=/etc/x] [default: y]"),
            "--config <CONFIG> [env: MUSTER_CONFIG=] [default: y]"
        );
    }
}
