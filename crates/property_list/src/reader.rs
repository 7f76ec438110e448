//! Reads an XML property list value by value with an explicit stack. Values that cannot be kept are left out, and
//! reading continues. The recursive parser of the `plist` crate stops at the first such value and skips CDATA.

use super::BadPropertyList;
use super::scalar::{Kind, Scalar};
use events::device::AnswerFault;
use plist::{Dictionary, Value};
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Maximum nesting of dictionaries and arrays, including `<plist>` itself. Apple's deepest answers (`ProfileList`)
/// have about eight levels.
pub(crate) const MAX_DEPTH: usize = 32;

/// Maximum number of keys and values below the outermost dictionary. A device with a thousand apps sends about twenty
/// thousand.
pub(crate) const MAX_VALUES: usize = 200_000;

/// A property list, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Fields of the outermost dictionary.
    pub fields: Dictionary,
    /// Faults of the values that were left out.
    pub left_out: BTreeSet<AnswerFault>,
    /// First key that occurs twice in a dictionary. The last value is kept; which one a device uses is unknown.
    pub twice: Option<String>,
    /// Reason why the rest was not read.
    pub broken: Option<BadPropertyList>,
    /// Fault of the first value that was left out.
    pub(super) first: Option<BadPropertyList>,
}

/// Reads as much of the property list as possible.
pub fn read(body: &[u8]) -> Reading {
    if body.starts_with(b"bplist") {
        return Reading { broken: Some(BadPropertyList::Binary), ..Reading::default() };
    }
    let (text, is_utf8) = text(body);
    let mut tree = Tree::default();
    if !is_utf8 {
        tree.leave_out(BadPropertyList::NotUtf8);
    }
    let broken = walk(&text, &mut tree).err();
    tree.finish(broken)
}

// Replaces bytes that are not UTF-8 by U+0000, which XML forbids. It is left out later with other forbidden characters
// and never joins parts that were separate.
fn text(body: &[u8]) -> (Cow<'_, str>, bool) {
    if let Ok(text) = std::str::from_utf8(body) {
        return (Cow::Borrowed(text), true);
    }
    let mut text = String::with_capacity(body.len());
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push('\0');
        }
    }
    (Cow::Owned(text), false)
}

fn walk(text: &str, tree: &mut Tree) -> Result<(), BadPropertyList> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => tree.begin(element.local_name().as_ref()),
            Ok(Event::Empty(element)) => {
                tree.begin(element.local_name().as_ref());
                tree.end();
            }
            Ok(Event::End(_)) => tree.end(),
            Ok(Event::Text(text)) => tree.text(&text),
            Ok(Event::CData(text)) => tree.text(&text),
            Ok(Event::GeneralRef(entity)) => tree.entity(&entity),
            Ok(Event::DocType(doctype)) => external_id_only(&doctype)?,
            Ok(Event::Eof) => return tree.is_closed(),
            Ok(Event::Decl(_) | Event::PI(_) | Event::Comment(_)) => {}
            Err(error) => return Err(BadPropertyList::Malformed(error.to_string())),
        }
    }
}

fn external_id_only(doctype: &str) -> Result<(), BadPropertyList> {
    // An internal subset is in brackets, and entities are declared inside it (XML 1.0, production 28). The identifiers
    // of Apple's DOCTYPE contain neither, so quotes need no special handling.
    if doctype.contains('[') || doctype.to_ascii_uppercase().contains("<!") {
        return Err(BadPropertyList::InternalSubset);
    }
    Ok(())
}

enum Open {
    /// The outer `<plist>`.
    Frame,
    Dictionary(Dictionary, Option<String>),
    Array(Vec<Value>),
    Scalar(Scalar),
    /// An element that is left out with its content.
    LeftOut,
}

#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    /// Open elements inside an element that is left out.
    skipped: usize,
    root: Option<Value>,
    values: usize,
    left_out: BTreeSet<AnswerFault>,
    first: Option<BadPropertyList>,
    twice: Option<String>,
}

impl Tree {
    fn leave_out(&mut self, what: BadPropertyList) {
        self.left_out.insert(what.fault());
        self.first.get_or_insert(what);
    }

    fn begin(&mut self, name: &str) {
        if let Some(Open::LeftOut) = self.open.last() {
            self.skipped += 1;
            return;
        }
        let open = self.opened(name).unwrap_or_else(|what| {
            self.leave_out(what);
            self.forget_key();
            Open::LeftOut
        });
        self.open.push(open);
    }

    fn opened(&mut self, name: &str) -> Result<Open, BadPropertyList> {
        let misplaced = BadPropertyList::Value(AnswerFault::Structure);
        match self.open.last_mut() {
            Some(Open::Scalar(scalar)) => {
                scalar.spoil(AnswerFault::Structure);
                return Err(misplaced);
            }
            None if self.root.is_some() => return Err(misplaced),
            _ => {}
        }
        if matches!(name, "dict" | "array") && self.open.len() >= MAX_DEPTH {
            return Err(BadPropertyList::TooDeep);
        }
        // The message's own fields are always kept, because the status of the answer often comes last.
        if self.open.len() > 2 {
            self.values += 1;
            if self.values > MAX_VALUES {
                return Err(BadPropertyList::Value(AnswerFault::TooMany));
            }
        }
        match name {
            "plist" if self.open.is_empty() => Ok(Open::Frame),
            "dict" => Ok(Open::Dictionary(Dictionary::new(), None)),
            "array" => Ok(Open::Array(vec![])),
            name => Kind::of(name).map(|kind| Open::Scalar(Scalar::new(kind))).ok_or(misplaced),
        }
    }

    fn end(&mut self) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        match self.open.pop() {
            Some(Open::Dictionary(dictionary, key)) => {
                if key.is_some() {
                    self.leave_out(BadPropertyList::Value(AnswerFault::Structure));
                }
                self.place(Value::Dictionary(dictionary));
            }
            Some(Open::Array(items)) => self.place(Value::Array(items)),
            Some(Open::Scalar(scalar)) => self.finish_scalar(scalar),
            Some(Open::Frame | Open::LeftOut) | None => {}
        }
    }

    fn finish_scalar(&mut self, scalar: Scalar) {
        if scalar.kind() == Kind::Key {
            return self.key(scalar);
        }
        let cut = scalar.cut();
        if let Some(fault) = cut {
            self.leave_out(BadPropertyList::Value(fault));
        }
        match scalar.value() {
            Ok(value) => self.place(value),
            Err(fault) => {
                self.leave_out(BadPropertyList::Value(fault));
                self.forget_key();
            }
        }
    }

    fn key(&mut self, scalar: Scalar) {
        let cut = scalar.cut();
        let name = scalar.into_text();
        let misplaced = match self.open.last_mut() {
            // A second key follows a key that has no value.
            Some(Open::Dictionary(_, key)) => key.replace(name).is_some(),
            _ => true,
        };
        let structure = misplaced.then_some(AnswerFault::Structure);
        for fault in cut.into_iter().chain(structure) {
            self.leave_out(BadPropertyList::Value(fault));
        }
    }

    fn place(&mut self, value: Value) {
        let left = match self.open.last_mut() {
            Some(Open::Array(items)) => {
                items.push(value);
                None
            }
            Some(Open::Dictionary(dictionary, key)) => match key.take() {
                Some(key) => {
                    if dictionary.contains_key(&key) {
                        self.twice.get_or_insert_with(|| key.clone());
                    }
                    dictionary.insert(key, value);
                    None
                }
                None => Some(value),
            },
            Some(Open::Frame) | None if self.root.is_none() => {
                self.root = Some(value);
                None
            }
            Some(Open::Frame | Open::Scalar(_) | Open::LeftOut) | None => Some(value),
        };
        if left.is_some() {
            self.leave_out(BadPropertyList::Value(AnswerFault::Structure));
        }
    }

    // Drops the pending key of a value that is left out.
    fn forget_key(&mut self) {
        if let Some(Open::Dictionary(_, key)) = self.open.last_mut() {
            *key = None;
        }
    }

    fn text(&mut self, text: &str) {
        match self.open.last_mut() {
            Some(Open::Scalar(scalar)) => scalar.push(text),
            Some(Open::LeftOut) => {}
            _ if text.trim().is_empty() => {}
            _ => self.leave_out(BadPropertyList::Value(AnswerFault::Structure)),
        }
    }

    fn entity(&mut self, entity: &BytesRef<'_>) {
        match entity.resolve_char_ref() {
            Ok(Some(character)) => self.text(character.encode_utf8(&mut [0; 4])),
            // U+0000, a surrogate or an invalid number is treated like a character that XML forbids.
            Err(_) => self.text("\0"),
            Ok(None) => match resolve_xml_entity(entity) {
                Some(text) => self.text(text),
                None => self.unknown_entity(entity),
            },
        }
    }

    // The meaning of the entity is unknown, so the whole value is left out.
    fn unknown_entity(&mut self, entity: &str) {
        if let Some(Open::Scalar(scalar)) = self.open.last_mut() {
            scalar.spoil(AnswerFault::Characters);
        }
        self.leave_out(BadPropertyList::Entity(entity.chars().take(40).collect()));
    }

    fn is_closed(&self) -> Result<(), BadPropertyList> {
        if self.open.is_empty() && self.root.is_some() {
            return Ok(());
        }
        Err(BadPropertyList::Malformed("it ends too early".into()))
    }

    fn finish(self, broken: Option<BadPropertyList>) -> Reading {
        let begun = self.open.into_iter().find_map(|open| match open {
            Open::Dictionary(dictionary, _) => Some(dictionary),
            Open::Frame | Open::Array(_) | Open::Scalar(_) | Open::LeftOut => None,
        });
        let (fields, broken) = match (self.root, begun) {
            (Some(Value::Dictionary(fields)), _) => (fields, broken),
            (Some(_), _) => (Dictionary::new(), broken.or(Some(BadPropertyList::NotADictionary))),
            (None, begun) => (begun.unwrap_or_default(), broken),
        };
        Reading { fields, left_out: self.left_out, twice: self.twice, broken, first: self.first }
    }
}
