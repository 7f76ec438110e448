//! Whether a device matches a filter. The same conditions read the current row and the history.

use super::cursor::Key;
use super::filter::{DeviceFilter, DeviceSort};
use super::identifiers::is_identified;
use super::numbers::ordered;
use super::people;
use super::values::Values;
use crate::renewals;
use events::enrollment::OsVersion;
use rusqlite::{Connection, OptionalExtension as _};
use std::borrow::Cow;

/// The conditions of a filter in the form in which they are checked.
pub(super) struct Matcher<'a> {
    filter: &'a DeviceFilter,
    person: Option<String>,
    ids: Vec<String>,
    text: Option<String>,
    named: Option<String>,
    os: (Option<i64>, Option<i64>),
    only_unseen: bool,
}

impl<'a> Matcher<'a> {
    /// `text_is_id`: the text of the filter is an identifier and not searched for in names.
    pub(super) fn new(filter: &'a DeviceFilter, text_is_id: bool) -> Matcher<'a> {
        let lower = |text: &String| text.to_lowercase();
        let text = filter.text.as_ref().filter(|_| !text_is_id);
        let word = filter.text.as_ref().filter(|_| text_is_id).map(|text| text.trim().to_lowercase());
        Matcher {
            filter,
            person: filter.person.map(|person| person.to_string()),
            ids: filter.ids.iter().map(lower).chain(word).collect(),
            text: text.map(lower),
            named: filter.named.as_ref().map(lower),
            os: (filter.os_from.map(ordered), filter.os_below.map(ordered)),
            only_unseen: false,
        }
    }

    /// Only devices with the identifiers of the filter are checked.
    pub(super) fn knows_ids(&mut self) {
        self.ids.clear();
    }

    /// Matches only devices whose last contact is unknown.
    pub(super) fn only_unseen(&mut self) {
        self.only_unseen = true;
    }

    /// `rows` is for conditions on other tables; the cheapest conditions come first.
    pub(super) fn matches(&self, rows: &Connection, device: &dyn Values) -> rusqlite::Result<bool> {
        let filter = self.filter;
        let is = |column: &str, wanted: Option<&str>| match wanted {
            None => Ok(true),
            Some(wanted) => Ok::<_, rusqlite::Error>(device.text(column)?.as_deref() == Some(wanted)),
        };
        let Some(phase) = device.text("phase")? else { return Ok(false) };
        Ok(filter.state.is_none_or(|state| state.as_str() == phase)
            && self.archived(device)?
            && is("kind", filter.kind.map(|kind| kind.as_str()))?
            && is("ownership", filter.ownership.map(|ownership| ownership.as_str()))?
            && is("person", self.person.as_deref())?
            && self.os(device)?
            && self.model(device)?
            && self.enrolled(device)?
            && self.called(device)?
            && self.identified(device)?
            && self.found(rows, device)?
            && self.seen(rows, device)?
            && self.standing(rows, device)?)
    }

    fn archived(&self, device: &dyn Values) -> rusqlite::Result<bool> {
        let filter = self.filter;
        if filter.archived && !filter.archived_only {
            return Ok(true);
        }
        Ok((device.number("archived")? == Some(1)) == filter.archived_only)
    }

    fn os(&self, device: &dyn Values) -> rusqlite::Result<bool> {
        if self.os == (None, None) {
            return Ok(true);
        }
        let version = device.text("os_version")?.as_deref().and_then(OsVersion::parse).map(ordered);
        Ok(version.is_some_and(|version| is_within(version, self.os)))
    }

    fn model(&self, device: &dyn Values) -> rusqlite::Result<bool> {
        if self.filter.models.is_empty() {
            return Ok(true);
        }
        let Some(product) = device.text("product_name")? else { return Ok(false) };
        Ok(self.filter.models.iter().any(|model| is_model(&product, model)))
    }

    fn enrolled(&self, device: &dyn Values) -> rusqlite::Result<bool> {
        let range = (self.filter.enrolled_from.map(|at| at.0), self.filter.enrolled_before.map(|at| at.0));
        if range == (None, None) {
            return Ok(true);
        }
        Ok(device.number("enrolled_at")?.is_some_and(|at| is_within(at, range)))
    }

    fn called(&self, device: &dyn Values) -> rusqlite::Result<bool> {
        let Some(wanted) = &self.filter.user_name else { return Ok(true) };
        Ok(device.user_name()?.is_some_and(|name| name.eq_ignore_ascii_case(wanted)))
    }

    fn identified(&self, device: &dyn Values) -> rusqlite::Result<bool> {
        Ok(self.ids.is_empty() || is_identified(device, &self.ids)?)
    }

    fn found(&self, rows: &Connection, device: &dyn Values) -> rusqlite::Result<bool> {
        let has = |text: Option<Cow<'_, str>>, wanted: &str| text.is_some_and(|text| contains(&text, wanted));
        let is_named = |wanted: &str| -> rusqlite::Result<bool> {
            Ok(has(device.text("name")?, wanted)
                || has(device.text("model")?, wanted)
                || has(device.text("product_name")?, wanted))
        };
        if let Some(wanted) = &self.named
            && !is_named(wanted)?
        {
            return Ok(false);
        }
        let Some(wanted) = &self.text else { return Ok(true) };
        if is_named(wanted)? || has(device.user_name()?, wanted) || has(device.text("managed_apple_id")?, wanted) {
            return Ok(true);
        }
        let Some(person) = device.text("person")? else { return Ok(false) };
        Ok(people::display_name(rows, &person)?.is_some_and(|name| contains(&name, wanted)))
    }

    fn seen(&self, rows: &Connection, device: &dyn Values) -> rusqlite::Result<bool> {
        let filter = self.filter;
        if self.only_unseen {
            return Ok(last_seen(rows, &device.id()?)?.is_none());
        }
        if filter.seen_before.is_none() && filter.seen_from.is_none() {
            return Ok(true);
        }
        let at = last_seen(rows, &device.id()?)?;
        let range = (filter.seen_from.map(|at| at.0), filter.seen_before.map(|at| at.0));
        Ok(filter.as_of.is_none() && at.is_some_and(|at| is_within(at, range)))
    }

    fn standing(&self, rows: &Connection, device: &dyn Values) -> rusqlite::Result<bool> {
        let Some((wanted, now)) = self.filter.identity else { return Ok(true) };
        Ok(renewals::standing_of(rows, &device.id()?, now)? == Some(wanted))
    }
}

fn is_within(value: i64, (from, below): (Option<i64>, Option<i64>)) -> bool {
    from.is_none_or(|from| value >= from) && below.is_none_or(|below| value < below)
}

fn contains(text: &str, lower: &str) -> bool {
    text.to_lowercase().contains(lower)
}

/// Returns whether a product name is of this model: the whole name, all models of a number (`iPad13`), or all models
/// that begin like this (`iPad`).
fn is_model(product: &str, model: &str) -> bool {
    let (product, (from, exact)) = (product.to_ascii_lowercase(), model_prefix(model));
    if exact { product == from } else { product.starts_with(&from) }
}

/// Returns the lower-case text with which the product names of a model begin, and whether it is the whole name.
pub(super) fn model_prefix(model: &str) -> (String, bool) {
    let model = model.trim().to_ascii_lowercase();
    let is_number = model.ends_with(|c: char| c.is_ascii_digit());
    match (model.contains(','), is_number) {
        (true, _) => (model, true),
        (false, true) => (format!("{model},"), false),
        (false, false) => (model, false),
    }
}

/// Returns the stored time of the last contact.
pub(super) fn last_seen(rows: &Connection, device: &str) -> rusqlite::Result<Option<i64>> {
    let select = "SELECT at FROM last_seen WHERE device = ?1";
    rows.prepare_cached(select)?.query_row([device], |row| row.get(0)).optional()
}

/// Returns the value that a device has in the order of a list.
pub(super) fn key(rows: &Connection, sort: DeviceSort, device: &dyn Values) -> rusqlite::Result<Option<Key>> {
    let number = |number: Option<i64>| Some(number.map_or(Key::Unknown, Key::Number));
    let text = |text: Option<Cow<'_, str>>| Some(text.map_or(Key::Unknown, |text| Key::Text(text.into_owned())));
    Ok(match sort {
        DeviceSort::Added => None,
        DeviceSort::LastContact => number(last_seen(rows, &device.id()?)?),
        DeviceSort::Name => text(device.text("name")?),
        DeviceSort::Model => text(device.text("product_name")?),
        DeviceSort::OsVersion => number(device.text("os_version")?.as_deref().and_then(OsVersion::parse).map(ordered)),
        DeviceSort::Enrolled => number(device.number("enrolled_at")?),
        DeviceSort::IdentityExpiry => number(device.number("identity_expires")?),
        DeviceSort::UserName => text(device.user_name()?),
    })
}

#[cfg(test)]
mod tests {
    use super::is_model;

    #[test]
    fn a_model_is_a_product_name_a_number_or_a_family() {
        for (product, model, expected) in [
            ("iPad13,1", "ipad13,1", true),
            ("iPad13,10", "iPad13,1", false),
            ("iPad13,10", "iPad13", true),
            ("iPad13,10", "iPad1", false),
            ("iPad13,10", "iPad", true),
            ("iPhone13,1", "iPad", false),
        ] {
            assert_eq!(is_model(product, model), expected, "{product} {model}");
        }
    }
}
