//! Parses and compares distinguished names (RFC 4514). `x509-cert` also parses them, but it splits `a\\\,b` at its
//! comma and knows only the attribute types of its own table. A name that cannot be parsed would be compared as text,
//! and an access rule could miss its group.

use super::folded;
use const_oid::ObjectIdentifier;
use const_oid::db::DB;
use der::{Decode as _, Tag, Tagged as _, asn1::AnyRef};
use std::collections::BTreeSet;

/// A distinguished name: its parts from the entry to the root, each an unordered set of types and values. Equal names
/// are equal values, however they were written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DistinguishedName(Vec<BTreeSet<(Type, Value)>>);

// A keyword for an OID is stored as the OID: `cn`, `CN`, `commonName` and `2.5.4.3` are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Type {
    Oid(String),
    Keyword(String),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Text(String),
    /// Bytes that are not text.
    Bytes(Vec<u8>),
}

/// Maximum length of a name in bytes. Longer names are not parsed; directories keep names below a kilobyte.
const LONGEST: usize = 8 * 1024;

impl DistinguishedName {
    /// Parses a name as RFC 4514 defines it, and older notations that people and directories still use: spaces around
    /// separators, semicolons, quoted values, `OID.2.5.4.3` (RFC 2253 §4). Returns `None` if the text is not a
    /// distinguished name.
    pub fn parse(text: &str) -> Option<DistinguishedName> {
        if text.len() > LONGEST || !text.contains('=') {
            return None;
        }
        let mut rest = text;
        let mut parts = vec![];
        let mut part = BTreeSet::new();
        loop {
            let (type_, after) = rest.split_once('=')?;
            let (value, end, after) = value(after)?;
            part.insert((read_type(type_.trim())?, value));
            match end {
                Some('+') => {}
                Some(_) => parts.push(std::mem::take(&mut part)),
                None => {
                    parts.push(part);
                    return Some(DistinguishedName(parts));
                }
            }
            rest = after;
        }
    }
}

fn read_type(text: &str) -> Option<Type> {
    let dotted = if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("oid.")) { &text[4..] } else { text };
    if dotted.starts_with(|first: char| first.is_ascii_digit()) {
        let digits = dotted.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()));
        return digits.then(|| Type::Oid(dotted.to_owned()));
    }
    // keystring = leadkeychar *keychar (RFC 4512 §1.4)
    let keyword = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    keyword.then(|| known_oid(text).map_or_else(|| Type::Keyword(text.to_ascii_lowercase()), Type::Oid))
}

// The table contains the names of RFC 4519 and more. Windows writes `E` for a mail address.
fn known_oid(keyword: &str) -> Option<String> {
    let keyword = if keyword.eq_ignore_ascii_case("e") { "emailAddress" } else { keyword };
    DB.by_name(keyword).map(ObjectIdentifier::to_string)
}

// Returns a value, the separator after it, and the remaining text.
fn value(text: &str) -> Option<(Value, Option<char>, &str)> {
    let text = text.trim_start_matches(' ');
    if let Some(hex) = text.strip_prefix('#') {
        let end = hex.find([',', ';', '+']).unwrap_or(hex.len());
        let (separator, after) = separator(&hex[end..])?;
        return Some((decoded(&hex::decode(hex[..end].trim_end_matches(' ')).ok()?)?, separator, after));
    }
    let (bytes, after) = match text.strip_prefix('"') {
        Some(quoted) => {
            let (bytes, after) = unescaped(quoted, &['"'])?;
            (bytes, after.strip_prefix('"')?.trim_start_matches(' '))
        }
        None => unescaped(text, &[',', ';', '+'])?,
    };
    let (separator, after) = separator(after)?;
    let value = String::from_utf8(bytes)
        .map_or_else(|error| Value::Bytes(error.into_bytes()), |text| Value::Text(folded(&text)));
    Some((value, separator, after))
}

fn separator(text: &str) -> Option<(Option<char>, &str)> {
    let mut letters = text.chars();
    match letters.next() {
        None => Some((None, "")),
        Some(letter @ (',' | ';' | '+')) => Some((Some(letter), letters.as_str())),
        Some(_) => None,
    }
}

// Returns the bytes up to the first unescaped character in `ends`. An escape is a backslash and a character, or a
// backslash and two hexadecimal digits (RFC 4514 §3).
fn unescaped<'a>(text: &'a str, ends: &[char]) -> Option<(Vec<u8>, &'a str)> {
    let mut bytes = vec![];
    let mut letters = text.char_indices();
    let mut buffer = [0; 4];
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => {
                let pair = text.get(at + 1..at + 3).filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
                match pair {
                    Some(pair) => {
                        bytes.extend(hex::decode(pair).ok()?);
                        letters.nth(1);
                    }
                    None => {
                        let (_, escaped) = letters.next()?;
                        bytes.extend(escaped.encode_utf8(&mut buffer).bytes());
                    }
                }
            }
            end if ends.contains(&end) => return Some((bytes, &text[at..])),
            other => bytes.extend(other.encode_utf8(&mut buffer).bytes()),
        }
    }
    Some((bytes, ""))
}

// Decodes a value that is given in hexadecimal digits. An ASN.1 string becomes text.
fn decoded(ber: &[u8]) -> Option<Value> {
    let any = AnyRef::from_der(ber).ok()?;
    let text = match any.tag() {
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::OctetString
        | Tag::NumericString
        | Tag::VisibleString => std::str::from_utf8(any.value()).ok(),
        _ => None,
    };
    Some(text.map_or_else(|| Value::Bytes(ber.to_vec()), |text| Value::Text(folded(text))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dn(text: &str) -> DistinguishedName {
        DistinguishedName::parse(text).unwrap_or_else(|| panic!("{text:?} is a name"))
    }

    #[test]
    fn spellings_of_one_name_are_equal() {
        for (one, other) in [
            (r"cn=Leavers\, suspended,ou=groups,dc=example", r"cn=Leavers\2C suspended,ou=groups,dc=example"),
            (r"cn=Leavers\, suspended,ou=groups,dc=example", r#"CN="Leavers, Suspended", OU=Groups; DC=EXAMPLE"#),
            ("cn=staff,dc=example", "commonName=Staff,domainComponent=Example"),
            ("cn=staff,dc=example", "2.5.4.3=staff,OID.0.9.2342.19200300.100.1.25=example"),
            ("cn=staff,dc=example", "oid.2.5.4.3=#0c05737461666 6,dc=example".replace(' ', "").as_str()),
            ("cn=ada+uid=7,dc=example", "UID=7+CN=Ada,dc=example"),
            (r"cn=\20two  blanks\20,dc=x", "cn=two blanks,dc=x"),
            (r"cn=Lu\C4\8Di\C4\87,dc=x", "cn=lučić,dc=x"),
            (r"cn=back\5C\2Cslash,dc=x", r"cn=back\\\,slash,dc=x"),
            (r"cn=a\#b\=c\+d\;e\<f\>g,dc=x", r"cn=a#b=c\2bd\3be<f>g,dc=x"),
            ("entryUUID=7,dc=x", "ENTRYUUID=7,dc=x"),
            ("e=a@example.com", "emailAddress=A@example.com"),
        ] {
            assert_eq!(dn(one), dn(other), "{one} {other}");
        }
    }

    #[test]
    fn other_names_differ() {
        for (one, other) in [
            ("cn=staff,dc=example", "cn=staff,dc=example,dc=com"),
            ("cn=staff,dc=example", "dc=example,cn=staff"),
            ("cn=staff,dc=example", "ou=staff,dc=example"),
            (r"cn=a\,b,dc=x", "cn=a,cn=b,dc=x".replace("cn=b", "ou=b").as_str()),
            ("cn=a+cn=b,dc=x", "cn=a,cn=b,dc=x"),
            (r"cn=\ff,dc=x", r"cn=\fe,dc=x"),
            ("cn=,dc=x", "cn=a,dc=x"),
        ] {
            assert_ne!(dn(one), dn(other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_distinguished_name_is_none() {
        for text in [
            "",
            "staff",
            "=staff",
            "cn",
            "cn=a,",
            "cn=a,b",
            "c n=a",
            "1..2=a",
            r"cn=a\",
            r#"cn="a"#,
            r#"cn="a"b,dc=x"#,
            "cn=#zz",
            "cn=#0c05",
            "/a=b/c",
        ] {
            assert_eq!(DistinguishedName::parse(text), None, "{text:?}");
        }
        assert_eq!(DistinguishedName::parse(&format!("cn={}", "a".repeat(LONGEST))), None);
    }

    proptest! {
        #[test]
        fn a_name_is_the_same_however_its_values_are_escaped(values in prop::collection::vec("\\PC{0,12}", 1..4)) {
            let written = |escape: fn(&str) -> String| {
                values.iter().map(|value| format!("cn={}", escape(value))).collect::<Vec<_>>().join(",")
            };
            let hex = |value: &str| value.bytes().map(|byte| format!("\\{byte:02x}")).collect::<String>();
            let library = |value: &str| ldap3::dn_escape(value).into_owned();
            prop_assert_eq!(dn(&written(hex)), dn(&written(library)));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[a-z=,+;\\\\\"# é0-9]{0,40}") {
            let _ = DistinguishedName::parse(&text);
        }
    }
}
