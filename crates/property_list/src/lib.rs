//! Reads property lists of devices and uploads: without recursion, with limits, and with XML's predefined entities
//! only.
//!
//! A device's message must be XML in UTF-8 and is repaired ([`read`]): a device repeats a message until it is
//! answered, so a single name cut inside an emoji would block everything after it. An upload may also be a binary
//! property list or UTF-16, and any error in it is a reason to reject it ([`parse_file`]), because the device gets the
//! file unchanged.

mod binary;
mod reader;
mod scalar;

use events::device::AnswerFault;
use plist::Dictionary;
use reader::{MAX_DEPTH, MAX_VALUES};
use std::borrow::Cow;

pub use reader::{Reading, read};

/// Why a property list is rejected. The message continues a sentence that names the file or message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPropertyList {
    #[error("it is a binary property list; devices send XML")]
    Binary,
    #[error("it is a binary property list that is truncated or damaged")]
    BadBinary,
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it begins as UTF-16 but contains invalid UTF-16")]
    NotUtf16,
    /// Apple's DOCTYPE only names an external id, which is never fetched.
    #[error("its DOCTYPE has an internal subset, which no property list needs")]
    InternalSubset,
    #[error("it contains the entity &{0};, which XML does not predefine")]
    Entity(String),
    #[error("it is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    #[error("it is not a property list: {0}")]
    Malformed(String),
    #[error("it is not a dictionary")]
    NotADictionary,
    #[error("a dictionary in it has the key {} twice, and devices may take either value", .0.chars().take(40).collect::<String>().escape_debug())]
    KeyTwice(String),
    #[error("it contains {}", words(*.0))]
    Value(AnswerFault),
}

fn words(fault: AnswerFault) -> &'static str {
    match fault {
        AnswerFault::NotAPropertyList => "something that is not a property list",
        AnswerFault::Characters => "characters that are not allowed",
        AnswerFault::Number => "a number that cannot be read or is too large",
        AnswerFault::Date => "a date that cannot be read",
        AnswerFault::Data => "data that is not Base64",
        AnswerFault::Structure => "a misplaced value or key",
        AnswerFault::TooDeep => "values that are nested too deeply",
        AnswerFault::TooMany => "too many values, or values that are too large",
        AnswerFault::Status => "a status that is missing or unknown",
        AnswerFault::OtherCommand => "the name of another command",
    }
}

impl BadPropertyList {
    /// Returns the fault as the log records it.
    pub fn fault(&self) -> AnswerFault {
        match self {
            BadPropertyList::Binary
            | BadPropertyList::BadBinary
            | BadPropertyList::InternalSubset
            | BadPropertyList::Malformed(_)
            | BadPropertyList::NotADictionary => AnswerFault::NotAPropertyList,
            BadPropertyList::NotUtf8 | BadPropertyList::NotUtf16 | BadPropertyList::Entity(_) => {
                AnswerFault::Characters
            }
            BadPropertyList::TooDeep => AnswerFault::TooDeep,
            BadPropertyList::KeyTwice(_) => AnswerFault::Structure,
            BadPropertyList::Value(fault) => *fault,
        }
    }
}

/// Reads a device's message and leaves out values that cannot be kept, without reporting them.
///
/// # Errors
/// Returns an error if the property list is truncated or malformed.
pub fn repaired(body: &[u8]) -> Result<Dictionary, BadPropertyList> {
    let reading = read(body);
    reading.broken.map_or(Ok(reading.fields), Err)
}

/// Parses a file that must be completely valid: XML in UTF-8 or UTF-16, or binary.
///
/// # Errors
/// Returns why the file is rejected; nothing of it was used in that case.
pub fn parse_file(file: &[u8]) -> Result<Dictionary, BadPropertyList> {
    if file.starts_with(binary::MAGIC) {
        return binary::read(file);
    }
    parse(&in_utf_8(file)?)
}

/// Parses XML in UTF-8 that must be completely valid.
///
/// # Errors
/// Returns why it is rejected; nothing of it was used in that case.
pub fn parse(xml: &[u8]) -> Result<Dictionary, BadPropertyList> {
    let reading = read(xml);
    match reading.first.or(reading.twice.map(BadPropertyList::KeyTwice)).or(reading.broken) {
        None => Ok(reading.fields),
        Some(why) => Err(why),
    }
}

// Detects the encoding by the byte order mark, or by the first character of any XML (XML 1.0, appendix F).
fn in_utf_8(file: &[u8]) -> Result<Cow<'_, [u8]>, BadPropertyList> {
    let text = match file {
        [0xfe, 0xff, text @ ..] => utf_16(text, u16::from_be_bytes)?,
        [0xff, 0xfe, text @ ..] => utf_16(text, u16::from_le_bytes)?,
        [0, b'<', ..] => utf_16(file, u16::from_be_bytes)?,
        [b'<', 0, ..] => utf_16(file, u16::from_le_bytes)?,
        _ => return Ok(Cow::Borrowed(file)),
    };
    Ok(Cow::Owned(text.into_bytes()))
}

fn utf_16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<String, BadPropertyList> {
    let pairs = bytes.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(BadPropertyList::NotUtf16);
    }
    let units = pairs.map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| BadPropertyList::NotUtf16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plist::Value;

    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
        \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n";

    fn list(content: &str) -> Vec<u8> {
        format!("{HEAD}<plist version=\"1.0\">{content}</plist>").into_bytes()
    }

    #[test]
    fn a_property_list_with_apples_doctype_is_parsed() {
        let parsed = parse_file(&list("<dict><key>Status</key><string>Idle &amp; well&#33;</string></dict>")).unwrap();
        assert_eq!(parsed.get("Status").and_then(Value::as_string), Some("Idle & well!"));
    }

    #[test]
    fn a_binary_property_list_is_refused_as_a_message_and_read_as_a_file() {
        let mut binary = Vec::new();
        Value::Dictionary(Dictionary::new()).to_writer_binary(&mut binary).unwrap();
        assert_eq!(repaired(&binary), Err(BadPropertyList::Binary));
        assert_eq!(parse_file(&binary), Ok(Dictionary::new()));
    }

    #[test]
    fn a_file_in_utf_16_is_read_with_and_without_a_byte_order_mark() {
        let text = String::from_utf8(list("<dict><key>Name</key><string>Büro 🙂</string></dict>")).unwrap();
        let text = text.replace("UTF-8", "UTF-16");
        let encoded = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let (big, little) = (encoded(u16::to_be_bytes), encoded(u16::to_le_bytes));
        let marked = [[&[0xfe, 0xff], &big[..]].concat(), [&[0xff, 0xfe], &little[..]].concat()];
        for file in [big.clone(), little].iter().chain(&marked) {
            let read = parse_file(file).unwrap();
            assert_eq!(read.get("Name").and_then(Value::as_string), Some("Büro 🙂"));
        }
        assert_eq!(parse_file(&big[..big.len() - 1]), Err(BadPropertyList::NotUtf16), "half a character");
        let half_a_pair = [&[0xfe, 0xff], &[0xd8, 0x3d][..], &big[..]].concat();
        assert_eq!(parse_file(&half_a_pair), Err(BadPropertyList::NotUtf16));
    }

    #[test]
    fn a_file_with_a_key_twice_in_one_dictionary_is_refused_by_the_key_and_a_message_is_read() {
        let twice = list(
            "<dict><key>Inside</key><dict><key>A</key><true/><key>B</key><true/><key>A</key><false/></dict></dict>",
        );
        assert_eq!(parse_file(&twice), Err(BadPropertyList::KeyTwice("A".into())));
        assert!(repaired(&twice).is_ok());
        let apart = list("<dict><key>A</key><dict><key>A</key><true/></dict></dict>");
        assert!(parse_file(&apart).is_ok());
    }

    #[test]
    fn text_in_cdata_is_read_as_the_text_that_it_is() {
        let read = parse_file(&list("<dict><key>Name</key><string><![CDATA[a & b]]></string></dict>")).unwrap();
        assert_eq!(read.get("Name").and_then(Value::as_string), Some("a & b"));
    }

    #[test]
    fn what_is_no_property_list_is_refused() {
        for body in ["", "hello", "{\"Status\":\"Idle\"}", "<html></html>", "<plist><dict>", "<plist></dict></plist>"] {
            assert!(parse_file(body.as_bytes()).is_err(), "{body:?}");
        }
        assert!(matches!(repaired(&[0xff, 0xfe, 0x3c, 0x00]), Err(BadPropertyList::Malformed(_))));
        assert_eq!(parse_file(b"<plist><dict/>\xff</plist>"), Err(BadPropertyList::NotUtf8));
    }

    #[test]
    fn a_mebibyte_of_zeros_is_refused() {
        assert!(parse_file(&vec![0u8; 1 << 20]).is_err());
    }

    #[test]
    fn an_array_is_no_message() {
        assert_eq!(parse_file(&list("<array/>")), Err(BadPropertyList::NotADictionary));
    }

    #[test]
    fn an_internal_dtd_subset_is_refused_unparsed() {
        for subset in ["<!ENTITY x \"y\">", "<!ENTITY x SYSTEM \"file:///etc/passwd\">", "", "<!ELEMENT plist ANY>"] {
            let body = format!(
                "<?xml version=\"1.0\"?><!DOCTYPE plist [{subset}]><plist><dict><key>a</key><string>&x;</string></dict></plist>"
            );
            assert_eq!(parse_file(body.as_bytes()), Err(BadPropertyList::InternalSubset), "{subset}");
        }
    }

    #[test]
    fn an_unknown_entity_is_refused_instead_of_read_as_nothing() {
        let refused = parse_file(&list("<dict><key>UDID</key><string>&udid;</string></dict>"));
        assert_eq!(refused, Err(BadPropertyList::Entity("udid".into())));
    }

    fn told<'a>(reading: &'a Reading, key: &str) -> Option<&'a str> {
        reading.fields.get(key).and_then(Value::as_string)
    }

    fn answer(value: &str) -> Vec<u8> {
        list(&format!("<dict><key>Name</key>{value}<key>Status</key><string>Acknowledged</string></dict>"))
    }

    #[test]
    fn a_character_that_cannot_be_kept_is_left_out_and_the_rest_of_the_message_is_read() {
        let cut = |bytes: &[u8]| [b"<string>a", bytes, b"b</string>"].concat();
        let names: [Vec<u8>; 7] = [
            cut(b"\xf0\x9f\x8f"),
            cut(b"\xed\xa0\xbd"),
            cut(b"\0"),
            cut(b"\x1b"),
            cut(b"&#0;"),
            cut(b"&#xD800;"),
            cut(b"&#x110000;"),
        ];
        for name in names {
            let marker = answer("@");
            let at = marker.iter().position(|byte| *byte == b'@').unwrap();
            let body = [&marker[..at], &name, &marker[at + 1..]].concat();
            let reading = read(&body);
            assert_eq!((told(&reading, "Name"), told(&reading, "Status")), (Some("ab"), Some("Acknowledged")));
            assert_eq!((reading.left_out, reading.broken), ([AnswerFault::Characters].into(), None));
            assert!(parse_file(&body).is_err(), "an upload has to be right");
        }
    }

    #[test]
    fn a_value_that_cannot_be_kept_is_left_out_with_its_key() {
        let cases = [
            ("<integer/>", AnswerFault::Number),
            ("<integer>18446744073709551616</integer>", AnswerFault::Number),
            ("<integer>-9223372036854775809</integer>", AnswerFault::Number),
            ("<integer>one</integer>", AnswerFault::Number),
            ("<real>nan</real>", AnswerFault::Number),
            ("<real>1e999</real>", AnswerFault::Number),
            ("<date>tomorrow</date>", AnswerFault::Date),
            ("<date>9999-12-31T23:59:59-23:59</date>", AnswerFault::Date),
            ("<date>10000-01-01T00:00:00Z</date>", AnswerFault::Date),
            ("<data>@@@@</data>", AnswerFault::Data),
            ("<string>&udid;</string>", AnswerFault::Characters),
            ("<string>a<b/></string>", AnswerFault::Structure),
            ("<ustring>a</ustring>", AnswerFault::Structure),
            ("<set><string>a</string></set>", AnswerFault::Structure),
        ];
        for (value, fault) in cases {
            let reading = read(&answer(value));
            assert_eq!(reading.fields.keys().collect::<Vec<_>>(), ["Status"], "{value}");
            assert_eq!((reading.left_out, reading.broken), ([fault].into(), None), "{value}");
        }
    }

    #[test]
    fn keys_without_values_and_values_without_keys_are_left_out() {
        let cases = ["<key>Other</key>", "<key>Other</key><string>b</string><string>c</string>", "text"];
        for between in cases {
            let reading = read(&list(&format!(
                "<dict><key>Name</key><string>a</string>{between}<key>Status</key><string>Acknowledged</string></dict>"
            )));
            assert_eq!((told(&reading, "Name"), told(&reading, "Status")), (Some("a"), Some("Acknowledged")));
            assert_eq!(reading.left_out, [AnswerFault::Structure].into(), "{between}");
        }
    }

    #[test]
    fn cdata_is_text() {
        let body = answer("<string>Ada<![CDATA[ & <Bob>]]></string>");
        assert_eq!(told(&read(&body), "Name"), Some("Ada & <Bob>"));
        assert!(parse_file(&body).is_ok());
    }

    #[test]
    fn numbers_and_dates_have_their_greatest_values() {
        for value in ["18446744073709551615", "-9223372036854775808", "0xff", " 7 "] {
            assert!(parse_file(&answer(&format!("<integer>{value}</integer>"))).is_ok(), "{value}");
        }
        for value in ["<real>1e308</real>", "<date>9999-12-31T23:59:59Z</date>", "<data/>", "<true></true>"] {
            assert!(parse_file(&answer(value)).is_ok(), "{value}");
        }
    }

    #[test]
    fn what_was_said_before_a_message_breaks_off_is_read() {
        let id = "<dict><key>CommandUUID</key><string>an id</string><key>QueryResponses</key><dict><key>a</key>";
        for rest in ["", "<string>b", "<string>b</dict>", "<string>b</string></array>", "<", "&"] {
            let reading = read(&list(&format!("{id}{rest}"))[..HEAD.len() + 21 + id.len() + rest.len()]);
            assert_eq!(told(&reading, "CommandUUID"), Some("an id"), "{rest}");
            assert!(reading.broken.is_some(), "{rest}");
        }
    }

    #[test]
    fn too_much_nesting_and_too_many_values_are_left_out() {
        let deep = format!("{}{}", "<array>".repeat(40), "</array>".repeat(40));
        let reading = read(&answer(&deep));
        assert_eq!(told(&reading, "Status"), Some("Acknowledged"));
        assert_eq!(reading.left_out, [AnswerFault::TooDeep].into());
        let reading = read(&answer(&format!("<array>{}</array>", "<true/>".repeat(MAX_VALUES + 9))));
        let kept = reading.fields.get("Name").and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!((kept, told(&reading, "Status")), (MAX_VALUES, Some("Acknowledged")));
        assert_eq!(reading.left_out, [AnswerFault::TooMany].into());
    }

    #[test]
    fn deep_nesting_is_refused_before_it_is_parsed() {
        // Two million levels would overflow the parser's stack and abort the process.
        for levels in [MAX_DEPTH, 2_000, 2_000_000] {
            let body = list(&"<array>".repeat(levels));
            assert_eq!(parse_file(&body), Err(BadPropertyList::TooDeep), "{levels}");
        }
    }

    #[test]
    fn nesting_that_devices_use_is_parsed() {
        let (open, close) = ("<dict><key>a</key>".repeat(20), "</dict>".repeat(20));
        assert!(parse_file(&list(&format!("{open}<true/>{close}"))).is_ok());
    }
}
