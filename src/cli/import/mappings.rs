//! Shows the presets, and a mapping to edit.

use records::{Field, Preset};

/// Returns the columns of each preset.
pub(super) fn presets() -> String {
    let mut text =
        "An export is recognized by its columns; --preset names its product. A field is read from the first of \
        its columns that the export has. Upper and lower case do not matter.\n"
            .to_owned();
    for preset in Preset::ALL {
        text.push_str(&format!("\n{} ({})\n", preset.name(), preset.product()));
        let marks: Vec<String> = preset.marks().iter().map(|group| alternatives(group)).collect();
        text.push_str(&format!("  recognized by: {}\n", marks.join("; ")));
        for (field, columns) in preset.columns() {
            text.push_str(&format!("  {:<18} {}\n", field.name(), alternatives(columns)));
        }
        text.push_str("  values of kind:\n");
        for (value, kind) in preset.kinds() {
            text.push_str(&format!("    {value:<49} {}\n", kind.name()));
        }
    }
    text.push_str("\n`muster import template --preset NAME` prints a mapping that changes a preset.\n");
    text
}

fn alternatives(columns: &[&str]) -> String {
    columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(" or ")
}

const HEAD: &str = "\
# A mapping for `muster import records EXPORT --mapping THIS-FILE`. It says which column of the export has which field.
# Remove the # in front of a line to use it.

# Records of a later import are found by this name and by source_id: do not change it later.
";

const OPTIONS: &str = "
# How the export writes dates and text, if that is not evident.
# date_order = \"day-first\"      # or \"month-first\", for dates such as 03/04/2024
# zone = \"+01:00\"               # of dates that name no zone; otherwise UTC is assumed
# encoding = \"windows-1252\"     # or \"utf-8\", \"utf-16le\", \"utf-16be\"
# delimiter = \";\"               # or \",\" or \"tab\"

# Identifiers that replace an absent source_id, in this order.
# fallback_id = [\"udid\", \"serial_number\"]

";

const CONSTANTS: &str = "\
# The same value in all rows, for fields without a column.
[constants]
# site = \"Berlin\"
# kind = \"personal-device-profile\"
";

const OWNER: &str = "
# Which field names the owner: it equals an attribute of people at a provider. Without such a section, owners are not
# resolved. There may be several.
# [[owner]]
# field = \"mail\"                # user_name, mail or employee_number
# provider = \"main\"             # local, or the name of a directory or identity provider
# attribute = \"mail\"            # user_name, user_principal_name, mail or employee_number
";

/// Returns a mapping in TOML, with comments.
pub(super) fn template(preset: Option<Preset>) -> String {
    let mut text = HEAD.to_owned();
    text.push_str(&format!("source = \"{}\"\n", preset.map_or("Previous MDM", Preset::product)));
    match preset {
        Some(preset) => of_preset(&mut text, preset),
        None => of_columns(&mut text),
    }
    text.push_str(CONSTANTS);
    text.push_str(OWNER);
    text
}

fn of_preset(text: &mut String, preset: Preset) {
    text.push_str(&format!("preset = \"{}\"\n{OPTIONS}", preset.name()));
    text.push_str(
        "# These are the columns of the preset. A line here replaces those of its field; [] removes the field.\n",
    );
    text.push_str("[columns]\n");
    for field in Field::ALL {
        let columns = preset.columns().iter().find(|(known, _)| *known == field).map_or(&[][..], |(_, names)| names);
        let names: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
        text.push_str(&format!("# {} = [{}]\n", field.name(), names.join(", ")));
    }
    text.push_str("\n# Values of the column of kind, in addition to those that `muster import presets` shows.\n");
    text.push_str("[values.kind]\n# \"BYOD\" = \"user-enrollment\"\n\n");
}

fn of_columns(text: &mut String) {
    text.push_str(OPTIONS);
    text.push_str(
        "# The column of each field; in JSON Lines a dotted name, such as owner.mail. source_id is required: the\n",
    );
    text.push_str("# product's own id of the record.\n[columns]\n");
    for field in Field::ALL {
        let mark = if field == Field::SourceId { "" } else { "# " };
        text.push_str(&format!("{mark}{} = {}\n", field.name(), example(field)));
    }
    text.push_str("\n# What the values of the column of kind mean: personal-device-profile, user-enrollment,\n");
    text.push_str("# device-enrollment or unknown.\n[values.kind]\n# \"BYOD\" = \"user-enrollment\"\n\n");
}

fn example(field: Field) -> &'static str {
    match field {
        Field::SourceId => "\"Device ID\"",
        Field::Kind => "\"Enrollment type\"",
        Field::SerialNumber => "\"Serial number\"",
        Field::Udid => "\"UDID\"",
        Field::Imei => "[\"IMEI\", \"IMEI 2\"]",
        Field::Meid => "\"MEID\"",
        Field::WifiMac => "\"Wi-Fi MAC\"",
        Field::BluetoothMac => "\"Bluetooth MAC\"",
        Field::ProductName => "\"Model identifier\"      # such as iPhone14,5",
        Field::ModelName => "\"Model\"                   # such as iPhone 13",
        Field::OsVersion => "\"OS version\"",
        Field::DeviceName => "\"Device name\"",
        Field::UserName => "\"User name\"",
        Field::Mail => "\"Email\"",
        Field::FullName => "\"Full name\"",
        Field::EmployeeNumber => "\"Employee number\"",
        Field::LastContact => "\"Last contact\"",
        Field::EnrolledAt => "\"Enrolled\"",
        Field::ProfileIdentifier => "\"Profile\"         # PayloadIdentifier of the enrollment profile",
        Field::Site => "\"Site\"",
        Field::AssetTag => "\"Asset tag\"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::{Mapping, Reader};

    // Returns the template with every line in use.
    fn in_use(text: &str) -> String {
        let is_setting = |line: &&str| line.contains(" = ") || line.starts_with('[') || line.starts_with("# [[");
        let lines: Vec<&str> =
            text.lines().filter(is_setting).map(|line| line.strip_prefix("# ").unwrap_or(line)).collect();
        lines.join("\n")
    }

    #[test]
    fn each_template_is_a_mapping_as_it_is_and_with_all_lines_in_use() {
        for preset in [None].into_iter().chain(Preset::ALL.map(Some)) {
            let text = template(preset);
            let plain: Mapping = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(plain.preset, preset);
            let used: Mapping =
                toml::from_str(&in_use(&text)).unwrap_or_else(|error| panic!("{error}\n{}", in_use(&text)));
            assert!(used.date_order.is_some() && used.fallback_id.is_some() && used.constants.len() == 2, "{text}");
            assert_eq!((used.columns.len(), used.owner.len()), (Field::ALL.len(), 1));
        }
    }

    #[test]
    fn the_template_without_a_preset_reads_a_file_with_its_example_column() {
        let mapping: Mapping = toml::from_str(&template(None)).unwrap();
        let mut reader = Reader::open(&b"Device ID,Other\n7,x\n"[..], &mapping).unwrap();
        assert_eq!(reader.layout().source, "Previous MDM");
        assert_eq!(reader.next().unwrap().unwrap().unwrap().record.source_id, "7");
    }

    #[test]
    fn the_presets_are_shown_with_their_columns_and_kinds() {
        let text = presets();
        for part in ["jamf-pro (Jamf Pro)", "\"JSS Mobile Device ID\" or", "personal-device-profile", "mosyle (Mosyle)"]
        {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }
}
