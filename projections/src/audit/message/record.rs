//! The messages of previous records and their imports.

use super::{Message, list};
use events::record::{ImportEvent, RecordEvent, RecordField, RecordOwner};

pub(super) fn record(event: &RecordEvent) -> Message {
    match event {
        RecordEvent::PreviousRecordImported { source, details, .. } => {
            let model = details.model_name.as_deref().or(details.product_name.as_deref()).unwrap_or("a device");
            let imported = Message::of("previous-record-imported").with("source", source);
            imported.with("model", model).with("kind", details.kind.name())
        }
        RecordEvent::PreviousRecordChanged { changed, .. } => {
            let names = list(changed.iter().map(|field| field_name(*field)));
            let key = if changed.is_empty() { "previous-record-owner-keys-changed" } else { "previous-record-changed" };
            Message::of(key).with("fields", names)
        }
        RecordEvent::PreviousRecordMissing { .. } => Message::of("previous-record-missing"),
        RecordEvent::PreviousRecordReturned { .. } => Message::of("previous-record-returned"),
        RecordEvent::PreviousRecordImportUndone { .. } => Message::of("previous-record-import-undone"),
        RecordEvent::PreviousRecordOwnerResolved { owner } => {
            Message::of("previous-record-owner-resolved").with("owner", owner_words(*owner))
        }
    }
}

pub(super) fn import(event: &ImportEvent) -> Message {
    match event {
        ImportEvent::ImportBegun { source, is_complete: false, .. } => {
            Message::of("import-begun").with("source", source)
        }
        ImportEvent::ImportBegun { source, is_complete: true, .. } => {
            Message::of("complete-import-begun").with("source", source)
        }
        ImportEvent::ImportFinished { counts, .. } => Message::of("import-finished")
            .with("new", counts.new)
            .with("changed", counts.changed)
            .with("unchanged", counts.unchanged)
            .with("missing", counts.missing)
            .with("bad", counts.bad)
            .with("erased", counts.erased),
        ImportEvent::ImportUndone {} => Message::of("import-undone"),
    }
}

fn owner_words(owner: RecordOwner) -> &'static str {
    match owner {
        RecordOwner::Unique { .. } => "one person",
        RecordOwner::Unknown {} => "nobody known here",
        RecordOwner::Several {} => "several people, so nobody is asked about it",
        RecordOwner::Left {} => "a person whose account is disabled",
    }
}

fn field_name(field: RecordField) -> &'static str {
    match field {
        RecordField::Kind => "kind of enrollment",
        RecordField::SerialNumber => "serial number",
        RecordField::Udid => "UDID",
        RecordField::Imei => "IMEI",
        RecordField::Meid => "MEID",
        RecordField::WifiMac => "Wi-Fi address",
        RecordField::BluetoothMac => "Bluetooth address",
        RecordField::ProductName => "model identifier",
        RecordField::ModelName => "model",
        RecordField::OsVersion => "OS version",
        RecordField::DeviceName => "device name",
        RecordField::UserName => "user name",
        RecordField::Mail => "mail address",
        RecordField::FullName => "full name",
        RecordField::EmployeeNumber => "employee number",
        RecordField::LastContact => "last contact",
        RecordField::EnrolledAt => "enrollment date",
        RecordField::ProfileIdentifier => "profile identifier",
        RecordField::Site => "site",
        RecordField::AssetTag => "asset tag",
    }
}
