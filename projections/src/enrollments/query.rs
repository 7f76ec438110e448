//! Queries of the help desk: one enrollment, enrollments by filter, and people who need help now.

use super::Step;
use super::step::Way;
use crate::audit::english;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::enrollment::{
    DeviceFamily, EnrollmentEvent, EnrollmentId, EnrollmentRefusal, SignInRefusal, SingleSignOnFault,
};
use events::person::PersonId;
use rusqlite::{OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// State of an enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    Open,
    Enrolled,
    Refused,
    /// Closed after a period without activity.
    Abandoned,
    /// The person signed out of the portal before the device was enrolled.
    SignedOut,
}

impl State {
    pub const ALL: [State; 5] = [State::Open, State::Enrolled, State::Refused, State::Abandoned, State::SignedOut];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Enrolled => "enrolled",
            State::Refused => "refused",
            State::Abandoned => "abandoned",
            State::SignedOut => "signed_out",
        }
    }

    pub fn parse(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// An enrollment in its current state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrollment {
    pub id: EnrollmentId,
    /// Such as `7KQ-3M2`: derived from `id`.
    pub help_code: String,
    pub opened: Timestamp,
    /// Time of the last activity.
    pub last: Timestamp,
    /// Whether the enrollment began in Settings, by account.
    pub by_account: bool,
    pub family: DeviceFamily,
    /// As claimed by the browser or reported by the device.
    pub version: Option<String>,
    /// Language tag of the pages, such as `en`.
    pub language: String,
    /// Name of the sign-in method.
    pub method: Option<String>,
    /// The directory or identity provider, if known.
    pub provider: Option<String>,
    /// The person who signed in.
    pub signed_in: Option<Named>,
    /// The person who will own the device.
    pub owner: Option<Named>,
    /// The last step that the person was at.
    pub step: Step,
    pub step_since: Timestamp,
    /// Number of refusals at any step; most do not end the enrollment.
    pub refusals: u64,
    pub state: State,
    pub ended: Option<Timestamp>,
    pub why: Option<EnrollmentRefusal>,
}

/// A person; without names if these are erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub person: PersonId,
    pub user_name: Option<String>,
    pub display_name: Option<String>,
}

/// The time that a person was at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepTime {
    pub step: Step,
    pub reached: Timestamp,
    /// `None` if they still are.
    pub left: Option<Timestamp>,
}

/// A refusal during an enrollment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub at: Timestamp,
    /// English sentence.
    pub sentence: String,
    /// `None` if the refusal is not about signing in.
    pub reason: Option<Reason>,
}

/// Why a sign-in was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    SignIn(SignInRefusal),
    SingleSignOn(SingleSignOnFault),
}

impl Reason {
    pub(super) fn of(event: &EnrollmentEvent) -> Option<Reason> {
        if let EnrollmentEvent::SignInRefused { reason, .. } = event {
            return Some(Reason::SignIn(*reason));
        }
        if let EnrollmentEvent::SingleSignOnRefused { why, .. } = event {
            return Some(Reason::SingleSignOn(*why));
        }
        None
    }
}

/// Columns that [`enrollment_of`] reads, and their tables. `INDEX` stands for the index of `v`.
const COLUMNS: &str =
    "SELECT v.id, v.help_code, v.opened, v.last, v.family, v.version, v.language, v.method, v.provider,
    v.signed_in, s.user_name, s.display_name, v.owner, o.user_name, o.display_name, v.step, v.step_since, v.refusals,
    v.state, v.ended, v.why, v.way, v.n FROM visits_visits v INDEX
    LEFT JOIN people_names s ON s.id = v.signed_in
    LEFT JOIN people_names o ON o.id = v.owner";

/// Returns the query of [`enrollment_of`], up to its conditions.
pub(super) fn select(index: &str) -> String {
    COLUMNS.replace("INDEX", index)
}

/// Returns one enrollment; `None` if there is none with this id.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn get(projections: &Projections, enrollment: EnrollmentId) -> Result<Option<Enrollment>, ProjectionError> {
    projections
        .read_of("visits", move |rows| {
            let select = format!("{} WHERE v.id = ?1", select(""));
            rows.prepare_cached(&select)?.query_row([enrollment.to_string()], enrollment_of).optional()
        })
        .await
}

/// Returns the enrollments of a person that were open at some time of this period, up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn open_between(
    projections: &Projections,
    person: PersonId,
    (from, to): (Timestamp, Timestamp),
    limit: usize,
) -> Result<Vec<EnrollmentId>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("visits", move |rows| {
            let select = "SELECT id FROM visits_visits
                WHERE signed_in = ?1 AND opened <= ?3 AND last >= ?2 ORDER BY n DESC LIMIT ?4";
            let ids = rows
                .prepare_cached(select)?
                .query_map(params![person.to_string(), from.0, to.0, limit], |row| row.get::<_, String>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            Ok(ids.iter().filter_map(|id| Uuid::parse_str(id).ok()).map(EnrollmentId).collect())
        })
        .await
}

/// Returns open enrollments that may need help: without activity since `silent_since`, or with a refusal. The latest
/// come first, since these people may still be at the portal.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn stuck(
    projections: &Projections,
    silent_since: Timestamp,
    limit: usize,
) -> Result<Vec<Enrollment>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("visits", move |rows| {
            let select = format!(
                "{} WHERE v.state = 'open' AND (v.last <= ?1 OR v.refusals > 0)
                ORDER BY v.last DESC, v.n DESC LIMIT ?2",
                select("INDEXED BY visits_open")
            );
            rows.prepare_cached(&select)?.query_map(params![silent_since.0, limit], enrollment_of)?.collect()
        })
        .await
}

/// Returns the steps of an enrollment in order.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn steps(projections: &Projections, enrollment: EnrollmentId) -> Result<Vec<StepTime>, ProjectionError> {
    projections
        .read_of("visits", move |rows| {
            let select = "SELECT step, reached, left FROM visits_steps
                WHERE visit = (SELECT n FROM visits_visits WHERE id = ?1) ORDER BY position";
            let step = |row: &Row<'_>| {
                let left = row.get::<_, Option<i64>>(2)?.map(Timestamp);
                Ok(Step::from_code(row.get(0)?).map(|step| StepTime {
                    step,
                    reached: Timestamp(row.get(1).unwrap_or(0)),
                    left,
                }))
            };
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_map([enrollment.to_string()], step)?.collect::<Result<Vec<_>, _>>()?;
            Ok(found.into_iter().flatten().collect())
        })
        .await
}

/// Returns all refusals of an enrollment, the oldest first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn refusals(projections: &Projections, enrollment: EnrollmentId) -> Result<Vec<Refusal>, ProjectionError> {
    projections
        .read_of("visits", move |rows| {
            let select = "SELECT at, message, message_values, reason FROM visits_refusals
                WHERE visit = (SELECT n FROM visits_visits WHERE id = ?1) ORDER BY position";
            let refusal = |row: &Row<'_>| {
                let (key, values): (String, String) = (row.get(1)?, row.get(2)?);
                let values: BTreeMap<String, Option<String>> = serde_json::from_str(&values).unwrap_or_default();
                let reason = row.get::<_, Option<String>>(3)?.and_then(|text| serde_json::from_str(&text).ok());
                Ok(Refusal { at: Timestamp(row.get(0)?), sentence: english(&key, &values), reason })
            };
            rows.prepare_cached(select)?.query_map([enrollment.to_string()], refusal)?.collect()
        })
        .await
}

pub(super) fn enrollment_of(row: &Row<'_>) -> rusqlite::Result<Enrollment> {
    let text = |column: usize| row.get::<_, Option<String>>(column);
    let person = |column: usize| -> rusqlite::Result<Option<Named>> {
        let person = text(column)?.and_then(|id| Uuid::parse_str(&id).ok()).map(PersonId);
        let (user_name, display_name) = (text(column + 1)?, text(column + 2)?);
        Ok(person.map(|person| Named { person, user_name, display_name }))
    };
    let id: String = row.get(0)?;
    let id = Uuid::parse_str(&id)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))?;
    let (family, state): (String, String) = (row.get(4)?, row.get(18)?);
    let way = Way::from_bits(row.get(21)?);
    let why = text(20)?.and_then(|why| serde_json::from_value(serde_json::Value::String(why)).ok());
    Ok(Enrollment {
        id: EnrollmentId(id),
        help_code: row.get(1)?,
        opened: Timestamp(row.get(2)?),
        last: Timestamp(row.get(3)?),
        by_account: way.is_by_account(),
        family: if family == DeviceFamily::IPad.as_str() { DeviceFamily::IPad } else { DeviceFamily::IPhone },
        version: text(5)?,
        language: row.get(6)?,
        method: text(7)?,
        provider: text(8)?,
        signed_in: person(9)?,
        owner: person(12)?,
        step: Step::from_code(row.get(15)?).unwrap_or(Step::SignIn),
        step_since: Timestamp(row.get(16)?),
        refusals: row.get::<_, i64>(17)?.cast_unsigned(),
        state: State::parse(&state).unwrap_or(State::Open),
        ended: row.get::<_, Option<i64>>(19)?.map(Timestamp),
        why,
    })
}
