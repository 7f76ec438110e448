//! What the log says about links, noted while it is written.

use events::device::{DeviceEvent, DeviceId};
use events::log::Entry;
use events::record::{LinkBand, RecordEvent, RecordId};
use events::{ActorKind, Event, Timestamp};
use std::collections::{HashMap, HashSet, VecDeque};
use uuid::Uuid;

/// Hours after a proposal at which its question is due: the default of the settings.
const ASKED_AFTER: i64 = 48 * 3_600;

/// A link, as it is now and as it was.
#[derive(Debug, Clone)]
pub struct Link {
    pub record: RecordId,
    pub successor: DeviceId,
    pub band: LinkBand,
    /// The highest band that it ever had.
    pub highest: LinkBand,
    pub score: i32,
    pub is_confirmed: bool,
}

#[derive(Default)]
pub struct Links {
    links: HashMap<(RecordId, DeviceId), Link>,
    watched: HashSet<DeviceId>,
    /// When questions become due, in order.
    questions: VecDeque<Timestamp>,
}

impl Links {
    pub fn note(&mut self, entry: &Entry) {
        let id = Uuid::parse_str(entry.stream.id()).unwrap_or_default();
        match &entry.event {
            Event::Record(event) => self.record(RecordId(id), event, entry),
            Event::Device(DeviceEvent::ContactWatchBegun { .. }) => {
                self.watched.insert(DeviceId(id));
            }
            Event::Device(DeviceEvent::DeviceHeardFrom {}) => {
                self.watched.remove(&DeviceId(id));
            }
            _ => {}
        }
    }

    fn record(&mut self, record: RecordId, event: &RecordEvent, entry: &Entry) {
        match event {
            RecordEvent::LinkProposed { successor, score, band, .. } => {
                let (successor, score, band) = (*successor, *score, *band);
                let new = Link { record, successor, band, highest: band, score, is_confirmed: false };
                let link = self.links.entry((record, successor)).or_insert_with(|| new.clone());
                let (highest, is_confirmed) = (link.highest.max(band), link.is_confirmed);
                *link = Link { highest, is_confirmed, ..new };
                self.questions.push_back(entry.at.plus_seconds(ASKED_AFTER));
            }
            RecordEvent::LinkConfirmed { successor, .. } => {
                assert_eq!(entry.actor.kind, ActorKind::System, "nobody else confirms");
                if let Some(link) = self.links.get_mut(&(record, *successor)) {
                    link.is_confirmed = true;
                }
            }
            _ => {}
        }
    }

    pub fn is_watched(&self, device: DeviceId) -> bool {
        self.watched.contains(&device)
    }

    /// Returns whether a question may be due.
    pub fn is_due(&mut self, now: Timestamp) -> bool {
        let before = self.questions.len();
        while self.questions.front().is_some_and(|due| *due <= now) {
            self.questions.pop_front();
        }
        self.questions.len() < before
    }

    pub fn all(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }
}
