//! Words for previous records.

use crate::admin::words::{Chip, NONE, short};
use events::record::{RecordId, RecordOwner};
use names::visible;
use projections::records::OwnerOutcome;

/// Returns what is known about the owner.
pub(crate) fn owner(owner: OwnerOutcome) -> Chip {
    match owner {
        OwnerOutcome::Unique => Chip { label: "One person", class: "ok" },
        OwnerOutcome::Account => Chip { label: "One account", class: "ok" },
        OwnerOutcome::Unknown => Chip { label: "Nobody known", class: "" },
        OwnerOutcome::Several => Chip { label: "Several people", class: "warn" },
        OwnerOutcome::Left => Chip { label: "Left", class: "warn" },
        OwnerOutcome::Unresolved => Chip { label: "Not resolved", class: "" },
    }
}

/// Returns what the outcome means for the person.
pub(crate) fn owner_sentence(owner: Option<RecordOwner>) -> &'static str {
    match owner {
        Some(RecordOwner::Unique { .. }) => "Exactly one person has the values of the record.",
        Some(RecordOwner::Account {}) => {
            "Exactly one account has the values of the record. It becomes a person at the first sign-in."
        }
        Some(RecordOwner::Unknown {}) => "Nobody known here has the values of the record.",
        Some(RecordOwner::Several {}) => "Several people have the values of the record, so nobody is asked about it.",
        Some(RecordOwner::Left {}) => "The account of the only person who has the values is disabled.",
        None => "It was not looked up yet who owns the record.",
    }
}

/// Returns the label of a record: the name of the device, else its model as people know it, else the record's id. Names
/// without visible characters are skipped, because the label is the text of links.
pub(crate) fn label(name: Option<&str>, models: [Option<&str>; 2], record: RecordId) -> String {
    let models = models.map(|model| model.map(|model| apple::models::name(model).unwrap_or(model)));
    let named = std::iter::once(name).chain(models).find_map(visible::name);
    named.unwrap_or_else(|| format!("Record {}", short(&record.to_string())))
}

/// Returns a personal value.
pub(crate) fn given(value: Option<&str>, is_erased: bool) -> String {
    value.unwrap_or(if is_erased { "(erased)" } else { NONE }).to_owned()
}
