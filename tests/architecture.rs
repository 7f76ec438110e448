//! Checks the architecture: which crates and modules may depend on each other, what is pure, and what the documents
//! must state. It reads `cargo metadata` and the sources.

#![expect(unreachable_pub, reason = "a test binary has no API: `pub` only leads out of a module")]

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/contributing.rs"]
mod contributing;
#[path = "architecture/documents.rs"]
mod documents;
#[path = "architecture/matches.rs"]
mod matches;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use telemetry::{Alarm, Metrics};

/// The modules of the server that each module may import. Every module may use the crates. See ARCHITECTURE.md, "Which
/// code may import which".
const MAY_IMPORT: [(&str, &[&str]); 10] = [
    ("config", &[]),
    ("installation_files", &["config"]),
    ("app", &["config"]),
    ("reactions", &["app"]),
    ("web", &[]),
    ("portal", &["web"]),
    ("mdm", &["web"]),
    ("admin", &["web"]),
    ("server", &["app", "config", "reactions", "web", "portal", "mdm", "admin"]),
    ("cli", &["app", "config", "installation_files", "server"]),
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

/// Returns the code without comments and without the test module at the end of the file. The declaration of a test
/// module with a file of its own (`mod tests;`) may stand anywhere.
fn code(text: &str) -> String {
    let opens_module = |at: &usize| {
        let line = text[*at..].trim_start_matches('\n').lines().nth(1);
        line.is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
    };
    let end = text.match_indices("\n#[cfg(test)]\n").map(|(at, _)| at).find(opens_module).unwrap_or(text.len());
    text[..end].lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn code_after_the_declaration_of_a_test_module_is_read_and_code_in_a_test_module_is_not() {
    let text =
        "//! Doc.\n\n#[cfg(test)]\nmod tests;\n\nuse crate::a;\n\n#[cfg(test)]\nmod more {\n    use crate::b;\n}\n";
    let code = code(text);
    assert!(code.contains("crate::a") && !code.contains("crate::b") && !code.contains("Doc"), "{code}");
}

#[test]
fn modules_import_only_whom_they_may() {
    let imports = circles::imports(&root().join("src"));
    let of = |path: &str| path.split("::").next().unwrap_or_default().to_owned();
    for (module, may) in MAY_IMPORT {
        let files: Vec<_> = imports.iter().filter(|(path, _)| of(path) == module).collect();
        assert!(!files.is_empty(), "src/{module}.rs does not exist: correct the table");
        for (path, others) in files {
            for other in others.iter().map(|other| of(other)).filter(|other| other != module) {
                assert!(may.contains(&other.as_str()), "src/{path} imports crate::{other}");
            }
        }
    }
}

#[test]
fn every_module_of_the_server_has_a_rule() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let module = |line: &str| Some(line.split_once("mod ")?.1.strip_suffix(';')?.to_owned());
    let listed: BTreeSet<String> = lib.lines().filter(|line| !line.starts_with("//")).filter_map(module).collect();
    let ruled = MAY_IMPORT.iter().map(|(module, _)| (*module).to_owned()).collect();
    assert_eq!(listed, ruled, "left: the modules in src/lib.rs; right: MAY_IMPORT");
}

/// The files that may name the engine of the log and of the keys: where they are assembled and initialized. Everything
/// else has `StoreLifecycle` and `KeyStore`, so that a further engine changes no other file.
const NAME_THE_ENGINE: [&str; 5] =
    ["app.rs", "app/assemble.rs", "app/initialize.rs", "app/lost_keys.rs", "app/older_log.rs"];

#[test]
fn the_engine_of_the_log_is_named_only_where_it_is_assembled() {
    let mut found = BTreeSet::new();
    // `histories` writes logs for measurements: it is no part of the server.
    let left_out = ["events/src", "crates/histories/src"].map(|folder| root().join(folder));
    for folder in source_folders().into_iter().filter(|folder| !left_out.contains(folder)) {
        let mut files = Vec::new();
        collect(&folder, &mut files);
        files.retain(|path| !path.iter().any(|part| part == "tests" || part == "tests.rs"));
        for path in files {
            let code = code(&std::fs::read_to_string(&path).expect("a source can be read"));
            if code.contains("SqliteStore") || code.contains("SqliteKeyStore") {
                found.insert(path.strip_prefix(root().join("src")).unwrap_or(&path).display().to_string());
            }
        }
    }
    assert_eq!(found, NAME_THE_ENGINE.map(str::to_owned).into());
}

/// Modules that may import each other in a circle: crate folder and modules. Each part of the simulated device adds
/// methods to it.
const MAY_CIRCLE: [(&str, &[&str]); 1] = [(
    "crates/simulator/src",
    &["account", "attestation", "built_in", "commands", "device", "management", "renewal", "walk"],
)];

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
    assert!(seen > 1_000, "only {seen} imports found: check that the scan still works");
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

/// The files of the console that may name `admin::Console`, the services that perform commands: the routes,
/// the files that hand it out by permit, the files that run before sign-in, and the files that get it by a permit to
/// act. Pages that only display data are not in this list.
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
    let mut found = BTreeSet::new();
    for (path, code) in sources("src", "admin") {
        let name = path.strip_prefix(root().join("src/admin")).or(path.strip_prefix(root().join("src")));
        let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        if words.any(|word| word == "Console") {
            found.insert(name.map(|path| path.display().to_string()).unwrap_or_default());
        }
    }
    assert_eq!(found, CONSOLE_WRITERS.map(str::to_owned).into());
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
const MAY_DEPEND: [(&str, &[&str]); 30] = [
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
            "imports",
            "invitations",
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
    // Only for measurements and tests.
    ("histories", &["events", "names", "population", "world"]),
    ("identity", &["findings", "names", "plural", "world"]),
    ("imports", &["decisions", "events", "identity", "names", "platform", "projections", "records", "sign_in"]),
    ("invitations", &["decisions", "events", "identity", "platform", "projections", "sign_in"]),
    ("mail", &["findings", "names", "telemetry", "world"]),
    ("names", &[]),
    ("pki", &["findings", "world"]),
    ("platform", &["decisions", "events", "identity", "names", "plural", "projections", "telemetry", "world"]),
    ("plural", &[]),
    ("population", &[]),
    ("projections", &["events"]),
    ("property_list", &["events"]),
    ("push", &["world"]),
    ("records", &["apple", "names"]),
    ("reenrollment", &["apple", "decisions", "events", "platform", "projections", "settings"]),
    ("settings", &["decisions", "events", "identity", "names", "platform"]),
    (
        "sign_in",
        &["decisions", "events", "identity", "names", "platform", "projections", "settings", "telemetry", "world"],
    ),
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
