//! Chooses the pairs that are looked at when something new is known. Each choice is bounded.

use crate::facts::Told;
use crate::{MOST_CANDIDATES, MOST_SUCCESSORS, Pair, Reenrollment, ReenrollmentError};
use events::device::DeviceId;
use events::person::PersonId;
use events::record::RecordId;
use projections::links::LinkState;
use projections::{devices, links, records};

/// Number of records of a person with the hardware that a device told: the newest of each kind.
const MOST_OF_HARDWARE: usize = 3;

/// Number of links of one record that a late fact is weighed against.
const MOST_LINKS: usize = 32;

impl Reenrollment {
    /// Returns the pairs of a device that enrolled: its person's earlier enrollments and records of other products, the
    /// record that the person was invited for, and what is proposed already.
    pub(crate) async fn of_successor(&self, successor: DeviceId) -> Result<Vec<Pair>, ReenrollmentError> {
        let projections = &self.platform.projections;
        let known = self.proposed_pairs(successor).await?;
        let own = devices::earlier_of_person(projections, successor, MOST_CANDIDATES).await?;
        let person = devices::enrolled(projections, successor).await?.and_then(|device| device.person);
        let imported = match person {
            Some(person) => records::owned_by(projections, person, MOST_CANDIDATES as u32).await?,
            None => Vec::new(),
        };
        let told = self.of_told_hardware(successor, person).await?;
        let known = known.into_iter().map(|pair| pair.record);
        let own = own.into_iter().map(|device| RecordId::of_device(device.device));
        let invited = self.invited_record(successor).await?;
        let imported = imported.into_iter().map(|record| record.record);
        Ok(distinct(
            known.chain(invited).chain(told).chain(own).chain(imported).map(|record| Pair { record, successor }),
        ))
    }

    // Of a cart with many devices, the newest records are seldom the one.
    async fn of_told_hardware(
        &self,
        successor: DeviceId,
        person: Option<PersonId>,
    ) -> Result<Vec<RecordId>, ReenrollmentError> {
        let (Some(told), Some(person)) = (self.told(successor).await?, person) else { return Ok(Vec::new()) };
        let projections = &self.platform.projections;
        let own = devices::earlier_of_hardware(projections, successor, MOST_OF_HARDWARE).await?;
        let Told { udid, serial_number } = told;
        let imported =
            records::owned_of_hardware(projections, person, (udid, serial_number), MOST_OF_HARDWARE as u32).await?;
        let own = own.into_iter().map(|device| RecordId::of_device(device.device));
        Ok(own.chain(imported).collect())
    }

    /// Returns the pairs that are proposed for a device.
    pub(crate) async fn proposed_pairs(&self, successor: DeviceId) -> Result<Vec<Pair>, ReenrollmentError> {
        let links = links::of_successor(&self.platform.projections, successor, None, MOST_LINKS).await?;
        let proposed = links.into_iter().filter(|link| link.state == LinkState::Proposed);
        Ok(proposed.map(|link| Pair { record: link.record, successor }).collect())
    }

    /// Returns the pairs of an enrollment of this installation about whose end or contact something is known.
    pub(crate) async fn of_own_record(&self, device: DeviceId) -> Result<Vec<Pair>, ReenrollmentError> {
        let projections = &self.platform.projections;
        let later = devices::later_of_person(projections, device, MOST_SUCCESSORS).await?;
        // Its hardware may be another person's by now.
        let proven = devices::enrolled(projections, device).await?.and_then(|own| own.superseded_by);
        let later = proven.into_iter().chain(later.into_iter().map(|later| later.device));
        self.of_record(RecordId::of_device(device), later).await
    }

    /// Returns the pairs of a record of another product, whose owner may be `person`.
    pub(crate) async fn of_imported(
        &self,
        record: RecordId,
        person: Option<PersonId>,
    ) -> Result<Vec<Pair>, ReenrollmentError> {
        let enrolled = match person {
            Some(person) => devices::enrolled_by(&self.platform.projections, person, MOST_SUCCESSORS).await?,
            None => Vec::new(),
        };
        self.of_record(record, enrolled.into_iter().map(|device| device.device)).await
    }

    async fn of_record(
        &self,
        record: RecordId,
        successors: impl Iterator<Item = DeviceId>,
    ) -> Result<Vec<Pair>, ReenrollmentError> {
        let known = links::of_record(&self.platform.projections, record, None, MOST_LINKS).await?;
        let known = known.into_iter().filter(|link| link.state == LinkState::Proposed).map(|link| link.successor);
        Ok(distinct(known.chain(successors).map(|successor| Pair { record, successor })))
    }
}

fn distinct(pairs: impl Iterator<Item = Pair>) -> Vec<Pair> {
    let mut all = Vec::new();
    for pair in pairs {
        if !all.contains(&pair) {
            all.push(pair);
        }
    }
    all
}
