//! What the documents and comments must state, and how they are written.

use super::{MAY_DEPEND, MAY_IMPORT, collect, root, source_folders};
use events::record::{LinkEvidence, PreviousAnswer};
use std::path::{Path, PathBuf};

/// Maximum width of a line in characters: `max_width` in rustfmt.toml. rustfmt does not wrap comments.
const WIDTH: usize = 120;

/// Number of the first decision that must have a section "Alternatives". Not all older ones recorded what was rejected.
const FIRST_WITH_ALTERNATIVES: u32 = 31;

#[test]
fn no_comment_is_wider_than_the_configured_width() {
    let configured = std::fs::read_to_string(root().join("rustfmt.toml")).unwrap();
    assert!(configured.contains(&format!("max_width = {WIDTH}")), "{configured}");
    let mut comments = 0;
    for folder in source_folders() {
        let mut files = Vec::new();
        collect(&folder, &mut files);
        for path in files {
            let text = std::fs::read_to_string(&path).expect("a source can be read");
            for (number, line) in text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//")) {
                comments += 1;
                let width = line.chars().count();
                assert!(width <= WIDTH, "{}:{}: {width} characters", path.display(), number + 1);
            }
        }
    }
    assert!(comments > 5_000, "only {comments} lines of comments found");
}

#[test]
fn every_decision_has_its_sections() {
    let mut decisions = 0;
    for entry in std::fs::read_dir(root().join("docs/decisions")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy();
        let number = name.split('-').next().and_then(|number| number.parse::<u32>().ok());
        let number = number.unwrap_or_else(|| panic!("{name} does not begin with a number"));
        let alternatives = (number >= FIRST_WITH_ALTERNATIVES).then_some("## Alternatives");
        for head in ["## Context", "## Decision", "## Status"].into_iter().chain(alternatives) {
            assert!(text.lines().any(|line| line == head), "{name} has no section {head}");
        }
        decisions += 1;
    }
    assert!(decisions > 5, "only {decisions} decisions found");
}

#[test]
fn the_architecture_names_every_module() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for module in MAY_IMPORT.map(|(module, _)| module).into_iter().chain(MAY_DEPEND.map(|(name, _)| name)) {
        assert!(text.contains(&format!("`{module}`")), "ARCHITECTURE.md does not name `{module}`");
    }
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut documents = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(PathBuf::from).to_vec();
    for folder in ["docs", "docs/decisions", "docs/providers"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        documents.extend(entries.map(|name| Path::new(folder).join(name)));
    }
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut links = 0;
    for document in documents {
        let text = std::fs::read_to_string(root().join(&document)).unwrap();
        let folder = root().join(document.parent().unwrap());
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let local = !target.contains("://") && !target.starts_with("mailto:") && !target.is_empty();
            links += usize::from(local);
            assert!(!local || folder.join(target).exists(), "{}: {target} does not exist", document.display());
        }
    }
    assert!(links > 50, "only {links} links found");
}

#[test]
fn files_that_the_architecture_names_exist() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let folders =
        ["src/", "crates/", "events/", "projections/", "templates/", "tests/", "docs/", "docker/", "benches/"];
    let named = text.split('`').skip(1).step_by(2).filter(|word| folders.iter().any(|folder| word.starts_with(folder)));
    // A pattern such as `src/portal/*.rs` names a folder.
    let named: Vec<&str> = named.map(|word| word.split(['*', '{', '<', ' ', ':']).next().unwrap()).collect();
    assert!(named.len() > 20, "only {} files found", named.len());
    for file in named {
        assert!(root().join(file).exists(), "ARCHITECTURE.md names {file}, which does not exist");
    }
}

/// `tests/run` runs no documentation tests, so the documentation must not contain code blocks.
#[test]
fn no_documentation_holds_code_that_nobody_runs() {
    for folder in source_folders() {
        let mut files = Vec::new();
        collect(&folder, &mut files);
        assert!(!files.is_empty(), "{}", folder.display());
        for path in files {
            let text = std::fs::read_to_string(&path).expect("a source can be read");
            let fence = text.lines().map(str::trim_start).find(|line| {
                line.strip_prefix("///")
                    .or(line.strip_prefix("//!"))
                    .is_some_and(|line| line.trim_start().starts_with("```"))
            });
            assert_eq!(fence, None, "{}", path.display());
        }
    }
}

#[test]
fn the_document_of_re_enrollment_has_the_points_of_each_evidence() {
    let text = std::fs::read_to_string(root().join("docs/re-enrollment.md")).unwrap();
    let (at, since) = (events::Timestamp(0), events::Timestamp(0));
    let answers = PreviousAnswer::ALL.map(|answer| LinkEvidence::Answered { answer });
    let all = [
        LinkEvidence::SamePerson {},
        LinkEvidence::SamePersonOfMany {},
        LinkEvidence::OtherPerson {},
        LinkEvidence::SameModel {},
        LinkEvidence::OtherModel {},
        LinkEvidence::ModelUnknown {},
        LinkEvidence::VersionNotOlder {},
        LinkEvidence::VersionOlder {},
        LinkEvidence::CheckedOutBefore { at },
        LinkEvidence::PushUnregistered { since },
        LinkEvidence::Silent { since },
        LinkEvidence::HeardAfter { at },
        LinkEvidence::SilenceUnknown {},
        LinkEvidence::SameHardware {},
        LinkEvidence::OtherHardware {},
        LinkEvidence::SameHardwareTold {},
        LinkEvidence::OtherHardwareTold {},
        LinkEvidence::InvitedDevice {},
        LinkEvidence::InvitedPerson {},
        LinkEvidence::InvitedOtherDevice {},
    ];
    for evidence in all.into_iter().chain(answers) {
        let words = projections::audit::link_evidence(evidence);
        // Without the day.
        let words = words.split([',', ' ']).take_while(|word| *word != "on" && *word != "since");
        let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let points = match decisions::link::points(evidence) {
            0 => "0".to_owned(),
            points => format!("{points:+}"),
        };
        let row = |line: &&str| line.replace(',', "").starts_with(&format!("| {words} | {points} |"));
        assert!(text.lines().any(|line| row(&line)), "no row | {words} | {points} |");
    }
}
