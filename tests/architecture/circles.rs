//! Finds import circles between the modules of one crate. Modules in a circle can only be read, tested and moved
//! together. A module and its own child modules count as one.

use super::{code, collect};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The modules that each module imports.
pub type Imports = BTreeMap<String, BTreeSet<String>>;

/// Returns what the modules of the crate in `folder` import from each other. Names are paths such as
/// `admin::devices`. Files of tests are left out.
pub fn imports(folder: &Path) -> Imports {
    let mut files = Vec::new();
    collect(folder, &mut files);
    let name = |path: &Path| {
        let path = path.strip_prefix(folder).expect("a file of the folder").with_extension("");
        path.iter().map(|part| part.to_str().expect("a name in UTF-8")).collect::<Vec<_>>().join("::")
    };
    let texts: BTreeMap<String, String> = files
        .iter()
        .map(|path| (name(path), path))
        .filter(|(name, _)| !["lib", "main"].contains(&name.as_str()) && !name.split("::").any(|part| part == "tests"))
        .map(|(name, path)| (name, code(&std::fs::read_to_string(path).expect("a source can be read"))))
        .collect();
    texts.iter().map(|(module, text)| (module.clone(), imports_of(module, text, &texts))).collect()
}

fn imports_of(module: &str, text: &str, all: &BTreeMap<String, String>) -> BTreeSet<String> {
    let is_within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with("::"));
    let is_other = |other: &String| other != module && !is_within(other, module) && !is_within(module, other);
    paths(text).iter().filter_map(|path| resolved(module, path, all)).filter(is_other).collect()
}

/// Returns the paths that begin with `crate`, `self` or `super`, in imports and elsewhere. Groups are written out.
fn paths(text: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    for start in ["crate::", "self::", "super::"] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                read(&text[at..], &mut Vec::new(), &mut found);
            }
        }
    }
    found
}

// Reads `a::{b, c::d}` at the beginning of the text, appends the paths to `found`, and returns the text after it.
fn read<'a>(text: &'a str, parents: &mut Vec<&'a str>, found: &mut Vec<Vec<&'a str>>) -> &'a str {
    let text = text.trim_start();
    let Some(mut group) = text.strip_prefix('{') else {
        let (word, rest) = text.split_at(text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len()));
        parents.push(word);
        return match rest.strip_prefix("::") {
            Some(rest) => read(rest, parents, found),
            None => {
                found.push(parents.clone());
                rest
            }
        };
    };
    let depth = parents.len();
    loop {
        let rest = read(group, parents, found);
        parents.truncate(depth);
        let Some(end) = rest.find([',', '}']) else { return "" };
        group = rest[end + 1..].trim_start();
        // The comma after the last element may be followed by the end of the group.
        if rest[end..].starts_with('}') {
            return group;
        }
        if let Some(rest) = group.strip_prefix('}') {
            return rest;
        }
    }
}

// Returns the innermost module on the path.
fn resolved(module: &str, path: &[&str], all: &BTreeMap<String, String>) -> Option<String> {
    let mut at: Vec<&str> = if path[0] == "crate" { Vec::new() } else { module.split("::").collect() };
    let supers = path.iter().filter(|word| **word == "super").count();
    at.truncate(at.len().saturating_sub(supers));
    let mut innermost = None;
    for word in path.iter().filter(|word| !["crate", "self", "super"].contains(*word)) {
        at.push(word);
        innermost = Some(at.join("::")).filter(|name| all.contains_key(name)).or(innermost);
    }
    innermost
}

/// Returns the largest sets of modules that all lead to each other.
pub fn circles(imports: &Imports) -> BTreeSet<BTreeSet<&str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|module| (module.as_str(), reached(module, imports))).collect();
    let circle = |module: &&str| -> BTreeSet<&str> {
        reached[module].iter().copied().filter(|other| reached[other].contains(module)).collect()
    };
    reached.keys().map(circle).filter(|circle| !circle.is_empty()).collect()
}

fn reached<'a>(from: &'a str, imports: &'a Imports) -> BTreeSet<&'a str> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        next.extend(imports[module].iter().map(String::as_str).filter(|other| reached.insert(*other)));
    }
    reached
}

#[test]
fn a_circle_is_found_through_groups_supers_and_a_third_module() {
    let texts = [
        ("a", "use crate::{b::c::{self, X}, e};"),
        ("b", "mod c;"),
        ("b::c", "use super::d::{Y as Z, self};"),
        ("b::d", "fn f() -> crate::a::A { g() }"),
        ("e", "use other_crate::a;\nuse self::x::Y;"),
    ];
    let all: BTreeMap<String, String> =
        texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let imports: Imports = all.iter().map(|(name, text)| (name.clone(), imports_of(name, text, &all))).collect();
    assert_eq!(imports["a"], ["b::c", "e"].map(str::to_owned).into());
    assert!(imports["b"].is_empty() && imports["e"].is_empty(), "{imports:?}");
    assert_eq!(circles(&imports), [["a", "b::c", "b::d"].into()].into());
}
