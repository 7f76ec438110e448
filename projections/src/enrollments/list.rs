//! Lists enrollments by filter, page by page. A page reads at most [`BUDGET`] enrollments.

use super::Step;
use super::query::{Enrollment, State, enrollment_of, select};
use crate::{ProjectionError, Projections};
use events::enrollment::{EnrollmentId, parse_short_code};
use events::person::PersonId;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

/// Maximum number of enrollments that are read for one page.
const BUDGET: usize = 4_000;

/// Filter for enrollments. All given values must match.
#[derive(Debug, Clone, Default)]
pub struct EnrollmentFilter {
    /// A help code, or a part of a name of the person who signed in or of the device's user. A text that is the help
    /// code of an enrollment finds only this one.
    pub text: Option<String>,
    pub state: Option<State>,
    pub step: Option<Step>,
    pub person: Option<PersonId>,
    /// Continue after this enrollment, with older ones.
    pub after: Option<EnrollmentId>,
}

/// A page of enrollments, the newest first.
#[derive(Debug, Clone)]
pub struct EnrollmentPage {
    pub enrollments: Vec<Enrollment>,
    /// Pass this as [`EnrollmentFilter::after`] to get the next page.
    pub next: Option<EnrollmentId>,
    /// The budget was used up before the page was full: more enrollments may follow, and `next` continues the search.
    pub is_cut: bool,
}

/// Returns up to `limit` enrollments that match, the newest first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn list(
    projections: &Projections,
    filter: EnrollmentFilter,
    limit: usize,
) -> Result<EnrollmentPage, ProjectionError> {
    projections.read_of("visits", move |rows| list_in(rows, &filter, limit)).await
}

/// An index whose rows are in the order of the list, and the value to look up.
pub(super) struct Walk {
    pub(super) index: &'static str,
    pub(super) condition: &'static str,
    value: Option<Value>,
}

/// The walks of filters: by help code, by person (two), by state, by step, and by number alone.
pub(super) const WALKS: [(&str, &str); 6] = [
    ("INDEXED BY visits_by_help_code", "v.help_code = ?"),
    ("INDEXED BY visits_by_signed_in", "v.signed_in = ?"),
    ("INDEXED BY visits_by_owner", "v.owner = ? AND v.owner IS NOT v.signed_in"),
    ("INDEXED BY visits_by_state", "v.state = ?"),
    ("INDEXED BY visits_by_step", "v.step = ?"),
    ("", "1"),
];

fn walk(nth: usize, value: Option<Value>) -> Walk {
    let (index, condition) = WALKS[nth];
    Walk { index, condition, value }
}

// Also returns whether the text of the filter is a help code.
fn walks(rows: &Connection, filter: &EnrollmentFilter) -> rusqlite::Result<(Vec<Walk>, bool)> {
    if let Some(code) = filter.text.as_deref().and_then(parse_short_code) {
        let select = "SELECT 1 FROM visits_visits WHERE help_code = ?1";
        if rows.prepare_cached(select)?.exists([&code])? {
            return Ok((vec![walk(0, Some(Value::Text(code)))], true));
        }
    }
    if let Some(person) = filter.person {
        let person = Value::Text(person.to_string());
        return Ok((vec![walk(1, Some(person.clone())), walk(2, Some(person))], false));
    }
    let by_state = filter.state.map(|state| walk(3, Some(Value::Text(state.as_str().to_owned()))));
    let by_step = filter.step.map(|step| walk(4, Some(Value::Integer(step.code()))));
    // Most enrollments end with an enrolled device.
    let walk = match filter.state {
        Some(State::Enrolled) => by_step.or(by_state),
        _ => by_state.or(by_step),
    };
    Ok((vec![walk.unwrap_or(self::walk(5, None))], false))
}

/// Returns the query of a walk before the number `after`.
pub(super) fn sql(index: &str, condition: &str) -> String {
    format!("{} WHERE {condition} AND v.n < ? ORDER BY v.n DESC", select(index))
}

fn list_in(rows: &Connection, filter: &EnrollmentFilter, limit: usize) -> rusqlite::Result<EnrollmentPage> {
    let mut after = i64::MAX;
    if let Some(last) = filter.after {
        let select = "SELECT n FROM visits_visits WHERE id = ?1";
        after = rows
            .prepare_cached(select)?
            .query_row(params![last.to_string()], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
    }
    let (walks, is_code) = walks(rows, filter)?;
    let mut found: Vec<(i64, Enrollment)> = Vec::new();
    let mut cut: Option<(i64, EnrollmentId)> = None;
    for Walk { index, condition, value } in walks {
        let mut select = rows.prepare_cached(&sql(index, condition))?;
        let mut enrollments = select.query(params_from_iter(value.into_iter().chain([Value::Integer(after)])))?;
        // One row more than requested shows whether there is another page.
        let (mut examined, most) = (0, found.len() + limit + 1);
        while let Some(row) = enrollments.next()? {
            let enrollment = enrollment_of(row)?;
            let place = (row.get(22)?, enrollment.id);
            if matches(filter, &enrollment, is_code) {
                found.push((place.0, enrollment));
            }
            examined += 1;
            if found.len() == most {
                break;
            }
            if examined == BUDGET {
                cut = cut.max(Some(place));
                break;
            }
        }
    }
    found.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    // What lies behind the place of a cut belongs to the next page.
    found.retain(|(n, _)| cut.is_none_or(|(place, _)| *n >= place));
    let is_full = found.len() > limit;
    found.truncate(limit);
    let enrollments: Vec<Enrollment> = found.into_iter().map(|(_, enrollment)| enrollment).collect();
    let last = enrollments.last().map(|enrollment| enrollment.id);
    let cut = cut.map(|(_, id)| id).filter(|_| !is_full);
    Ok(EnrollmentPage { enrollments, next: if is_full { last } else { cut }, is_cut: cut.is_some() })
}

fn matches(filter: &EnrollmentFilter, enrollment: &Enrollment, is_code: bool) -> bool {
    let is_of = |person: PersonId| {
        [&enrollment.signed_in, &enrollment.owner].into_iter().flatten().any(|named| named.person == person)
    };
    filter.state.is_none_or(|state| enrollment.state == state)
        && filter.step.is_none_or(|step| enrollment.step == step)
        && filter.person.is_none_or(is_of)
        && filter.text.as_ref().is_none_or(|text| is_code || is_called(enrollment, &text.to_lowercase()))
}

fn is_called(enrollment: &Enrollment, text: &str) -> bool {
    let people = [&enrollment.signed_in, &enrollment.owner].into_iter().flatten();
    let names = people.flat_map(|named| [&named.user_name, &named.display_name]).flatten();
    names.into_iter().any(|name| name.to_lowercase().contains(text))
}
