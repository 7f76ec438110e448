//! Lines of JSON Lines. Values within objects have dotted names: `{"mdm": {"status": "on"}}` has the value `on` under
//! `mdm.status`.

use super::line::{LineCounter, cut, is_line_end, line_end};
use crate::input::Input;
use crate::limits::ROW_LIMIT;
use crate::outcome::Reason;
use serde_json::{Map, Number, Value};
use std::io::{self, Read};

pub(crate) struct JsonLines<R> {
    input: Input<R>,
    lines: LineCounter,
}

/// A line that is not blank.
pub(crate) struct JsonLine {
    pub(crate) line: u64,
    /// The original bytes, at most [`ROW_LIMIT`].
    pub(crate) raw: Vec<u8>,
    pub(crate) fault: Option<Reason>,
}

impl<R: Read> JsonLines<R> {
    pub(crate) fn new(input: Input<R>) -> JsonLines<R> {
        JsonLines { input, lines: LineCounter::default() }
    }

    pub(crate) fn input(&self) -> &Input<R> {
        &self.input
    }

    /// Reads the next line that is not blank; `None` at the end of the file.
    pub(crate) fn advance(&mut self) -> io::Result<Option<JsonLine>> {
        loop {
            let line = self.lines.current();
            let (mut raw, mut is_long) = (Vec::new(), false);
            let has_ended = loop {
                let chunk = self.input.chunk()?;
                let end = line_end(chunk);
                let length = end.unwrap_or(chunk.len());
                let kept = length.min(ROW_LIMIT.saturating_sub(raw.len()));
                raw.extend_from_slice(&chunk[..kept]);
                is_long |= kept < length;
                let (is_at_end, passed) = (chunk.is_empty(), length + usize::from(end.is_some()));
                self.lines.pass(&chunk[..passed]);
                self.input.consume(passed);
                if end.is_some() || is_at_end {
                    break is_at_end;
                }
            };
            if !raw.iter().all(|byte| byte.is_ascii_whitespace() || is_line_end(*byte)) {
                if is_long {
                    cut(&mut raw, ROW_LIMIT);
                }
                return Ok(Some(JsonLine { line, raw, fault: is_long.then_some(Reason::RowTooLong) }));
            }
            if has_ended {
                return Ok(None);
            }
        }
    }
}

/// Parses a line.
pub(crate) fn object(text: &str) -> Result<Map<String, Value>, Reason> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(Reason::NotAnObject)
        }
        // The position within the line is of no use: the message names line 1.
        Err(error) => Err(Reason::NotJson(format!("character {}: {:?}", error.column(), error.classify()))),
    }
}

/// Calls `each` with the dotted name and the text of every value that is not null. The values of a list have the list's
/// name.
pub(crate) fn values(object: &Map<String, Value>, each: &mut impl FnMut(&str, String)) {
    let mut name = String::new();
    in_object(object, &mut name, each);
}

// The depth is limited by the parser (128).
fn in_object(object: &Map<String, Value>, name: &mut String, each: &mut impl FnMut(&str, String)) {
    for (key, value) in object {
        let length = name.len();
        if length > 0 {
            name.push('.');
        }
        name.push_str(key);
        in_value(value, name, each);
        name.truncate(length);
    }
}

fn in_value(value: &Value, name: &mut String, each: &mut impl FnMut(&str, String)) {
    match value {
        Value::Null => {}
        Value::Bool(truth) => each(name, truth.to_string()),
        Value::Number(number) => each(name, number_text(number)),
        Value::String(text) => each(name, text.clone()),
        Value::Array(values) => values.iter().for_each(|value| in_value(value, name, each)),
        Value::Object(object) => in_object(object, name, each),
    }
}

// Whole numbers keep their digits. A large number in floating point may have lost digits, so that it is written in
// scientific notation, which is damage for an identifier.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.abs() >= 1e11 => format!("{float:e}").replace('e', "E+"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u64, String, bool)> {
        let (input, _) = Input::open(bytes, None).unwrap();
        let mut lines = JsonLines::new(input);
        let mut found = Vec::new();
        while let Some(line) = lines.advance().unwrap() {
            found.push((line.line, String::from_utf8(line.raw).unwrap(), line.fault.is_some()));
        }
        found
    }

    fn flat(text: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        values(&object(text).unwrap(), &mut |name, value| found.push((name.to_owned(), value)));
        found
    }

    #[test]
    fn each_line_that_is_not_blank_is_read() {
        let expected = [(1, "{}".to_owned(), false), (3, "{\"a\":1}".to_owned(), false)];
        assert_eq!(read(b"{}\n \n{\"a\":1}\n"), expected);
        assert_eq!(read(b"{}\r\n\r\n{\"a\":1}"), expected);
        assert_eq!(read(b""), []);
    }

    #[test]
    fn a_line_over_the_limit_is_bad_and_reading_goes_on_after_it() {
        let found = read(format!("{{\"a\":\"{}\"}}\n{{}}\n", "x".repeat(3 * ROW_LIMIT)).as_bytes());
        assert_eq!((found[0].1.len(), found[0].2), (ROW_LIMIT, true));
        assert_eq!(found[1], (2, "{}".to_owned(), false));
    }

    #[test]
    fn nested_values_have_dotted_names_and_null_is_no_value() {
        let text = r#"{"id":7,"mdm":{"status":"on","x":null},"imei":["1","2"],"lost":false,"a":[{"b":1},{"b":2}]}"#;
        let expected = [
            ("a.b", "1"),
            ("a.b", "2"),
            ("id", "7"),
            ("imei", "1"),
            ("imei", "2"),
            ("lost", "false"),
            ("mdm.status", "on"),
        ];
        let mut found = flat(text);
        found.sort();
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_number_shows_whether_it_lost_digits() {
        assert_eq!(flat(r#"{"a":356938035643809}"#)[0].1, "356938035643809");
        assert_eq!(flat(r#"{"a":3.56938E+14}"#)[0].1, "3.56938E+14");
        assert_eq!(flat(r#"{"a":44635.5}"#)[0].1, "44635.5");
    }

    #[test]
    fn what_is_no_object_is_bad() {
        assert_eq!(object("[1]"), Err(Reason::NotAnObject));
        assert_eq!(object("7"), Err(Reason::NotAnObject));
        for text in ["{", "{\"a\":}", "{} {}", &"[".repeat(1000), "{\"a\":\"\u{0}\"}"] {
            assert!(matches!(object(text), Err(Reason::NotJson(_))), "{text}");
        }
    }
}
