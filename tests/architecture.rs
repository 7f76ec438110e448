//! Checks the architecture: which crates and modules may depend on each other, what is pure, and what the documents
//! must state. It reads `cargo metadata` and the sources.

#![expect(unreachable_pub, reason = "a test binary has no API: `pub` only leads out of a module")]

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/contributing.rs"]
mod contributing;
#[path = "architecture/matches.rs"]
mod matches;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use telemetry::{Alarm, Metrics};

/// The modules of the server that each module may import. Every module may use the crates. See ARCHITECTURE.md, "Which
/// code may import which".
const MAY_IMPORT: [(&str, &[&str]); 9] = [
    ("config", &[]),
    ("installation_files", &["config"]),
    ("app", &["config"]),
    ("reactions", &["app"]),
    ("web", &[]),
    ("portal", &["web"]),
    ("mdm", &["web"]),
    ("admin", &["web"]),
    ("server", &["app", "config", "reactions", "web", "portal", "mdm", "admin"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the Rust files of a module without its test files.
fn sources(folder: &str, module: &str) -> Vec<(PathBuf, String)> {
    let mut files = vec![root().join(folder).join(format!("{module}.rs"))];
    collect(&root().join(folder).join(module), &mut files);
    files.retain(|path| path.is_file() && !path.iter().any(|part| part == "tests" || part == "tests.rs"));
    files
        .into_iter()
        .map(|path| (path.clone(), code(&std::fs::read_to_string(path).expect("a source can be read"))))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), files);
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            files.push(entry.path());
        }
    }
}

/// Returns the source folders of all crates.
fn source_folders() -> Vec<PathBuf> {
    let crates = std::fs::read_dir(root().join("crates")).expect("the folder of crates can be read");
    let crates = crates.map(|entry| entry.expect("a crate").path().join("src"));
    ["src", "events/src", "projections/src"].map(|folder| root().join(folder)).into_iter().chain(crates).collect()
}

/// Returns the code without comments and without the test module at the end of the file.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Returns the server modules that the code names: `crate::app…`, `use crate::{admin, mdm}`.
fn named(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut word) = (1, String::new());
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 1 && (c.is_alphanumeric() || c == '_') {
                    word.push(c);
                } else if depth <= 1 {
                    names.insert(std::mem::take(&mut word));
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            names.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    names
}

#[test]
fn a_name_in_a_group_is_seen() {
    let names = named("use crate::{admin, mdm::x};\nuse crate::app::App;");
    for name in ["admin", "mdm", "app"] {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
}

#[test]
fn modules_import_only_whom_they_may() {
    let modules: BTreeSet<&str> = MAY_IMPORT.iter().map(|(module, _)| *module).chain(["cli"]).collect();
    for (module, may) in MAY_IMPORT {
        let files = sources("src", module);
        assert!(!files.is_empty(), "src/{module}.rs does not exist: correct the table");
        for (path, code) in files {
            for name in named(&code) {
                let other = modules.contains(name.as_str()) && name != module;
                assert!(!other || may.contains(&name.as_str()), "{} imports crate::{name}", path.display());
            }
        }
    }
}

#[test]
fn every_module_of_the_server_has_a_rule() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let listed = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    for module in listed {
        let ruled = module == "cli" || MAY_IMPORT.iter().any(|(known, _)| *known == module);
        assert!(ruled, "src/{module}.rs is missing in MAY_IMPORT");
    }
}

/// Modules that may import each other in a circle: crate folder and modules. The steps of one aggregate share its
/// state.
const MAY_CIRCLE: [(&str, &[&str]); 1] =
    [("crates/decisions/src", &["device::claim", "device::decide", "device::evolve", "device::renewal"])];

#[test]
fn modules_of_a_crate_do_not_import_each_other_in_a_circle() {
    let mut seen = 0;
    for folder in source_folders() {
        let imports = circles::imports(&folder);
        seen += imports.values().map(BTreeSet::len).sum::<usize>();
        for circle in circles::circles(&imports) {
            let may = MAY_CIRCLE.iter().find(|(known, _)| folder == root().join(known)).map_or(&[][..], |(_, may)| may);
            assert!(circle.iter().all(|module| may.contains(module)), "{}: {circle:?}", folder.display());
        }
    }
    assert!(seen > 700, "only {seen} imports found: check that the scan still works");
}

#[test]
fn private_keys_go_to_openssl_alone() {
    // SAML, OpenID Connect and passkeys depend on the crate `rsa` (RUSTSEC-2023-0071) for verification only: see
    // deny.toml.
    let mut files = Vec::new();
    source_folders().iter().for_each(|folder| collect(folder, &mut files));
    files.retain(|path| !path.iter().any(|part| part == "tests" || part == "tests.rs"));
    assert!(files.len() > 300, "only {} source files found", files.len());
    for path in files {
        let code = code(&std::fs::read_to_string(&path).expect("a source can be read"));
        for foreign in [
            "RsaPrivateKey",
            "PrivateSigningKey",
            "SamlSigner",
            "SamlDecryptor",
            "SamlEncryptor",
            "bergshamra_enc",
            "load_rsa_private",
            "load_pem",
            "load_pkcs",
        ] {
            assert!(!code.contains(foreign), "{} names {foreign}", path.display());
        }
    }
}

#[test]
fn decisions_are_pure() {
    for (path, code) in sources("crates/decisions", "src") {
        for impure in ["async fn", ".await", "World", "SystemTime", "Instant", "std::fs", "std::net", "tokio"] {
            assert!(!code.contains(impure), "{} has {impure}", path.display());
        }
    }
}

#[test]
fn no_match_gives_a_meaning_to_events_that_it_does_not_name() {
    let mut files = Vec::new();
    source_folders().iter().for_each(|folder| collect(folder, &mut files));
    files.retain(|path| !path.iter().any(|part| part == "tests" || part == "tests.rs"));
    let mut over_events = 0;
    for path in files {
        let text = code(&std::fs::read_to_string(&path).unwrap());
        for (line, patterns) in matches::matches(&matches::unaliased(&text)) {
            over_events += usize::from(patterns.iter().any(|pattern| pattern.contains("Event::")));
            let caught = matches::catches_all_events(&patterns);
            assert!(
                caught.is_none(),
                "{}, near line {line}: {caught:?} matches every event that is not named",
                path.display()
            );
        }
    }
    assert!(over_events > 30, "only {over_events} found: check that the scan still works");
}

/// The files of the console that may name the `App`, which gives access to commands: the routes, the files that hand
/// it out by permit, the files that run before sign-in, and the files that get it by a permit to act. Pages that only
/// display data are not in this list.
const CONSOLE_WRITERS: [&str; 8] = [
    "admin.rs",
    "act.rs",
    "api/client.rs",
    "session.rs",
    "session/permits.rs",
    "set_up.rs",
    "sign_in.rs",
    "single_sign_on.rs",
];

#[test]
fn a_page_of_the_console_that_only_shows_has_no_way_to_a_command() {
    for (path, code) in sources("src", "admin") {
        let name = path.strip_prefix(root().join("src/admin")).or(path.strip_prefix(root().join("src")));
        let name = name.map(|path| path.display().to_string()).unwrap_or_default();
        let names_it = code.contains("app::App") || code.contains("app::{App") || code.contains("Data<App>");
        assert!(!names_it || CONSOLE_WRITERS.contains(&name.as_str()), "{} names the App", path.display());
    }
}

/// Every template needs a view type, because tests render only view types.
#[test]
fn every_page_of_the_console_is_rendered_in_tests_with_every_content() {
    let code: String = sources("src", "admin").into_iter().map(|(_, code)| code).collect();
    let views: String = code.split_whitespace().collect();
    let templates = std::fs::read_dir(root().join("templates/admin")).expect("the templates can be read");
    let is_page = |path: &PathBuf| std::fs::read_to_string(path).is_ok_and(|text| text.contains("{{#> layout"));
    for page in templates.map(|entry| entry.expect("a template").path()).filter(is_page) {
        let name = page.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_view = [format!("view!({name},"), format!("view!({name}as")].iter().any(|view| views.contains(view));
        assert!(is_view, "templates/admin/{name}.hbs has no view! in src/admin");
    }
    assert_eq!(code.matches("View for ").count(), 1, "only view! implements View");
}

/// The crates of this workspace that a crate may depend on. The server (`muster`) may depend on all of them.
const MAY_DEPEND: [(&str, &[&str]); 23] = [
    ("apple", &[]),
    ("connections", &["events", "identity", "telemetry"]),
    ("decisions", &["apple", "events", "names"]),
    (
        "devices",
        &[
            "apple",
            "decisions",
            "events",
            "pki",
            "platform",
            "plural",
            "projections",
            "property_list",
            "push",
            "settings",
            "telemetry",
        ],
    ),
    (
        "enroll",
        &[
            "decisions",
            "devices",
            "events",
            "identity",
            "pki",
            "platform",
            "projections",
            "settings",
            "sign_in",
            "world",
        ],
    ),
    ("events", &["world"]),
    ("findings", &["world"]),
    // Only for tests, because it starts the server.
    (
        "harness",
        &[
            "apple",
            "connections",
            "decisions",
            "devices",
            "events",
            "identity",
            "muster",
            "pki",
            "platform",
            "settings",
            "sign_in",
            "simulator",
            "staff",
            "telemetry",
            "world",
        ],
    ),
    ("identity", &["findings", "names", "plural", "world"]),
    ("names", &[]),
    ("pki", &["findings", "world"]),
    ("platform", &["decisions", "events", "identity", "names", "plural", "projections", "telemetry", "world"]),
    ("plural", &[]),
    ("projections", &["events"]),
    ("property_list", &["events"]),
    ("push", &["world"]),
    ("settings", &["decisions", "events", "identity", "names", "platform"]),
    ("sign_in", &["decisions", "events", "identity", "platform", "projections", "settings", "telemetry", "world"]),
    ("simulator", &[]),
    ("staff", &["decisions", "events", "identity", "names", "platform", "projections", "settings", "sign_in", "world"]),
    ("telemetry", &["findings"]),
    ("test_support", &[]),
    ("world", &[]),
];

#[test]
fn log_lines_of_every_crate_pass_the_filter_for_our_own() {
    // The crate of the binary is `muster`. The simulator writes no log lines.
    for folder in source_folders() {
        let mut files = Vec::new();
        collect(&folder, &mut files);
        let logs = files.iter().any(|path| std::fs::read_to_string(path).unwrap().contains("tracing::"));
        let name = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap();
        let name = if folder == root().join("src") { "muster" } else { name };
        assert!(!logs || telemetry::OURS.contains(&name), "{name} writes log lines but is missing in telemetry::OURS");
    }
}

/// The crate that only tests may depend on. Other crates may have it as an optional dependency, for a feature that
/// tests enable.
const FOR_TESTS: &str = "test_support";

#[test]
fn crates_depend_only_on_those_that_they_may() {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"]).current_dir(root());
    let metadata: serde_json::Value = serde_json::from_slice(&cargo.output().unwrap().stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let mut ruled = BTreeSet::from(["muster"]);
    for (name, may) in MAY_DEPEND {
        let package =
            packages.iter().find(|package| package["name"] == name).unwrap_or_else(|| panic!("no crate {name}"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            // In `cargo metadata`, the kind of a normal dependency is null.
            let is_built_in = dependency["kind"].is_null() && !(other == FOR_TESTS && dependency["optional"] == true);
            assert!(!is_built_in || !ours.contains(other) || may.contains(&other), "{name} depends on {other}");
        }
        ruled.insert(name);
    }
    assert_eq!(ruled, ours, "left: the crates with a rule here; right: all crates of the workspace");
}

#[test]
fn every_decision_says_context_decision_and_status() {
    let mut decisions = 0;
    for entry in std::fs::read_dir(root().join("docs/decisions")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for head in ["## Context", "## Decision", "## Status"] {
            assert!(text.contains(head), "{} has no {head}", path.display());
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
    for document in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"] {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let local = !target.contains("://") && !target.starts_with('#');
            assert!(!local || root().join(target).exists(), "{document}: {target} does not exist");
        }
    }
}

#[test]
fn the_container_runs_the_binary_without_privileges_on_commands_that_exist() {
    let text = std::fs::read_to_string(root().join("docker/Dockerfile")).unwrap();
    let last_stage = text.rsplit("\nFROM ").next().unwrap();
    let user = last_stage.lines().find_map(|line| line.strip_prefix("USER ")).expect("a USER in the last stage");
    assert!(!user.starts_with('0') && user != "root", "{user}");
    assert!(last_stage.contains("target/release/muster /usr/local/bin/muster"));
    let command = last_stage.lines().find_map(|line| line.strip_prefix("CMD [\"")).unwrap().trim_end_matches("\"]");
    let compose = std::fs::read_to_string(root().join("docker/compose.yaml")).unwrap();
    let in_compose = compose.lines().filter_map(|line| line.split("--rm muster ").nth(1)?.split(' ').next());
    for command in in_compose.chain([command]) {
        let help = std::process::Command::new(env!("CARGO_BIN_EXE_muster")).args([command, "--help"]).output().unwrap();
        assert!(help.status.success(), "muster {command} does not exist");
    }
}

#[test]
fn every_direct_dependency_is_explained_or_speaks_for_itself() {
    // Well-known crates that need no explanation: the runtime, serialization, errors, logging, tests.
    let plain = [
        "actix-web",
        "anyhow",
        "async-trait",
        "base64",
        "clap",
        "futures-util",
        "handlebars",
        "hex",
        "openssl",
        "rusqlite",
        "serde",
        "serde_json",
        "tempfile",
        "thiserror",
        "time",
        "tokio",
        "toml",
        "tracing",
        "tracing-subscriber",
        "url",
        "uuid",
    ];
    let crates = std::fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let others = ["", "events", "projections", "tests/harness"].map(|folder| root().join(folder));
    for folder in others.into_iter().chain(crates) {
        let manifest = folder.join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        for section in text.split("dependencies]\n").skip(1).map(|rest| rest.split("\n[").next().unwrap()) {
            let lines: Vec<&str> = section.lines().collect();
            for (number, line) in
                lines.iter().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            {
                let name = line.split([' ', '.']).next().unwrap();
                let explained = number > 0 && lines[number - 1].starts_with('#');
                // A crate of the workspace is explained in its own manifest, and a workspace dependency in the
                // workspace's manifest.
                let elsewhere = line.contains("path = \"") || line.contains("workspace = true");
                let told = explained || elsewhere || plain.contains(&name);
                assert!(told, "{name} is not explained in {}", manifest.display());
            }
        }
    }
}

#[test]
fn every_alarm_and_metric_of_the_code_is_in_the_document_on_operating_and_no_other() {
    let mut known: BTreeSet<String> = Alarm::ALL.iter().map(|alarm| alarm.label().to_owned()).collect();
    // Most metrics are rendered only after something was counted, so their names are read from the source. The metrics
    // of the process are always rendered.
    let source = std::fs::read_to_string(root().join("crates/telemetry/src/metrics.rs")).unwrap();
    let source = source.split("#[cfg(test)]").next().unwrap();
    known.extend(source.split("\"muster_").skip(1).map(|rest| format!("muster_{}", rest.split('"').next().unwrap())));
    let shown = Metrics::new().render();
    let typed = shown.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    known.extend(typed.map(str::to_owned));
    let document = std::fs::read_to_string(root().join("docs/operating.md")).unwrap();
    let told = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned));
    assert_eq!(known, told.collect::<BTreeSet<_>>(), "left: the code; right: docs/operating.md");
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
