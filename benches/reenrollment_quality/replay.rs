//! Replays the happenings of an organization, in the order of time, through the code of the server.
//!
//! **Batches.** Steps that concern different accounts, enrollments, invitations and records do not depend on each
//! other. They form a batch until one step concerns what the batch concerns already, or the window is over. The steps
//! of a batch run together; then all their effects run, and the effects of these, until nothing is left. So a cause
//! sees everything about its people that happened before it, and nothing that happens later. Events have the instants
//! of their happenings, except those of effects and of sign-ins, which are off by the window at most.
//!
//! **Effects** are those of the server ([`muster::reactions::run_effects`]). Its timer is asked at each batch.

use super::enrolling::{Shown, keys_of};
use super::export::import;
use super::installation::{Installation, device_of};
use super::inviting::invitation_of;
use super::links::Links;
use super::people::Directory;
use super::script::{Act, Connections, Step, write};
use events::device::DeviceEvent;
use events::log::Entry;
use events::{Event, KeyName, Position};
use futures_util::StreamExt as _;
use muster::reactions::{Order, run_effects};
use population::{AccountId, Delivery, EnrollmentId, Happening, InvitationId, OldRecord, What};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Number of steps and of effects at once.
const AT_ONCE: usize = 64;
const EFFECTS_AT_ONCE: usize = 32;
/// Maximum number of attempts of an effect before its error ends the measurement.
const MOST_ATTEMPTS: usize = 5;
/// Maximum number of steps of a batch, and of seconds between its first and its last.
const MOST_STEPS: usize = 512;
const WINDOW: i64 = 3 * 3_600;
/// Number of events that are read at once, and of questions about silence that are answered at once.
const PAGE: usize = 1_000;
const QUESTIONS: usize = 500;

/// What a step concerns.
#[derive(PartialEq, Eq, Hash)]
enum Subject {
    Account(AccountId),
    Invitation(InvitationId),
    Record(OldRecord),
}

pub struct Replay {
    installation: Installation,
    directory: Directory,
    connections: Connections,
    /// Whom an enrollment belongs to, and who signed in.
    accounts: HashMap<EnrollmentId, Vec<AccountId>>,
    /// The record of a device-bound invitation.
    bound: HashMap<InvitationId, OldRecord>,
    /// The last event whose effects were run.
    done: Position,
    pub links: Links,
    pub shown: Vec<Shown>,
}

impl Replay {
    pub async fn run(installation: Installation, happenings: Vec<Happening>) -> Replay {
        let (steps, connections) = write(happenings);
        let done = installation.head().await;
        let (directory, accounts, bound, links, shown) = Default::default();
        let mut replay = Replay { installation, directory, connections, accounts, bound, done, links, shown };
        let (mut batch, mut subjects) = (Vec::new(), HashSet::new());
        for step in steps {
            let of = replay.subjects(&step);
            let is_over = |first: &Step| step.time - first.time > WINDOW;
            let is_full = batch.len() >= MOST_STEPS || batch.first().is_some_and(is_over);
            if is_full || is_alone(&step) || of.iter().any(|subject| subjects.contains(subject)) {
                replay.play(std::mem::take(&mut batch)).await;
                subjects.clear();
            }
            if is_alone(&step) {
                replay.play(vec![step]).await;
            } else if replay.is_event(&step) {
                subjects.extend(of);
                batch.push(step);
            } else {
                replay.note(&step);
            }
        }
        replay.play(batch).await;
        replay
    }

    pub async fn close(self) -> (Links, Vec<Shown>) {
        self.installation.close().await;
        (self.links, self.shown)
    }

    fn subjects(&self, step: &Step) -> Vec<Subject> {
        let what = match &step.act {
            Act::OtherPhoneSignedIn { account, .. } => return vec![Subject::Account(*account)],
            Act::Told(what) => what,
        };
        match what {
            What::AccountOpened { account, .. } | What::AccountClosed { account } => vec![Subject::Account(*account)],
            What::PersonRenamed { account, .. } => vec![Subject::Account(*account)],
            What::ExportImported(_) => vec![],
            What::InvitationIssued { invitation, account, delivery } => {
                let account = account.map(Subject::Account);
                let record = match delivery {
                    Delivery::DeviceBound { record } => self.of_record(*record),
                    Delivery::Mail | Delivery::Code { .. } => vec![],
                };
                record.into_iter().chain(account).chain([Subject::Invitation(*invitation)]).collect()
            }
            What::InvitationOpened { invitation, .. } => self.of_invitation(*invitation),
            What::CodeShown { opening, .. } => self.of_invitation(self.connections.opened[opening]),
            What::Enrolled(enrolled) => {
                let invitation = enrolled.invitation.map_or_else(Vec::new, |used| self.of_invitation(used.invitation));
                let accounts = std::iter::once(enrolled.account).chain(enrolled.on_behalf_of);
                invitation.into_iter().chain(accounts.map(Subject::Account)).collect()
            }
            What::Restored { enrollment, .. } | What::Contact { enrollment, .. } => self.of_enrollment(*enrollment),
            What::OsUpdated { enrollment, .. } | What::CheckedOut { enrollment } => self.of_enrollment(*enrollment),
            What::PushAnswered { enrollment, .. } => self.of_enrollment(*enrollment),
            What::PortalAnswered { .. } => vec![],
        }
    }

    fn of_enrollment(&self, enrollment: EnrollmentId) -> Vec<Subject> {
        let accounts = self.accounts.get(&enrollment).into_iter().flatten();
        accounts
            .map(|account| Subject::Account(*account))
            .chain([Subject::Record(OldRecord::Enrolled(enrollment))])
            .collect()
    }

    fn of_record(&self, record: OldRecord) -> Vec<Subject> {
        match record {
            OldRecord::Enrolled(enrollment) => self.of_enrollment(enrollment),
            OldRecord::Exported(_) => vec![Subject::Record(record)],
        }
    }

    fn of_invitation(&self, invitation: InvitationId) -> Vec<Subject> {
        let record = self.bound.get(&invitation).map_or_else(Vec::new, |record| self.of_record(*record));
        record.into_iter().chain([Subject::Invitation(invitation)]).collect()
    }

    // Most contacts are no events: those of devices that are not watched. What the directory has is no event either.
    fn is_event(&self, step: &Step) -> bool {
        match &step.act {
            Act::Told(What::Contact { enrollment, .. }) => self.links.is_watched(device_of(*enrollment)),
            Act::Told(What::AccountOpened { .. } | What::AccountClosed { .. } | What::PersonRenamed { .. }) => false,
            Act::Told(What::PortalAnswered { .. }) => false,
            Act::Told(_) | Act::OtherPhoneSignedIn { .. } => true,
        }
    }

    async fn play(&mut self, steps: Vec<Step>) {
        let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return };
        let (first, last) = (first.time, last.time);
        self.installation.set_clock(first);
        self.ask().await;
        for step in &steps {
            self.note(step);
        }
        self.make_keys(&steps).await;
        let acts = steps.iter().map(|step| self.act(step));
        let shown: Vec<Option<Shown>> = futures_util::stream::iter(acts).buffer_unordered(AT_ONCE).collect().await;
        self.shown.extend(shown.into_iter().flatten());
        self.installation.set_clock(last);
        self.settle().await;
    }

    // The timer asks each second. Here it asks at the beginning of a batch.
    async fn ask(&mut self) {
        let now = self.installation.app.platform.world.now();
        if self.links.is_due(now) {
            self.installation.app.reenrollment.ask_silence(now, QUESTIONS).await.expect("asked");
            self.settle().await;
        }
    }

    fn note(&mut self, step: &Step) {
        match &step.act {
            Act::Told(What::AccountOpened { account, names }) => self.directory.set(*account, names.clone()),
            Act::Told(What::PersonRenamed { account, after, .. }) => self.directory.set(*account, after.clone()),
            Act::Told(What::InvitationIssued { invitation, delivery: Delivery::DeviceBound { record }, .. }) => {
                self.bound.insert(*invitation, *record);
            }
            Act::Told(What::Enrolled(enrolled)) => {
                let accounts = std::iter::once(enrolled.account).chain(enrolled.on_behalf_of);
                self.accounts.insert(enrolled.enrollment, accounts.collect());
            }
            Act::Told(_) | Act::OtherPhoneSignedIn { .. } => {}
        }
    }

    // Many in one commit: single ones would each be synced.
    async fn make_keys(&self, steps: &[Step]) {
        let names: Vec<KeyName> = steps.iter().flat_map(|step| self.keys(step)).collect();
        if names.is_empty() {
            return;
        }
        let keys = Arc::clone(&self.installation.app.platform.keys);
        let made = tokio::task::spawn_blocking(move || keys.ensure(&names));
        made.await.expect("it ends").expect("a key store");
    }

    fn keys(&self, step: &Step) -> Vec<KeyName> {
        match &step.act {
            Act::Told(What::Enrolled(enrolled)) => keys_of(enrolled.enrollment).into(),
            Act::Told(What::InvitationIssued {
                invitation, delivery: Delivery::Mail | Delivery::Code { .. }, ..
            }) => {
                vec![invitation_of(*invitation).key()]
            }
            Act::Told(_) | Act::OtherPhoneSignedIn { .. } => vec![],
        }
    }

    async fn act(&self, Step { time, act }: &Step) -> Option<Shown> {
        let (installation, at) = (&self.installation, *time);
        let what = match act {
            Act::OtherPhoneSignedIn { account, enrollment } => {
                installation.other_phone(&self.directory.account(*account), *enrollment, at).await;
                return None;
            }
            Act::Told(what) => what,
        };
        match what {
            What::ExportImported(export) => import(installation, export).await,
            What::InvitationIssued { invitation, account, delivery } => {
                installation.issue(&self.directory, *invitation, *account, *delivery, at).await;
            }
            What::InvitationOpened { opening, invitation, .. } => {
                if let Some(enrollment) = self.connections.sessions.get(opening) {
                    installation.open(*invitation, device_of(*enrollment).enrollment(), at).await;
                }
            }
            What::CodeShown { code, opening } => {
                installation.show_code(self.connections.opened[opening], *code, at).await;
            }
            What::Enrolled(enrolled) => {
                return Some(installation.enroll((&self.directory, &self.connections), enrolled, at).await);
            }
            What::Restored { enrollment, os } => installation.restore(*enrollment, *os, at).await,
            What::Contact { enrollment, .. } => installation.contact(*enrollment, at).await,
            What::OsUpdated { enrollment, os } => installation.update(*enrollment, *os, at).await,
            What::CheckedOut { enrollment } => installation.check_out(*enrollment, at).await,
            What::PushAnswered { enrollment, answer } => installation.push_answered(*enrollment, *answer, at).await,
            What::AccountOpened { .. } | What::AccountClosed { .. } | What::PersonRenamed { .. } => {}
            What::PortalAnswered { .. } => {}
        }
        None
    }

    // An effect may need the result of another that runs beside it, so those that failed run again, as in the server.
    async fn run_effects(&self, entries: &[Entry], order: Order) {
        let app = &self.installation.app;
        let mut left: Vec<&Entry> = entries.iter().collect();
        for _ in 0..MOST_ATTEMPTS {
            let effects = left.into_iter().map(async |entry| (entry, run_effects(app, entry, order).await));
            let effects = futures_util::stream::iter(effects).buffer_unordered(EFFECTS_AT_ONCE);
            left = effects.filter_map(async |(entry, result)| result.is_err().then_some(entry)).collect().await;
            if left.is_empty() {
                return;
            }
        }
        for entry in left {
            run_effects(app, entry, order).await.expect("the effects are done");
        }
    }

    // Runs the effects of all new events, and of the events that they cause.
    async fn settle(&mut self) {
        loop {
            let log = &self.installation.app.platform.log;
            let entries = log.page(Some(self.done), PAGE).await.expect("the log");
            let Some(last) = entries.last() else { return };
            self.done = last.position;
            entries.iter().for_each(|entry| self.links.note(entry));
            let entries: Vec<Entry> = entries.into_iter().filter(has_effects).collect();
            if entries.is_empty() {
                continue;
            }
            self.installation.app.platform.projections.wait_for(self.done).await.expect("folded");
            for order in [Order::AtOnce, Order::Behind] {
                self.run_effects(&entries, order).await;
            }
        }
    }
}

fn is_alone(step: &Step) -> bool {
    matches!(step.act, Act::Told(What::ExportImported(_)))
}

// A version that a device tells has none.
fn has_effects(entry: &Entry) -> bool {
    !matches!(entry.event, Event::Device(DeviceEvent::InventoryReported { .. }))
}
