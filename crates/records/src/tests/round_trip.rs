//! Records that are written in any encoding and with any delimiter are read back equal.

use super::*;
use crate::{Delimiter, Encoding, Field, Imei, Kind, MacAddress, Meid, ProductName, Record, SerialNumber, Udid};
use apple::OsVersion;
use proptest::prelude::*;
use std::collections::BTreeSet;
use time::OffsetDateTime;

#[derive(Debug, Clone, Copy)]
enum Written {
    Utf8,
    Utf8WithMark,
    Utf16Le,
    Utf16Be,
    Utf16LeWithoutMark,
    Windows1252,
}

// Letters of Windows-1252, delimiters and quotation marks. The first and the last letter are not blanks.
fn text() -> impl Strategy<Value = String> {
    "[A-Za-zäßé€]([A-Za-z0-9 ,;\"'äßé€=+@.\\-]{0,20}[A-Za-zß\"])?"
        .prop_filter("is a value", |text| !crate::absent::is_absent_identifier(text))
}

fn other_scripts() -> impl Strategy<Value = String> {
    "[a-zא-ת぀-ゟ😀-😏]{1,8}".prop_filter("is a value", |text| !crate::absent::is_absent_identifier(text))
}

fn imei() -> impl Strategy<Value = Imei> {
    "(35|86|01)[0-9]{12}".prop_map(|digits| {
        (0..10).find_map(|check| Imei::parse(&format!("{digits}{check}"))).expect("one check digit is valid")
    })
}

fn mac() -> impl Strategy<Value = MacAddress> {
    "[1-9A-F][0-9A-F]{11}".prop_filter_map("is an address", |digits| MacAddress::parse(&digits))
}

fn instant() -> impl Strategy<Value = OffsetDateTime> {
    (1_200_000_000_i64..4_000_000_000).prop_map(|at| OffsetDateTime::from_unix_timestamp(at).unwrap())
}

prop_compose! {
    fn hardware()(
        serial in prop::option::of("[A-HJ-Z][0-9A-Z]{9,11}"),
        udid in prop::option::of("[1-9A-F][0-9A-F]{39}|0000[1-9]110-[1-9A-F][0-9A-F]{15}"),
        imeis in prop::collection::vec(imei(), 0..3),
        meids in prop::collection::vec("[1-9A-F][0-9A-F]{13}", 0..2),
        macs in (prop::option::of(mac()), prop::option::of(mac())),
        product in prop::option::of("(iPhone|iPad)[1-9][0-9]?,[1-9]"),
        version in prop::option::of((1_u16..30, 0_u16..10, 0_u16..10)),
    ) -> Record {
        let sorted = |imeis: Vec<Imei>| imeis.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        Record {
            serial_number: serial.and_then(|text| SerialNumber::parse(&text)),
            udid: udid.and_then(|text| Udid::parse(&text)),
            imeis: sorted(imeis),
            meids: meids.iter().filter_map(|text| Meid::parse(text)).collect(),
            wifi_mac: macs.0,
            bluetooth_mac: macs.1,
            product_name: product.and_then(|text| ProductName::parse(&text)),
            os_version: version.map(|(major, minor, patch)| OsVersion([major, minor, patch])),
            ..Record::new("x")
        }
    }
}

prop_compose! {
    fn record()(
        hardware in hardware(),
        kind in prop::sample::select(vec![
            Kind::PersonalDeviceProfile, Kind::UserEnrollment, Kind::DeviceEnrollment, Kind::Unknown,
        ]),
        texts in prop::collection::vec(prop::option::of(text()), 4),
        codes in prop::collection::vec(prop::option::of("[A-Z][A-Za-z0-9_-]{2,10}"), 4),
        mail in prop::option::of("[a-z]{1,8}@[a-z]{1,8}\\.example"),
        dates in (prop::option::of(instant()), prop::option::of(instant())),
    ) -> Record {
        let mut texts = texts.into_iter();
        let mut codes = codes.into_iter();
        Record {
            kind,
            model_name: texts.next().flatten(),
            device_name: texts.next().flatten(),
            full_name: texts.next().flatten(),
            site: texts.next().flatten(),
            user_name: codes.next().flatten(),
            employee_number: codes.next().flatten(),
            profile_identifier: codes.next().flatten(),
            asset_tag: codes.next().flatten(),
            mail,
            last_contact: dates.0,
            enrolled_at: dates.1,
            ..hardware
        }
    }
}

fn file(records: &[Record], delimiter: Delimiter, line_end: &str) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let separator = char::from(delimiter.byte()).to_string();
    let header = Field::ALL.map(|field| quoted(field.name())).join(&separator);
    let row = |record: &Record| {
        let cells = Field::ALL.map(|field| quoted(&record.texts(field).join("; ")));
        format!("{}{line_end}", cells.join(&separator))
    };
    let rows: String = records.iter().map(row).collect();
    format!("{header}{line_end}{rows}")
}

fn json(records: &[Record]) -> String {
    let line = |record: &Record| {
        let values = Field::ALL.into_iter().filter(|field| !record.texts(*field).is_empty());
        let object: serde_json::Map<_, _> =
            values.map(|field| (field.name().to_owned(), record.texts(field).into())).collect();
        serde_json::to_string(&object).unwrap() + "\n"
    };
    records.iter().map(line).collect()
}

fn encoded(text: &str, encoding: Written) -> Vec<u8> {
    let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    match encoding {
        Written::Utf8 => text.into(),
        Written::Utf8WithMark => format!("\u{feff}{text}").into(),
        Written::Utf16Le => [vec![0xFF, 0xFE], utf16(u16::to_le_bytes)].concat(),
        Written::Utf16Be => [vec![0xFE, 0xFF], utf16(u16::to_be_bytes)].concat(),
        Written::Utf16LeWithoutMark => utf16(u16::to_le_bytes),
        Written::Windows1252 => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
    }
}

fn numbered(records: Vec<Record>) -> Vec<Record> {
    let number = |(at, record): (usize, Record)| Record { source_id: format!("id {at}"), ..record };
    records.into_iter().enumerate().map(number).collect()
}

fn read_back(bytes: &[u8], mapping: &Mapping) -> Vec<Record> {
    rows(bytes, mapping).into_iter().map(|row| row.record).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn records_are_read_back_from_every_encoding_and_delimiter(
        records in prop::collection::vec(record(), 1..5),
        delimiter in prop::sample::select(Delimiter::ALL.to_vec()),
        encoding in prop::sample::select(vec![
            Written::Utf8, Written::Utf8WithMark, Written::Utf16Le, Written::Utf16Be, Written::Utf16LeWithoutMark,
            Written::Windows1252,
        ]),
        line_end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
    ) {
        let records = numbered(records);
        let mapping = plain(&Field::ALL.map(Field::name));
        let bytes = encoded(&file(&records, delimiter, line_end), encoding);
        // Only the declaration tells a file in Windows-1252 whose letters happen to be valid UTF-8.
        let declared = matches!(encoding, Written::Windows1252).then_some(Encoding::Windows1252);
        let mapping = Mapping { encoding: declared, ..mapping };
        prop_assert_eq!(read_back(&bytes, &mapping), records);
    }

    #[test]
    fn other_scripts_are_read_back_from_unicode(
        name in other_scripts(),
        encoding in prop::sample::select(vec![Written::Utf8, Written::Utf16Le, Written::Utf16Be]),
    ) {
        let records = numbered(vec![Record { device_name: Some(name), ..Record::new("x") }]);
        let bytes = encoded(&file(&records, Delimiter::Comma, "\n"), encoding);
        prop_assert_eq!(read_back(&bytes, &plain(&Field::ALL.map(Field::name))), records);
    }

    #[test]
    fn records_are_read_back_from_json_lines(records in prop::collection::vec(record(), 1..5)) {
        let records = numbered(records);
        let mapping = plain(&Field::ALL.map(Field::name));
        prop_assert_eq!(read_back(json(&records).as_bytes(), &mapping), records);
    }

    #[test]
    fn records_differ_exactly_if_a_field_changed(one in record(), other in record()) {
        let changes = crate::changes(&one, &other);
        prop_assert_eq!(changes.is_empty(), one == other);
        prop_assert_eq!(changes.is_empty(), one.canonical() == other.canonical());
    }
}
