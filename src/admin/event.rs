//! Page of one event with its full content and links to related events: same session, device, person, actor.

use super::audit::{PATH, actor, actor_href, event_href, record_href, source};
use super::devices::Fact;
use super::pages::show;
use super::problem::Problem;
use super::query::Query;
use super::render::view;
use super::session::{May, SeesAudit};
use super::words::{self, Chip, Instant};
use crate::web::content::content;
use actix_web::{HttpResponse, web};
use events::personal::{KEY_DAMAGED, KEY_LOST};
use events::record::RecordId;
use events::staff::StaffActivityEvent;
use events::{Entry, EventId};
use projections::audit::{Row, find};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// Fields that are shown to no role, because knowing their value is enough to use it.
const SECRET: &[&str] = &[
    "password",
    "token",
    "push_magic",
    "unlock_token",
    "session",
    "challenge",
    "seed",
    "credential",
    "hash",
    "hashes",
    "code_hash",
];

#[derive(Serialize)]
struct EventPage {
    sentence: String,
    outcome: Option<Chip>,
    facts: Vec<Fact>,
    pivots: Vec<Pivot>,
    json: String,
}

view!(event, Menu, EventPage { sentence, outcome, facts, pivots, json });

#[derive(Serialize)]
struct Pivot {
    href: String,
    label: &'static str,
}

content!(Pivot { href, label });

/// Shows the page.
///
/// # Errors
/// Returns an error if there is no such event, or the event log or the projections are unavailable.
pub(crate) async fn page(staff: May<SeesAudit>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let id = Uuid::parse_str(&path).map(EventId).map_err(|_| Problem::NotFound)?;
    let row = find(staff.projections(), staff.log(), id)
        .await
        .map_err(|error| staff.broken(error))?
        .ok_or(Problem::NotFound)?;
    let viewed = match row.device {
        Some(device) if RecordId::of_device(device).is_imported() => {
            StaffActivityEvent::PreviousRecordViewed { record: RecordId::of_device(device) }
        }
        Some(device) => StaffActivityEvent::DeviceViewed { device },
        None => StaffActivityEvent::AuditTrailViewed { filters: vec!["event".to_owned()] },
    };
    staff.record(viewed).await?;
    // Reads the log instead of the projection, so that erased data is gone from this page at once.
    let entry = staff.event_at(&row.stream, row.revision).await?;
    let entry = entry.filter(|entry| entry.id == id).ok_or(Problem::NotFound)?;
    let page = EventPage {
        sentence: row.sentence.clone(),
        outcome: words::outcome(row.outcome),
        facts: facts(&row, &entry, Instant::of(row.at, staff.now())),
        pivots: pivots(&row),
        json: payload(&entry),
    };
    show(&row.sentence, "audit", &staff, &page)
}

fn facts(row: &Row, entry: &Entry, at: Instant) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("Time", format!("{} UTC ({})", at.words, at.rfc3339)),
        Fact::new("Event", &row.event_type),
        Fact::linked("Who", actor(row), actor_href(row)),
        Fact::new("Source address", source(row)),
        Fact::new("Event id", row.event.to_string()),
        Fact::new("Stream", format!("{}, revision {}", row.stream, row.revision.0)),
        Fact::new("Help code", &row.help_code),
    ];
    if let Some(cause) = entry.causation {
        facts.push(Fact::linked("Caused by", cause.to_string(), event_href(cause)));
    }
    facts
}

fn pivots(row: &Row) -> Vec<Pivot> {
    let filtered = |name, value: &str| Query::default().with(name, Some(value)).href(PATH);
    let mut pivots = vec![
        Pivot { href: filtered("correlation", &row.correlation.to_string()), label: "Same session" },
        Pivot { href: actor_href(row), label: "Same actor" },
        Pivot { href: filtered("type", &row.event_type), label: "Same type of event" },
    ];
    if let Some(device) = row.device {
        pivots.push(Pivot { href: filtered("device", &device.to_string()), label: "Same device or enrollment" });
        pivots.push(Pivot { href: record_href(device), label: "Record of the device" });
    }
    if let Some(person) = row.person {
        pivots.push(Pivot { href: filtered("person", &person.to_string()), label: "Same person" });
    }
    if let Some(source) = &row.source {
        pivots.push(Pivot { href: filtered("source", source), label: "Same source address" });
    }
    pivots
}

fn payload(entry: &Entry) -> String {
    let (_, mut data) = entry.event.to_parts();
    show_plainly(&mut data);
    serde_json::to_string_pretty(&data).unwrap_or_default()
}

// Replaces personal fields with their value or with a note that it is erased or lost, and hides secrets.
fn show_plainly(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(plain) = map.get_mut("$personal").and_then(|personal| personal.get_mut("value")) {
                *value = plain.take();
                return show_plainly(value);
            }
            if map.contains_key("$erased") {
                *value = Value::from("(erased)");
                return;
            }
            let gone = [("$lost", KEY_LOST), ("$damaged", KEY_DAMAGED)];
            if let Some((_, word)) = gone.into_iter().find(|(marker, _)| map.contains_key(*marker)) {
                *value = Value::from(word);
                return;
            }
            for (name, value) in map {
                if SECRET.contains(&name.as_str()) && !value.is_null() {
                    *value = Value::from("(not shown)");
                } else {
                    show_plainly(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(show_plainly),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_shown_with_its_personal_fields_but_without_secrets() {
        let mut data = json!({
            "user_name": { "$personal": { "key": "person-1", "value": "ada" } },
            "mail": { "$erased": { "key": "person-1" } },
            "display_name": { "$lost": { "key": "person-2" } },
            "label": { "$damaged": { "key": "person-3" } },
            "password": { "$personal": { "key": "staff-1", "value": "$argon2id$..." } },
            "push": { "token": { "$personal": { "key": "device-1", "value": "AAAA" } }, "unlock_token": null },
            "changes": [{ "$personal": { "key": "person-1", "value": { "DeviceName": "ada’s iPhone" } } }],
        });
        show_plainly(&mut data);
        assert_eq!(
            data,
            json!({
                "user_name": "ada",
                "mail": "(erased)",
                "display_name": "(key lost)",
                "label": "(key damaged)",
                "password": "(not shown)",
                "push": { "token": "(not shown)", "unlock_token": null },
                "changes": [{ "DeviceName": "ada’s iPhone" }],
            })
        );
    }
}
