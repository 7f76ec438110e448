//! A previous record and an import of such records: streams `record-<id>` and `import-<id>`. The record is a device as
//! another product knew it, or an earlier enrollment of this installation, which has links alone.

mod links;
mod owner;
mod sightings;
#[cfg(test)]
mod tests;

pub use links::{Link, LinkDecision};
pub use owner::{Found, Holder, Search, Sought, Who, contradicts, owner};

use crate::Aggregate;
use crate::link::Weight;
use events::Timestamp;
use events::device::DeviceId;
use events::invitation::MailFailure;
use events::migration::MigrationException;
use events::personal::{Gone, Personal};
use events::record::{
    ImportCounts, ImportEvent, ImportId, NameKey, OwnerCounts, OwnerKey, PersonalDetails, RecordDetails, RecordEvent,
    RecordField, RecordId, RecordOwner, RestoredRecord, Silence, replaces_keys,
};
use serde::{Deserialize, Serialize};
use sightings::{Sighting, Sightings};
use std::collections::{BTreeMap, BTreeSet};

/// Number of notes about one record.
const MOST_NOTES: u32 = 100;

/// Number of imports of one record that can be undone, one after the other.
const MOST_UNDOABLE: usize = 8;

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
    /// Those of the present values.
    pub names: BTreeSet<NameKey>,
    /// `None`: not resolved.
    pub owner: Option<RecordOwner>,
    /// The import that gave the present details.
    pub import: Option<ImportId>,
    /// The record before that import and before the ones that preceded it, the oldest first. The last import can be
    /// undone, then the one before it.
    before: Vec<RestoredRecord>,
    /// There were more imports than `before` remembers: the oldest one that it knows was not the first.
    is_forgotten: bool,
    sightings: Sightings,
    /// The complete import that did not have the record any more.
    pub missing_since: Option<ImportId>,
    /// The latest contact that an import told: an older export does not take it back.
    pub latest_contact: Option<Timestamp>,
    /// The later enrollments that may be this device.
    pub links: BTreeMap<DeviceId, Link>,
    /// The successors of links about which somebody took a decision back: from then on only people decide.
    for_people: BTreeSet<DeviceId>,
    /// Why the device need not be enrolled again.
    pub exception: Option<MigrationException>,
    /// Number of notes.
    pub notes: u32,
    /// The successors about whose retirement of the record the owner was told.
    pub notified: BTreeSet<DeviceId>,
    pub is_shredded: bool,
}

#[derive(Debug, Clone)]
pub enum Command {
    /// An import has a row for this record.
    Import {
        import: ImportId,
        source: String,
        details: Box<RecordDetails>,
        owner_keys: Vec<OwnerKey>,
        names: Vec<NameKey>,
        /// What was found out about the owner, if that is no person.
        owner: Option<RecordOwner>,
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
    /// The facts about the record and a later enrollment were weighed. The successor enrolled after the record's own
    /// enrollment, if that was one of this installation.
    ProposeLink {
        successor: DeviceId,
        weight: Weight,
    },
    NoteSilence {
        successor: DeviceId,
        silence: Silence,
    },
    /// The place of the record at its successor is reserved.
    ConfirmLink {
        successor: DeviceId,
    },
    /// Same as `ConfirmLink`, by the rule that needs no administrator.
    ConfirmLinkWithoutStaff {
        successor: DeviceId,
    },
    RejectLink {
        successor: DeviceId,
    },
    UndoLink {
        successor: DeviceId,
    },
    MakeException(MigrationException),
    EndException,
    AddNote {
        note: Personal<String>,
    },
    /// The owner was told that the record was retired. `failed`: why they could not be told.
    NoteNotified {
        successor: DeviceId,
        failed: Option<MailFailure>,
    },
    /// Nobody needs the record any more: its key is destroyed.
    NoteShredded,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the record was erased, alone or with its owner: it is not imported again")]
    Erased,
    #[error("there is no such record")]
    Unknown,
    #[error("no link of the record and this device is proposed")]
    NoLink,
    #[error("the link is rejected: undo this first")]
    Rejected,
    #[error("the link is confirmed: undo this first")]
    Confirmed,
    #[error("another device is the confirmed successor of the record: undo that first")]
    OtherSuccessor,
    #[error("somebody took a decision about this link back, so an administrator decides")]
    ForPeople,
    #[error("another enrollment is proven to be the device, too, so an administrator decides")]
    Contested,
    #[error("a link of the record is proposed or confirmed")]
    Linked,
    #[error("a record has at most {MOST_NOTES} notes")]
    TooManyNotes,
}

impl Aggregate for Record {
    const FOLD: u32 = 6;

    type Whole = Record;
    type Event = RecordEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<RecordEvent>, Refusal> {
        match command {
            Command::Import { import, source, details, owner_keys, names, owner } => {
                self.import(*import, source, details, (owner_keys, names, *owner))
            }
            Command::Miss { import } => Ok(match (&self.details, self.missing_since) {
                (Some(_), None) => vec![RecordEvent::PreviousRecordMissing { import: *import }],
                (None, _) | (_, Some(_)) => vec![],
            }),
            Command::UndoImport { import } => Ok(self.undo_import(*import)),
            Command::ResolveOwner { keys, owner } => {
                let details = self.details.as_ref().ok_or(Refusal::Unknown)?;
                if details.personal.gone() == Some(Gone::Erased) {
                    return Err(Refusal::Erased);
                }
                let is_new = self.owner != Some(*owner) && *keys == self.owner_keys;
                Ok(if is_new { vec![RecordEvent::PreviousRecordOwnerResolved { owner: *owner }] } else { vec![] })
            }
            Command::ProposeLink { successor, weight } => Ok(self.propose(*successor, weight)),
            Command::NoteSilence { successor, silence } => Ok(self.note_silence(*successor, *silence)),
            Command::ConfirmLink { successor } => self.confirm(*successor),
            Command::ConfirmLinkWithoutStaff { successor } => self.confirm_without_staff(*successor),
            Command::RejectLink { successor } => self.reject(*successor),
            Command::UndoLink { successor } => self.undo_link(*successor),
            Command::MakeException(why) if self.exception == Some(*why) => Ok(vec![]),
            Command::MakeException(why) => Ok(vec![RecordEvent::MigrationExceptionMade { why: *why }]),
            Command::EndException if self.exception.is_none() => Ok(vec![]),
            Command::EndException => Ok(vec![RecordEvent::MigrationExceptionEnded {}]),
            Command::AddNote { .. } if self.notes >= MOST_NOTES => Err(Refusal::TooManyNotes),
            Command::AddNote { note } => Ok(vec![RecordEvent::RecordNoteAdded { note: note.clone() }]),
            Command::NoteNotified { successor, .. } if self.notified.contains(successor) => Ok(vec![]),
            Command::NoteNotified { successor, failed } => {
                Ok(vec![RecordEvent::RetirementNotified { successor: *successor, failed: *failed }])
            }
            Command::NoteShredded if self.is_shredded => Ok(vec![]),
            Command::NoteShredded if self.is_linked() => Err(Refusal::Linked),
            Command::NoteShredded => Ok(vec![RecordEvent::PreviousRecordShredded {}]),
        }
    }

    fn evolve(mut self, event: &RecordEvent) -> Record {
        match event {
            RecordEvent::PreviousRecordImported { import, source, details, owner_keys, names, owner } => {
                self.source = Some(source.clone());
                self.take(*import, details, owner_keys.iter().cloned().collect());
                self.names = names.iter().cloned().collect();
                self.owner = *owner;
            }
            RecordEvent::PreviousRecordChanged { import, changed, details, owner_keys, names } => {
                let keys = present_keys(&self.owner_keys, changed, owner_keys);
                self.take(*import, details, keys);
                self.names = names.iter().cloned().collect();
            }
            RecordEvent::PreviousRecordMissing { import } => self.mark(*import, Sighting::Missed),
            RecordEvent::PreviousRecordReturned { import } => self.mark(*import, Sighting::Returned),
            RecordEvent::PreviousRecordImportUndone { import, restored } => self.undo(*import, restored.as_deref()),
            RecordEvent::PreviousRecordOwnerResolved { owner } => self.owner = Some(*owner),
            RecordEvent::LinkProposed { successor, score, band, proof, .. } => {
                self.link(*successor, (*score, *band, *proof));
            }
            RecordEvent::SilenceAsked { successor, silence } => self.silent(*successor, *silence),
            RecordEvent::LinkConfirmed { successor, .. } => self.decided(*successor, LinkDecision::Confirmed),
            RecordEvent::LinkRejected { successor } => self.decided(*successor, LinkDecision::Rejected),
            RecordEvent::LinkUndone { successor } => {
                self.notified.remove(successor);
                self.for_people.insert(*successor);
                self.decided(*successor, LinkDecision::Open);
            }
            RecordEvent::MigrationExceptionMade { why } => self.exception = Some(*why),
            RecordEvent::MigrationExceptionEnded {} => self.exception = None,
            RecordEvent::RecordNoteAdded { note: _ } => self.notes += 1,
            RecordEvent::RetirementNotified { successor, failed: _ } => {
                self.notified.insert(*successor);
            }
            RecordEvent::PreviousRecordShredded {} => self.is_shredded = true,
        }
        self
    }
}

impl Record {
    /// Returns the record without the memory that somebody took a decision back.
    #[cfg(test)]
    pub(crate) fn never_undone(self) -> Record {
        Record { for_people: BTreeSet::new(), ..self }
    }

    fn import(
        &self,
        import: ImportId,
        source: &str,
        details: &RecordDetails,
        (owner_keys, names, owner): (&[OwnerKey], &[NameKey], Option<RecordOwner>),
    ) -> Result<Vec<RecordEvent>, Refusal> {
        if self.is_shredded {
            return Err(Refusal::Erased);
        }
        let (details, owner_keys, names) = (Box::new(details.clone()), owner_keys.to_vec(), names.to_vec());
        let Some(old) = &self.details else {
            let source = source.to_owned();
            return Ok(vec![RecordEvent::PreviousRecordImported { import, source, details, owner_keys, names, owner }]);
        };
        let personal = old.personal.get().ok_or(Refusal::Erased)?;
        let changed = changes((old, personal), &details);
        let has_other_keys = present_keys(&self.owner_keys, &changed, &owner_keys) != self.owner_keys;
        // An import of an earlier version stored no names.
        let has_other_names = names.iter().collect::<BTreeSet<_>>() != self.names.iter().collect();
        Ok(if !changed.is_empty() || has_other_keys || has_other_names {
            vec![RecordEvent::PreviousRecordChanged { import, changed, details, owner_keys, names }]
        } else if self.missing_since.is_some() {
            vec![RecordEvent::PreviousRecordReturned { import }]
        } else {
            vec![]
        })
    }

    fn take(&mut self, import: ImportId, details: &RecordDetails, owner_keys: BTreeSet<OwnerKey>) {
        self.before.extend(self.now());
        if self.before.len() > MOST_UNDOABLE {
            self.before.remove(0);
            self.is_forgotten = true;
        }
        self.latest_contact = self.latest_contact.max(details.last_contact);
        (self.details, self.import) = (Some(details.clone()), Some(import));
        if owner_keys != self.owner_keys {
            self.earlier_keys = self.earlier_keys.union(&self.owner_keys).cloned().collect();
            self.earlier_keys.retain(|key| !owner_keys.contains(key));
            (self.owner_keys, self.owner) = (owner_keys, None);
        }
        self.mark(import, Sighting::Imported);
    }

    fn mark(&mut self, import: ImportId, sighting: Sighting) {
        self.sightings.add(import, sighting);
        self.missing_since = self.sightings.missing_since(None);
    }

    // The record as it is.
    fn now(&self) -> Option<RestoredRecord> {
        Some(RestoredRecord {
            import: self.import?,
            details: self.details.clone()?,
            owner_keys: self.owner_keys.iter().cloned().collect(),
            earlier_keys: self.earlier_keys.iter().cloned().collect(),
            names: self.names.iter().cloned().collect(),
            owner: self.owner,
            missing_since: self.missing_since,
        })
    }

    // Of the imports that gave values, only the last one can be undone: what it left is what the record is. A mark can
    // always be undone.
    fn undo_import(&self, import: ImportId) -> Vec<RecordEvent> {
        let restored = if self.has_values_of(import) {
            self.before.last().map(|before| self.restored(import, before))
        } else if let Some(left) = self.sightings.without_mark(import) {
            self.now().map(|now| RestoredRecord { missing_since: left.missing_since(None), ..now })
        } else {
            return vec![];
        };
        vec![RecordEvent::PreviousRecordImportUndone { import, restored: restored.map(Box::new) }]
    }

    fn has_values_of(&self, import: ImportId) -> bool {
        self.import == Some(import) && !self.is_beyond_memory()
    }

    // What was found out since the import holds. With other keys, the owner is about other values.
    fn restored(&self, import: ImportId, before: &RestoredRecord) -> RestoredRecord {
        let has_same_keys = before.owner_keys.iter().eq(&self.owner_keys);
        let left = self.sightings.without_values(import);
        RestoredRecord {
            owner: self.owner.filter(|_| has_same_keys),
            missing_since: left.missing_since(before.missing_since),
            ..before.clone()
        }
    }

    fn is_beyond_memory(&self) -> bool {
        self.before.is_empty() && self.is_forgotten
    }

    fn undo(&mut self, import: ImportId, restored: Option<&RestoredRecord>) {
        let kept = Record {
            source: self.source.take(),
            links: std::mem::take(&mut self.links),
            for_people: std::mem::take(&mut self.for_people),
            exception: self.exception,
            notes: self.notes,
            notified: std::mem::take(&mut self.notified),
            is_shredded: self.is_shredded,
            ..Record::default()
        };
        let Some(restored) = restored else {
            *self = kept;
            return self.forget_proposals();
        };
        let has_values = self.has_values_of(import);
        let (mut before, sightings) = (std::mem::take(&mut self.before), std::mem::take(&mut self.sightings));
        let sightings = if has_values {
            before.pop();
            sightings.without_values(import)
        } else {
            sightings.without_mark(import).unwrap_or(sightings)
        };
        *self = Record {
            details: Some(restored.details.clone()),
            owner_keys: restored.owner_keys.iter().cloned().collect(),
            earlier_keys: restored.earlier_keys.iter().cloned().collect(),
            names: restored.names.iter().cloned().collect(),
            owner: restored.owner,
            import: Some(restored.import),
            before,
            is_forgotten: self.is_forgotten,
            sightings,
            missing_since: restored.missing_since,
            latest_contact: restored.details.last_contact,
            ..kept
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
    pub is_complete: bool,
    pub counts: Option<ImportCounts>,
    pub is_undone: bool,
}

#[derive(Debug, Clone)]
pub enum ImportCommand {
    Begin {
        source: String,
        preset: Option<String>,
        is_complete: bool,
    },
    Finish {
        file: String,
        counts: ImportCounts,
        owners: Option<OwnerCounts>,
        newest_contact: Option<Timestamp>,
    },
    Undo,
    /// More questions remain after those up to this link.
    GoOnAfter {
        record: RecordId,
        successor: DeviceId,
    },
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
        let is_undone = self.is_undone;
        Ok(match command {
            ImportCommand::Begin { .. } | ImportCommand::Finish { .. } if is_undone => {
                return Err(ImportRefusal::Undone);
            }
            ImportCommand::Undo if is_undone => vec![],
            ImportCommand::Begin { .. } if self.source.is_some() => vec![],
            ImportCommand::Begin { source, preset, is_complete } => vec![ImportEvent::ImportBegun {
                source: source.clone(),
                preset: preset.clone(),
                is_complete: *is_complete,
            }],
            ImportCommand::Finish { .. } | ImportCommand::Undo | ImportCommand::GoOnAfter { .. }
                if self.source.is_none() =>
            {
                return Err(ImportRefusal::Unknown);
            }
            ImportCommand::Finish { .. } if self.counts.is_some() => vec![],
            ImportCommand::Finish { file, counts, owners, newest_contact } => vec![ImportEvent::ImportFinished {
                file: file.clone(),
                counts: *counts,
                owners: *owners,
                newest_contact: *newest_contact,
            }],
            ImportCommand::Undo => vec![ImportEvent::ImportUndone {}],
            // The answers depend on the import also after it was undone.
            ImportCommand::GoOnAfter { record, successor } => {
                vec![ImportEvent::ImportQuestionsAnswered { up_to: *record, successor: *successor }]
            }
        })
    }

    fn evolve(mut self, event: &ImportEvent) -> Import {
        match event {
            ImportEvent::ImportBegun { source, is_complete, .. } => {
                self.source = Some(source.clone());
                self.is_complete = *is_complete;
            }
            ImportEvent::ImportFinished { counts, .. } => self.counts = Some(*counts),
            ImportEvent::ImportUndone {} => self.is_undone = true,
            ImportEvent::ImportQuestionsAnswered { .. } => {}
        }
        self
    }
}
