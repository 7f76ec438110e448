//! The messages of previous records and their imports.

use super::words::{date, mail_failure};
use super::{Message, list};
use events::record::{
    ImportEvent, LinkBand, LinkEvidence, LinkProof, PreviousAnswer, RecordEvent, RecordField, RecordOwner, Silence,
    Weighed,
};
use events::system::SuccessorEvent;

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
        RecordEvent::LinkProposed { evidence, score, band, .. } => {
            let key = if *band == LinkBand::None { "link-withdrawn" } else { "link-proposed" };
            let message = Message::of(key).with("band", band.as_str()).with("score", score);
            message.with("evidence", evidence_words(evidence))
        }
        RecordEvent::SilenceAsked { silence, .. } => {
            Message::of("silence-asked").with("silence", silence_words(*silence))
        }
        RecordEvent::LinkConfirmed { proof, .. } => Message::of("link-confirmed").with("proof", proof_words(*proof)),
        RecordEvent::LinkRejected { .. } => Message::of("link-rejected"),
        RecordEvent::LinkUndone { .. } => Message::of("link-undone"),
        RecordEvent::MigrationExceptionMade { why } => Message::of("migration-exception-made").because(why.name()),
        RecordEvent::MigrationExceptionEnded {} => Message::of("migration-exception-ended"),
        RecordEvent::RecordNoteAdded { note } => Message::of("record-note-added").personal("note", note),
        RecordEvent::RetirementNotified { failed: None, .. } => Message::of("retirement-notified"),
        RecordEvent::RetirementNotified { failed: Some(failed), .. } => {
            Message::of("retirement-not-notified").because(mail_failure(*failed))
        }
        RecordEvent::PreviousRecordShredded {} => Message::of("previous-record-shredded"),
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
        ImportEvent::ImportQuestionsAnswered { .. } => Message::of("import-questions-answered"),
    }
}

pub(super) fn successor(event: &SuccessorEvent) -> Message {
    match event {
        SuccessorEvent::SuccessorReserved { .. } => Message::of("successor-reserved"),
        SuccessorEvent::SuccessorReleased { .. } => Message::of("successor-released"),
    }
}

/// Returns the evidence with its points, such as `same person +3, same model +2`.
pub fn evidence_words(evidence: &[Weighed]) -> String {
    let words = |weighed: &Weighed| match weighed.points {
        0 => link_evidence(weighed.evidence),
        points => format!("{} {points:+}", link_evidence(weighed.evidence)),
    };
    evidence.iter().map(words).collect::<Vec<_>>().join(", ")
}

/// Returns a piece of evidence in plain English.
pub fn link_evidence(evidence: LinkEvidence) -> String {
    match evidence {
        LinkEvidence::SamePerson {} => "same person".into(),
        LinkEvidence::SamePersonOfMany {} => "same person, who has many devices".into(),
        LinkEvidence::OtherPerson {} => "another person".into(),
        LinkEvidence::SameModel {} => "same model".into(),
        LinkEvidence::OtherModel {} => "another model".into(),
        LinkEvidence::ModelUnknown {} => "model unknown".into(),
        LinkEvidence::VersionNotOlder {} => "OS version not older".into(),
        LinkEvidence::VersionOlder {} => "older OS version".into(),
        LinkEvidence::CheckedOutBefore { at } => format!("old management removed shortly before, on {}", date(at)),
        LinkEvidence::PushUnregistered { since } => format!("unknown to APNs since {}", date(since)),
        LinkEvidence::Silent { since } => format!("silent since {}", date(since)),
        LinkEvidence::HeardAfter { at } => format!("heard from afterwards, on {}", date(at)),
        LinkEvidence::SilenceUnknown {} => "unknown whether silent".into(),
        LinkEvidence::SameHardware {} => "same hardware".into(),
        LinkEvidence::OtherHardware {} => "other hardware".into(),
        LinkEvidence::SameHardwareTold {} => "same serial number, not proven".into(),
        LinkEvidence::OtherHardwareTold {} => "other serial number, not proven".into(),
        LinkEvidence::InvitedDevice {} => "invitation delivered to the old device".into(),
        LinkEvidence::InvitedPerson {} => "invitation for this record".into(),
        LinkEvidence::InvitedOtherDevice {} => "invitation delivered to another old device".into(),
        LinkEvidence::Answered { answer } => format!("the person said: {}", answer_words(answer)),
    }
}

/// Returns what a person said about an earlier record.
pub(super) fn answer_words(answer: PreviousAnswer) -> &'static str {
    match answer {
        PreviousAnswer::ThisDevice => "this device",
        PreviousAnswer::AnotherDevice => "another device",
        PreviousAnswer::NoLongerHave => "I no longer have it",
    }
}

fn silence_words(silence: Silence) -> String {
    match silence {
        Silence::Heard { at } => format!("heard from on {}", date(at)),
        Silence::Silent { since } => format!("silent since {}", date(since)),
        Silence::Unknown {} => "unknown, which is not silence".into(),
    }
}

fn proof_words(LinkProof { may_be_retired, is_same_device }: LinkProof) -> String {
    let retired = if may_be_retired {
        "the old record may be retired"
    } else {
        "it is not proven that the old record may be retired"
    };
    let same = if is_same_device { "it is the same device" } else { "it is not proven that it is the same device" };
    format!("{retired}; {same}")
}

fn owner_words(owner: RecordOwner) -> &'static str {
    match owner {
        RecordOwner::Unique { .. } => "one person",
        RecordOwner::Account {} => "one account, with which nobody has signed in yet",
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
