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

/// A recipe is a section whose heading contains its example. Each item of its list begins with the files that contain
/// the example.
#[test]
fn every_file_of_a_recipe_contains_the_example() {
    let plain = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    let text = read("CONTRIBUTING.md");
    let mut files = 0;
    for recipe in text.split("\n### ").skip(1) {
        let (heading, list) = recipe.split_once('\n').unwrap();
        let example = heading.split('`').nth(1).unwrap_or_else(|| panic!("{heading} has no example"));
        for item in list.split("\n* ").skip(1) {
            for path in paths(item.split(": ").next().unwrap()) {
                let contains = plain(&format!("{path} {}", read(path))).contains(&plain(example));
                assert!(contains, "{heading}: {path} does not contain {example}");
                files += 1;
            }
        }
    }
    assert!(files > 50, "only {files} recipe files found");
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
