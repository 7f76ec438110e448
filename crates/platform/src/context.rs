//! On whose behalf, from where and because of what a command is performed: what every event of it carries.

use events::envelope::{Actor, ActorKind, EventId};
use events::{Draft, Event, KeyName, Personal};
use std::borrow::Cow;
use std::net::IpAddr;
use uuid::Uuid;
use world::World;

#[derive(Debug, Clone)]
pub struct Context {
    pub actor: Actor,
    pub source: Option<Personal<String>>,
    /// The portal visit, device conversation or command line run.
    pub correlation: Uuid,
    /// The event that this is an effect of.
    pub causation: Option<EventId>,
    /// Makes the ids of the events follow from [`Context::causation`], so that the effect is written once however often it
    /// is repeated: the name of the effect.
    pub effect: Option<Cow<'static, str>>,
}

impl Context {
    /// The operator did something at the command line.
    pub fn operator(correlation: Uuid) -> Context {
        Context::of(Actor::new(ActorKind::Operator, "command-line"), None, correlation)
    }

    /// Somebody did something; `source` is sealed under `key`.
    pub fn of(actor: Actor, source: Option<(IpAddr, KeyName)>, correlation: Uuid) -> Context {
        let source = source.map(|(address, key)| Personal::new(key, address.to_string()));
        Context { actor, source, correlation, causation: None, effect: None }
    }

    /// `effect` happens because of `cause`; done twice in a stream, it is written once. What happens to several streams needs
    /// a [`Context::effect`] for each.
    pub fn effect(actor: Actor, cause: EventId, correlation: Uuid, effect: &'static str) -> Context {
        Context { actor, source: None, correlation, causation: Some(cause), effect: Some(effect.into()) }
    }

    /// The id of the first event of an effect; `None` if this is none.
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

/// An event of the operator's, for where the server is not assembled yet.
pub fn operator_draft(world: &World, correlation: Uuid, event: Event) -> Draft {
    let Context { actor, source, correlation, causation, .. } = Context::operator(correlation);
    Draft { id: EventId::fresh(world), at: world.now(), actor, source, correlation, causation, event }
}
