# Recipes for development. `just` without arguments lists them. CONTRIBUTING.md describes the loop.
# `just` is optional: every recipe is one or two commands that you can type, and tests/run does not use it.
# A recipe that is one cargo command is also an alias of cargo with the same name (.cargo/config.toml). Its name is none
# of cargo's own: `check`, `clippy`, `fmt` and `deny` are second names that only just has.

# Lists the recipes
default:
    @{{ just_executable() }} --list --unsorted

alias check := everything
alias clippy := lint
alias fmt := format
alias deny := licences

# Checks that everything compiles
everything:
    cargo check --locked --workspace --all-targets

# Answers soon after a small edit: format, tests of the crates changed since BASE, rules on the sources, one enrollment
quick *BASE:
    tests/quick {{ BASE }}

# Runs everything that must be green (installs what the full suite needs)
test:
    tests/run

# Runs those tests of CRATE whose path contains TEXT: `just one muster enrollment::crowd`
one CRATE TEXT='':
    cargo test --locked -p {{ CRATE }} --lib --tests {{ TEXT }}

# Checks the rules on the sources: imports, dependencies, links
rules:
    cargo test --locked -p muster --test architecture

# Formats the code
format:
    cargo fmt --all

# Checks the format without changing a file
format-check:
    cargo fmt --all --check

# Runs clippy as tests/run does
lint:
    cargo clippy --locked --workspace --all-targets -- -D warnings

# Checks licences, bans and sources of the dependencies (needs cargo-deny)
licences:
    cargo deny --locked check --hide-inclusion-graph licenses bans sources

# Builds the documentation of the crates and fails on warnings
docs:
    RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --no-deps

# Runs a benchmark: devices, durable_appends, enrollments, imports, pushes, reenrollment, reenrollment_quality, settings_changes
bench NAME:
    cargo bench --locked --bench {{ NAME }}

# Runs mutation tests for the lines changed since BASE (needs cargo-mutants); the results are in target/mutants.
# A change in a crate must be noticed by the tests of that crate. A change in src/ must be noticed by the unit tests in
# src/: the five binaries with a real server take minutes for each change and are not run, so a change that only they
# notice is reported as missed.
mutants BASE='main':
    mkdir -p target/mutants/crates target/mutants/server
    git diff {{ BASE }} -- crates events projections > target/mutants/crates.diff
    git diff {{ BASE }} -- src > target/mutants/server.diff
    status=0; \
    cargo mutants --workspace --in-diff target/mutants/crates.diff --output target/mutants/crates || status=$?; \
    cargo mutants --package muster --in-diff target/mutants/server.diff --output target/mutants/server -- --lib || status=$?; \
    exit $status

# Shows changed snapshots one by one, to accept or reject (needs cargo-insta)
snapshots:
    cargo insta review

# Builds the files of a release into FOLDER: static binary, Debian package, SBOM, checksums
release FOLDER='target/release-files':
    docker/release {{ FOLDER }}
