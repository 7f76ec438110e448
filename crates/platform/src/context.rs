//! Context of a command: actor, source address, correlation and cause. Each event of the command carries it.

use events::envelope::{Actor, ActorKind, EventId};
use events::{Draft, Event, KeyName, Personal};
use std::borrow::Cow;
use std::net::IpAddr;
use uuid::Uuid;
use world::World;

#[derive(Debug, Clone)]
pub struct Context {
    pub actor: Actor,
    /// IP address of the client, encrypted in the log.
    pub source: Option<Personal<String>>,
    /// Id of the portal enrollment, device conversation or command line run.
    pub correlation: Uuid,
    /// Event that caused this command, if the command is an effect.
    pub causation: Option<EventId>,
    /// Name of the effect. The ids of the events are then derived from [`Context::causation`] and this name, so a
    /// repeated effect is written only once.
    pub effect: Option<Cow<'static, str>>,
}

impl Context {
    /// Returns the context of an operator's action at the command line.
    pub fn operator(correlation: Uuid) -> Context {
        Context::of(Actor::new(ActorKind::Operator, "command-line"), None, correlation)
    }

    /// Returns the context of an action by `actor`. The address in `source` is encrypted under the key given with it.
    pub fn of(actor: Actor, source: Option<(IpAddr, KeyName)>, correlation: Uuid) -> Context {
        let source = source.map(|(address, key)| Personal::new(key, address.to_string()));
        Context { actor, source, correlation, causation: None, effect: None }
    }

    /// Returns the context of `effect`, which `cause` causes. An effect that is repeated in a stream is written once.
    /// An effect on several streams needs a different [`Context::effect`] for each stream.
    pub fn effect(actor: Actor, cause: EventId, correlation: Uuid, effect: &'static str) -> Context {
        Context { actor, source: None, correlation, causation: Some(cause), effect: Some(effect.into()) }
    }

    /// Returns the id of the first event of the effect, or `None` if the command is not an effect.
    pub(super) fn first_effect(&self) -> Option<EventId> {
        Some(self.causation?.caused(self.effect.as_ref()?, 0))
    }

    pub(super) fn event_id(&self, world: &World, nth: usize) -> EventId {
        match (self.causation, &self.effect) {
            (Some(cause), Some(effect)) => cause.caused(effect, nth),
            _ => EventId::fresh(world),
        }
    }
}

/// Returns an operator's event for the log. Used by commands that run before the server is assembled.
pub fn operator_draft(world: &World, correlation: Uuid, event: Event) -> Draft {
    let Context { actor, source, correlation, causation, .. } = Context::operator(correlation);
    Draft { id: EventId::fresh(world), at: world.now(), actor, source, correlation, causation, event }
}
