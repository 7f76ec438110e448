//! Collects what is known about an earlier record and a later enrollment.

use crate::{Pair, Reenrollment, ReenrollmentError, UNSURE_SECONDS};
use decisions::link::{self, Facts, OldManagement};
use decisions::record::Record;
use events::device::{DeviceId, DeviceIdentifiers, SupersessionEvidence, plain_identifier};
use events::enrollment::{DeviceSignature, OsVersion};
use events::person::PersonId;
use events::record::{RecordDetails, RecordOwner, Silence};
use events::{Personal, Timestamp};
use projections::devices::{self, Enrolled, State};
use projections::records;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The enrolled device, with its person.
pub(crate) struct Successor {
    pub device: Enrolled,
    pub enrolled_at: Timestamp,
    /// The person has so many records that their name says nothing.
    pub is_of_many: bool,
}

/// The two records of a pair.
enum Old {
    Imported(Arc<Record>),
    Own(Box<Enrolled>),
}

impl Reenrollment {
    /// Returns the enrolled device; `None` if it did not enroll, or its person is unknown.
    pub(crate) async fn successor(&self, id: DeviceId) -> Result<Option<Successor>, ReenrollmentError> {
        let projections = &self.platform.projections;
        let Some(device) = devices::enrolled(projections, id).await? else { return Ok(None) };
        let (Some(enrolled_at), Some(person)) = (device.enrolled_at, device.person) else { return Ok(None) };
        let is_of_many = self.is_of_many(person).await?;
        Ok(Some(Successor { device, enrolled_at, is_of_many }))
    }

    /// Returns whether the person has so many records that their name says nothing.
    pub(crate) async fn is_of_many(&self, person: PersonId) -> Result<bool, ReenrollmentError> {
        let most = self.settings.current().await?.reenrollment.most_records_by_person;
        let projections = &self.platform.projections;
        let own = devices::count_active(projections, person, None).await?;
        let imported = records::owned_by(projections, person, most.saturating_add(1)).await?.len() as u64;
        Ok(own.max(imported) > u64::from(most))
    }

    /// Returns the facts about a pair; `None` if there is nothing to link: the record is gone, or the enrollment is not
    /// later than that of the record.
    pub(crate) async fn facts(&self, pair: Pair, new: &Successor) -> Result<Option<Facts>, ReenrollmentError> {
        let (record, _) = self.platform.load::<Record>(&pair.record.stream()).await?;
        let old = if record.details.is_some() {
            Old::Imported(Arc::clone(&record))
        } else {
            let own = devices::enrolled(&self.platform.projections, pair.record.device()).await?;
            let Some(own) = own.filter(|own| link::may_precede(own.added, new.device.added)) else { return Ok(None) };
            Old::Own(Box::new(own))
        };
        let asked = record.links.get(&pair.successor).and_then(|link| link.silence);
        let enrollment = self.platform.enrollment(pair.successor.enrollment()).await?;
        let facts = Facts {
            same_person: new.same_person(old.person()),
            is_of_many: new.is_of_many,
            model: link::Pair { old: old.models(), new: models(new.device.product_name.as_deref(), None) },
            os_version: link::Pair { old: old.os_version(), new: new.device.os_version() },
            old: self.management(&old, asked, new).await?,
            same_hardware: self.same_hardware(&old, pair.successor).await?,
            same_hardware_told: self.same_hardware_told(&old, pair.successor).await?,
            answer: enrollment.answers.get(&pair.record).copied(),
            invited: self.invited(pair, &enrollment, &record).await?,
            enrolled_at: new.enrolled_at,
        };
        Ok(Some(facts))
    }

    async fn management(
        &self,
        old: &Old,
        asked: Option<Silence>,
        new: &Successor,
    ) -> Result<OldManagement, ReenrollmentError> {
        match old {
            Old::Imported(record) => {
                let heard = self.heard_after(record, new.enrolled_at).map(|at| Silence::Heard { at });
                let is_gone = self.is_gone(record, new.enrolled_at).await?;
                Ok(OldManagement { silence: heard.or(asked), is_gone, ..OldManagement::default() })
            }
            Old::Own(own) => self.own_management(own, asked, new).await,
        }
    }

    /// Returns the contact of a record of another product that was surely after the enrollment. A contact in the future
    /// is an error of a clock.
    pub(crate) fn heard_after(&self, record: &Record, enrolled_at: Timestamp) -> Option<Timestamp> {
        let now = self.platform.world.now();
        let is_after = |at: &Timestamp| at.seconds_since(enrolled_at) > UNSURE_SECONDS && *at <= now;
        record.latest_contact.filter(is_after)
    }

    // An older export may lack the record because the other product did not have it yet.
    async fn is_gone(&self, record: &Record, enrolled_at: Timestamp) -> Result<bool, ReenrollmentError> {
        let Some(import) = record.missing_since else { return Ok(false) };
        let made = records::made_after(&self.platform.projections, import).await?;
        Ok(made.is_some_and(|made| made.seconds_since(enrolled_at) > UNSURE_SECONDS))
    }

    async fn own_management(
        &self,
        own: &Enrolled,
        asked: Option<Silence>,
        new: &Successor,
    ) -> Result<OldManagement, ReenrollmentError> {
        let contact = projections::links::contact(&self.platform.projections, own.device).await?;
        let heard = contact.and_then(|contact| contact.heard_at).filter(|at| *at > new.enrolled_at);
        let device = self.platform.device(own.device).await?;
        Ok(OldManagement {
            is_ours: true,
            checked_out: own.ended_at.filter(|_| own.state == State::CheckedOut),
            push_unregistered: device.push_dead_since.filter(|_| own.state != State::CheckedOut),
            has_ended: matches!(own.state, State::Unenrolled | State::Superseded),
            is_gone: false,
            silence: heard.map(|at| Silence::Heard { at }).or(asked),
        })
    }

    // A User Enrollment names no hardware, so nothing is known then.
    async fn same_hardware(&self, old: &Old, successor: DeviceId) -> Result<Option<bool>, ReenrollmentError> {
        match old {
            Old::Own(own) if own.is_proven_as(successor) => Ok(Some(true)),
            Old::Own(own) => {
                let Some(new) = self.proven(successor).await? else { return Ok(None) };
                let old = self.proven(own.device).await?;
                Ok(old.map(|old| old.udid == new.udid))
            }
            Old::Imported(record) => {
                let own = self.proven(successor).await?.and_then(|proven| proven.serial_number);
                let personal = record.details.as_ref().and_then(|details| details.personal.get());
                let theirs = personal.and_then(|personal| personal.serial_number.as_deref());
                Ok(own.zip(theirs).map(|(own, theirs)| theirs.eq_ignore_ascii_case(&own)))
            }
        }
    }

    async fn same_hardware_told(&self, old: &Old, successor: DeviceId) -> Result<Option<bool>, ReenrollmentError> {
        let Some(new) = self.told(successor).await? else { return Ok(None) };
        let old = match old {
            Old::Own(own) => self.told(own.device).await?.unwrap_or_default(),
            Old::Imported(record) => {
                let personal = record.details.as_ref().and_then(|details| details.personal.get());
                personal.map_or_else(Told::default, |personal| Told {
                    udid: personal.udid.clone(),
                    serial_number: personal.serial_number.clone(),
                })
            }
        };
        Ok(new.is_same(&old))
    }

    /// Returns what an enrollment told about its hardware; `None` for a User Enrollment.
    pub(crate) async fn told(&self, id: DeviceId) -> Result<Option<Told>, ReenrollmentError> {
        let device = self.platform.device(id).await?;
        let Some(DeviceIdentifiers::DeviceEnrollment { udid, serial_number, .. }) = &device.identifiers else {
            return Ok(None);
        };
        let serial_number = serial_number.as_ref().and_then(|serial| serial.get().cloned());
        Ok(Some(Told { udid: udid.get().cloned(), serial_number }))
    }

    /// Returns the hardware of an enrollment if Apple attested it, or the Profile Service verified it: the device
    /// signed what it is with its built-in identity. What a device only tells is no proof.
    async fn proven(&self, id: DeviceId) -> Result<Option<Proven>, ReenrollmentError> {
        let device = self.platform.device(id).await?;
        let Some(DeviceIdentifiers::DeviceEnrollment { udid, serial_number, .. }) = &device.identifiers else {
            return Ok(None);
        };
        let Some(udid) = udid.get() else { return Ok(None) };
        if device.claims.attested {
            return Ok(Some(Proven::of(udid, serial_number.as_ref())));
        }
        let enrollment = self.platform.enrollment(id.enrollment()).await?;
        let verified = enrollment.identity.as_ref().and_then(|identity| identity.verified.as_ref());
        let genuine = verified.filter(|told| told.signature == DeviceSignature::Genuine && told.has_udid(udid));
        Ok(genuine.map(|told| Proven::of(udid, told.attributes.serial_number.as_ref())))
    }
}

/// Identifiers of hardware, as the device or another product told them.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) udid: Option<String>,
    pub(crate) serial_number: Option<String>,
}

impl Told {
    // One that differs counts more than one that is equal: a replaced main board keeps neither.
    fn is_same(&self, other: &Told) -> Option<bool> {
        let same = |own: &Option<String>, theirs: &Option<String>| {
            Some(plain_identifier(own.as_ref()?) == plain_identifier(theirs.as_ref()?))
        };
        let told = [same(&self.udid, &other.udid), same(&self.serial_number, &other.serial_number)];
        told.into_iter().flatten().reduce(|one, another| one && another)
    }
}

/// Proven identifiers of hardware.
struct Proven {
    udid: String,
    serial_number: Option<String>,
}

impl Proven {
    fn of(udid: &str, serial_number: Option<&Personal<String>>) -> Proven {
        let serial_number = serial_number.and_then(|serial| serial.get().cloned());
        Proven { udid: udid.to_owned(), serial_number }
    }
}

impl Successor {
    fn same_person(&self, owner: Option<PersonId>) -> Option<bool> {
        Some(owner? == self.device.person?)
    }
}

impl Old {
    fn person(&self) -> Option<PersonId> {
        match self {
            Old::Own(own) => own.person,
            Old::Imported(record) => record.owner.and_then(RecordOwner::person),
        }
    }

    fn details(&self) -> Option<&RecordDetails> {
        match self {
            Old::Imported(record) => record.details.as_ref(),
            Old::Own(_) => None,
        }
    }

    fn models(&self) -> Option<BTreeSet<String>> {
        match self {
            Old::Own(own) => models(own.product_name.as_deref(), None),
            Old::Imported(_) => {
                let details = self.details()?;
                models(details.product_name.as_deref(), details.model_name.as_deref())
            }
        }
    }

    fn os_version(&self) -> Option<OsVersion> {
        match self {
            Old::Own(own) => own.os_version(),
            Old::Imported(_) => OsVersion::parse(self.details()?.os_version.as_deref()?),
        }
    }
}

// An unknown marketing name is no evidence.
fn models(identifier: Option<&str>, marketing_name: Option<&str>) -> Option<BTreeSet<String>> {
    let known = || Some(apple::models::identifiers(marketing_name?).iter().map(|known| (*known).to_owned()).collect());
    let models: BTreeSet<String> = identifier.map(|one| BTreeSet::from([one.to_owned()])).or_else(known)?;
    (!models.is_empty()).then_some(models)
}

trait ProvenAs {
    fn is_proven_as(&self, other: DeviceId) -> bool;
}

impl ProvenAs for Enrolled {
    // The record ended because the hardware of the other one was verified.
    fn is_proven_as(&self, other: DeviceId) -> bool {
        let proven = [Some(SupersessionEvidence::ProfileService), Some(SupersessionEvidence::Attestation)];
        self.superseded_by == Some(other) && proven.contains(&self.superseded_evidence)
    }
}
