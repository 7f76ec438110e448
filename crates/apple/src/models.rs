//! Model identifiers (`ProductName`, such as `iPhone14,5`) and marketing names (such as `iPhone 13`).

mod key;

use key::key;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

static MODELS: LazyLock<Vec<Model>> =
    LazyLock::new(|| serde_json::from_str(include_str!("tables/models.json")).expect("a test reads the table"));

static BY_IDENTIFIER: LazyLock<HashMap<&str, &Model>> = LazyLock::new(|| {
    let row = |model: &'static Model| model.identifiers.iter().map(move |identifier| (*identifier, model));
    MODELS.iter().flat_map(row).collect()
});

static BY_KEY: LazyLock<HashMap<String, &Model>> = LazyLock::new(|| {
    let row = |model: &'static Model| model.names().filter_map(move |name| Some((key(name)?, model)));
    MODELS.iter().flat_map(row).collect()
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    name: &'static str,
    #[serde(borrow)]
    identifiers: Vec<&'static str>,
    /// Other names that mean only this model.
    #[serde(borrow, default)]
    also: Vec<&'static str>,
}

impl Model {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.also.iter().copied())
    }
}

/// Returns the marketing name of a model identifier in Apple's spelling, such as `iPad (9th generation)`. `None` if the
/// table does not contain the identifier, which is compared exactly.
pub fn name(identifier: &str) -> Option<&'static str> {
    BY_IDENTIFIER.get(identifier).map(|model| model.name)
}

/// Returns all model identifiers of a marketing name, also if an export of another MDM product spells it differently:
/// `iPad 9th Gen (WiFi)` is `iPad (9th generation)`. A name of a radio or storage variant returns the identifiers of
/// all variants. The result is empty for an unknown name and for a name that several models have, such as `iPad Pro`.
pub fn identifiers(marketing_name: &str) -> &'static [&'static str] {
    key(marketing_name).and_then(|key| BY_KEY.get(&key)).map_or(&[], |model| &model.identifiers)
}

#[cfg(test)]
mod tests;
