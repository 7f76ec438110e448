//! Parses the filters of the audit trail from the address into the projection's filter.

use crate::admin::devices::{Choice, parse_as_of};
use crate::admin::problem::Problem;
use crate::admin::query::{Query, filled, read};
use crate::admin::words::capital;
use crate::web::content::content;
use events::device::DeviceId;
use events::enrollment::parse_short_code;
use events::person::PersonId;
use events::{Event, EventId};
use projections::audit::{ACTOR_KINDS, AuditFilter, AuditOutcome, Match, has_acted};
use projections::{ProjectionError, Projections};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use uuid::Uuid;

/// Query parameters. A minus before the value of `type`, `actor` or `outcome` negates it.
#[derive(Deserialize)]
pub(crate) struct Filters {
    q: Option<String>,
    from: Option<String>,
    to: Option<String>,
    outcome: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    actor: Option<String>,
    actor_id: Option<String>,
    device: Option<String>,
    person: Option<String>,
    source: Option<String>,
    correlation: Option<String>,
    code: Option<String>,
    after: Option<String>,
}

/// Filter values as the form shows them.
#[derive(Serialize)]
pub(crate) struct Shown {
    q: String,
    from: String,
    to: String,
    code: String,
    source: String,
    actor_id: String,
    device: String,
    person: String,
    correlation: String,
}

content!(Shown { q, from, to, code, source, actor_id, device, person, correlation });

/// Returns a filter's label on the page.
pub(crate) fn label(name: &str) -> &'static str {
    match name {
        "q" => "Search",
        "from" => "From",
        "to" => "Until",
        "outcome" => "Outcome",
        "type" => "Event",
        "actor" => "Done by",
        "actor_id" => "Actor id",
        "device" => "Device",
        "person" => "Person",
        "source" => "Source",
        "correlation" => "Session",
        _ => "Help code",
    }
}

impl Filters {
    fn fields(&self) -> [(&'static str, Option<&str>); 12] {
        [
            ("q", self.q.as_deref()),
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
            ("outcome", self.outcome.as_deref()),
            ("type", self.event_type.as_deref()),
            ("actor", self.actor.as_deref()),
            ("actor_id", self.actor_id.as_deref()),
            ("device", self.device.as_deref()),
            ("person", self.person.as_deref()),
            ("source", self.source.as_deref()),
            ("correlation", self.correlation.as_deref()),
            ("code", self.code.as_deref()),
        ]
    }

    pub(crate) fn query(&self) -> Query {
        self.fields().into_iter().fold(Query::default(), |query, (name, value)| query.with(name, value))
    }

    /// Returns the filters of an export or API request for its event. Values that may be personal are left out.
    pub(crate) fn names_and_values(&self) -> Vec<String> {
        let names_and_values = |(name, value): &(&'static str, String)| match *name {
            "from" | "to" | "outcome" | "type" | "actor" | "correlation" | "code" => format!("{name}={value}"),
            // An id is random, so it remains after the person is erased.
            "device" | "person" | "actor_id" => format!("{name}={value}"),
            _ => (*name).to_owned(),
        };
        self.query().iter().map(names_and_values).collect()
    }

    /// Returns the projection's filter.
    ///
    /// # Errors
    /// Returns an error that names the invalid filter, or the error made by `broken` if the projection cannot be read.
    pub(crate) async fn parse<P: From<Problem>>(
        &self,
        projections: &Projections,
        broken: impl FnOnce(ProjectionError) -> P,
    ) -> Result<AuditFilter, P> {
        let filter = self.understood()?;
        // An actor id may also be a name under which the server or one of its commands acts.
        if let Some(name) = filter.actor_id.as_ref().filter(|name| Uuid::parse_str(name).is_err())
            && !has_acted(projections, name).await.map_err(broken)?
        {
            return Err(Problem::Bad("It is not a complete id, and no actor of this name has done anything.")
                .of("actor_id")
                .into());
        }
        Ok(filter)
    }

    fn understood(&self) -> Result<AuditFilter, Problem> {
        let text = |value: &Option<String>| filled(value.as_deref()).map(str::to_owned);
        let id = |text: &str| Uuid::parse_str(text).map_err(|_| Problem::Bad("It is not a complete id."));
        let outcome = |name: &str| matched(name, AuditOutcome::parse, "There is no such outcome.");
        let actor = |name: &str| matched(name, actor_kind, "There is no such kind of actor.");
        let event_type = |name: &str| matched(name, event_type, "There is no such type of event.");
        let source = |text: &str| {
            let address = text.parse::<IpAddr>().map_err(|_| Problem::Bad("It is not an IP address."))?;
            Ok(address.to_string())
        };
        let code = |text: &str| {
            parse_short_code(text)
                .ok_or(Problem::Bad("It is not a help code. A help code has six letters and digits, such as 4F7-K2P."))
        };
        Ok(AuditFilter {
            from: read("from", self.from.as_deref(), parse_as_of)?,
            to: read("to", self.to.as_deref(), parse_as_of)?,
            actor_kind: read("actor", self.actor.as_deref(), actor)?,
            actor_id: text(&self.actor_id),
            event_type: read("type", self.event_type.as_deref(), event_type)?,
            device: read("device", self.device.as_deref(), id)?.map(DeviceId),
            person: read("person", self.person.as_deref(), id)?.map(PersonId),
            outcome: read("outcome", self.outcome.as_deref(), outcome)?,
            source: read("source", self.source.as_deref(), source)?,
            correlation: read("correlation", self.correlation.as_deref(), id)?,
            help_code: read("code", self.code.as_deref(), code)?,
            text: text(&self.q),
            after: read("after", self.after.as_deref(), id)?.map(EventId),
            ..AuditFilter::default()
        })
    }

    pub(crate) fn shown(&self) -> Shown {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        // The browser's input field has no time zone; all times here are UTC.
        let time = |value: &Option<String>| text(value).trim_end_matches('Z').to_owned();
        Shown {
            q: text(&self.q),
            from: time(&self.from),
            to: time(&self.to),
            code: text(&self.code),
            source: text(&self.source),
            actor_id: text(&self.actor_id),
            device: text(&self.device),
            person: text(&self.person),
            correlation: text(&self.correlation),
        }
    }

    /// Returns whether one of the additional filters is active (all except the first four).
    pub(crate) fn more(&self) -> bool {
        self.fields().iter().skip(4).any(|(_, value)| filled(*value).is_some())
    }

    pub(crate) fn types(&self, known: &[String]) -> Vec<Choice> {
        let chosen = self.event_type.as_deref();
        let only = known.iter().map(|name| Choice::new(name, name, chosen));
        let but = known.iter().map(|name| Choice::new(&format!("-{name}"), &format!("All except {name}"), chosen));
        std::iter::once(Choice::new("", "Any", chosen)).chain(only).chain(but).collect()
    }

    pub(crate) fn actors(&self) -> Vec<Choice> {
        let chosen = self.actor.as_deref();
        let only = ACTOR_KINDS.map(|(_, name)| Choice::new(name, &capital(name), chosen));
        let but = ACTOR_KINDS.map(|(_, name)| Choice::new(&format!("-{name}"), &format!("All except {name}"), chosen));
        std::iter::once(Choice::new("", "Anyone", chosen)).chain(only).chain(but).collect()
    }

    pub(crate) fn outcomes(&self) -> Vec<Choice> {
        [("", "Any"), ("ok", "Done"), ("refused", "Refused"), ("failed", "Failed"), ("-ok", "Refused or failed")]
            .map(|(value, label)| Choice::new(value, label, self.outcome.as_deref()))
            .into()
    }
}

fn matched<T>(value: &str, parse: impl Fn(&str) -> Option<T>, unknown: &'static str) -> Result<Match<T>, Problem> {
    let (negated, name) = value.strip_prefix('-').map_or((false, value), |name| (true, name));
    let value = parse(name).ok_or(Problem::Bad(unknown))?;
    Ok(Match { value, negated })
}

fn event_type(name: &str) -> Option<String> {
    Event::type_names().contains(&name).then(|| name.to_owned())
}

fn actor_kind(name: &str) -> Option<events::ActorKind> {
    ACTOR_KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
}
