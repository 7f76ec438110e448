# Recipes for development. `just` without arguments lists them. CONTRIBUTING.md describes the loop.
# `just` is optional: every recipe is one or two commands that you can type, and tests/run does not use it.

# Lists the recipes
default:
    @{{ just_executable() }} --list --unsorted

# Checks that everything compiles
check:
    cargo check --locked --workspace --all-targets

# Answers soon after a small edit: format, tests of the crates changed since BASE, rules on the sources, one enrollment
quick *BASE:
    tests/quick {{ BASE }}

# Runs everything that must be green (installs what the full suite needs)
test:
    tests/run

# Runs the tests of a crate whose path contains NAME: `just one muster enrollment::crowd`
one CRATE NAME='':
    cargo test --locked -p {{ CRATE }} --lib --tests {{ NAME }}

# Formats the code
fmt:
    cargo fmt --all

# Runs clippy as tests/run does
clippy:
    cargo clippy --locked --workspace --all-targets -- -D warnings

# Checks licences, bans and sources of the dependencies (needs cargo-deny)
deny:
    cargo deny --locked check --hide-inclusion-graph licenses bans sources

# Builds the documentation of the crates and fails on warnings
docs:
    RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --no-deps

# Runs a benchmark: devices, durable_appends, enrollments, pushes, settings_changes
bench NAME:
    cargo bench --locked --bench {{ NAME }}

# Runs mutation tests for the lines changed since BASE (needs cargo-mutants); the result is in target/mutants.out
mutants BASE='main':
    mkdir -p target
    git diff {{ BASE }} -- '*.rs' > target/mutants.diff
    cargo mutants --in-diff target/mutants.diff --output target

# Shows changed snapshots one by one, to accept or reject (needs cargo-insta)
snapshots:
    cargo insta review

# Builds the files of a release into FOLDER: static binary, Debian package, SBOM, checksums
release FOLDER='target/release-files':
    docker/release {{ FOLDER }}
