//! The earlier records of a person, as the portal's pages describe them: our own enrollments and devices as other
//! products knew them. A record is described only to its owner, also if the owner changed after the sign-in.

use super::removal::{Removing, removing};
use super::visitor::Visitor;
use crate::web::content::content;
use decisions::enrollment::{Enrollment, NEAREST_RECORDS, PreviousRecords};
use decisions::record::Record;
use events::Timestamp;
use events::device::DeviceId;
use events::enrollment::{DeviceFamily, Ownership};
use events::record::{PreviousAnswer, PreviousKind, RecordDetails, RecordId, RecordOwner};
use events::store::ReadError;
use names::visible;
use projections::devices::{self, Naming};
use serde::Serialize;
use std::collections::BTreeMap;

/// An earlier record of the person for whom the device is enrolled.
pub(crate) struct Earlier {
    pub record: RecordId,
    /// The best name that is known, in words: no model identifier.
    pub name: Option<String>,
    pub enrolled_at: Option<Timestamp>,
    /// Name of the other product; `None`: our own enrollment.
    pub source: Option<String>,
    /// Text key for the kind of its enrollment, if known.
    pub kind: Option<&'static str>,
    pub removal: Removal,
    pub removing: Removing,
    pub standing: Standing,
    /// The family of the device, if known.
    pub family: Option<DeviceFamily>,
}

/// What is known about the management of an earlier record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Ours, and not ended as far as we know.
    Managed,
    /// Ours, and ended.
    Ended,
    /// Another product's: we cannot know.
    Unknown,
}

/// How a person removes the old management in Settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// A profile that Jamf Pro made for personal devices.
    PersonalProfile,
    Profile,
    /// An account that the person signed in to.
    Account,
    /// A profile or an account.
    Either,
}

impl Removal {
    /// Returns the text key of the taps.
    pub(crate) fn step(self) -> &'static str {
        match self {
            Removal::PersonalProfile => "previous-step-remove-personal",
            Removal::Profile => "previous-step-remove",
            Removal::Account => "previous-step-remove-account",
            Removal::Either => "previous-step-remove-either",
        }
    }

    /// Returns the removal that all of these have in common.
    pub(crate) fn of(all: impl IntoIterator<Item = Removal>) -> Removal {
        let mut all = all.into_iter();
        let Some(first) = all.next() else { return Removal::Either };
        all.fold(first, |common, one| match (common, one) {
            (common, one) if common == one => common,
            (Removal::PersonalProfile, Removal::Profile) | (Removal::Profile, Removal::PersonalProfile) => {
                Removal::Profile
            }
            _ => Removal::Either,
        })
    }
}

impl Earlier {
    /// Returns what people call the device.
    pub(crate) fn label(&self, visitor: &Visitor) -> String {
        self.name.clone().or_else(|| visitor.language.text("record-unnamed")).unwrap_or_default()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.standing == Standing::Ended
    }

    /// Returns the person's answer. A record of another family is another device, also without an answer.
    pub(crate) fn answer(&self, enrollment: &Enrollment) -> Option<PreviousAnswer> {
        let family = enrollment.opened.as_ref().map(|opened| opened.platform.family);
        let other = self.is_other_than(family).then_some(PreviousAnswer::AnotherDevice);
        enrollment.answers.get(&self.record).copied().or(other)
    }

    /// The record is of a device of another family than this one.
    pub(crate) fn is_other_than(&self, family: Option<DeviceFamily>) -> bool {
        matches!((self.family, family), (Some(old), Some(new)) if old != new)
    }
}

/// Returns the records that the enrollment's person was shown at sign-in, if they still are theirs. One of ours that
/// cannot be read is listed without its name, one of another product is left out.
pub(crate) async fn earlier(visitor: &Visitor, enrollment: &Enrollment) -> Vec<Earlier> {
    let mut all = Vec::new();
    for (device, naming) in namings(visitor, &enrollment.previous).await {
        all.extend(own(visitor, enrollment, device, naming).await);
    }
    for found in enrollment.imported.nearest.iter().take(NEAREST_RECORDS) {
        all.extend(imported(visitor, enrollment, found.record).await);
    }
    all
}

async fn own(visitor: &Visitor, enrollment: &Enrollment, id: DeviceId, naming: Option<Naming>) -> Option<Earlier> {
    let platform = &visitor.app.platform;
    let device = readable(platform.device(id).await).unwrap_or_default();
    let owner = enrollment.owner().map(|owner| owner.person);
    if device.person.is_some_and(|person| Some(person) != owner) {
        return None;
    }
    let old = readable(platform.enrollment(id.enrollment()).await);
    let family = old.as_ref().and_then(|old| old.opened.as_ref()).map(|opened| opened.platform.family);
    let removing = match &old {
        Some(old) => removing(visitor, enrollment, (id, &device, old)).await,
        None => Removing::No,
    };
    let (kind, removal) = match old {
        Some(old) if old.account_driven.is_some() => (Some("previous-kind-account"), Removal::Account),
        Some(old) => (old.ownership.map(kind_of), Removal::Profile),
        None => (None, Removal::Either),
    };
    let enrolled_at = naming.as_ref().and_then(|naming| naming.enrolled_at);
    let name = naming.and_then(label);
    let standing = if device.phase.has_ended() { Standing::Ended } else { Standing::Managed };
    let record = RecordId::of_device(id);
    Some(Earlier { record, name, enrolled_at, source: None, kind, removal, removing, standing, family })
}

fn kind_of(ownership: Ownership) -> &'static str {
    match ownership {
        Ownership::Personal => "previous-kind-user",
        Ownership::Institutional => "previous-kind-device",
    }
}

async fn imported(visitor: &Visitor, enrollment: &Enrollment, id: RecordId) -> Option<Earlier> {
    let (record, _) = readable(visitor.app.platform.load::<Record>(&id.stream()).await)?;
    let details = record.details.as_ref().filter(|details| details.personal.get().is_some())?;
    let person = enrollment.owner()?.person;
    if record.owner != Some(RecordOwner::Unique { person }) {
        return None;
    }
    let (kind, removal) = match details.kind {
        PreviousKind::PersonalDeviceProfile => (Some("previous-kind-personal-profile"), Removal::PersonalProfile),
        PreviousKind::DeviceEnrollment => (Some("previous-kind-device"), Removal::Profile),
        PreviousKind::UserEnrollment => (Some("previous-kind-user"), Removal::Either),
        PreviousKind::Unknown => (None, Removal::Either),
    };
    Some(Earlier {
        record: id,
        name: model(details),
        enrolled_at: details.enrolled_at,
        source: visible::name(record.source.as_deref()),
        kind,
        removal,
        removing: Removing::No,
        standing: Standing::Unknown,
        family: family(details),
    })
}

fn readable<T>(read: Result<T, ReadError>) -> Option<T> {
    read.inspect_err(|error| tracing::error!(%error, "an earlier record cannot be read")).ok()
}

/// A device in a list of the person's devices.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Listed {
    pub label: String,
    /// Day of enrollment, formatted for the page's language.
    pub since: Option<String>,
}

content!(Listed { label, since });

/// Returns the nearest records with the names that people know, and the number of further ones.
pub(crate) async fn listed(visitor: &Visitor, previous: &PreviousRecords) -> (Vec<Listed>, Option<u64>) {
    let unnamed = visitor.language.text("record-unnamed").unwrap_or_default();
    let listed = |(_, naming): (DeviceId, Option<Naming>)| {
        let since = naming.as_ref().and_then(|naming| visitor.language.date(naming.enrolled_at?));
        Listed { label: naming.and_then(label).unwrap_or_else(|| unnamed.clone()), since }
    };
    let records: Vec<Listed> = namings(visitor, previous).await.into_iter().map(listed).collect();
    let more = previous.count.saturating_sub(records.len() as u64);
    (records, (more > 0).then_some(more))
}

// If the inventory cannot be read or lacks a record, the record has no name, so it does not block an enrollment.
async fn namings(visitor: &Visitor, previous: &PreviousRecords) -> Vec<(DeviceId, Option<Naming>)> {
    let nearest: Vec<DeviceId> = previous.nearest.iter().take(NEAREST_RECORDS).map(|found| found.device).collect();
    let namings = devices::namings(&visitor.app.platform.projections, nearest.clone()).await;
    let mut namings = namings.unwrap_or_else(|error| {
        tracing::error!(%error, "the names of earlier device records cannot be read");
        BTreeMap::new()
    });
    nearest.into_iter().map(|device| (device, namings.remove(&device))).collect()
}

/// Returns the device's name, else its model's name, else its family. A name without visible characters is skipped, and
/// so is the family if the model is known.
pub(crate) fn label(naming: Naming) -> Option<String> {
    let model = naming.names.iter().find_map(|name| apple::models::name(name));
    let name = naming.names.iter().find_map(|name| visible::name(Some(in_words(name))))?;
    let is_family = DeviceFamily::ALL.iter().any(|family| family.name() == name);
    Some(model.filter(|_| is_family).map_or(name, str::to_owned))
}

// Model identifiers and marketing names both begin with the name of the family.
fn family(details: &RecordDetails) -> Option<DeviceFamily> {
    let names = [details.product_name.as_deref(), details.model_name.as_deref()];
    let of = |name: &str| DeviceFamily::ALL.into_iter().find(|family| name.starts_with(family.name()));
    names.into_iter().flatten().find_map(of)
}

fn model(details: &RecordDetails) -> Option<String> {
    let told = visible::name(details.model_name.as_deref());
    told.or_else(|| visible::name(details.product_name.as_deref().map(in_words)))
}

// Returns the marketing name if the name is a model identifier, else the family: `iPhone14,5` is a word that nobody
// knows.
fn in_words(name: &str) -> &str {
    if let Some(model) = apple::models::name(name) {
        return model;
    }
    let family = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == ',');
    let numbers = &name[family.len()..];
    let is_identifier = numbers.split_once(',').is_some_and(|(major, minor)| !major.is_empty() && !minor.is_empty());
    if is_identifier && family.starts_with('i') && !family.contains(' ') { family } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_identifier_is_told_as_its_marketing_name_or_family_and_a_name_as_it_is() {
        for (name, told) in [
            ("iPhone14,5", "iPhone 13"),
            ("iPhone99,1", "iPhone"),
            ("iPad99,18", "iPad"),
            ("iPhone 13", "iPhone 13"),
            ("Room 4,2", "Room 4,2"),
            ("iPhone,", "iPhone,"),
            ("", ""),
        ] {
            assert_eq!(in_words(name), told);
        }
    }

    #[test]
    fn a_device_is_called_by_its_own_name_or_by_its_model() {
        let of = |names: &[&str]| {
            label(Naming { names: names.iter().map(|name| (*name).into()).collect(), enrolled_at: None })
        };
        assert_eq!(of(&["Ada’s phone", "iPhone", "iPhone14,5"]).as_deref(), Some("Ada’s phone"));
        assert_eq!(of(&["iPhone", "iPhone", "iPhone14,5"]).as_deref(), Some("iPhone 13"));
        assert_eq!(of(&["iPhone", "iPhone99,1"]).as_deref(), Some("iPhone"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn the_taps_for_several_records_are_those_that_fit_all_of_them() {
        use Removal::{Account, Either, PersonalProfile, Profile};
        for (all, common) in [
            (vec![], Either),
            (vec![PersonalProfile, PersonalProfile], PersonalProfile),
            (vec![PersonalProfile, Profile], Profile),
            (vec![Account, Account], Account),
            (vec![Profile, Account], Either),
            (vec![Account, Either, Account], Either),
        ] {
            assert_eq!(Removal::of(all), common);
        }
    }
}
