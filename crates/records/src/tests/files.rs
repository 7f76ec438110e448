//! Rows, notes and bad rows of files in every format.

use super::*;
use crate::{Delimiter, Encoding, Format, Kind, NoteKind, Reason};
use time::macros::datetime;

const FIELDS: [&str; 3] = ["source_id", "device_name", "site"];

#[test]
fn every_delimiter_and_excels_line_are_read() {
    for (text, delimiter) in [
        ("source_id,device_name,site\r\n7,\"a,b;c\",x\r\n", Delimiter::Comma),
        ("source_id;device_name;site\n7;\"a,b;c\";x\n", Delimiter::Semicolon),
        ("source_id\tdevice_name\tsite\r7\ta,b;c\tx\r", Delimiter::Tab),
        ("sep=;\r\nsource_id;device_name;site\r\n7;\"a,b;c\";x", Delimiter::Semicolon),
        ("SEP=,\nsource_id,device_name,site\n7,\"a,b;c\",x", Delimiter::Comma),
    ] {
        let mapping = plain(&FIELDS);
        let reader = Reader::open(text.as_bytes(), &mapping).unwrap();
        assert_eq!(reader.layout().format, Format::Csv(delimiter), "{text}");
        let row = one(text.as_bytes(), &mapping);
        assert_eq!(row.record.device_name.as_deref(), Some("a,b;c"));
        assert_eq!(row.record.site.as_deref(), Some("x"));
        let lines = text.to_lowercase().contains("sep=");
        assert_eq!(row.line, if lines { 3 } else { 2 }, "{text}");
    }
    let declared = Mapping { delimiter: Some(Delimiter::Semicolon), ..plain(&["source_id"]) };
    assert_eq!(one(b"a,b,source_id;source_id\nx;7\n", &declared).record.source_id, "7");
}

#[test]
fn rows_in_windows_1252_are_read_and_reported() {
    let text = b"source_id,device_name\n1,plain\n2,Gr\xF6\xDFe\n3,plain\n";
    let mapping = plain(&["source_id", "device_name"]);
    let mut reader = Reader::open(&text[..], &mapping).unwrap();
    let rows: Vec<Row> = reader.by_ref().map(|row| row.unwrap().unwrap()).collect();
    assert_eq!(rows[1].record.device_name.as_deref(), Some("Größe"));
    assert_eq!(labels(&rows[1]), ["encoding-assumed"]);
    assert!(rows[0].notes.is_empty() && rows[2].notes.is_empty() && reader.has_assumed_windows_1252());

    let declared = Mapping { encoding: Some(Encoding::Windows1252), ..mapping };
    assert!(
        super::rows(text, &declared).iter().all(|row| row.notes.is_empty()),
        "a declared encoding is no assumption"
    );
}

#[test]
fn half_a_character_of_utf_16_is_reported() {
    let text: Vec<u8> =
        "\u{feff}source_id,site\n1,a".encode_utf16().chain([0xD83D]).flat_map(u16::to_le_bytes).collect();
    let row = one(&text, &plain(&["source_id", "site"]));
    assert_eq!((row.record.site.as_deref(), labels(&row)), (Some("a\u{fffd}"), vec!["site: unreadable".to_owned()]));
}

#[test]
fn a_row_that_is_not_utf_8_in_a_file_that_is_becomes_a_bad_row() {
    let text = b"source_id,device_name\n1,Gr\xC3\xB6\xC3\x9Fe\n2,Gr\xF6\xDFe\n3,x\n";
    let found = bad(text, &plain(&["source_id", "device_name"]));
    assert_eq!(found, [BadRow { line: 3, text: "2,Gr\u{fffd}\u{fffd}e".into(), reasons: vec![Reason::NotUtf8] }]);
}

#[test]
fn rows_with_too_few_or_too_many_fields_are_bad_rows_with_their_text() {
    let text = b"source_id,device_name,site\n1,a\n2,a,b,c\n3,a,b\n4,a,b,,\n";
    let outcomes = read(text, &plain(&FIELDS));
    assert_eq!(
        outcomes[0],
        Err(BadRow { line: 2, text: "1,a".into(), reasons: vec![Reason::TooFewFields { found: 2, expected: 3 }] })
    );
    assert_eq!(
        outcomes[1],
        Err(BadRow { line: 3, text: "2,a,b,c".into(), reasons: vec![Reason::TooManyFields { found: 4, expected: 3 }] })
    );
    assert!(outcomes[2].is_ok() && outcomes[3].is_ok(), "empty fields at the end are no value");
}

#[test]
fn a_header_with_delimiters_at_its_end_needs_no_fields_for_them() {
    assert_eq!(one(b"source_id,site,,\n1,a\n", &plain(&["source_id", "site"])).record.site.as_deref(), Some("a"));
}

#[test]
fn blank_rows_are_skipped() {
    let text = b"\n\nsource_id,site\n\n,\n , \n1,a\n\n";
    assert_eq!(one(text, &plain(&["source_id", "site"])).line, 7);
}

#[test]
fn a_row_without_id_is_bad_unless_another_identifier_replaces_it() {
    let text = b"source_id,udid,serial_number\n,00008110-000A34E21E80801E,\n,,F2LXJ0AAAJ5K\nN/A,,\n7,,\n";
    let fields = ["source_id", "udid", "serial_number"];
    let reasons: Vec<_> = bad(text, &plain(&fields)).into_iter().flat_map(|bad| bad.reasons).collect();
    assert_eq!(reasons, [Reason::NoSourceId, Reason::NoSourceId, Reason::NoSourceId]);

    let with = mapping(
        "source = \"x\"\nfallback_id = [\"udid\", \"serial_number\"]\n[columns]\nsource_id = \"source_id\"\nudid = \
         \"udid\"\nserial_number = \"serial_number\"",
    );
    let outcomes = read(text, &with);
    let ids: Vec<_> = outcomes.iter().flatten().map(|row| row.record.source_id.as_str()).collect();
    assert_eq!(ids, ["udid:00008110-000A34E21E80801E", "serial_number:F2LXJ0AAAJ5K", "7"]);
    assert_eq!(labels(outcomes[0].as_ref().unwrap()), ["source_id: fallback-id"]);
    assert_eq!(outcomes[2].as_ref().unwrap_err().reasons, [Reason::NoSourceId]);
}

#[test]
fn an_id_that_lost_digits_or_has_invisible_characters_is_no_id() {
    let text = "source_id,site\n1.23E+11,x\na\u{200b}b,x\n\"a\nb\",x\n'0012,x\n=\"0013\",x\n";
    let outcomes = read(text.as_bytes(), &plain(&["source_id", "site"]));
    for outcome in &outcomes[..3] {
        assert!(matches!(outcome.as_ref().unwrap_err().reasons[..], [Reason::UnusableSourceId(_)]), "{outcome:?}");
    }
    assert_eq!(outcomes[3].as_ref().unwrap().record.source_id, "0012");
    assert_eq!(outcomes[4].as_ref().unwrap().record.source_id, "0013");
}

#[test]
fn the_first_row_of_an_id_is_kept_and_later_ones_with_other_content_are_set_aside() {
    let text = b"source_id,site\n1,a\n2,a\n1,b\n2,a\n";
    let outcomes = read(text, &plain(&["source_id", "site"]));
    let reasons = |at: usize| outcomes[at].as_ref().unwrap_err().reasons.clone();
    assert_eq!(reasons(2), [Reason::Duplicate { first: 2 }]);
    let repeated = outcomes[3].as_ref().unwrap();
    assert!(repeated.is_repeated() && !outcomes[1].as_ref().unwrap().is_repeated(), "{repeated:?}");
    let summary = summary(&outcomes);
    assert_eq!((summary.rows, summary.bad_rows), (3, 1));
    assert_eq!((summary.reasons, summary.notes), ([("duplicate", 1)].into(), [("repeated-row", 1)].into()));
}

#[test]
fn several_imeis_are_read_from_several_columns_or_one() {
    let custom = mapping("source = \"x\"\n[columns]\nsource_id = \"id\"\nimei = [\"IMEI\", \"IMEI2\"]");
    let text = b"id,IMEI,IMEI2\n1,356938035643809,013245000882114\n2,\"356938035643809; 013245000882114\",\n\
                 3,3.56938E+14,356938035643809\n4,N/A,000000000000000\n5,\"3,56938E+14\",\n";
    let rows = rows(text, &custom);
    let imeis = |at: usize| rows[at].record.imeis.iter().map(|imei| imei.as_str()).collect::<Vec<_>>();
    assert_eq!(imeis(0), ["013245000882114", "356938035643809"]);
    assert_eq!(imeis(1), imeis(0));
    assert_eq!(imeis(2), ["356938035643809"]);
    assert_eq!(labels(&rows[2]), ["imei: left-out-lost-digits"]);
    assert_eq!(rows[2].notes[0].found, "3.56938E+14");
    assert!(imeis(3).is_empty() && rows[3].notes.is_empty());
    assert_eq!(labels(&rows[4]), ["imei: left-out-lost-digits"]);
}

#[test]
fn a_kind_is_translated_and_an_unknown_one_is_reported() {
    let custom = mapping(
        "source = \"x\"\n[columns]\nsource_id = \"id\"\nkind = \"Art\"\n[values.kind]\nPrivat = \
         \"personal-device-profile\"\nAlt = \"\"",
    );
    let text = b"id,Art\n1,PRIVAT\n2,User Enrollment\n3,BYOD\n4,\n5,Alt\n";
    let rows = rows(text, &custom);
    let kinds: Vec<Kind> = rows.iter().map(|row| row.record.kind).collect();
    let unknown = Kind::Unknown;
    assert_eq!(kinds, [Kind::PersonalDeviceProfile, Kind::UserEnrollment, unknown, unknown, unknown]);
    assert_eq!(labels(&rows[2]), ["kind: untranslated"]);
    assert!(rows[3].notes.is_empty() && rows[4].notes.is_empty());
}

#[test]
fn constants_are_values_of_all_rows() {
    let custom = mapping(
        "source = \"x\"\ncolumns.source_id = \"id\"\nconstants = { kind = \"user-enrollment\", site = \"HQ\" }",
    );
    let row = one(b"id\n1\n", &custom);
    assert_eq!((row.record.kind, row.record.site.as_deref()), (Kind::UserEnrollment, Some("HQ")));
}

#[test]
fn model_identifier_and_marketing_name_are_told_apart_by_their_form() {
    let fields = ["source_id", "product_name", "model_name"];
    let text = b"source_id,product_name,model_name\n1,\"iPhone14,5\",iPhone 13\n2,iPhone 13,\n\
                 3,,\"iPhone14,5\"\n4,,iPhone 13\n";
    let models: Vec<_> = rows(text, &plain(&fields))
        .into_iter()
        .map(|row| (row.record.product_name.map(|name| name.to_string()), row.record.model_name))
        .collect();
    let (product, name) = (Some("iPhone14,5".to_owned()), Some("iPhone 13".to_owned()));
    assert_eq!(models, [(product.clone(), name.clone()), (None, name.clone()), (product, None), (None, name)]);
}

#[test]
fn values_that_are_wrong_are_left_out_with_a_note_and_the_row_stays() {
    let fields = ["source_id", "serial_number", "udid", "mail", "os_version", "last_contact", "asset_tag"];
    let text = format!(
        "{}\n1,1.23E+11,FB833D84-50C0-41DD-99DE-F748E44FFEF5,ada,17-May,03/04/2022,1.5E+12\n",
        fields.join(",")
    );
    let row = one(text.as_bytes(), &plain(&fields));
    let expected = [
        "serial_number: left-out-lost-digits",
        "udid: left-out-enrollment-id",
        "os_version: left-out-form",
        "mail: left-out-form",
        "last_contact: left-out-ambiguous-date",
        "asset_tag: left-out-lost-digits",
    ];
    assert_eq!(labels(&row), expected);
    let empty = crate::Record { source_id: "1".into(), ..crate::Record::new("x") };
    assert_eq!(row.record, empty);
    assert!(row.notes[0].to_string().starts_with("serial_number \"1.23E+11\": left out: a spreadsheet"));
}

#[test]
fn dates_are_read_by_the_rules_of_the_mapping() {
    let columns = "[columns]\nsource_id = \"id\"\nlast_contact = \"seen\"";
    let custom = mapping(&format!("source = \"x\"\nzone = \"+02:00\"\ndate_order = \"day-first\"\n{columns}"));
    let row = one(b"id;seen\n1;03/04/2022 10:00\n", &custom);
    assert_eq!(row.record.last_contact, Some(datetime!(2022-04-03 8:00 UTC)));
    assert!(row.notes.is_empty());
    let row = one(b"id;seen\n1;2022-04-03\n", &mapping(&format!("source = \"x\"\n{columns}")));
    assert_eq!(row.notes[0].kind, NoteKind::ZoneAssumed);
}

#[test]
fn json_lines_are_read_with_dotted_names_and_bad_lines_are_set_aside() {
    let custom = mapping("source = \"x\"\n[columns]\nsource_id = \"id\"\nsite = \"place.name\"\nimei = \"IMEI\"");
    let text = "\u{feff}{\"id\":1,\"place\":{\"name\":\"HQ\"},\"imei\":[356938035643809,\"013245000882114\"]}\n\n\
                {\"id\":2\n[3]\n{\"id\":4,\"Place\":{\"NAME\":\"B\"}}\n{\"id\":null}\n";
    let outcomes = read(text.as_bytes(), &custom);
    let first = outcomes[0].as_ref().unwrap();
    assert_eq!((first.record.source_id.as_str(), first.record.site.as_deref()), ("1", Some("HQ")));
    assert_eq!(first.record.imeis.len(), 2);
    let bad = outcomes[1].as_ref().unwrap_err();
    assert!(matches!(bad.reasons[..], [Reason::NotJson(_)]));
    assert_eq!((bad.line, bad.text.as_str()), (3, "{\"id\":2"));
    assert_eq!(outcomes[2].as_ref().unwrap_err().reasons, [Reason::NotAnObject]);
    assert_eq!(outcomes[3].as_ref().unwrap().record.site.as_deref(), Some("B"), "names are compared without case");
    assert_eq!(outcomes.len(), 4, "the last line has no value");
}

#[test]
fn a_list_in_json_lines_is_noted_where_a_device_has_one_value() {
    let custom = mapping("source = \"x\"\n[columns]\nsource_id = \"id\"\nuser_name = \"upn\"\nimei = \"imei\"");
    let text =
        "{\"id\":1,\"upn\":[\"a\",\"b\"],\"imei\":[356938035643809,\"013245000882114\"]}\n{\"id\":2,\"upn\":[\"a\"]}\n";
    let rows = rows(text.as_bytes(), &custom);
    assert_eq!(
        (rows[0].record.user_name.as_deref(), labels(&rows[0])),
        (Some("a, b"), vec!["user_name: joined".into()])
    );
    assert!(rows[1].notes.is_empty(), "one value in a list is one value");
}

#[test]
fn bad_rows_are_written_to_a_file_in_which_they_can_be_corrected() {
    let text = b"source_id;device_name;site\n1;a\n2;b;c\n;\"two\nlines\";x\n";
    let mapping = plain(&FIELDS);
    let reader = Reader::open(&text[..], &mapping).unwrap();
    let layout = reader.layout().clone();
    let mut file = layout.bad_file_header();
    reader.for_each(|row| file.extend(row.unwrap().err().map(|bad| layout.bad_file_line(&bad))));
    assert!(file.starts_with("\u{feff}Import error;source_id;device_name;site\r\n\"line 2: the row has 2 of 3 fields"));

    let corrected = file.replace(";1;a\r\n", ";1;a;new\r\n").replace(";;\"two", ";3;\"two");
    let sites: Vec<_> = rows(corrected.as_bytes(), &mapping).into_iter().map(|row| row.record.site.unwrap()).collect();
    assert_eq!(sites, ["new", "x"], "the file with corrections is an export");

    let text = b"{\"source_id\":1}\n{\"site\":\"x\"}\n{\"source_id\":\nnull\n";
    let mapping = super::mapping("source = \"x\"\ncolumns = { source_id = \"source_id\", site = \"site\" }");
    let layout = Reader::open(&text[..], &mapping).unwrap().layout().clone();
    let lines: Vec<String> = bad(text, &mapping).iter().map(|bad| layout.bad_file_line(bad)).collect();
    assert!(lines[0].starts_with("{\"Import error\":\"line 2: source_id has no value"), "{}", lines[0]);
    assert!(lines[0].ends_with(",\"site\":\"x\"}\n"));
    assert!(serde_json::from_str::<serde_json::Value>(&lines[0]).is_ok(), "{}", lines[0]);
    assert!(lines[1].ends_with(",\"source_id\":\n"), "{}", lines[1]);
    assert_eq!(lines[2], "null\n");
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    let default = Mapping::default();
    for (bytes, part) in [
        (&b""[..], "the file is empty"),
        (b"\xEF\xBB\xBF", "the file is empty"),
        (b"\r\n\n", "the file is empty"),
        (b"PK\x03\x04xxxx", "CSV UTF-8"),
        (b"[{\"id\":1}]", "one object per line"),
        (b"\"open,id\n1,2\n", "no usable header"),
        (b"a,b\n1,2\n", "no known product"),
        (b"{\"a\":1}\n", "no known product"),
    ] {
        let error = open_error(bytes, &default);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_header_alone_has_no_rows() {
    for text in ["source_id,site", "source_id,site\r\n", "\u{feff}source_id,site\n\n"] {
        assert_eq!(read(text.as_bytes(), &plain(&["source_id", "site"])), []);
    }
}

#[test]
fn reading_ends_after_an_error_of_the_file() {
    struct Broken(usize);
    impl std::io::Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += 1;
            let text: &[u8] = match self.0 {
                1 => b"source_id,site\n1,a\n2",
                2..4 => &[b'b'; 4096],
                _ => return Err(std::io::Error::other("the disk is gone")),
            };
            let length = text.len().min(buffer.len());
            buffer[..length].copy_from_slice(&text[..length]);
            Ok(length)
        }
    }
    let mut reader = Reader::open(Broken(0), &plain(&["source_id", "site"])).unwrap();
    assert!(reader.next().unwrap().unwrap().is_ok());
    assert_eq!(reader.next().unwrap().unwrap_err().to_string(), "the disk is gone");
    assert!(reader.next().is_none());
}
