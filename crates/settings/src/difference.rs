//! Describes the difference between two settings, one line for each setting. Nested settings are named by their path,
//! rules by their name. For long texts the changed lines are listed.

use events::settings::{Changes, Settings};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Returns lines such as `limits.models: [] -> ["iPad"]`, or no lines if nothing changes.
///
/// # Errors
/// Returns an error if the settings cannot be written as TOML.
pub fn difference(before: &Settings, after: &Settings) -> Result<Vec<String>, toml::ser::Error> {
    told_changes(&Changes::between(before, after))
}

/// Returns the same lines for recorded changes.
///
/// # Errors
/// Returns an error if the settings cannot be written as TOML.
pub fn told_changes(changes: &Changes) -> Result<Vec<String>, toml::ser::Error> {
    let mut lines = Vec::new();
    tables("", &table(changes.before())?, &table(changes.after())?, &mut lines);
    Ok(lines)
}

// TOML has no null: a setting without a value is left out.
fn table(settings: Map<String, Json>) -> Result<Table, toml::ser::Error> {
    let mut settings = Json::Object(settings);
    without_nulls(&mut settings);
    Table::try_from(settings)
}

fn without_nulls(value: &mut Json) {
    match value {
        Json::Object(values) => {
            values.retain(|_, value| !value.is_null());
            values.values_mut().for_each(without_nulls);
        }
        Json::Array(values) => values.iter_mut().for_each(without_nulls),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn tables(path: &str, before: &Table, after: &Table, lines: &mut Vec<String>) {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        values(&path, before.get(key), after.get(key), lines);
    }
}

fn values(path: &str, before: Option<&Value>, after: Option<&Value>, lines: &mut Vec<String>) {
    let none = Table::new();
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Value::Table(before)), Some(Value::Table(after))) => tables(path, before, after, lines),
        // A table that is added or removed is also listed setting by setting.
        (None, Some(Value::Table(after))) => tables(path, &none, after, lines),
        (Some(Value::Table(before)), None) => tables(path, before, &none, lines),
        (Some(Value::String(before)), Some(Value::String(after))) if is_long(before) || is_long(after) => {
            lines.push(format!("{path}:"));
            text(before, after, lines);
        }
        (before, after) if is_rules(before) || is_rules(after) => rules(path, before, after, lines),
        (before, after) => lines.push(format!("{path}: {} -> {}", shown(before), shown(after))),
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "(none)".to_owned(),
        Some(Value::String(text)) if is_long(text) => format!("(a text of {} lines)", text.lines().count()),
        Some(value) => value.to_string(),
    }
}

fn is_long(text: &str) -> bool {
    text.contains('\n') || text.chars().count() > 100
}

fn text(before: &str, after: &str, lines: &mut Vec<String>) {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = before.iter().zip(&after).take_while(|(before, after)| before == after).count();
    let (before, after) = (&before[same..], &after[same..]);
    let alike = before.iter().rev().zip(after.iter().rev()).take_while(|(before, after)| before == after).count();
    lines.extend(before[..before.len() - alike].iter().map(|line| format!("  - {line}")));
    lines.extend(after[..after.len() - alike].iter().map(|line| format!("  + {line}")));
}

fn is_rules(value: Option<&Value>) -> bool {
    value.and_then(Value::as_array).is_some_and(|rules| rules.first().is_some_and(Value::is_table))
}

// Lists the keys of a new rule, without its name and without flags that are off.
fn rule_lines(path: &str, rule: &Table, lines: &mut Vec<String>) {
    for (key, value) in rule {
        match value {
            Value::Table(inner) => rule_lines(&format!("{path}{key}."), inner, lines),
            Value::Boolean(false) => {}
            _ if path.is_empty() && key == "name" => {}
            value => lines.push(format!("  {path}{key} = {value}")),
        }
    }
}

// Rules are identified by their names, and rules without a name by their positions.
fn rules(path: &str, before: Option<&Value>, after: Option<&Value>, lines: &mut Vec<String>) {
    let named = |rules: Option<&Value>| -> Vec<(String, Value)> {
        let rules = rules.and_then(Value::as_array).cloned().unwrap_or_default();
        let name = |(nth, rule): (usize, Value)| {
            let name = rule.get("name").and_then(Value::as_str);
            (name.map_or_else(|| (nth + 1).to_string(), |name| format!("{name:?}")), rule)
        };
        rules.into_iter().enumerate().map(name).collect()
    };
    let (before, after) = (named(before), named(after));
    let find = |rules: &[(String, Value)], wanted: &str| {
        rules.iter().find(|(name, _)| name == wanted).map(|(_, rule)| rule.clone())
    };
    for (name, was) in &before {
        match find(&after, name) {
            Some(is) => values(&format!("{path}[{name}]"), Some(was), Some(&is), lines),
            None => lines.push(format!("{path}[{name}]: removed")),
        }
    }
    for (name, is) in after.iter().filter(|(name, _)| find(&before, name).is_none()) {
        lines.push(format!("{path}[{name}]: new"));
        is.as_table().into_iter().for_each(|rule| rule_lines("", rule, lines));
    }
    let kept = |rules: &[(String, Value)], others: &[(String, Value)]| -> Vec<String> {
        rules.iter().map(|(name, _)| name.clone()).filter(|name| find(others, name).is_some()).collect()
    };
    let places = |rules: &[(String, Value)]| rules.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(", ");
    let moved = kept(&before, &after) != kept(&after, &before);
    let inserted = after.iter().position(|(name, _)| find(&before, name).is_none()).is_some_and(|at| at < before.len());
    if moved || inserted {
        lines.push(format!("{path}: the order is now {}", places(&after)));
    }
}
