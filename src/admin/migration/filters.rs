//! The filters of the board.

use super::Kept;
use super::words::label;
use crate::admin::devices::Choice;
use crate::admin::problem::Problem;
use crate::admin::query::{Query, filled, read};
use crate::admin::records::words::owner;
use crate::admin::words::model;
use crate::web::content::content;
use events::Timestamp;
use events::invitation::WaveId;
use projections::migration::{BoardFilter, Choices, Contact, LATE_AFTER_DAYS, MigrationState};
use projections::records::OwnerOutcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Filters as query parameters, and as fields of bulk actions.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Filters {
    state: Option<String>,
    late: Option<String>,
    source: Option<String>,
    site: Option<String>,
    model: Option<String>,
    owner: Option<String>,
    user: Option<String>,
    age: Option<String>,
    wave: Option<String>,
    after: Option<String>,
}

/// The filters as the form of the page has them.
#[derive(Serialize)]
pub(super) struct Lists {
    states: Vec<Choice>,
    late: bool,
    sources: Vec<Choice>,
    sites: Vec<Choice>,
    models: Vec<Choice>,
    owners: Vec<Choice>,
    user: String,
    ages: Vec<Choice>,
    waves: Vec<Choice>,
}

content!(Lists { states, late, sources, sites, models, owners, user, ages, waves });

/// The time since the last contact: word, label, and the days from and until which it is.
const AGES: [(&str, &str, Option<i64>, Option<i64>); 4] = [
    ("week", "Less than 7 days", None, Some(7)),
    ("month", "7 to 30 days", Some(7), Some(30)),
    ("quarter", "30 to 90 days", Some(30), Some(90)),
    ("older", "More than 90 days", Some(90), None),
];

const UNKNOWN: &str = "unknown";

/// Returns the time until which an old management must have been removed to count as late.
pub(super) fn late_until(now: Timestamp) -> Timestamp {
    now.plus_seconds(-LATE_AFTER_DAYS * 86_400)
}

impl Filters {
    /// Reads the filters of a form.
    pub(super) fn of_form(fields: &BTreeMap<String, String>) -> Filters {
        let of = |name: &str| fields.get(name).cloned();
        Filters {
            state: of("state"),
            late: of("late"),
            source: of("source"),
            site: of("site"),
            model: of("model"),
            owner: of("owner"),
            user: of("user"),
            age: of("age"),
            wave: of("wave"),
            after: of("after"),
        }
    }

    /// Returns the projection's filter. A model is chosen by its name, which several identifiers may have.
    ///
    /// # Errors
    /// Returns an error that names the invalid filter.
    pub(super) fn parse(&self, now: Timestamp, choices: &Choices) -> Result<BoardFilter, Problem> {
        let state = read("state", self.state.as_deref(), |word| {
            MigrationState::parse(word).ok_or(Problem::Bad("There is no such state."))
        })?;
        let late = read("late", self.late.as_deref(), |word| match word {
            "yes" => Ok(late_until(now)),
            _ => Err(Problem::Bad("It must be “yes” or left out.")),
        })?;
        let outcome = read("owner", self.owner.as_deref(), |word| {
            OwnerOutcome::parse(word).ok_or(Problem::Bad("There is no such outcome."))
        })?;
        let contact = read("age", self.age.as_deref(), |word| contact(word, now))?;
        let wave = read("wave", self.wave.as_deref(), |id| {
            Uuid::parse_str(id).map(WaveId).map_err(|_| Problem::Bad("There is no such wave."))
        })?;
        let after = read("after", self.after.as_deref(), |text| {
            text.parse().map_err(|_| Problem::Bad("Use the link to the next page, unchanged."))
        })?;
        let [source, site, user_name] =
            [&self.source, &self.site, &self.user].map(|text| filled(text.as_deref()).map(str::to_owned));
        let models = match filled(self.model.as_deref()) {
            Some(chosen) => identifiers(chosen, choices),
            None => vec![],
        };
        Ok(BoardFilter {
            state,
            removed_until: late,
            source,
            site,
            models,
            owner: outcome,
            user_name,
            contact,
            wave,
            after,
        })
    }

    /// Returns the filters for the event of a view or an export. The user name is left out because it is personal.
    pub(super) fn names_and_values(&self) -> Vec<String> {
        let told = |(name, value): &(&'static str, String)| match *name {
            "user" => (*name).to_owned(),
            name => format!("{name}={value}"),
        };
        self.query().iter().map(told).collect()
    }

    pub(super) fn query(&self) -> Query {
        Query::default()
            .with("state", self.state.as_deref())
            .with("late", self.late.as_deref())
            .with("source", self.source.as_deref())
            .with("site", self.site.as_deref())
            .with("model", self.model.as_deref())
            .with("owner", self.owner.as_deref())
            .with("user", self.user.as_deref())
            .with("age", self.age.as_deref())
            .with("wave", self.wave.as_deref())
    }

    /// Returns the filters as fields of a form.
    pub(super) fn kept(&self) -> Vec<Kept> {
        self.query().iter().map(|(name, value)| Kept { name: (*name).to_owned(), value: value.clone() }).collect()
    }

    pub(super) fn lists(&self, choices: &Choices) -> Lists {
        let any = |chosen: &Option<String>| Choice::new("", "Any", chosen.as_deref());
        let listed = |values: &[String], chosen: &Option<String>| {
            let all = values.iter().map(|value| Choice::new(value, value, chosen.as_deref()));
            std::iter::once(any(chosen)).chain(all).collect::<Vec<_>>()
        };
        let named = |all: Vec<(String, String)>, chosen: &Option<String>| {
            let all = all.into_iter().map(|(value, label)| Choice::new(&value, &label, chosen.as_deref()));
            std::iter::once(any(chosen)).chain(all).collect::<Vec<_>>()
        };
        let states = MigrationState::ALL.map(|state| (state.as_str().to_owned(), label(state).to_owned()));
        let owners = OwnerOutcome::ALL.map(|outcome| (outcome.as_str().to_owned(), owner(outcome).label.to_owned()));
        let ages = AGES.map(|(word, label, ..)| (word, label)).into_iter().chain([(UNKNOWN, "Unknown")]);
        let waves = choices.waves.iter().map(|wave| (wave.wave.to_string(), wave.name.clone()));
        Lists {
            states: named(states.into(), &self.state),
            late: filled(self.late.as_deref()).is_some(),
            sources: listed(&choices.sources, &self.source),
            sites: listed(&choices.sites, &self.site),
            models: listed(&models(choices), &self.model),
            owners: named(owners.into(), &self.owner),
            user: self.user.clone().unwrap_or_default(),
            ages: named(ages.map(|(word, label)| (word.to_owned(), label.to_owned())).collect(), &self.age),
            waves: named(waves.collect(), &self.wave),
        }
    }
}

fn contact(word: &str, now: Timestamp) -> Result<Contact, Problem> {
    if word == UNKNOWN {
        return Ok(Contact::Unknown);
    }
    let ago = |days: Option<i64>| days.map(|days| now.plus_seconds(-days * 86_400));
    let known = AGES.into_iter().find(|(known, ..)| *known == word);
    let (.., from, until) = known.ok_or(Problem::Bad("There is no such time since the last contact."))?;
    // What was long ago has the smaller instant.
    Ok(Contact::Between { from: ago(until), until: ago(from) })
}

// Names of models in order, each once.
fn models(choices: &Choices) -> Vec<String> {
    let mut names: Vec<String> = choices.models.iter().filter_map(|stored| model(Some(stored))).collect();
    names.sort();
    names.dedup();
    names
}

// A name that no record has finds none: the filter for any model would be empty.
fn identifiers(chosen: &str, choices: &Choices) -> Vec<String> {
    let is_chosen = |stored: &&String| model(Some(stored)).as_deref() == Some(chosen);
    let mut found: Vec<String> = choices.models.iter().filter(is_chosen).cloned().collect();
    if found.is_empty() {
        found.push(chosen.to_owned());
    }
    found
}
