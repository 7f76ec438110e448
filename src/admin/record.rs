//! Exported form of events, devices, previous records and imports, for export files and the API. Names and values are
//! the same in both, times are in UTC, and ids are stable.

use super::lineage::Side;
use super::words;
use events::Timestamp;
use events::device::{DeviceId, SupersessionEvidence};
use events::enrollment::Ownership;
use names::visible::visible_line;
use projections::audit::{Row, actor_name, evidence_words};
use projections::devices::Device;
use projections::invitations::InvitationRow;
use projections::links::{LinkRow, LinkState};
use projections::migration::BoardRow;
use projections::records::{ImportRow, RecordRow};
use serde::Serialize;

/// A record that can be written as a line of CSV or as JSON.
pub(crate) trait Record: Serialize {
    /// Column names; they equal the JSON names.
    const COLUMNS: &'static [&'static str];

    fn cells(&self) -> Vec<String>;
}

/// Defines a record from one list of fields for both JSON and CSV columns, so that neither can lack a field.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize)]
        pub(crate) struct $name { $($field: $type),+ }

        impl Record for $name {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn cells(&self) -> Vec<String> {
                vec![$(Cell::cell(&self.$field)),+]
            }
        }

        impl $name {
            /// Makes untrusted texts visible as on the pages, because people and terminals read the files.
            fn shown(self) -> $name {
                $name { $($field: Cell::shown(self.$field)),+ }
            }
        }
    };
}

trait Cell: Sized {
    fn cell(&self) -> String;

    fn shown(self) -> Self {
        self
    }
}

impl Cell for String {
    fn cell(&self) -> String {
        self.clone()
    }

    fn shown(self) -> String {
        visible_line(&self).into_owned()
    }
}

impl Cell for Option<String> {
    fn cell(&self) -> String {
        self.clone().unwrap_or_default()
    }

    fn shown(self) -> Option<String> {
        self.map(Cell::shown)
    }
}

impl Cell for Option<&'static str> {
    fn cell(&self) -> String {
        self.unwrap_or_default().to_owned()
    }
}

impl Cell for u64 {
    fn cell(&self) -> String {
        self.to_string()
    }
}

impl Cell for Option<u64> {
    fn cell(&self) -> String {
        self.map(|number| number.to_string()).unwrap_or_default()
    }
}

impl Cell for Option<i32> {
    fn cell(&self) -> String {
        self.map(|number| number.to_string()).unwrap_or_default()
    }
}

impl Cell for Option<bool> {
    fn cell(&self) -> String {
        self.map(|answer| answer.to_string()).unwrap_or_default()
    }
}

impl Cell for bool {
    fn cell(&self) -> String {
        self.to_string()
    }
}

record! {
    /// An event of the audit trail.
    EventRecord {
        id: String,
        time: String,
        event: String,
        outcome: Option<&'static str>,
        sentence: String,
        actor_kind: Option<&'static str>,
        actor_id: String,
        actor_name: Option<String>,
        person_id: Option<String>,
        person_name: Option<String>,
        device_id: Option<String>,
        stream: String,
        revision: u64,
        session_id: String,
        help_code: String,
        source: Option<String>,
    }
}

impl From<&Row> for EventRecord {
    fn from(row: &Row) -> EventRecord {
        EventRecord {
            id: row.event.to_string(),
            time: row.at.to_rfc3339(),
            event: row.event_type.clone(),
            outcome: Some(row.outcome.as_str()),
            sentence: row.sentence.clone(),
            actor_kind: Some(actor_name(row.actor_kind)),
            actor_id: row.actor_id.clone(),
            actor_name: row.actor_name.clone(),
            person_id: row.person.map(|person| person.to_string()),
            person_name: row.person_name.clone(),
            device_id: row.device.map(|device| device.to_string()),
            stream: row.stream.to_string(),
            revision: row.revision.0,
            session_id: row.correlation.to_string(),
            help_code: row.help_code.clone(),
            source: row.source.clone(),
        }
        .shown()
    }
}

record! {
    /// A device of the inventory.
    DeviceRecord {
        id: String,
        state: Option<&'static str>,
        archived: bool,
        enrollment: Option<&'static str>,
        ownership: Option<&'static str>,
        person_id: Option<String>,
        user_name: Option<String>,
        name: Option<String>,
        model: Option<String>,
        product_name: Option<String>,
        os_version: Option<String>,
        build_version: Option<String>,
        serial_number: Option<String>,
        udid: Option<String>,
        enrollment_id: Option<String>,
        managed_apple_id: Option<String>,
        enrolled_at: Option<String>,
        ended_at: Option<String>,
        last_seen: Option<String>,
        identity_serial: Option<String>,
        identity_expires: Option<String>,
        superseded_by: Option<String>,
        superseded_evidence: Option<&'static str>,
        claims_hardware_of: Option<String>,
        hardware_claimed_by: Option<String>,
    }
}

impl From<&Device> for DeviceRecord {
    fn from(device: &Device) -> DeviceRecord {
        let time = |at: Option<Timestamp>| at.map(Timestamp::to_rfc3339);
        DeviceRecord {
            id: device.id.to_string(),
            state: Some(device.state.as_str()),
            archived: device.archived,
            enrollment: device.kind.map(words::kind_word),
            ownership: device.ownership.map(Ownership::as_str),
            person_id: device.person.map(|person| person.to_string()),
            user_name: device.user_name.clone(),
            name: device.name.clone(),
            model: device.model.clone(),
            product_name: device.product_name.clone(),
            os_version: device.os_version.clone(),
            build_version: device.build_version.clone(),
            serial_number: device.serial_number.clone(),
            udid: device.udid.clone(),
            enrollment_id: device.enrollment_id.clone(),
            managed_apple_id: device.managed_apple_id.clone(),
            enrolled_at: time(device.enrolled_at),
            ended_at: time(device.ended_at),
            last_seen: time(device.last_seen),
            identity_serial: device.identity_serial.clone(),
            identity_expires: time(device.identity_expires),
            superseded_by: device.superseded_by.map(|device| device.to_string()),
            superseded_evidence: device.superseded_evidence.map(SupersessionEvidence::as_str),
            claims_hardware_of: list(&device.claims),
            hardware_claimed_by: list(&device.claimed_by),
        }
        .shown()
    }
}

record! {
    /// A previous record.
    PreviousRecord {
        id: String,
        source: String,
        missing: bool,
        enrollment: Option<String>,
        model: Option<String>,
        product_name: Option<String>,
        os_version: Option<String>,
        name: Option<String>,
        serial_number: Option<String>,
        user_name: Option<String>,
        erased: bool,
        enrolled_at: Option<String>,
        last_contact: Option<String>,
        owner: Option<String>,
        person_id: Option<String>,
    }
}

impl From<&RecordRow> for PreviousRecord {
    fn from(row: &RecordRow) -> PreviousRecord {
        PreviousRecord {
            id: row.record.to_string(),
            source: row.source.clone(),
            missing: row.is_missing,
            enrollment: Some(row.kind.clone()),
            model: row.model_name.clone(),
            product_name: row.product_name.clone(),
            os_version: row.os_version.clone(),
            name: row.device_name.clone(),
            serial_number: row.serial_number.clone(),
            user_name: row.user_name.clone(),
            erased: row.is_erased,
            enrolled_at: row.enrolled_at.map(Timestamp::to_rfc3339),
            last_contact: row.last_contact.map(Timestamp::to_rfc3339),
            owner: Some(row.owner.clone().unwrap_or_else(|| "unresolved".to_owned())),
            person_id: row.person.map(|person| person.to_string()),
        }
        .shown()
    }
}

record! {
    /// A record on the migration board.
    BoardRecord {
        id: String,
        source: String,
        site: Option<String>,
        name: Option<String>,
        model: Option<String>,
        product_name: Option<String>,
        owner: Option<&'static str>,
        person_id: Option<String>,
        user_name: Option<String>,
        full_name: Option<String>,
        erased: bool,
        last_contact: Option<String>,
        wave: Option<String>,
        state: Option<&'static str>,
        since: String,
        removed: Option<String>,
        exception: Option<&'static str>,
        device_id: Option<String>,
    }
}

impl From<&BoardRow> for BoardRecord {
    fn from(row: &BoardRow) -> BoardRecord {
        BoardRecord {
            id: row.record.to_string(),
            source: row.source.clone(),
            site: row.site.clone(),
            name: row.device_name.clone(),
            model: row.model_name.clone(),
            product_name: row.product_name.clone(),
            owner: Some(row.owner.outcome.as_str()),
            person_id: row.owner.person.map(|person| person.to_string()),
            user_name: row.owner.user_name.clone(),
            full_name: row.owner.name.clone(),
            erased: row.owner.is_erased,
            last_contact: row.last_contact.map(Timestamp::to_rfc3339),
            wave: row.wave_name.clone(),
            state: Some(row.state.as_str()),
            since: row.since.to_rfc3339(),
            removed: row.removed.map(Timestamp::to_rfc3339),
            exception: row.exception.map(|why| why.as_str()),
            device_id: row.successor.map(|device| device.to_string()),
        }
        .shown()
    }
}

record! {
    /// An import of previous records.
    ImportRecord {
        id: String,
        source: String,
        preset: Option<String>,
        complete: bool,
        begun: String,
        finished: Option<String>,
        undone: bool,
        actor_kind: Option<&'static str>,
        actor_id: String,
        actor_name: Option<String>,
        new: Option<u64>,
        changed: Option<u64>,
        unchanged: Option<u64>,
        missing: Option<u64>,
        set_aside: Option<u64>,
        erased: Option<u64>,
    }
}

impl From<&ImportRow> for ImportRecord {
    fn from(row: &ImportRow) -> ImportRecord {
        ImportRecord {
            id: row.import.to_string(),
            source: row.source.clone(),
            preset: row.preset.clone(),
            complete: row.is_complete,
            begun: row.begun.to_rfc3339(),
            finished: row.finished.map(Timestamp::to_rfc3339),
            undone: row.is_undone,
            actor_kind: Some(actor_name(row.actor_kind)),
            actor_id: row.actor_id.clone(),
            actor_name: row.actor_name.clone(),
            new: row.counts.map(|counts| counts.new),
            changed: row.counts.map(|counts| counts.changed),
            unchanged: row.counts.map(|counts| counts.unchanged),
            missing: row.counts.map(|counts| counts.missing),
            set_aside: row.counts.map(|counts| counts.bad),
            erased: row.counts.map(|counts| counts.erased),
        }
        .shown()
    }
}

record! {
    /// An open invitation of a wave, with its link and code.
    InvitationLink {
        record_id: String,
        name: Option<String>,
        mail: Option<String>,
        state: Option<&'static str>,
        link: String,
        code: String,
        valid_until: String,
    }
}

impl InvitationLink {
    pub(crate) fn of(row: &InvitationRow, link: String, code: String) -> InvitationLink {
        InvitationLink {
            record_id: row.record.map(|record| record.to_string()).unwrap_or_default(),
            name: row.full_name.clone(),
            mail: row.mail.clone(),
            state: Some(row.state.as_str()),
            link,
            code,
            valid_until: row.expires.to_rfc3339(),
        }
        .shown()
    }
}

record! {
    /// A device of a wave, for the product that manages it now.
    DeviceLink {
        source: Option<String>,
        device_id: Option<String>,
        serial_number: Option<String>,
        udid: Option<String>,
        record_id: String,
        url: String,
        profile: String,
        valid_until: String,
    }
}

impl DeviceLink {
    pub(crate) fn of(told: &ToldApart, row: &InvitationRow, url: String, profile: String) -> DeviceLink {
        DeviceLink {
            source: told.source.clone(),
            device_id: told.device_id.clone(),
            serial_number: told.serial_number.clone(),
            udid: told.udid.clone(),
            record_id: row.record.map(|record| record.to_string()).unwrap_or_default(),
            url,
            profile,
            valid_until: row.expires.to_rfc3339(),
        }
        .shown()
    }
}

/// By what another product knows a device.
#[derive(Debug, Default)]
pub(crate) struct ToldApart {
    pub source: Option<String>,
    /// The id of the device in that product.
    pub device_id: Option<String>,
    pub serial_number: Option<String>,
    pub udid: Option<String>,
}

record! {
    /// A link between an earlier record and a later enrollment.
    LinkRecord {
        record_id: String,
        device_id: String,
        state: Option<&'static str>,
        band: Option<&'static str>,
        score: Option<i32>,
        evidence: String,
        may_be_retired: Option<bool>,
        same_device: Option<bool>,
        since: String,
        event_id: String,
    }
}

impl From<&LinkRow> for LinkRecord {
    fn from(row: &LinkRow) -> LinkRecord {
        LinkRecord {
            record_id: row.record.to_string(),
            device_id: row.successor.to_string(),
            state: Some(row.state.as_str()),
            band: Some(row.band.as_str()),
            score: Some(row.score),
            evidence: evidence_words(&row.evidence),
            may_be_retired: answered(row, row.proof.may_be_retired),
            same_device: answered(row, row.proof.is_same_device),
            since: row.since.to_rfc3339(),
            event_id: row.event.to_string(),
        }
        .shown()
    }
}

record! {
    /// A row of a person's lineage: an enrollment, a previous record, or a link between two of them.
    LineageRecord {
        what: Option<&'static str>,
        id: String,
        device: Option<u64>,
        source: Option<String>,
        enrollment: Option<String>,
        name: Option<String>,
        model: Option<String>,
        os_version: Option<String>,
        state: Option<String>,
        erased: Option<bool>,
        begun: Option<String>,
        ended: Option<String>,
        successor_id: Option<String>,
        link_band: Option<&'static str>,
        link_score: Option<i32>,
        link_evidence: Option<String>,
        may_be_retired: Option<bool>,
        same_device: Option<bool>,
    }
}

impl LineageRecord {
    /// `device`: number of the group of enrollments and records that confirmed links connect.
    pub(crate) fn of_side(side: &Side, device: u64) -> LineageRecord {
        LineageRecord {
            what: Some(if side.record.is_imported() { "previous_record" } else { "enrollment" }),
            id: side.record.to_string(),
            device: Some(device),
            source: Some(side.source.clone()),
            enrollment: Some(side.kind.clone()),
            name: Some(side.label.clone()),
            model: side.model.clone(),
            os_version: side.os_version.clone(),
            state: Some(side.state.label.to_owned()),
            erased: Some(side.is_erased),
            begun: side.begun.map(Timestamp::to_rfc3339),
            ended: side.ended.map(Timestamp::to_rfc3339),
            successor_id: None,
            link_band: None,
            link_score: None,
            link_evidence: None,
            may_be_retired: None,
            same_device: None,
        }
        .shown()
    }

    pub(crate) fn of_link(row: &LinkRow) -> LineageRecord {
        LineageRecord {
            what: Some("link"),
            id: row.record.to_string(),
            device: None,
            source: None,
            enrollment: None,
            name: None,
            model: None,
            os_version: None,
            state: Some(words::capital(row.state.as_str())),
            erased: None,
            begun: Some(row.at.to_rfc3339()),
            ended: None,
            successor_id: Some(row.successor.to_string()),
            link_band: Some(row.band.as_str()),
            link_score: Some(row.score),
            link_evidence: Some(evidence_words(&row.evidence)),
            may_be_retired: answered(row, row.proof.may_be_retired),
            same_device: answered(row, row.proof.is_same_device),
        }
        .shown()
    }
}

// A withdrawn link answers nothing.
fn answered(row: &LinkRow, answer: bool) -> Option<bool> {
    (row.state != LinkState::Withdrawn).then_some(answer)
}

// Joins ids with blanks; `None` for an empty list.
fn list(devices: &[DeviceId]) -> Option<String> {
    let ids: Vec<String> = devices.iter().map(DeviceId::to_string).collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}
