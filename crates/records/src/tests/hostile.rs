//! Files that were made to do harm.

use super::*;
use crate::{FIELD_LIMIT, Field, ROW_LIMIT, Reason};
use proptest::prelude::*;
use std::io::Read;

#[test]
fn control_characters_and_overrides_are_shown_as_escapes() {
    let text = "source_id,device_name,site\n1,a\u{0}b,\u{202e}x\n2,\"two\nlines\",\u{1b}[2J\n";
    let rows = rows(text.as_bytes(), &plain(&["source_id", "device_name", "site"]));
    let shown = |at: usize| (rows[at].record.device_name.as_deref(), rows[at].record.site.as_deref());
    assert_eq!(shown(0), (Some("a\\u{0}b"), Some("\\u{202e}x")));
    assert_eq!(shown(1), (Some("two\\u{a}lines"), Some("\\u{1b}[2J")));
    assert_eq!(labels(&rows[0]), ["device_name: escaped", "site: escaped"]);
    assert_eq!(rows[0].notes[1].found, "\\u{202e}x", "also in the note");
}

#[test]
fn a_formula_stays_text() {
    let formula = "=HYPERLINK(\"http://x\";\"y\")";
    let text = format!("source_id,device_name,user_name\n1,\"{}\",@SUM(A1)\n", formula.replace('"', "\"\""));
    let row = one(text.as_bytes(), &plain(&["source_id", "device_name", "user_name"]));
    assert_eq!(row.record.device_name.as_deref(), Some(formula));
    assert_eq!(row.record.user_name.as_deref(), Some("@SUM(A1)"));
}

#[test]
fn a_value_over_the_limit_makes_a_bad_row_only_if_it_is_mapped() {
    let long = "x".repeat(FIELD_LIMIT + 1);
    let text = format!("source_id,site,other\n1,{long},\n2,,{long}\n");
    let outcomes = read(text.as_bytes(), &plain(&["source_id", "site"]));
    assert_eq!(outcomes[0].as_ref().unwrap_err().reasons, [Reason::FieldTooLong(Field::Site)]);
    assert!(outcomes[1].is_ok());
}

#[test]
fn a_quoted_field_far_over_the_limit_is_one_bad_row() {
    let start = &b"source_id,site\n1,\""[..];
    let endless = std::io::repeat(b'x').take(1 << 26);
    let file = start.chain(endless).chain(&b"\n2,b\n"[..]);
    let outcomes: Vec<_> = Reader::open(file, &plain(&["source_id", "site"])).unwrap().map(Result::unwrap).collect();
    let bad = outcomes[0].as_ref().unwrap_err();
    assert_eq!((bad.text.len(), &bad.reasons[..]), (ROW_LIMIT, &[Reason::RowTooLong][..]));
    assert_eq!(outcomes[1].as_ref().unwrap().line, 3);
}

#[test]
fn an_open_quote_at_the_end_of_the_file_is_a_bad_row() {
    let found = bad(b"source_id,site\n1,a\n2,\"b", &plain(&["source_id", "site"]));
    assert_eq!(found, [BadRow { line: 3, text: "2,\"b".into(), reasons: vec![Reason::QuoteNotClosed] }]);
}

#[test]
fn a_column_name_that_acts_on_the_terminal_is_shown_as_an_escape() {
    let error = open_error("a\u{1b}[2J,b\u{202e}\n1,2\n".as_bytes(), &Mapping::default());
    assert!(error.contains("\"a\\u{1b}[2J\", \"b\\u{202e}\""), "{error}");
}

// Bytes, and texts that look like exports.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "source_id",
        "imei",
        "last_contact",
        "site",
        ",",
        ";",
        "\t",
        "\"",
        "\n",
        "\r\n",
        "\r",
        "sep=;",
        "{",
        "}",
        "[",
        ":",
        "\"source_id\":",
        "1",
        "E+14",
        "3.5",
        "0",
        "'",
        "=",
        "\u{202e}",
        "é",
        "\0",
        "2022-03-15",
        "/",
        "T",
        "Z",
        "12:30",
        "PM",
        "+",
        "-",
        "N/A",
        "iPhone14,5",
        "\u{feff}",
        " ",
    ]);
    let text = prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat().into_bytes());
    let headed = text.clone().prop_map(|rest| [&b"source_id,imei,last_contact,site\n"[..], &rest].concat());
    let bytes = prop::collection::vec(any::<u8>(), 0..300);
    let after_header = bytes.clone().prop_map(|rest| [&b"source_id,imei,last_contact,site\n"[..], &rest].concat());
    let utf16 = text.clone().prop_map(|text| {
        let text = String::from_utf8_lossy(&text).into_owned();
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    });
    prop_oneof![bytes, text, headed, after_header, utf16]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_file_makes_the_reader_panic_or_lose_a_line(bytes in any_file()) {
        let fields = ["source_id", "imei", "last_contact", "site"];
        for mapping in [plain(&fields), Mapping::default()] {
            if let Ok(reader) = Reader::open(&bytes[..], &mapping) {
                let layout = reader.layout().clone();
                let mut last = 0;
                for outcome in reader {
                    let outcome = outcome.unwrap();
                    let line = match &outcome { Ok(row) => row.line, Err(bad) => bad.line };
                    prop_assert!(line > last, "lines grow");
                    last = line;
                    if let Err(bad) = outcome {
                        prop_assert!(!bad.reasons.is_empty() && !layout.bad_file_line(&bad).is_empty());
                    }
                }
            }
        }
    }

    #[test]
    fn no_text_makes_a_reader_of_values_panic(text in "[0-9A-Za-z:/.,+ 'é=\"-]{0,30}") {
        let rules = crate::dates::DateRules::default();
        let _ = crate::dates::read(&text, rules);
        let _ = (crate::Imei::parse(&text), crate::Meid::parse(&text), crate::SerialNumber::parse(&text));
        let _ = (crate::Udid::parse(&text), crate::MacAddress::parse(&text), crate::ProductName::parse(&text));
    }
}
