//! What a scene writes: appends to streams, each with its instant, its actor and its cause.

use crate::dice::Dice;
use crate::secrets::Secrets;
use events::envelope::EventId;
use events::{Actor, ActorKind, Draft, Event, KeyName, Personal, StreamName, Timestamp};
use std::collections::VecDeque;
use uuid::Uuid;

/// Microseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000;

/// Events that are appended to one stream in one append.
#[derive(Debug, Clone)]
pub struct Append {
    pub stream: StreamName,
    /// One or more.
    pub drafts: Vec<Draft>,
    /// The keys that the events are sealed with.
    pub keys: Vec<KeyName>,
    /// Keys that belong to another from now on: pairs of a key and its owner.
    pub handed: Vec<(KeyName, KeyName)>,
    /// A key that is destroyed with this append.
    pub destroys: Option<KeyName>,
}

impl Append {
    /// The instant of the events.
    pub fn at(&self) -> Timestamp {
        self.drafts[0].at
    }
}

/// Who acts, from where, in which conversation.
#[derive(Debug, Clone)]
pub(crate) struct Cue {
    pub(crate) actor: Actor,
    pub(crate) source: Option<Personal<String>>,
    pub(crate) correlation: Uuid,
    /// The keys of the personal fields, and that of the source address.
    pub(crate) keys: Vec<KeyName>,
}

impl Cue {
    /// A cue of somebody with a source address, which is sealed with `key`.
    pub(crate) fn from(actor: Actor, address: String, key: KeyName, correlation: Uuid) -> Cue {
        Cue { actor, source: Some(Personal::new(key.clone(), address)), correlation, keys: vec![key] }
    }

    /// The command line of an operator.
    pub(crate) fn operator(correlation: Uuid) -> Cue {
        Cue { actor: Actor::new(ActorKind::Operator, "command-line"), source: None, correlation, keys: vec![] }
    }

    /// The server itself.
    pub(crate) fn system(name: &str, correlation: Uuid) -> Cue {
        Cue { actor: Actor::new(ActorKind::System, name), source: None, correlation, keys: vec![] }
    }

    /// The same cue with another actor.
    pub(crate) fn by(&self, kind: ActorKind, id: impl std::fmt::Display) -> Cue {
        Cue { actor: Actor::new(kind, id), ..self.clone() }
    }

    /// The same cue for events that are also sealed with this key.
    pub(crate) fn with(mut self, key: KeyName) -> Cue {
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        self
    }
}

/// What every scene knows.
pub(crate) struct Stage<'a> {
    pub(crate) seed: u64,
    pub(crate) secrets: &'a Secrets,
    /// The address of the server: scheme, name and port.
    pub(crate) server: &'a str,
    /// Devices that enrolled lately, with what staff look at.
    pub(crate) lately: &'a mut VecDeque<Lately>,
}

/// A device that enrolled lately.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lately {
    pub(crate) device: events::device::DeviceId,
    pub(crate) person: events::person::PersonId,
}

/// A scene: its instant moves on with each append.
pub(crate) struct Scene<'a, 's> {
    pub(crate) stage: &'a mut Stage<'s>,
    pub(crate) dice: Dice,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    appends: &'a mut Vec<Append>,
}

impl<'a, 's> Scene<'a, 's> {
    /// A scene that begins at an instant in seconds since 1970. `dice`: of this scene alone.
    pub(crate) fn begin(stage: &'a mut Stage<'s>, at: i64, mut dice: Dice, appends: &'a mut Vec<Append>) -> Self {
        let at = at * SECOND + dice.below(1_000_000) as i64;
        Scene { stage, dice, at, appends }
    }

    pub(crate) fn secrets(&self) -> &'s Secrets {
        self.stage.secrets
    }

    /// An address at the server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.stage.server)
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.at)
    }

    pub(crate) fn later(&self, seconds: i64) -> Timestamp {
        Timestamp(self.at + seconds * SECOND)
    }

    /// Lets some seconds pass, from `from` to `to`.
    pub(crate) fn wait(&mut self, from: i64, to: i64) {
        self.at += self.dice.between(from * SECOND, to * SECOND);
    }

    // The time that the server or the network takes.
    fn tick(&mut self) {
        self.at += self.dice.between(1_000, 80_000);
    }

    /// Appends events of one cue. Returns the id of the last one.
    pub(crate) fn append<E: Into<Event>>(
        &mut self,
        stream: &StreamName,
        cue: &Cue,
        events: impl IntoIterator<Item = E>,
    ) -> EventId {
        let mut ids = Vec::new();
        let drafts = events.into_iter().map(|event| {
            let id = EventId(self.dice.uuid_at(self.at));
            ids.push(id);
            draft(id, self.at, cue, None, event.into())
        });
        let drafts: Vec<Draft> = drafts.collect();
        self.push(stream.clone(), drafts, cue.keys.clone());
        ids[ids.len() - 1]
    }

    /// Appends an event.
    pub(crate) fn say(&mut self, stream: &StreamName, cue: &Cue, event: impl Into<Event>) -> EventId {
        self.append(stream, cue, [event.into()])
    }

    /// Appends the events of an effect. Their ids are derived from the cause, as the server's are.
    pub(crate) fn effect<E: Into<Event>>(
        &mut self,
        stream: &StreamName,
        (cause, name): (EventId, &str),
        cue: &Cue,
        events: impl IntoIterator<Item = E>,
    ) -> EventId {
        let drafts = (0..)
            .zip(events)
            .map(|(nth, event)| draft(cause.caused(name, nth), self.at, cue, Some(cause), event.into()));
        let drafts: Vec<Draft> = drafts.collect();
        let last = drafts[drafts.len() - 1].id;
        self.push(stream.clone(), drafts, cue.keys.clone());
        last
    }

    fn push(&mut self, stream: StreamName, drafts: Vec<Draft>, keys: Vec<KeyName>) {
        self.appends.push(Append { stream, drafts, keys, handed: vec![], destroys: None });
        self.tick();
    }

    /// With the last append, `key` gets an owner.
    pub(crate) fn hand_over(&mut self, key: KeyName, owner: KeyName) {
        if let Some(last) = self.appends.last_mut() {
            last.handed.push((key, owner));
        }
    }

    /// With the last append, a key is destroyed.
    pub(crate) fn destroy(&mut self, key: KeyName) {
        if let Some(last) = self.appends.last_mut() {
            last.destroys = Some(key);
        }
    }
}

fn draft(id: EventId, at: i64, cue: &Cue, causation: Option<EventId>, event: Event) -> Draft {
    let Cue { actor, source, correlation, keys: _ } = cue.clone();
    Draft { id, at: Timestamp(at), actor, source, correlation, causation, event }
}
