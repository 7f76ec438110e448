//! Links between earlier records and the enrollments that may be their devices, now and at any earlier instant.

mod confirmed;
mod lineage;
mod list;
mod query;

pub use confirmed::confirmed_among;
pub use lineage::{Lineage, between, lineage};
pub use list::{LinkCursor, LinkFilter, ListedLinks, counts, list};
pub use query::{
    Contact, LinkRow, LinkState, Question, contact, of_record, of_successor, proposed_of_source, questions,
};

use crate::{Projection, sql};
use events::device::{DeviceEvent, DeviceId};
use events::record::{LinkBand, LinkProof, RecordEvent, Silence, Weighed};
use events::{ActorKind, Entry, Event, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

pub(crate) struct Links;

impl Projection for Links {
    fn name(&self) -> &'static str {
        "links"
    }

    fn version(&self) -> u32 {
        5
    }

    fn tables(&self) -> &'static [&'static str] {
        &["links_versions", "links_contact"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS links_versions (
            record TEXT NOT NULL, successor TEXT NOT NULL, position INTEGER NOT NULL,
            valid_from INTEGER NOT NULL, valid_to INTEGER, event TEXT NOT NULL, state TEXT NOT NULL, weight TEXT NOT NULL,
            -- When the state was reached, by `event`. A proposal that is weighed again counts as reached again.
            since INTEGER NOT NULL,
            -- Of `weight`, for the order and the filter of the list.
            score INTEGER NOT NULL, band TEXT NOT NULL,
            -- When the proposal was recorded, until the question about silence is answered.
            ask_from INTEGER,
            PRIMARY KEY (record, successor, position)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS links_by_successor ON links_versions (successor, valid_to);
        CREATE INDEX IF NOT EXISTS links_by_question ON links_versions (ask_from)
            WHERE ask_from IS NOT NULL AND valid_to IS NULL;
        CREATE INDEX IF NOT EXISTS links_proposed ON links_versions (record, successor)
            WHERE state = 'proposed' AND valid_to IS NULL;
        CREATE INDEX IF NOT EXISTS links_by_state ON links_versions (state, valid_from) WHERE valid_to IS NULL;
        CREATE INDEX IF NOT EXISTS links_by_score ON links_versions (state, score, valid_from) WHERE valid_to IS NULL;
        CREATE INDEX IF NOT EXISTS links_by_time ON links_versions (valid_from) WHERE valid_to IS NULL;
        -- Contact of devices that are watched, because a later enrollment may be them.
        CREATE TABLE IF NOT EXISTS links_contact (
            device TEXT PRIMARY KEY, watched_from INTEGER NOT NULL, pushed_at INTEGER, heard_at INTEGER
        ) WITHOUT ROWID;"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["records"]
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        match &entry.event {
            Event::Record(event) => Fold { rows, entry, effective }.record(event),
            Event::Device(event) => Fold { rows, entry, effective }.device(event),
            Event::Log(_) | Event::Enrollment(_) | Event::Person(_) | Event::Account(_) | Event::Hardware(_) => Ok(()),
            Event::Staff(_) | Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) => Ok(()),
            Event::Request(_) | Event::Assertion(_) | Event::Settings(_) | Event::Import(_) => Ok(()),
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => Ok(()),
            Event::Successor(_) => Ok(()),
        }
    }
}

/// What a proposal says, as a row keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Weight {
    evidence: Vec<Weighed>,
    score: i32,
    band: Option<LinkBand>,
    proof: LinkProof,
    silence: Option<Silence>,
}

/// A version of a link; a new one is withdrawn until it is proposed.
struct Version {
    state: LinkState,
    weight: Weight,
    ask_from: Option<i64>,
    since: i64,
    event: String,
}

impl Version {
    fn new() -> Version {
        let (state, weight) = (LinkState::Withdrawn, Weight::default());
        Version { state, weight, ask_from: None, since: 0, event: String::new() }
    }
}

struct Fold<'a> {
    rows: &'a Connection,
    entry: &'a Entry,
    effective: Timestamp,
}

impl Fold<'_> {
    fn record(&self, event: &RecordEvent) -> rusqlite::Result<()> {
        match event {
            RecordEvent::LinkProposed { successor, evidence, score, band, proof } => {
                self.change(*successor, |version| {
                    let (evidence, silence) = (evidence.clone(), version.weight.silence);
                    version.weight = Weight { evidence, score: *score, band: Some(*band), proof: *proof, silence };
                    // What a confirmed link proves is corrected; the decision stays.
                    if version.state != LinkState::Confirmed {
                        let is_none = *band == LinkBand::None;
                        version.state = if is_none { LinkState::Withdrawn } else { LinkState::Proposed };
                        version.ask_from = (!is_none).then_some(self.entry.at.0);
                    }
                })
            }
            RecordEvent::SilenceAsked { successor, silence } => self.change(*successor, |version| {
                version.weight.silence = Some(*silence);
                version.ask_from = None;
            }),
            RecordEvent::LinkConfirmed { successor, .. } => self.decide(*successor, LinkState::Confirmed),
            RecordEvent::LinkRejected { successor } => self.decide(*successor, LinkState::Rejected),
            RecordEvent::MigrationExceptionMade { .. }
            | RecordEvent::MigrationExceptionEnded {}
            | RecordEvent::RecordNoteAdded { .. }
            | RecordEvent::RetirementNotified { .. }
            | RecordEvent::PreviousRecordShredded {} => Ok(()),
            RecordEvent::LinkUndone { successor } => self.change(*successor, |version| {
                version.state = match version.weight.band {
                    Some(LinkBand::None) | None => LinkState::Withdrawn,
                    Some(LinkBand::Weak | LinkBand::Probable | LinkBand::Strong) => LinkState::Proposed,
                };
                let is_open = version.state == LinkState::Proposed && version.weight.silence.is_none();
                version.ask_from = is_open.then_some(self.entry.at.0);
            }),
            RecordEvent::PreviousRecordImportUndone { restored: None, .. } => self.withdraw_all(),
            RecordEvent::PreviousRecordImported { .. } | RecordEvent::PreviousRecordChanged { .. } => Ok(()),
            RecordEvent::PreviousRecordMissing { .. } | RecordEvent::PreviousRecordReturned { .. } => Ok(()),
            RecordEvent::PreviousRecordOwnerResolved { .. } => Ok(()),
            RecordEvent::PreviousRecordImportUndone { restored: Some(_), .. } => Ok(()),
        }
    }

    fn decide(&self, successor: DeviceId, state: LinkState) -> rusqlite::Result<()> {
        self.change(successor, |version| {
            version.state = state;
            version.ask_from = None;
        })
    }

    fn withdraw_all(&self) -> rusqlite::Result<()> {
        let select = "SELECT successor FROM links_versions WHERE record = ?1 AND valid_to IS NULL AND state <> ?2";
        let mut select = self.rows.prepare_cached(select)?;
        let others = select.query_map([self.entry.stream.id(), LinkState::Withdrawn.as_str()], query::successor)?;
        for successor in others.collect::<Result<Vec<_>, _>>()? {
            self.change(successor, |version| {
                if version.state == LinkState::Proposed {
                    version.state = LinkState::Withdrawn;
                } else {
                    // The decision stays, since somebody made it, but nothing speaks for it any more.
                    let silence = version.weight.silence;
                    version.weight = Weight { band: Some(LinkBand::None), silence, ..Weight::default() };
                }
                version.ask_from = None;
            })?;
        }
        Ok(())
    }

    // Ends the current version of the link and begins the next one.
    fn change(&self, successor: DeviceId, change: impl FnOnce(&mut Version)) -> rusqlite::Result<()> {
        let (record, successor) = (self.entry.stream.id(), successor.to_string());
        let select = "SELECT state, weight, ask_from, since, event FROM links_versions
            WHERE record = ?1 AND successor = ?2 AND valid_to IS NULL";
        let current = self.rows.prepare_cached(select)?.query_row([record, &successor], version).optional()?;
        let mut next = current.unwrap_or_else(Version::new);
        let before = next.state;
        change(&mut next);
        // Whoever decided did so once, however often the evidence changes afterwards.
        if next.state != before || !matches!(next.state, LinkState::Confirmed | LinkState::Rejected) {
            (next.since, next.event) = (self.effective.0, self.entry.id.to_string());
        }
        let end = "UPDATE links_versions SET valid_to = ?3 WHERE record = ?1 AND successor = ?2 AND valid_to IS NULL";
        self.rows.prepare_cached(end)?.execute(params![record, successor, self.effective.0])?;
        let insert = "INSERT INTO links_versions
            (record, successor, position, valid_from, event, state, weight, ask_from, score, band, since)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        self.rows.prepare_cached(insert)?.execute(params![
            record,
            successor,
            sql(self.entry.position),
            self.effective.0,
            next.event,
            next.state.as_str(),
            serde_json::to_string(&next.weight).unwrap_or_default(),
            next.ask_from,
            next.weight.score,
            next.weight.band.unwrap_or(LinkBand::None).as_str(),
            next.since,
        ])?;
        Ok(())
    }

    fn device(&self, event: &DeviceEvent) -> rusqlite::Result<()> {
        let values = params![self.entry.stream.id(), self.effective.0];
        if let DeviceEvent::ContactWatchBegun { .. } = event {
            let watch = "INSERT INTO links_contact (device, watched_from) VALUES (?1, ?2)
                ON CONFLICT (device) DO UPDATE SET watched_from = excluded.watched_from";
            return self.rows.prepare_cached(watch)?.execute(values).map(drop);
        }
        if let DeviceEvent::DevicePushed { .. } = event {
            let push = "UPDATE links_contact SET pushed_at = ?2 WHERE device = ?1";
            return self.rows.prepare_cached(push)?.execute(values).map(drop);
        }
        // A record that ended before anything watched it has no row.
        if let DeviceEvent::DeviceRevived { .. } = event {
            let revive = "INSERT INTO links_contact (device, watched_from, heard_at) VALUES (?1, ?2, ?2)
                ON CONFLICT (device) DO UPDATE SET heard_at = excluded.heard_at";
            return self.rows.prepare_cached(revive)?.execute(values).map(drop);
        }
        if !self.is_contact(event) {
            return Ok(());
        }
        let hear = "UPDATE links_contact SET heard_at = ?2 WHERE device = ?1";
        self.rows.prepare_cached(hear)?.execute(values).map(drop)
    }

    // What the server records about a device is no contact, a refused message is none of the device, and a goodbye is
    // no sign of life.
    fn is_contact(&self, event: &DeviceEvent) -> bool {
        let is_none = matches!(
            event,
            DeviceEvent::DeviceMessageRefused { .. }
                | DeviceEvent::IdentityRenewalRefused { .. }
                | DeviceEvent::DeviceCheckedOut { .. }
        );
        self.entry.actor.kind == ActorKind::Device && !is_none
    }
}

fn version(row: &rusqlite::Row<'_>) -> rusqlite::Result<Version> {
    Ok(Version {
        state: query::state(row, 0)?,
        weight: query::weight(row, 1)?,
        ask_from: row.get(2)?,
        since: row.get(3)?,
        event: row.get(4)?,
    })
}
