//! Checks that everything named in CONTRIBUTING.md, the scripts and the workflows exists.

use super::root;

const FILES: [&str; 7] = [
    "CONTRIBUTING.md",
    "crates/simulator/samples/README.md",
    "Justfile",
    "docker/release",
    "tests/quick",
    ".github/workflows/ci.yml",
    ".github/workflows/release.yml",
];

const FOLDERS: [&str; 11] = [
    ".cargo/",
    ".github/",
    "benches/",
    "crates/",
    "docker/",
    "docs/",
    "events/",
    "projections/",
    "src/",
    "templates/",
    "tests/",
];

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn paths(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "`'\"(),;".contains(c));
    let words = words.map(|word| word.trim_end_matches(['.', ':']));
    words.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder))).collect()
}

#[test]
fn every_path_in_contributing_and_in_the_scripts_exists() {
    for file in FILES {
        for path in paths(&read(file)) {
            assert!(root().join(path).exists(), "{file} names {path}, which does not exist");
        }
    }
}

/// Recipes whose example stands only in the files of the recipe: the example, and the text that no other source
/// contains.
const COMPLETE: [(&str, &str); 5] = [
    ("RecordArchived", "RecordArchived"),
    ("ClearPasscode", "ClearPasscode"),
    ("ja", "\"ja\""),
    ("maid-hint", "maid-hint"),
    ("sqlite", "store::sqlite"),
];

/// A section of CONTRIBUTING.md whose heading contains its example. Each item of its list begins with the files that
/// contain the example, or another word in brackets.
struct Recipe {
    example: String,
    /// Each file with the word that it must contain.
    files: Vec<(String, String)>,
}

fn recipes() -> Vec<Recipe> {
    let text = read("CONTRIBUTING.md");
    let recipes = text.split("\n### ").skip(1).map(|recipe| {
        let (heading, list) = recipe.split_once('\n').expect("a recipe has lines below its heading");
        let example = heading.split('`').nth(1).unwrap_or_else(|| panic!("{heading} has no example"));
        let files = list.split("\n* ").skip(1).flat_map(|item| {
            let files = item.split(": ").next().unwrap_or(item);
            let word = files.split("(`").nth(1).and_then(|rest| rest.split('`').next()).unwrap_or(example);
            paths(files).into_iter().map(move |path| (path.to_owned(), word.to_owned()))
        });
        Recipe { example: example.to_owned(), files: files.collect() }
    });
    recipes.collect()
}

/// Returns whether the text contains the word in any of its spellings. A short word must stand alone, because it is
/// part of many others.
fn contains(text: &str, word: &str) -> bool {
    let plain = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    if word.len() > 3 {
        return plain(text).contains(&plain(word));
    }
    text.split(|c: char| !c.is_alphanumeric()).any(|part| part == word)
}

/// Returns the code of a source without its tests; other files completely.
fn content(path: &str) -> String {
    let text = read(path);
    let is_code = path.ends_with(".rs") && !path.split('/').any(|part| part == "tests");
    if is_code { super::code(&text) } else { text }
}

#[test]
fn every_file_of_a_recipe_contains_the_example() {
    let recipes = recipes();
    for Recipe { example, files } in &recipes {
        for (path, word) in files {
            let found = contains(&format!("{path} {}", content(path)), word);
            assert!(found, "the recipe of {example}: {path} does not contain {word}");
        }
    }
    let files: usize = recipes.iter().map(|recipe| recipe.files.len()).sum();
    assert!(files > 50, "only {files} recipe files found");
}

#[test]
fn every_source_that_contains_the_example_is_in_its_recipe() {
    let recipes = recipes();
    let mut sources = Vec::new();
    super::source_folders().iter().for_each(|folder| super::collect(folder, &mut sources));
    sources.extend(std::fs::read_dir(root().join("templates/portal")).unwrap().map(|file| file.unwrap().path()));
    sources.retain(|path| !path.iter().any(|part| part == "tests" || part == "tests.rs"));
    // A change works without it; a test of its own lists what the generated histories lack.
    let histories = root().join("crates/histories");
    sources.retain(|path| !path.starts_with(&histories));
    for (example, text) in COMPLETE {
        let recipe = recipes.iter().find(|recipe| recipe.example == example).expect("a recipe with this example");
        for source in &sources {
            let path = source.strip_prefix(root()).unwrap().to_str().unwrap();
            // The folder of the engine is the engine.
            if example == "sqlite" && path.starts_with("events/") {
                continue;
            }
            let listed = recipe.files.iter().any(|(listed, _)| listed == path);
            assert!(listed || !content(path).contains(text), "{path} is missing in the recipe of {example}");
        }
    }
}

#[test]
fn the_enrollment_of_the_quick_test_exists() {
    let script = read("tests/quick");
    let value = |name: &str| script.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let folder = root().join("tests").join(value("smoke_binary="));
    let (module, test) = value("smoke_test=").rsplit_once("::").unwrap();
    let source = std::fs::read_to_string(folder.join(module.replace("::", "/")).with_extension("rs")).unwrap();
    assert!(source.contains(&format!("async fn {test}(")), "{module} has no test {test}");
}

#[test]
fn workflows_pin_their_actions_to_commits_and_name_their_permissions() {
    for workflow in std::fs::read_dir(root().join(".github/workflows")).unwrap() {
        let path = workflow.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("\npermissions:"), "{} does not restrict its permissions", path.display());
        for action in text.lines().filter_map(|line| line.split("uses: ").nth(1)) {
            let commit = action.split('@').nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
            assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{action} is not pinned");
        }
    }
}

#[test]
fn scripts_can_be_executed() {
    use std::os::unix::fs::PermissionsExt as _;
    for script in ["tests/run", "tests/quick", "tests/fuzz/run", "docker/release", "docker/debian/postinst"] {
        let mode = root().join(script).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script}");
    }
}
