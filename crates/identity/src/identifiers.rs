//! Values by which records of other products name a person.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An attribute by which records name a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identifier {
    UserName,
    UserPrincipalName,
    Mail,
    EmployeeNumber,
}

/// The values of a person, as the issuer writes them. An attribute may have several, such as aliases of a mail address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identifiers(BTreeMap<Identifier, BTreeSet<String>>);

/// Maximum number of values of an attribute. The rest is left out.
const MOST_VALUES: usize = 32;
/// Maximum length of a value in bytes. A longer one is left out.
const LONGEST: usize = 320;

impl Identifiers {
    pub fn add(&mut self, identifier: Identifier, values: impl IntoIterator<Item = String>) {
        let values = values.into_iter().filter(|value| !value.trim().is_empty() && value.len() <= LONGEST);
        let kept = self.0.entry(identifier).or_default();
        for value in values {
            if kept.len() < MOST_VALUES {
                kept.insert(value);
            }
        }
        self.0.retain(|_, values| !values.is_empty());
    }

    pub fn iter(&self) -> impl Iterator<Item = (Identifier, &str)> {
        self.0.iter().flat_map(|(identifier, values)| values.iter().map(|value| (*identifier, value.as_str())))
    }

    /// Returns the values of an attribute.
    pub fn of(&self, identifier: Identifier) -> impl Iterator<Item = &str> {
        self.iter().filter(move |(of, _)| *of == identifier).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_overlong_values_are_left_out_and_their_number_is_bounded() {
        let mut identifiers = Identifiers::default();
        identifiers.add(Identifier::Mail, [String::new(), "  ".into(), "x".repeat(321)]);
        assert_eq!(identifiers, Identifiers::default());
        identifiers.add(Identifier::Mail, (0..100).map(|nth| format!("{nth}@example.org")));
        assert_eq!(identifiers.of(Identifier::Mail).count(), MOST_VALUES);
        assert_eq!(identifiers.of(Identifier::UserName).count(), 0);
    }
}
