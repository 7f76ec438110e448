//! Tests of mappings in TOML and of their errors.

use super::*;
use crate::dates::DateOrder;

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn mapping(text: &str) -> Mapping {
    toml::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn resolved(text: &str, names: &[&str]) -> Result<Plan, String> {
    resolve(&mapping(text), &columns(names), Known::AllColumns).map_err(|error| error.to_string())
}

fn refused(text: &str, names: &[&str], parts: &[&str]) {
    let error = resolved(text, names).expect_err(text);
    parts.iter().for_each(|part| assert!(error.contains(part), "{part} is not in: {error}"));
}

#[test]
fn a_mapping_is_read_from_toml() {
    let text = r#"
        source = "Jamf Pro Berlin"
        fallback_id = ["udid", "serial_number"]
        date_order = "day-first"
        zone = "+01:00"
        excel_dates = 1904
        encoding = "windows-1252"
        delimiter = ";"

        [columns]
        source_id = "Nummer"
        imei = ["IMEI", "IMEI 2"]

        [constants]
        site = "Berlin"

        [values.kind]
        "Privat" = "user-enrollment"
    "#;
    let mapping = mapping(text);
    assert_eq!(mapping.date_order, Some(DateOrder::DayFirst));
    assert_eq!(mapping.excel_dates, ExcelDates::From1904);
    assert_eq!((mapping.encoding, mapping.delimiter), (Some(Encoding::Windows1252), Some(Delimiter::Semicolon)));
    let names = columns(&["nummer", " imei ", "IMEI 2", "x"]);
    let plan = resolve(&mapping, &names, Known::AllColumns).unwrap();
    assert_eq!(plan.source, "Jamf Pro Berlin");
    assert_eq!(plan.slots, ["nummer", " imei ", "IMEI 2"], "names are compared without case and blanks");
    assert_eq!(plan.fields[&Field::Imei], [1, 2]);
    assert_eq!(plan.constants[&Field::Site], "Berlin");
    assert_eq!(plan.values[&Field::Kind]["privat"], "user-enrollment");
}

#[test]
fn an_unknown_key_or_value_of_a_mapping_is_refused() {
    for text in [
        "colums = {}",
        "[columns]\nserial = \"x\"",
        "zone = \"Europe/Berlin\"",
        "excel_dates = 1970",
        "delimiter = \"|\"",
        "preset = \"jamf\"",
        "date_order = \"dmy\"",
        "fallback_id = [\"imei\"]",
    ] {
        assert!(toml::from_str::<Mapping>(text).is_err(), "{text}");
    }
}

#[test]
fn a_preset_is_recognized_if_exactly_one_fits() {
    let jamf = ["Display Name", "JSS Mobile Device ID", "Serial Number"];
    let intune = ["Device ID", "Device name", "Last check-in", "Primary user UPN"];
    let fleet = ["id", "uuid", "hardware_serial", "last_enrolled_at"];
    let mosyle = ["deviceudid", "serial_number", "date_last_beat"];
    for (names, preset) in
        [(&jamf[..], Preset::JamfPro), (&intune, Preset::Intune), (&fleet, Preset::Fleet), (&mosyle, Preset::Mosyle)]
    {
        let plan = resolved("", names).unwrap();
        assert_eq!((plan.preset, plan.source.as_str()), (Some(preset), preset.table().product));
        let upper: Vec<String> = names.iter().map(|name| format!(" {} ", name.to_uppercase())).collect();
        assert_eq!(resolve(&Mapping::default(), &upper, Known::AllColumns).unwrap().preset, Some(preset));
    }
    let both = [&jamf[..], &fleet].concat();
    refused("", &both, &["several products", "jamf-pro, fleet", "\"JSS Mobile Device ID\"", "\"uuid\""]);
    refused("", &["Name", "Phone"], &["no known product", "\"Name\", \"Phone\"", "source_id"]);
}

#[test]
fn own_columns_and_constants_override_those_of_a_preset() {
    let names = ["id", "uuid", "hardware_serial", "last_enrolled_at", "team_name", "Room"];
    let plan = resolved("preset = \"fleet\"\n[columns]\nsite = \"Room\"\nudid = []", &names).unwrap();
    assert_eq!(plan.slots[plan.fields[&Field::Site][0]], "Room");
    assert!(!plan.fields.contains_key(&Field::Udid), "an empty list removes a field");
    let plan = resolved("preset = \"fleet\"\n[constants]\nkind = \"User Enrollment\"\nsite = \"x\"", &names).unwrap();
    assert!(!plan.fields.contains_key(&Field::Site) && plan.constants[&Field::Site] == "x");
}

#[test]
fn a_column_that_the_file_lacks_or_has_twice_is_named_with_all_columns() {
    let custom = "source = \"x\"\n[columns]\nsource_id = \"ID\"\nsite = \"Ort\"";
    refused(custom, &["ID", "Site"], &["columns.site", "\"Ort\"", "\"ID\", \"Site\""]);
    refused(custom, &["id", "Ort", "ID"], &["columns.source_id", "2 columns", "rename", "\"id\", \"Ort\", \"ID\""]);
    let twice_but_unused = ["ID", "Ort", "x", "x"];
    assert!(resolved(custom, &twice_but_unused).is_ok());
    let hostile = ["ID", "a\u{202e}b\n"];
    refused(custom, &hostile, &["\"a\\u{202e}b\\u{a}\""]);
}

#[test]
fn a_file_without_ids_is_refused_unless_the_mapping_names_another_identifier() {
    let names = ["Serial Number", "Display Name"];
    refused("preset = \"jamf-pro\"", &names, &["source_id", "fallback_id", "In Jamf Pro, select the display field"]);
    assert!(resolved("preset = \"jamf-pro\"\nfallback_id = [\"serial_number\"]", &names).is_ok());
    refused("preset = \"jamf-pro\"\nfallback_id = [\"udid\"]", &names, &["source_id"]);
}

#[test]
fn in_json_lines_a_column_other_than_the_id_may_be_missing_at_the_beginning() {
    let custom = mapping("source = \"x\"\n[columns]\nsource_id = \"id\"\nsite = \"place.name\"");
    let plan = resolve(&custom, &columns(&["id"]), Known::SomeColumns).unwrap();
    assert_eq!(plan.slots, ["id", "place.name"]);
    assert!(resolve(&custom, &columns(&["ID2"]), Known::SomeColumns).is_err());
}

#[test]
fn constants_and_translations_are_checked() {
    let names = ["ID", "Ort"];
    let with = |rest: &str| format!("source = \"x\"\ncolumns = {{ source_id = \"ID\", site = \"Ort\" }}\n{rest}");
    refused(&with("constants.site = \"x\""), &names, &["site is in columns and in constants"]);
    refused(&with("constants.udid = \"x\""), &names, &["constants.udid", "same identifier"]);
    refused(&with("constants.kind = \"BYOD\""), &names, &["constants.kind is \"BYOD\"", "user-enrollment"]);
    refused(&with("values.kind.Privat = \"BYOD\""), &names, &["values.kind.\"Privat\" is \"BYOD\""]);
    refused("columns.source_id = \"ID\"", &names, &["source is empty"]);
    refused("source = \"\"\ncolumns.source_id = \"ID\"", &names, &["source is empty"]);
    for own in ["Muster", " muster ", "MUSTER"] {
        refused(&format!("source = \"{own}\"\ncolumns.source_id = \"ID\""), &names, &["source is Muster"]);
    }
    let long = |length| format!("source = \"{}\"\ncolumns.source_id = \"ID\"", "ö".repeat(length));
    refused(&long(101), &names, &["source has 101 characters", "at most 100"]);
    assert!(resolved(&long(100), &names).is_ok());
    refused("source = \"a\\u202Eb\"\ncolumns.source_id = \"ID\"", &names, &["source contains", "U+202E"]);
}
