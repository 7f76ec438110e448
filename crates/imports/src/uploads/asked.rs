//! How a file is to be read, as the form asks for it.

use crate::Order;
use records::{Mapping, NoOwnerRule, Preset};

/// What the form of an upload says besides the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Overrides that of the mapping.
    pub preset: Option<Preset>,
    /// Name of the source; overrides that of the mapping. Empty: that of the mapping, or the product's name.
    pub source: String,
    /// A mapping in TOML, or empty.
    pub mapping: String,
    /// Owner rules in addition to those of the mapping, one a line: `FIELD=PROVIDER:ATTRIBUTE`.
    pub owners: String,
    /// The file has all records of its source.
    pub is_complete: bool,
}

impl Asked {
    /// Returns the order of the import. The error is for people.
    pub(super) fn order(&self, is_rehearsal: bool) -> Result<Order, String> {
        // Browsers end the lines of a form's text with CR LF.
        let text = self.mapping.replace("\r\n", "\n");
        let mut mapping: Mapping =
            toml::from_str(&text).map_err(|error| format!("the mapping is not valid: {error}"))?;
        mapping.preset = self.preset.or(mapping.preset);
        if !self.source.is_empty() {
            mapping.source = Some(self.source.clone());
        }
        for rule in self.owners.lines().map(str::trim).filter(|line| !line.is_empty()) {
            mapping.owner.push(rule.parse().map_err(|error: NoOwnerRule| error.to_string())?);
        }
        Ok(Order { mapping, is_complete: self.is_complete, is_rehearsal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_the_form_override_the_mapping() {
        let mapping = "source = \"Old\"\r\npreset = \"fleet\"\r\n".to_owned();
        let asked = Asked { mapping, ..Asked::default() };
        let read = |asked: &Asked| asked.order(true).map(|order| (order.mapping.source, order.mapping.preset));
        assert_eq!(read(&asked), Ok((Some("Old".into()), Some(Preset::Fleet))));
        let asked = Asked { source: "New".into(), preset: Some(Preset::Intune), ..asked };
        assert_eq!(read(&asked), Ok((Some("New".into()), Some(Preset::Intune))));
        let owners = "mail=main:mail\r\n\r\n user_name=local:user_name ".to_owned();
        let rules = Asked { owners, ..asked.clone() }.order(true).map(|order| order.mapping.owner);
        let rules = rules.map(|rules| rules.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(rules, Ok(vec!["mail=main:mail".to_owned(), "user_name=local:user_name".to_owned()]));
        let wrong = Asked { owners: "mail".into(), ..asked };
        assert!(read(&wrong).is_err_and(|why| why.contains("is no owner rule")));
        let wrong = Asked { mapping: "colums = 1".into(), ..Asked::default() };
        assert!(read(&wrong).is_err_and(|why| why.contains("the mapping is not valid") && why.contains("colums")));
    }
}
