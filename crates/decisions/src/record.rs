//! A previous record and an import of such records: streams `record-<id>` and `import-<id>`.

mod owner;
#[cfg(test)]
mod tests;

pub use owner::{Found, Holder, Search, Sought, Who, owner};

use crate::Aggregate;
use events::personal::Gone;
use events::record::{
    ImportCounts, ImportEvent, ImportId, OwnerKey, PersonalDetails, RecordDetails, RecordEvent, RecordField,
    RecordOwner, RestoredRecord, replaces_keys,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A device as another product knew it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub source: Option<String>,
    /// `None`: never imported, or the import was undone.
    pub details: Option<RecordDetails>,
    /// Those of the present values. They decide who the owner is.
    pub owner_keys: BTreeSet<OwnerKey>,
    /// Those of earlier values: the device may have had another owner, so they find nobody. The record is erased with
    /// each person who has one of them.
    pub earlier_keys: BTreeSet<OwnerKey>,
    /// `None`: not resolved.
    pub owner: Option<RecordOwner>,
    /// The import that gave the present details.
    pub import: Option<ImportId>,
    /// The record before that import. An import can be undone until the next one changes the record.
    before: Option<Box<RestoredRecord>>,
    /// The complete import that did not have the record any more.
    pub missing_since: Option<ImportId>,
}

#[derive(Debug, Clone)]
pub enum Command {
    /// An import has a row for this record.
    Import {
        import: ImportId,
        source: String,
        details: Box<RecordDetails>,
        owner_keys: Vec<OwnerKey>,
    },
    /// A complete import has no row for this record.
    Miss {
        import: ImportId,
    },
    UndoImport {
        import: ImportId,
    },
    /// Somebody was found with these keys, or nobody. Nothing happens if the record has other keys by now.
    ResolveOwner {
        keys: BTreeSet<OwnerKey>,
        owner: RecordOwner,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the owner of the record was erased: it is not imported again")]
    Erased,
    #[error("there is no such record")]
    Unknown,
}

impl Aggregate for Record {
    const FOLD: u32 = 2;

    type Whole = Record;
    type Event = RecordEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<RecordEvent>, Refusal> {
        match command {
            Command::Import { import, source, details, owner_keys } => {
                self.import(*import, source, details, owner_keys)
            }
            Command::Miss { import } => Ok(match (&self.details, self.missing_since) {
                (Some(_), None) => vec![RecordEvent::PreviousRecordMissing { import: *import }],
                (None, _) | (_, Some(_)) => vec![],
            }),
            Command::UndoImport { import } => {
                let is_last = [self.import, self.missing_since].contains(&Some(*import));
                let restored = self.before(*import).map(Box::new);
                Ok(if is_last {
                    vec![RecordEvent::PreviousRecordImportUndone { import: *import, restored }]
                } else {
                    vec![]
                })
            }
            Command::ResolveOwner { keys, owner } => {
                let details = self.details.as_ref().ok_or(Refusal::Unknown)?;
                if details.personal.gone() == Some(Gone::Erased) {
                    return Err(Refusal::Erased);
                }
                let is_new = self.owner != Some(*owner) && *keys == self.owner_keys;
                Ok(if is_new { vec![RecordEvent::PreviousRecordOwnerResolved { owner: *owner }] } else { vec![] })
            }
        }
    }

    fn evolve(mut self, event: &RecordEvent) -> Record {
        match event {
            RecordEvent::PreviousRecordImported { import, source, details, owner_keys } => {
                self.source = Some(source.clone());
                self.take(*import, details, owner_keys.iter().cloned().collect());
            }
            RecordEvent::PreviousRecordChanged { import, changed, details, owner_keys } => {
                let keys = present_keys(&self.owner_keys, changed, owner_keys);
                self.take(*import, details, keys);
            }
            RecordEvent::PreviousRecordMissing { import } => self.missing_since = Some(*import),
            RecordEvent::PreviousRecordReturned { .. } => self.missing_since = None,
            RecordEvent::PreviousRecordImportUndone { restored, .. } => self.undo(restored.as_deref()),
            RecordEvent::PreviousRecordOwnerResolved { owner } => self.owner = Some(*owner),
        }
        self
    }
}

impl Record {
    fn import(
        &self,
        import: ImportId,
        source: &str,
        details: &RecordDetails,
        owner_keys: &[OwnerKey],
    ) -> Result<Vec<RecordEvent>, Refusal> {
        let (details, owner_keys) = (Box::new(details.clone()), owner_keys.to_vec());
        let Some(old) = &self.details else {
            let source = source.to_owned();
            return Ok(vec![RecordEvent::PreviousRecordImported { import, source, details, owner_keys }]);
        };
        let personal = old.personal.get().ok_or(Refusal::Erased)?;
        let changed = changes((old, personal), &details);
        let has_other_keys = present_keys(&self.owner_keys, &changed, &owner_keys) != self.owner_keys;
        Ok(if !changed.is_empty() || has_other_keys {
            vec![RecordEvent::PreviousRecordChanged { import, changed, details, owner_keys }]
        } else if self.missing_since.is_some() {
            vec![RecordEvent::PreviousRecordReturned { import }]
        } else {
            vec![]
        })
    }

    fn take(&mut self, import: ImportId, details: &RecordDetails, owner_keys: BTreeSet<OwnerKey>) {
        self.before = self.now().map(Box::new);
        (self.details, self.import) = (Some(details.clone()), Some(import));
        if owner_keys != self.owner_keys {
            self.earlier_keys = self.earlier_keys.union(&self.owner_keys).cloned().collect();
            self.earlier_keys.retain(|key| !owner_keys.contains(key));
            (self.owner_keys, self.owner) = (owner_keys, None);
        }
        self.missing_since = None;
    }

    // The record as it is.
    fn now(&self) -> Option<RestoredRecord> {
        Some(RestoredRecord {
            import: self.import?,
            details: self.details.clone()?,
            owner_keys: self.owner_keys.iter().cloned().collect(),
            earlier_keys: self.earlier_keys.iter().cloned().collect(),
            owner: self.owner,
            missing_since: self.missing_since,
        })
    }

    // The record as it was before this import, which is its last one or missed it.
    fn before(&self, import: ImportId) -> Option<RestoredRecord> {
        match self.import == Some(import) {
            true => self.before.as_deref().map(|before| {
                // What was found out since the import holds. With other keys it is about other values.
                let has_same_keys = before.owner_keys.iter().eq(&self.owner_keys);
                RestoredRecord { owner: self.owner.filter(|_| has_same_keys), ..before.clone() }
            }),
            false => self.now().map(|now| RestoredRecord { missing_since: None, ..now }),
        }
    }

    fn undo(&mut self, restored: Option<&RestoredRecord>) {
        let source = self.source.take();
        *self = match restored {
            Some(RestoredRecord { import, details, owner_keys, earlier_keys, owner, missing_since }) => Record {
                source,
                details: Some(details.clone()),
                owner_keys: owner_keys.iter().cloned().collect(),
                earlier_keys: earlier_keys.iter().cloned().collect(),
                owner: *owner,
                import: Some(*import),
                before: None,
                missing_since: *missing_since,
            },
            None => Record { source, ..Record::default() },
        };
    }
}

fn present_keys(before: &BTreeSet<OwnerKey>, changed: &[RecordField], new: &[OwnerKey]) -> BTreeSet<OwnerKey> {
    if replaces_keys(changed, new) { new.iter().cloned().collect() } else { before.clone() }
}

/// Returns the fields that differ. `old`: the details and what their personal part holds.
fn changes((old, personal): (&RecordDetails, &PersonalDetails), new: &RecordDetails) -> Vec<RecordField> {
    let default = PersonalDetails::default();
    let other = new.personal.get().unwrap_or(&default);
    [
        (RecordField::Kind, old.kind != new.kind),
        (RecordField::SerialNumber, personal.serial_number != other.serial_number),
        (RecordField::Udid, personal.udid != other.udid),
        (RecordField::Imei, personal.imeis != other.imeis),
        (RecordField::Meid, personal.meids != other.meids),
        (RecordField::WifiMac, personal.wifi_mac != other.wifi_mac),
        (RecordField::BluetoothMac, personal.bluetooth_mac != other.bluetooth_mac),
        (RecordField::ProductName, old.product_name != new.product_name),
        (RecordField::ModelName, old.model_name != new.model_name),
        (RecordField::OsVersion, old.os_version != new.os_version),
        (RecordField::DeviceName, personal.device_name != other.device_name),
        (RecordField::UserName, personal.user_name != other.user_name),
        (RecordField::Mail, personal.mail != other.mail),
        (RecordField::FullName, personal.full_name != other.full_name),
        (RecordField::EmployeeNumber, personal.employee_number != other.employee_number),
        (RecordField::LastContact, old.last_contact != new.last_contact),
        (RecordField::EnrolledAt, old.enrolled_at != new.enrolled_at),
        (RecordField::ProfileIdentifier, old.profile_identifier != new.profile_identifier),
        (RecordField::Site, old.site != new.site),
        (RecordField::AssetTag, personal.asset_tag != other.asset_tag),
    ]
    .into_iter()
    .filter_map(|(field, is_changed)| is_changed.then_some(field))
    .collect()
}

/// An import of previous records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Import {
    pub source: Option<String>,
    pub counts: Option<ImportCounts>,
    pub is_undone: bool,
}

#[derive(Debug, Clone)]
pub enum ImportCommand {
    Begin { source: String, preset: Option<String>, is_complete: bool },
    Finish { file: String, counts: ImportCounts },
    Undo,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportRefusal {
    #[error("there is no such import")]
    Unknown,
    #[error("the import was undone")]
    Undone,
}

impl Aggregate for Import {
    const FOLD: u32 = 1;

    type Whole = Import;
    type Event = ImportEvent;
    type Command = ImportCommand;
    type Refusal = ImportRefusal;

    fn decide(&self, command: &ImportCommand) -> Result<Vec<ImportEvent>, ImportRefusal> {
        if self.is_undone {
            return match command {
                ImportCommand::Undo => Ok(vec![]),
                ImportCommand::Begin { .. } | ImportCommand::Finish { .. } => Err(ImportRefusal::Undone),
            };
        }
        Ok(match command {
            ImportCommand::Begin { .. } if self.source.is_some() => vec![],
            ImportCommand::Begin { source, preset, is_complete } => vec![ImportEvent::ImportBegun {
                source: source.clone(),
                preset: preset.clone(),
                is_complete: *is_complete,
            }],
            ImportCommand::Finish { .. } | ImportCommand::Undo if self.source.is_none() => {
                return Err(ImportRefusal::Unknown);
            }
            ImportCommand::Finish { .. } if self.counts.is_some() => vec![],
            ImportCommand::Finish { file, counts } => {
                vec![ImportEvent::ImportFinished { file: file.clone(), counts: *counts }]
            }
            ImportCommand::Undo => vec![ImportEvent::ImportUndone {}],
        })
    }

    fn evolve(mut self, event: &ImportEvent) -> Import {
        match event {
            ImportEvent::ImportBegun { source, .. } => self.source = Some(source.clone()),
            ImportEvent::ImportFinished { counts, .. } => self.counts = Some(*counts),
            ImportEvent::ImportUndone {} => self.is_undone = true,
        }
        self
    }
}
