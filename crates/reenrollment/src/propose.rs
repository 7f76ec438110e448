//! Weighs pairs and proposes links.

use crate::facts::Successor;
use crate::{MOST_PROPOSALS, Pair, Reenrollment, ReenrollmentError, effect};
use decisions::link::{self, Weight};
use decisions::record::{Command, Record};
use events::device::DeviceId;
use events::record::{LinkBand, RecordId, RecordOwner};
use events::{EventId, Position};
use platform::PerformError;
use projections::links::{self, LinkState};
use std::cmp::Reverse;

/// Number of links that lead to one enrollment that are looked at for free places.
const MOST_LOOKED_AT: usize = 64;

/// What made a new look at links necessary. The projections are up to date with it.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    pub event: EventId,
    pub position: Position,
}

impl Reenrollment {
    /// A device enrolled, or something new is known about its hardware: proposes its earlier records.
    ///
    /// # Errors
    /// Returns an error if the log or the projections cannot be read or written. It can be tried again.
    pub async fn device_enrolled(&self, cause: Cause, device: DeviceId) -> Result<(), ReenrollmentError> {
        self.platform.projections.wait_for(cause.position).await?;
        let pairs = self.of_successor(device).await?;
        self.propose(cause.event, device, pairs).await
    }

    /// Something is known about the end or the contact of an enrollment of this installation.
    ///
    /// # Errors
    /// Same as [`Reenrollment::device_enrolled`].
    pub async fn own_record_changed(&self, cause: Cause, device: DeviceId) -> Result<(), ReenrollmentError> {
        self.platform.projections.wait_for(cause.position).await?;
        let pairs = self.of_own_record(device).await?;
        self.propose_each(cause.event, pairs).await
    }

    /// A record of another product changed, or its owner became known.
    ///
    /// # Errors
    /// Same as [`Reenrollment::device_enrolled`].
    pub async fn imported_record_changed(&self, cause: Cause, record: RecordId) -> Result<(), ReenrollmentError> {
        let (state, _) = self.platform.load::<Record>(&record.stream()).await?;
        let owner = state.owner.and_then(RecordOwner::person);
        self.platform.projections.wait_for(cause.position).await?;
        let pairs = self.of_imported(record, owner).await?;
        self.propose_each(cause.event, pairs).await
    }

    /// The question about silence was answered.
    ///
    /// # Errors
    /// Same as [`Reenrollment::device_enrolled`].
    pub async fn silence_asked(&self, cause: Cause, pair: Pair) -> Result<(), ReenrollmentError> {
        self.platform.projections.wait_for(cause.position).await?;
        self.propose(cause.event, pair.successor, vec![pair]).await
    }

    async fn propose_each(&self, cause: EventId, pairs: Vec<Pair>) -> Result<(), ReenrollmentError> {
        for pair in pairs {
            self.propose(cause, pair.successor, vec![pair]).await?;
        }
        Ok(())
    }

    // Weighs the pairs of one successor, and proposes the best ones while it has free places.
    async fn propose(&self, cause: EventId, successor: DeviceId, pairs: Vec<Pair>) -> Result<(), ReenrollmentError> {
        let _turn = self.turn(successor).lock().await;
        let Some(new) = self.successor(successor).await? else { return Ok(()) };
        let rules = self.settings.current().await?.reenrollment;
        let mut weighed = Vec::new();
        for pair in pairs {
            if let Some(facts) = self.facts(pair, &new).await? {
                weighed.push((pair, link::weigh(&facts, &rules)));
            }
        }
        weighed.sort_by_key(|(_, weight)| Reverse(weight.score));
        let mut proposed = self.proposed(&new).await?;
        for (pair, weight) in weighed {
            // A place that another record gives up is free for the next event about the record that would take it.
            let is_known = proposed.contains(&pair.record);
            if weight.band == LinkBand::None || is_known || proposed.len() < MOST_PROPOSALS {
                let is_proposed = weight.band != LinkBand::None;
                self.say(cause, pair, weight).await?;
                if is_proposed && !is_known {
                    proposed.push(pair.record);
                }
            }
        }
        Ok(())
    }

    // Returns the records that are proposed for the enrollment at present.
    async fn proposed(&self, new: &Successor) -> Result<Vec<RecordId>, ReenrollmentError> {
        let links = links::of_successor(&self.platform.projections, new.device.device, None, MOST_LOOKED_AT).await?;
        Ok(links.into_iter().filter(|link| link.state == LinkState::Proposed).map(|link| link.record).collect())
    }

    async fn say(&self, cause: EventId, pair: Pair, weight: Weight) -> Result<(), ReenrollmentError> {
        let propose = Command::ProposeLink { successor: pair.successor, weight };
        let context = effect(cause, pair, "propose-link");
        match self.platform.perform::<Record>(&pair.record.stream(), &propose, &context).await {
            // The next pair of the same enrollment counts this one.
            Ok(performed) => match performed.appended {
                Some(appended) => Ok(self.platform.projections.wait_for(appended.position).await?),
                None => Ok(()),
            },
            Err(PerformError::Refused(_)) => Ok(()),
            Err(error) => Err(ReenrollmentError::Perform(error.to_string())),
        }
    }
}
