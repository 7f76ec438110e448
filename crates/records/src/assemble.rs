//! From the texts of a row to a record: each field has one rule.

use crate::absent::{is_absent, is_absent_identifier};
use crate::dates;
use crate::excel;
use crate::field::Field;
use crate::identifiers::{Found, Imei, MacAddress, Meid, ProductName, Reading, SerialNumber, Udid};
use crate::limits::FIELD_LIMIT;
use crate::mapping::{Fallback, Plan};
use crate::note::{LeftOut, Note, NoteKind};
use crate::outcome::Reason;
use crate::record::{Kind, Record};
use apple::OsVersion;
use std::borrow::Cow;
use time::OffsetDateTime;

/// The text of each slot of a plan; `None` if the row has no such column.
pub(crate) type Cells<'a> = [Option<Cow<'a, str>>];

/// Returns whether a column that the mapping names has a value. Jamf Pro writes rows without any: each further value of
/// a field with several values, as of the profiles of a device, is a row in which all other columns are empty.
pub(crate) fn has_value(cells: &Cells<'_>) -> bool {
    !cells.iter().flatten().all(|cell| cell.trim().is_empty())
}

/// Builds the record of a row.
///
/// # Errors
/// Returns why the row is bad: it has no usable source id, or a mapped value is too long.
pub(crate) fn assemble(plan: &Plan, cells: &Cells<'_>) -> Result<(Record, Vec<Note>), Vec<Reason>> {
    let mut row = Building { plan, cells, record: Record::new(&plan.source), notes: Vec::new(), reasons: Vec::new() };
    row.check_lengths();
    row.fill();
    row.check_id();
    if row.reasons.is_empty() { Ok((row.record, row.notes)) } else { Err(row.reasons) }
}

struct Building<'a> {
    plan: &'a Plan,
    cells: &'a Cells<'a>,
    record: Record,
    notes: Vec<Note>,
    reasons: Vec<Reason>,
}

impl<'a> Building<'a> {
    fn check_lengths(&mut self) {
        for (field, slots) in &self.plan.fields {
            let is_long = |slot: &usize| self.cells[*slot].as_ref().is_some_and(|cell| cell.len() > FIELD_LIMIT);
            if slots.iter().any(is_long) {
                self.reasons.push(Reason::FieldTooLong(*field));
            }
        }
    }

    fn fill(&mut self) {
        self.record.source_id = self.code(Field::SourceId).unwrap_or_default();
        self.record.kind = self.kind();
        self.record.serial_number = self.identifier(Field::SerialNumber, SerialNumber::read);
        self.record.udid = self.identifier(Field::Udid, Udid::read);
        self.record.imeis = self.identifiers(Field::Imei, Imei::read);
        self.record.meids = self.identifiers(Field::Meid, Meid::read);
        self.record.wifi_mac = self.identifier(Field::WifiMac, MacAddress::read);
        self.record.bluetooth_mac = self.identifier(Field::BluetoothMac, MacAddress::read);
        self.fill_model();
        self.record.os_version = self.os_version();
        self.record.device_name = self.text(Field::DeviceName);
        self.record.user_name = self.code(Field::UserName);
        self.record.mail = self.mail();
        self.record.full_name = self.text(Field::FullName);
        self.record.employee_number = self.code(Field::EmployeeNumber);
        self.record.last_contact = self.date(Field::LastContact);
        self.record.enrolled_at = self.date(Field::EnrolledAt);
        self.record.profile_identifier = self.code(Field::ProfileIdentifier);
        self.record.site = self.text(Field::Site);
        self.record.asset_tag = self.code(Field::AssetTag);
    }

    // The values of a field: translated, trimmed, and only those that are there.
    fn values(&self, field: Field) -> Vec<&'a str> {
        let plan = self.plan;
        if let Some(constant) = plan.constants.get(&field) {
            return vec![constant.trim()];
        }
        let translations = plan.values.get(&field);
        let slots = plan.fields.get(&field).map(Vec::as_slice).unwrap_or_default();
        let cells: &'a Cells<'a> = self.cells;
        let texts = slots.iter().filter_map(|slot| cells[*slot].as_deref()).map(str::trim);
        let translated = texts.map(|text| {
            let found = translations.and_then(|values| values.get(&names::folded(text)));
            found.map_or(text, |value| value.trim())
        });
        translated.filter(|text| !is_absent(text)).collect()
    }

    fn value(&self, field: Field) -> Option<&'a str> {
        self.values(field).first().copied()
    }

    fn note(&mut self, field: Field, kind: NoteKind, found: &str) {
        self.notes.push(Note::new(field, kind, found));
    }

    // A text of people: names of persons, devices, places.
    fn text(&mut self, field: Field) -> Option<String> {
        let value = self.value(field)?;
        Some(self.visible(field, value))
    }

    fn visible(&mut self, field: Field, value: &str) -> String {
        let visible = names::visible::visible_line(value);
        if visible != value {
            self.note(field, NoteKind::Escaped, value);
        }
        if value.contains('\u{fffd}') {
            self.note(field, NoteKind::Unreadable, value);
        }
        visible.into_owned()
    }

    // A text that identifies something, and that a spreadsheet may take for a number.
    fn code(&mut self, field: Field) -> Option<String> {
        let value = self.value(field)?;
        // User names may begin with an apostrophe.
        let bare = if field == Field::UserName { value.trim() } else { excel::unwrapped(value) };
        if is_absent(bare) {
            return None;
        }
        if excel::scientific(bare).is_some() {
            match field {
                Field::SourceId => {
                    let why = "is a number in scientific notation, which lost digits in a spreadsheet: export it again";
                    self.reasons.push(Reason::UnusableSourceId(why.into()));
                }
                _ => self.note(field, NoteKind::LeftOut(LeftOut::LostDigits), bare),
            }
            return None;
        }
        if bare.len() != value.trim().len() {
            self.note(field, NoteKind::Repaired, value);
        }
        if field == Field::SourceId {
            if let Some(why) = names::visible::wrong_in_line(bare) {
                self.reasons.push(Reason::UnusableSourceId(why));
                return None;
            }
            return Some(bare.to_owned());
        }
        Some(self.visible(field, bare))
    }

    fn identifier<T>(&mut self, field: Field, read: fn(&str) -> Reading<T>) -> Option<T> {
        self.values(field).iter().find_map(|value| self.read(field, value, read))
    }

    fn read<T>(&mut self, field: Field, value: &str, read: fn(&str) -> Reading<T>) -> Option<T> {
        match read(value) {
            Ok(None) => None,
            Ok(Some(Found { value: found, is_repaired })) => {
                if is_repaired {
                    self.note(field, NoteKind::Repaired, value);
                }
                Some(found)
            }
            Err(why) => {
                self.note(field, NoteKind::LeftOut(why), value);
                None
            }
        }
    }

    // Identifiers of which a device has several, in several columns or in one.
    fn identifiers<T: Ord>(&mut self, field: Field, read: fn(&str) -> Reading<T>) -> Vec<T> {
        let mut found = Vec::new();
        for value in self.values(field) {
            // A comma is part of a number in scientific notation.
            match excel::scientific(excel::unwrapped(value)) {
                Some(_) => found.extend(self.read(field, value, read)),
                None => {
                    let parts = value.split([',', ';', '|', '/', '\n']).filter(|part| !part.trim().is_empty());
                    parts.for_each(|part| found.extend(self.read(field, part, read)));
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }

    fn kind(&mut self) -> Kind {
        let Some(value) = self.value(Field::Kind) else { return Kind::Unknown };
        Kind::parse(value).unwrap_or_else(|| {
            self.note(Field::Kind, NoteKind::Untranslated, value);
            Kind::Unknown
        })
    }

    // Some products write model identifier and marketing name into one column. Their form tells them apart.
    fn fill_model(&mut self) {
        for field in [Field::ProductName, Field::ModelName] {
            for value in self.values(field) {
                match ProductName::parse(value) {
                    Some(product) => {
                        self.record.product_name.get_or_insert(product);
                    }
                    None if self.record.model_name.is_none() || field == Field::ModelName => {
                        self.record.model_name = Some(self.visible(field, value));
                    }
                    None => {}
                }
                if field == Field::ModelName {
                    break;
                }
            }
        }
    }

    fn os_version(&mut self) -> Option<OsVersion> {
        let value = self.value(Field::OsVersion)?;
        let version = os_version(excel::unwrapped(value));
        if version.is_none() {
            self.note(Field::OsVersion, NoteKind::LeftOut(LeftOut::Form), value);
        }
        version
    }

    fn mail(&mut self) -> Option<String> {
        let value = self.value(Field::Mail)?;
        let address = excel::unwrapped(value);
        if is_absent_identifier(address) {
            return None;
        }
        let is_plain = names::is_address(address) && names::visible::wrong_in_line(address).is_none();
        if !is_plain || address.contains([',', ';', '<', '"']) {
            self.note(Field::Mail, NoteKind::LeftOut(LeftOut::Form), value);
            return None;
        }
        Some(address.to_owned())
    }

    fn date(&mut self, field: Field) -> Option<OffsetDateTime> {
        let rules = self.plan.dates;
        for value in self.values(field) {
            match dates::read(value, rules) {
                Ok(None) => {}
                Ok(Some(found)) => {
                    if found.is_zone_assumed {
                        self.note(field, NoteKind::ZoneAssumed, value);
                    }
                    return Some(found.at);
                }
                Err(why) => self.note(field, NoteKind::LeftOut(why), value),
            }
        }
        None
    }

    fn check_id(&mut self) {
        if !self.record.source_id.is_empty() || !self.reasons.is_empty() {
            return;
        }
        let id = self.plan.fallback.iter().find_map(|fallback| match fallback {
            Fallback::Udid => Some((Field::Udid, self.record.udid.as_ref()?.to_string())),
            Fallback::SerialNumber => Some((Field::SerialNumber, self.record.serial_number.as_ref()?.to_string())),
        });
        match id {
            Some((field, id)) => {
                self.record.source_id = format!("{field}:{id}");
                self.note(Field::SourceId, NoteKind::FallbackId, &id);
            }
            None => self.reasons.push(Reason::NoSourceId),
        }
    }
}

// Parses "17.5.1", also with the name of the system before it and a build or a Rapid Security Response after it.
fn os_version(text: &str) -> Option<OsVersion> {
    let start = text.find(|letter: char| letter.is_ascii_digit())?;
    let system = text[..start].trim();
    let is_system = ["", "ios", "ipados", "iphone os", "tvos", "visionos", "watchos", "version", "ios version"]
        .iter()
        .any(|name| system.eq_ignore_ascii_case(name));
    let version = text[start..].split([' ', '(']).next()?;
    is_system.then(|| OsVersion::parse(version))?
}

#[cfg(test)]
mod tests {
    use super::os_version;
    use apple::OsVersion;

    #[test]
    fn a_version_is_read_with_what_products_write_around_it() {
        for text in ["17.5.1", "iOS 17.5.1", "iPadOS 17.5.1", "17.5.1 (a)", "17.5.1(21F90)", "iPhone OS 17.5.1"] {
            assert_eq!(os_version(text), OsVersion::parse("17.5.1"), "{text}");
        }
        for text in ["17-May", "May 17", "", "iOS", "17.5.1.2", "1.75E+1", "macOS 14.1"] {
            assert_eq!(os_version(text), None, "{text}");
        }
    }
}
