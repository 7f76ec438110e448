//! Scalar values of a property list: texts, numbers, dates and data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::device::AnswerFault;
use plist::{Date, Value};

/// Length of `2026-11-28T22:14:18Z`. Apple uses no other form of RFC 3339, and an offset could move a date outside the
/// years that a date can have.
const DATE_LENGTH: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    String,
    Integer,
    Real,
    Date,
    Data,
    True,
    False,
}

impl Kind {
    pub(super) fn of(name: &str) -> Option<Kind> {
        Some(match name {
            "key" => Kind::Key,
            "string" => Kind::String,
            "integer" => Kind::Integer,
            "real" => Kind::Real,
            "date" => Kind::Date,
            "data" => Kind::Data,
            "true" => Kind::True,
            "false" => Kind::False,
            _ => return None,
        })
    }
}

/// A value whose text is being read.
pub(super) struct Scalar {
    kind: Kind,
    text: String,
    /// Characters were left out of the text.
    is_cut: bool,
    spoiled: Option<AnswerFault>,
}

impl Scalar {
    pub(super) fn new(kind: Kind) -> Scalar {
        Scalar { kind, text: String::new(), is_cut: false, spoiled: None }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Marks the value as one that cannot be kept, whatever else its text contains.
    pub(super) fn spoil(&mut self, fault: AnswerFault) {
        self.spoiled = Some(fault);
    }

    pub(super) fn push(&mut self, text: &str) {
        let before = self.text.len();
        self.text.extend(text.chars().filter(|character| is_allowed(*character)));
        self.is_cut |= self.text.len() - before < text.len();
    }

    /// Returns the fault if characters were left out.
    pub(super) fn cut(&self) -> Option<AnswerFault> {
        self.is_cut.then_some(AnswerFault::Characters)
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn value(self) -> Result<Value, AnswerFault> {
        if let Some(fault) = self.spoiled {
            return Err(fault);
        }
        let text = self.text.trim();
        match self.kind {
            Kind::Key | Kind::String => Ok(Value::String(self.text)),
            Kind::True => Ok(Value::Boolean(true)),
            Kind::False => Ok(Value::Boolean(false)),
            Kind::Integer => integer(text).ok_or(AnswerFault::Number),
            Kind::Real => real(text).ok_or(AnswerFault::Number),
            Kind::Date => date(text).ok_or(AnswerFault::Date),
            Kind::Data => data(text).ok_or(AnswerFault::Data),
        }
    }
}

// XML 1.0, production 2.
fn is_allowed(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

// 64 bits, signed or unsigned, as in Apple's own parser.
fn integer(text: &str) -> Option<Value> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(Value::from);
    }
    text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok()
}

fn real(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Real)
}

fn date(text: &str) -> Option<Value> {
    let plain = text.len() == DATE_LENGTH && text.ends_with('Z');
    plain.then(|| Date::from_xml_format(text).ok()).flatten().map(Value::Date)
}

fn data(text: &str) -> Option<Value> {
    let encoded: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    STANDARD.decode(encoded).ok().map(Value::Data)
}
