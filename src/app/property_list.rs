//! Property lists from devices: looked over as text before they are parsed, because the parser recurses without limit
//! and turns unknown entities into nothing.

use plist::{Dictionary, Value};
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

/// How deep dictionaries and arrays may be nested. Apple's deepest answers (`ProfileList`) have about eight levels.
pub const MAX_DEPTH: usize = 32;

/// Why a body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPropertyList {
    #[error("the body is a binary property list; devices send XML")]
    Binary,
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Apple's DOCTYPE names an external id only, which is never fetched.
    #[error("the DOCTYPE has an internal subset, which no property list needs")]
    InternalSubset,
    #[error("the entity &{0}; is not one of XML's own")]
    Entity(String),
    #[error("the body is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("the body is not a property list: {0}")]
    Malformed(String),
    #[error("the property list is not a dictionary")]
    NotADictionary,
}

/// Parses a device's message.
///
/// # Errors
/// Says why the body is refused; nothing of it was interpreted then.
pub fn parse(body: &[u8]) -> Result<Dictionary, BadPropertyList> {
    look_over(body)?;
    let value = Value::from_reader_xml(body).map_err(|error| BadPropertyList::Malformed(error.to_string()))?;
    value.into_dictionary().ok_or(BadPropertyList::NotADictionary)
}

// Walks the tokens of the same reader that the parser uses, with constant memory and no recursion.
fn look_over(body: &[u8]) -> Result<(), BadPropertyList> {
    if body.starts_with(b"bplist") {
        return Err(BadPropertyList::Binary);
    }
    let text = std::str::from_utf8(body).map_err(|_| BadPropertyList::NotUtf8)?;
    let mut reader = Reader::from_str(text);
    let mut depth = 0usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) if depth == MAX_DEPTH => return Err(BadPropertyList::TooDeep),
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::DocType(doctype)) => external_id_only(&doctype)?,
            Ok(Event::GeneralRef(entity)) => own_entity(&entity)?,
            Ok(Event::Eof) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(BadPropertyList::Malformed(error.to_string())),
        }
    }
}

fn external_id_only(doctype: &str) -> Result<(), BadPropertyList> {
    // An internal subset is in brackets, entities are declared inside it (XML 1.0, production 28). The identifiers of
    // Apple's DOCTYPE have neither, so there is no need to look inside quotes.
    if doctype.contains('[') || doctype.to_ascii_uppercase().contains("<!") {
        return Err(BadPropertyList::InternalSubset);
    }
    Ok(())
}

fn own_entity(entity: &str) -> Result<(), BadPropertyList> {
    if entity.starts_with('#') || resolve_xml_entity(entity).is_some() {
        return Ok(());
    }
    Err(BadPropertyList::Entity(entity.chars().take(40).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
        \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n";

    fn list(content: &str) -> Vec<u8> {
        format!("{HEAD}<plist version=\"1.0\">{content}</plist>").into_bytes()
    }

    #[test]
    fn a_property_list_with_apples_doctype_is_parsed() {
        let parsed = parse(&list("<dict><key>Status</key><string>Idle &amp; well&#33;</string></dict>")).unwrap();
        assert_eq!(parsed.get("Status").and_then(Value::as_string), Some("Idle & well!"));
    }

    #[test]
    fn a_binary_property_list_is_refused() {
        let mut binary = Vec::new();
        Value::Dictionary(Dictionary::new()).to_writer_binary(&mut binary).unwrap();
        assert_eq!(parse(&binary), Err(BadPropertyList::Binary));
    }

    #[test]
    fn what_is_no_property_list_is_refused() {
        for body in ["", "hello", "{\"Status\":\"Idle\"}", "<html></html>", "<plist><dict>", "<plist></dict></plist>"] {
            assert!(parse(body.as_bytes()).is_err(), "{body:?}");
        }
        assert_eq!(parse(&[0xff, 0xfe, 0x3c, 0x00]), Err(BadPropertyList::NotUtf8));
    }

    #[test]
    fn a_mebibyte_of_zeros_is_refused() {
        assert!(parse(&vec![0u8; 1 << 20]).is_err());
    }

    #[test]
    fn an_array_is_no_message() {
        assert_eq!(parse(&list("<array/>")), Err(BadPropertyList::NotADictionary));
    }

    #[test]
    fn an_internal_dtd_subset_is_refused_unparsed() {
        for subset in ["<!ENTITY x \"y\">", "<!ENTITY x SYSTEM \"file:///etc/passwd\">", "", "<!ELEMENT plist ANY>"] {
            let body = format!(
                "<?xml version=\"1.0\"?><!DOCTYPE plist [{subset}]><plist><dict><key>a</key><string>&x;</string></dict></plist>"
            );
            assert_eq!(parse(body.as_bytes()), Err(BadPropertyList::InternalSubset), "{subset}");
        }
    }

    #[test]
    fn an_unknown_entity_is_refused_instead_of_read_as_nothing() {
        let refused = parse(&list("<dict><key>UDID</key><string>&udid;</string></dict>"));
        assert_eq!(refused, Err(BadPropertyList::Entity("udid".into())));
    }

    #[test]
    fn deep_nesting_is_refused_before_it_is_parsed() {
        // Two million levels would overflow the parser's stack and abort the process.
        for levels in [MAX_DEPTH, 2_000, 2_000_000] {
            let body = list(&"<array>".repeat(levels));
            assert_eq!(parse(&body), Err(BadPropertyList::TooDeep), "{levels}");
        }
    }

    #[test]
    fn nesting_that_devices_use_is_parsed() {
        let (open, close) = ("<dict><key>a</key>".repeat(20), "</dict>".repeat(20));
        assert!(parse(&list(&format!("{open}<true/>{close}"))).is_ok());
    }
}
