//! Records of the other product, and links of earlier records with later enrollments.

use super::console::by_staff;
use crate::phone::Phone;
use crate::scene::{Cue, Scene};
use crate::who::Who;
use events::device::{DeviceEvent, DeviceId};
use events::envelope::EventId;
use events::migration::MigrationException;
use events::record::{
    ImportId, LinkBand, LinkEvidence, LinkProof, PersonalDetails, PreviousAnswer, PreviousKind, RecordDetails,
    RecordEvent, RecordField, RecordId, RecordOwner, Silence, Weighed,
};
use events::settings::ClearedView;
use events::system::SuccessorEvent;
use events::{Event, Personal, StreamName, Timestamp};
use population::{DAY, ExportRow};
use std::sync::Arc;

/// Name of the other product.
pub(crate) const SOURCE: &str = "Jamf Pro";

/// A row of an import.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) record: RecordId,
    pub(crate) import: ImportId,
    pub(crate) row: ExportRow,
    /// Whom the row names, if the provider knows them.
    pub(crate) owner: Option<Arc<Who>>,
    /// Whether the owner has signed in before the import.
    pub(crate) is_owner_known: bool,
}

/// The proposal that an earlier record is a later device.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) record: RecordId,
    /// The earlier device, if the record is one of this installation.
    pub(crate) own: Option<Arc<Phone>>,
    /// The earlier device checked out before, at this instant in seconds since 1970.
    pub(crate) checked_out: Option<i64>,
    pub(crate) is_same_model: bool,
    pub(crate) answer: Option<PreviousAnswer>,
    pub(crate) invited: bool,
    pub(crate) is_attested: bool,
}

fn details(row: &Row) -> RecordDetails {
    let ExportRow { record, device_name, model, serial, udid, os, last_contact, enrolled, .. } = &row.row;
    let text = |text: &Arc<str>| text.to_string();
    let personal = PersonalDetails {
        source_id: record.0.to_string(),
        serial_number: serial.as_ref().map(text),
        udid: udid.as_ref().map(text),
        device_name: Some(device_name.to_string()),
        user_name: row.row.user_name.as_ref().map(text),
        mail: row.row.mail.as_ref().map(text),
        full_name: row.row.full_name.as_ref().map(text),
        ..PersonalDetails::default()
    };
    let is_identifier = model.contains(',');
    RecordDetails {
        kind: PreviousKind::PersonalDeviceProfile,
        product_name: is_identifier.then(|| (*model).to_owned()),
        model_name: (!is_identifier).then(|| (*model).to_owned()),
        os_version: os.map(|os| os.to_string()),
        last_contact: last_contact.map(seconds),
        enrolled_at: enrolled.map(seconds),
        profile_identifier: None,
        site: Some(format!("Campus {}", 1 + record.0 / 4_096 % 20)),
        personal: Personal::new(row.record.key(), personal),
    }
}

pub(crate) fn seconds(seconds: i64) -> Timestamp {
    Timestamp(seconds * crate::scene::SECOND)
}

fn keys(scene: &Scene, row: &Row) -> (Vec<events::record::OwnerKey>, Vec<events::record::NameKey>) {
    let secrets = scene.secrets();
    let provider = row.owner.as_ref().map_or("campus", |owner| owner.provider().name);
    let values = [
        (events::record::OwnerAttribute::UserName, &row.row.user_name),
        (events::record::OwnerAttribute::Mail, &row.row.mail),
    ];
    let values = values.iter().filter_map(|(of, value)| Some((*of, value.as_ref()?)));
    let owner_keys = values.clone().filter_map(|(of, value)| secrets.owner_key(provider, of, value));
    let names = values.filter_map(|(_, value)| secrets.name_key(value));
    (owner_keys.collect(), names.collect())
}

fn importing(import: ImportId) -> Cue {
    Cue::operator(import.0)
}

/// The first import that has the record.
pub(crate) fn import(scene: &mut Scene, row: &Row) {
    let (owner_keys, names) = keys(scene, row);
    let owner = match &row.owner {
        _ if owner_keys.is_empty() => None,
        Some(owner) if row.is_owner_known => Some(RecordOwner::Unique { person: owner.person }),
        Some(_) => Some(RecordOwner::Account {}),
        None => Some(RecordOwner::Unknown {}),
    };
    let details = Box::new(details(row));
    let (import, source) = (row.import, SOURCE.to_owned());
    let imported = RecordEvent::PreviousRecordImported { import, source, details, owner_keys, names, owner };
    scene.say(&row.record.stream(), &importing(import).with(row.record.key()), imported);
    if let Some(person) = owner.and_then(RecordOwner::person) {
        scene.hand_over(row.record.key(), person.key());
    }
}

/// A later import has other values.
pub(crate) fn change(scene: &mut Scene, row: &Row, changed: Vec<RecordField>) {
    let (owner_keys, names) = keys(scene, row);
    let (import, details) = (row.import, Box::new(details(row)));
    let changed = RecordEvent::PreviousRecordChanged { import, changed, details, owner_keys, names };
    scene.say(&row.record.stream(), &importing(import).with(row.record.key()), changed);
}

/// A complete import does not have the record.
pub(crate) fn miss(scene: &mut Scene, record: RecordId, import: ImportId) {
    scene.say(&record.stream(), &importing(import), RecordEvent::PreviousRecordMissing { import });
}

/// An import has the record again, unchanged.
pub(crate) fn find_again(scene: &mut Scene, record: RecordId, import: ImportId) {
    scene.say(&record.stream(), &importing(import), RecordEvent::PreviousRecordReturned { import });
}

/// The owner of a record signed in for the first time.
pub(crate) fn resolve(scene: &mut Scene, record: RecordId, owner: &Who) {
    let cue = Cue::system("sign-in", scene.dice.uuid());
    let resolved = RecordEvent::PreviousRecordOwnerResolved { owner: RecordOwner::Unique { person: owner.person } };
    scene.say(&record.stream(), &cue, resolved);
    scene.hand_over(record.key(), owner.key());
}

/// The server proposes a link when the successor enrolled; days later staff decide.
pub(crate) fn propose(scene: &mut Scene, phone: &Phone, link: &Link, enrolled: EventId) {
    let stream = link.record.stream();
    let (weight, proof) = weigh(phone, link);
    let score: i32 = weight.iter().map(|weighed| weighed.points).sum();
    let band = match score {
        11.. => LinkBand::Strong,
        8.. => LinkBand::Probable,
        3.. => LinkBand::Weak,
        _ => LinkBand::None,
    };
    let (successor, correlation) = (phone.device, phone.device.0);
    let proposed = RecordEvent::LinkProposed { successor, evidence: weight.clone(), score, band, proof };
    let cue = Cue::system("propose-link", correlation);
    let proposed = scene.effect(&stream, (enrolled, "propose-link"), &cue, [proposed]);
    if let Some(own) = link.own.as_ref().filter(|own| own.until > phone.enrolled + 2 * DAY) {
        return withdraw(scene, phone, (link, own), (weight, proof), proposed);
    }
    scene.wait(48 * 3_600, 48 * 3_600 + 120);
    let timer = Cue::system("timer", correlation);
    let silence = match link.checked_out {
        Some(since) => Silence::Silent { since: seconds(since) },
        None => Silence::Unknown {},
    };
    scene.effect(&stream, (proposed, "ask-silence"), &timer, [RecordEvent::SilenceAsked { successor, silence }]);
    decide(scene, phone, link, (proof, band));
}

// The earlier device is heard from again: it is another one.
fn withdraw(
    scene: &mut Scene,
    phone: &Phone,
    (link, own): (&Link, &Phone),
    (mut evidence, proof): (Vec<Weighed>, LinkProof),
    proposed: EventId,
) {
    let (successor, correlation) = (phone.device, phone.device.0);
    let watch = Cue::system("watch-contact", correlation);
    let begun = DeviceEvent::ContactWatchBegun { successor };
    scene.effect(&own.device.stream(), (proposed, "watch-contact"), &watch, [begun]);
    scene.wait(60, 20 * 3_600);
    let at = scene.now();
    let cue = own.cue(scene.at, &mut scene.dice);
    let heard = scene.say(&own.device.stream(), &cue, DeviceEvent::DeviceHeardFrom {});
    evidence.push(Weighed { evidence: LinkEvidence::HeardAfter { at }, points: -9 });
    let score = evidence.iter().map(|weighed| weighed.points).sum();
    let withdrawn = RecordEvent::LinkProposed { successor, evidence, score, band: LinkBand::None, proof };
    let cue = Cue::system("propose-link", correlation);
    scene.effect(&link.record.stream(), (heard, "propose-link"), &cue, [withdrawn]);
}

fn weigh(phone: &Phone, link: &Link) -> (Vec<Weighed>, LinkProof) {
    let weighed = |evidence, points| Weighed { evidence, points };
    let mut weight = vec![weighed(LinkEvidence::SamePerson {}, 3)];
    if link.is_attested {
        weight.push(weighed(LinkEvidence::SameHardware {}, 10));
    }
    if link.invited {
        weight.push(weighed(LinkEvidence::InvitedPerson {}, 2));
    }
    if let Some(answer) = link.answer {
        let points = if answer == PreviousAnswer::ThisDevice { 3 } else { -3 };
        weight.push(weighed(LinkEvidence::Answered { answer }, points));
    }
    let model = if link.is_same_model { (LinkEvidence::SameModel {}, 2) } else { (LinkEvidence::OtherModel {}, -6) };
    weight.push(weighed(model.0, model.1));
    weight.push(weighed(LinkEvidence::VersionNotOlder {}, 1));
    if let Some(at) = link.checked_out.filter(|at| phone.enrolled - at < 72 * 3_600) {
        weight.push(weighed(LinkEvidence::CheckedOutBefore { at: seconds(at) }, 3));
    }
    let may_be_retired = link.own.is_none() || link.checked_out.is_some();
    (weight, LinkProof { may_be_retired, is_same_device: link.is_attested })
}

fn decide(scene: &mut Scene, phone: &Phone, link: &Link, (proof, band): (LinkProof, LinkBand)) {
    let (stream, successor) = (link.record.stream(), phone.device);
    scene.wait(86_400, 10 * 86_400);
    let staff = by_staff(scene);
    if !matches!(band, LinkBand::Strong | LinkBand::Probable) || scene.dice.chance(300) {
        if link.answer == Some(PreviousAnswer::AnotherDevice) || scene.dice.chance(40) {
            scene.say(&stream, &staff, RecordEvent::LinkRejected { successor });
        }
        return;
    }
    let source = if link.own.is_some() { "" } else { SOURCE };
    let place = StreamName::of("successor", scene.secrets().name("successor", &[&successor.to_string(), source]));
    scene.say(&place, &staff, SuccessorEvent::SuccessorReserved { record: link.record });
    let confirmed = scene.say(&stream, &staff, RecordEvent::LinkConfirmed { successor, proof });
    if scene.dice.chance(30) {
        scene.wait(60, 86_400);
        scene.say(&stream, &staff, RecordEvent::LinkUndone { successor });
        scene.say(&place, &staff, SuccessorEvent::SuccessorReleased { record: link.record });
        return;
    }
    if let Some(own) = link.own.as_ref().filter(|_| link.checked_out.is_some()) {
        let cue = Cue::system("retire-record", own.device.0);
        scene.effect(&own.device.stream(), (confirmed, "retire-record"), &cue, [DeviceEvent::RecordArchived {}]);
    }
    if scene.dice.chance(100) {
        let (record, views) = (link.record, [ClearedView::ExtensionValues].into());
        let cue = Cue::system("clear-views", successor.0);
        let cleared = DeviceEvent::EarlierViewsCleared { record, views };
        scene.effect(&successor.stream(), (confirmed, "clear-views"), &cue, [Event::from(cleared)]);
    }
    scene.wait(5, 60);
    notify(scene, link.record, successor, confirmed);
}

fn notify(scene: &mut Scene, record: RecordId, successor: DeviceId, confirmed: EventId) {
    let failed = scene.dice.chance(60).then_some(events::mail::MailFailure::Refused);
    let told = RecordEvent::RetirementNotified { successor, failed };
    let cue = Cue::system("mails", successor.0);
    scene.effect(&record.stream(), (confirmed, "retirement-notice"), &cue, [told]);
}

/// Staff note something about a record that is not enrolled again, or except it.
pub(crate) fn except(scene: &mut Scene, record: RecordId) {
    let staff = by_staff(scene);
    let why = *scene.dice.pick(&MigrationException::ALL);
    scene.say(&record.stream(), &staff, RecordEvent::MigrationExceptionMade { why });
    let text = format!("Spoke with the owner, ticket {}.", 10_000 + scene.dice.below(90_000));
    let note = Personal::new(record.key(), text);
    scene.say(&record.stream(), &staff.clone().with(record.key()), RecordEvent::RecordNoteAdded { note });
    if scene.dice.chance(250) {
        scene.wait(86_400, 9 * 86_400);
        let staff = by_staff(scene);
        scene.say(&record.stream(), &staff, RecordEvent::MigrationExceptionEnded {});
    }
}

/// The key of a record whose owner never enrolled is destroyed.
pub(crate) fn shred(scene: &mut Scene, record: RecordId) {
    let timer = Cue::system("timer", scene.dice.uuid());
    scene.say(&record.stream(), &timer, RecordEvent::PreviousRecordShredded {});
    scene.destroy(record.key());
}
