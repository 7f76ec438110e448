//! What happens at an instant, before it is played as a scene.

use crate::phone::Phone;
use crate::scene::Scene;
use crate::scenes::house::{self, Rows};
use crate::scenes::invitations::{self, Inviting};
use crate::scenes::records::{self, Row};
use crate::scenes::sign_in::{self, Known};
use crate::scenes::visit::{self, Enrolling};
use crate::scenes::{device, failing, refusals, renewal, settings, staff, troubles};
use crate::who::Who;
use events::device::DeviceId;
use events::enrollment::{OsVersion, Platform};
use events::invitation::InvitationId;
use events::person::PersonEvent;
use events::record::{ImportId, RecordField, RecordId};
use events::settings::Settings;
use std::sync::Arc;

/// An act. Its instant stands beside it.
#[derive(Debug)]
pub(crate) enum Act {
    AddLocalAccount(Arc<Who>),
    Enroll(Box<Enrolling>),
    Fail {
        who: Arc<Who>,
        known: Known,
        platform: Platform,
        nth: u64,
    },
    Refresh {
        phone: Arc<Phone>,
        os: OsVersion,
    },
    RenewToken(Arc<Phone>),
    HearFrom(Arc<Phone>),
    CheckOut(Arc<Phone>),
    Unenroll(Arc<Phone>),
    FailPush(Arc<Phone>),
    Renew {
        phone: Arc<Phone>,
        os: OsVersion,
    },
    Trouble {
        phone: Arc<Phone>,
        nth: u64,
        other: Option<DeviceId>,
    },
    Import(Box<Row>),
    Change(Box<Row>, Vec<RecordField>),
    Miss(RecordId, ImportId),
    FindAgain(RecordId, ImportId),
    Resolve(RecordId, Arc<Who>),
    /// Many records of a person were resolved, up to this one.
    ResolvedUpTo(RecordId, Arc<Who>),
    Except(RecordId),
    Shred(RecordId),
    Invite(Box<Inviting>),
    ShowCode(InvitationId),
    AddToWave {
        wave: u64,
        records: Vec<RecordId>,
        skipped: Vec<RecordId>,
    },
    Erase(Arc<Who>),
    House(House),
}

/// An act of the whole organization. Numbers are those of staff, imports, waves and changes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum House {
    AddStaff(u64),
    Work(u64),
    Maintain(u64),
    ReadByApi { is_new: bool },
    Refuse,
    ChangeSettings(usize),
    BeginImport(usize, bool),
    FinishImport(usize, Rows),
    UndoImport,
    BeginWave(u64),
    EndWave(u64),
    CloseMigration,
    NoteShredded(u64, RecordId),
}

impl Act {
    /// Plays the act. `settings`: those of the log.
    pub(crate) fn play(&self, scene: &mut Scene, settings: &mut Settings) {
        match self {
            Act::AddLocalAccount(who) => sign_in::add_local_account(scene, who),
            Act::Enroll(enrolling) => visit::enroll(scene, enrolling),
            Act::Fail { who, known, platform, nth } => failing::play(scene, who, *known, *platform, *nth),
            Act::Refresh { phone, os } => device::refresh(scene, phone, *os),
            Act::RenewToken(phone) => device::renew_token(scene, phone),
            Act::HearFrom(phone) => device::hear_from(scene, phone),
            Act::CheckOut(phone) => device::check_out(scene, phone),
            Act::Unenroll(phone) => device::unenroll(scene, phone),
            Act::FailPush(phone) => device::fail_push(scene, phone),
            Act::Renew { phone, os } => renewal::renew(scene, phone, *os),
            Act::Trouble { phone, nth, other } => troubles::play(scene, phone, *nth, *other),
            Act::Import(row) => records::import(scene, row),
            Act::Change(row, changed) => records::change(scene, row, changed.clone()),
            Act::Miss(record, import) => records::miss(scene, *record, *import),
            Act::FindAgain(record, import) => records::find_again(scene, *record, *import),
            Act::Resolve(record, who) => records::resolve(scene, *record, who),
            Act::ResolvedUpTo(record, who) => note_resolved(scene, *record, who),
            Act::Except(record) => records::except(scene, *record),
            Act::Shred(record) => records::shred(scene, *record),
            Act::Invite(inviting) => invitations::invite(scene, inviting),
            Act::ShowCode(invitation) => invitations::show_code(scene, *invitation),
            Act::AddToWave { wave, records, skipped } => house::add_to_wave(scene, *wave, records, skipped),
            Act::Erase(who) => erase(scene, who),
            Act::House(house) => house.play(scene, settings),
        }
    }

    /// The record that the act is about.
    pub(crate) fn record(&self) -> Option<RecordId> {
        match self {
            Act::Import(row) | Act::Change(row, _) => Some(row.record),
            Act::Except(record) | Act::Shred(record) | Act::Miss(record, _) | Act::FindAgain(record, _) => {
                Some(*record)
            }
            Act::Invite(inviting) => inviting.record,
            _ => None,
        }
    }

    /// The people without whom the act does not happen.
    pub(crate) fn people(&self) -> Vec<&Arc<Who>> {
        match self {
            Act::Enroll(enrolling) => vec![&enrolling.by, &enrolling.phone.owner],
            Act::AddLocalAccount(who) | Act::Fail { who, .. } | Act::Resolve(_, who) | Act::ResolvedUpTo(_, who) => {
                vec![who]
            }
            Act::Refresh { phone, .. }
            | Act::RenewToken(phone)
            | Act::HearFrom(phone)
            | Act::CheckOut(phone)
            | Act::Unenroll(phone)
            | Act::FailPush(phone)
            | Act::Renew { phone, .. }
            | Act::Trouble { phone, .. } => vec![&phone.owner],
            Act::Import(row) | Act::Change(row, _) => row.owner.iter().collect(),
            Act::Invite(inviting) => vec![&inviting.to],
            Act::Miss(..) | Act::FindAgain(..) | Act::Except(_) | Act::Shred(_) | Act::ShowCode(_) => vec![],
            Act::AddToWave { .. } | Act::Erase(_) | Act::House(_) => vec![],
        }
    }
}

impl House {
    fn play(self, scene: &mut Scene, settings: &mut Settings) {
        match self {
            House::AddStaff(nth) => staff::add(scene, nth),
            House::Work(nth) => staff::work(scene, nth),
            House::Maintain(nth) => staff::maintain(scene, nth),
            House::ReadByApi { is_new } => staff::read_by_api(scene, is_new),
            House::Refuse => refusals::play(scene),
            House::ChangeSettings(nth) => settings::change(scene, nth, settings),
            House::BeginImport(nth, is_complete) => house::begin_import(scene, nth, is_complete),
            House::FinishImport(nth, rows) => house::finish_import(scene, nth, rows),
            House::UndoImport => house::undo_import(scene),
            House::BeginWave(nth) => house::begin_wave(scene, nth),
            House::EndWave(nth) => house::end_wave(scene, nth),
            House::CloseMigration => house::close_migration(scene),
            House::NoteShredded(count, up_to) => house::note_shredded(scene, count, up_to),
        }
    }
}

fn note_resolved(scene: &mut Scene, up_to: RecordId, who: &Who) {
    let cue = crate::scene::Cue::system("resolve-owners", who.person.0);
    scene.say(&who.person.stream(), &cue, PersonEvent::PersonRecordsResolved { up_to });
}

// As the services do it: the key is destroyed, then the event says so.
fn erase(scene: &mut Scene, who: &Who) {
    let cue = crate::scene::Cue::operator(scene.dice.uuid());
    scene.say(&who.person.stream(), &cue, PersonEvent::PersonErased {});
    scene.destroy(who.key());
}
