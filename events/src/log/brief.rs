//! The size of payloads, and whether they are so small that sealing or opening them takes less time than a switch to a
//! blocking thread.

use serde_json::Value;

/// Maximum size of all texts, names and numbers together, in bytes. AES and base64 of this size take about 20
/// microseconds.
const MOST_BYTES: usize = 8 * 1024;

/// Returns whether `values` are small together.
pub(super) fn is<'a>(values: impl IntoIterator<Item = &'a Value>) -> bool {
    values.into_iter().try_fold(MOST_BYTES, take).is_some()
}

/// Returns the size of all texts, names and numbers of a value together, in bytes.
pub(super) fn size(value: &Value) -> usize {
    usize::MAX - take(usize::MAX, value).unwrap_or_default()
}

// Returns the bytes that are left after the value; `None` if there are too few.
fn take(left: usize, value: &Value) -> Option<usize> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => left.checked_sub(8),
        Value::String(text) => left.checked_sub(text.len() + 8),
        Value::Array(items) => items.iter().try_fold(left, take),
        Value::Object(map) => {
            map.iter().try_fold(left, |left, (name, value)| take(left.checked_sub(name.len())?, value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn small_payloads_are_brief_and_large_or_many_ones_are_not() {
        let small = json!({ "name": "Ada’s iPad", "list": [1, 2, { "x": null }] });
        assert!(is([&small]));
        assert!(is([&json!("x".repeat(MOST_BYTES - 8))]) && !is([&json!("x".repeat(MOST_BYTES - 7))]));
        assert_eq!(size(&small), "nameAda’s iPadlistx".len() + 4 * 8);
        assert!(!is(std::iter::repeat_n(&small, 1_000)));
        assert!(!is([&json!({ "x".repeat(MOST_BYTES + 1): 1 })]));
    }
}
