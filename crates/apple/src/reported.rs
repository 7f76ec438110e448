//! Filters the answers of devices: removes keys that the table does not list, or not for this kind and version, and
//! values of the wrong type.

use super::check::{Target, is_of};
use super::table::{Rule, TABLE, Type};

use plist::{Dictionary, Value};

/// Returns the part of an answer to `request_type` that a device of this kind and version may report.
pub fn reported(request_type: &str, answer: &Dictionary, target: Target) -> Dictionary {
    let Some(result) = TABLE.results.get(request_type) else { return Dictionary::new() };
    let mut kept = dictionary(answer, &result.keys, target);
    if let Some(Value::Dictionary(responses)) = kept.get_mut("QueryResponses") {
        // The rules of the command say which queries a kind of enrollment permits.
        let queries = TABLE.commands.get(request_type).and_then(|command| command.rule("Queries"));
        let words: Vec<&Rule> =
            queries.into_iter().flat_map(|queries| &queries.items).flat_map(|item| &item.words).collect();
        let permitted =
            |key: &str| words.iter().any(|word| word.key == key && target.takes(&word.availability).is_none());
        responses.retain(|key, _| permitted(key));
    }
    kept
}

fn dictionary(told: &Dictionary, rules: &[Rule], target: Target) -> Dictionary {
    let known = |key: &str| rules.iter().find(|rule| rule.key == key);
    told.iter().filter_map(|(key, told)| Some((key.clone(), value(told, known(key)?, target)?))).collect()
}

fn value(told: &Value, rule: &Rule, target: Target) -> Option<Value> {
    // A value that may have any type is removed, because it is not known to be harmless.
    if target.takes(&rule.availability).is_some() || !is_of(told, rule.of) || rule.of == Type::Any {
        return None;
    }
    Some(match told {
        Value::Dictionary(told) if rule.open => Value::Dictionary(
            told.iter()
                .filter_map(|(key, told)| Some((key.clone(), value(told, rule.items.first()?, target)?)))
                .collect(),
        ),
        Value::Dictionary(told) => Value::Dictionary(dictionary(told, &rule.keys, target)),
        Value::Array(told) => {
            Value::Array(told.iter().filter_map(|told| value(told, rule.items.first()?, target)).collect())
        }
        plain => plain.clone(),
    })
}
