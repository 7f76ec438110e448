//! Weighs pairs and proposes links.

use crate::facts::Successor;
use crate::{MOST_PROPOSALS, Pair, Reenrollment, ReenrollmentError, effect};
use decisions::link::{self, Weight};
use decisions::record::{Command, Record};
use events::device::DeviceId;
use events::record::{LinkBand, RecordId, RecordOwner};
use events::{EventId, Position};
use platform::PerformError;
use projections::links::{self, LinkRow, LinkState};
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
    /// A device enrolled, something new is known about its hardware, or one of its proposals was rejected: proposes its
    /// earlier records.
    ///
    /// # Errors
    /// Returns an error if the log or the projections cannot be read or written. It can be tried again.
    pub async fn device_enrolled(&self, cause: Cause, device: DeviceId) -> Result<(), ReenrollmentError> {
        self.platform.projections.wait_patiently_for(cause.position).await?;
        let pairs = self.of_successor(device).await?;
        self.propose(cause.event, device, pairs).await
    }

    /// Something is known about the end or the contact of an enrollment of this installation.
    ///
    /// # Errors
    /// Same as [`Reenrollment::device_enrolled`].
    pub async fn own_record_changed(&self, cause: Cause, device: DeviceId) -> Result<(), ReenrollmentError> {
        self.platform.projections.wait_patiently_for(cause.position).await?;
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
        // Most records of an import: nobody is linked to them, and nobody can be.
        if owner.is_none() && state.links.is_empty() {
            return Ok(());
        }
        self.platform.projections.wait_patiently_for(cause.position).await?;
        let pairs = self.of_imported(record, owner).await?;
        self.propose_each(cause.event, pairs).await
    }

    /// A link was confirmed: other enrollments are no longer proposed for the record.
    ///
    /// # Errors
    /// Same as [`Reenrollment::device_enrolled`].
    pub async fn link_confirmed(&self, cause: Cause, record: RecordId) -> Result<(), ReenrollmentError> {
        self.platform.projections.wait_patiently_for(cause.position).await?;
        let links = links::of_record(&self.platform.projections, record, None, MOST_LOOKED_AT).await?;
        for LinkRow { record, successor, evidence, score, proof, .. } in
            links.into_iter().filter(|link| link.state == LinkState::Proposed)
        {
            let withdrawn = Weight { evidence, score, band: LinkBand::None, proof };
            self.say(cause.event, Pair { record, successor }, withdrawn).await?;
        }
        Ok(())
    }

    /// A decision was undone: the enrollments that it withdrew may be proposed for the record again.
    ///
    /// # Errors
    /// Same as [`Reenrollment::device_enrolled`].
    pub async fn link_undone(&self, cause: Cause, record: RecordId) -> Result<(), ReenrollmentError> {
        self.platform.projections.wait_patiently_for(cause.position).await?;
        let links = links::of_record(&self.platform.projections, record, None, MOST_LOOKED_AT).await?;
        let open = links.into_iter().filter(|link| matches!(link.state, LinkState::Proposed | LinkState::Withdrawn));
        let pairs = open.map(|link| Pair { record, successor: link.successor }).collect();
        self.propose_each(cause.event, pairs).await
    }

    /// The question about silence was answered.
    ///
    /// # Errors
    /// Same as [`Reenrollment::device_enrolled`].
    pub async fn pair_changed(&self, cause: Cause, pair: Pair) -> Result<(), ReenrollmentError> {
        self.platform.projections.wait_patiently_for(cause.position).await?;
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
        if pairs.is_empty() {
            return Ok(());
        }
        let _turn = self.turn(successor).lock().await;
        let Some(new) = self.successor(successor).await? else { return Ok(()) };
        let rules = self.settings.current().await?.reenrollment;
        // A record that cannot be read holds up no other. The effect is retried for it.
        let (mut weighed, mut done) = (Vec::new(), Ok(()));
        for pair in pairs {
            match self.facts(pair, &new).await {
                Ok(facts) => weighed.extend(facts.map(|facts| (pair, link::weigh(&facts, &rules)))),
                Err(error) => done = Err(error),
            }
        }
        weighed.sort_by_key(|(_, weight)| Reverse(weight.score));
        let mut proposed = self.proposed(&new).await?;
        for (pair, weight) in weighed {
            let is_known = proposed.iter().any(|link| link.record == pair.record);
            let takes_place = weight.band != LinkBand::None && !is_known;
            if takes_place && proposed.len() >= MOST_PROPOSALS && !self.make_room(cause, &mut proposed, &weight).await?
            {
                continue;
            }
            self.say(cause, pair, weight).await?;
            if takes_place {
                proposed = self.proposed(&new).await?;
            }
        }
        done
    }

    // Withdraws the weakest proposal if this one is stronger. Returns whether there is a place.
    async fn make_room(
        &self,
        cause: EventId,
        proposed: &mut Vec<LinkRow>,
        weight: &Weight,
    ) -> Result<bool, ReenrollmentError> {
        let weakest = proposed.iter().enumerate().min_by_key(|(_, link)| link.score).map(|(nth, _)| nth);
        let Some(nth) = weakest.filter(|nth| proposed[*nth].score < weight.score) else { return Ok(false) };
        let LinkRow { record, successor, evidence, score, proof, .. } = proposed.remove(nth);
        let withdrawn = Weight { evidence, score, band: LinkBand::None, proof };
        self.say(cause, Pair { record, successor }, withdrawn).await?;
        Ok(true)
    }

    // Returns the records that are proposed for the enrollment at present.
    async fn proposed(&self, new: &Successor) -> Result<Vec<LinkRow>, ReenrollmentError> {
        let links = links::of_successor(&self.platform.projections, new.device.device, None, MOST_LOOKED_AT).await?;
        Ok(links.into_iter().filter(|link| link.state == LinkState::Proposed).collect())
    }

    /// Weighs a pair anew, for a decision; `None` if there is nothing to link any more.
    pub(crate) async fn weigh_again(&self, pair: Pair) -> Result<Option<Weight>, ReenrollmentError> {
        let Some(new) = self.successor(pair.successor).await? else { return Ok(None) };
        let rules = self.settings.current().await?.reenrollment;
        Ok(self.facts(pair, &new).await?.map(|facts| link::weigh(&facts, &rules)))
    }

    async fn say(&self, cause: EventId, pair: Pair, weight: Weight) -> Result<(), ReenrollmentError> {
        let propose = Command::ProposeLink { successor: pair.successor, weight };
        let context = effect(cause, pair, "propose-link");
        match self.platform.perform::<Record>(&pair.record.stream(), &propose, &context).await {
            // The next pair of the same enrollment counts this one.
            Ok(performed) => match performed.appended {
                Some(appended) => Ok(self.platform.projections.wait_patiently_for(appended.position).await?),
                None => Ok(()),
            },
            Err(PerformError::Refused(_)) => Ok(()),
            Err(error) => Err(ReenrollmentError::Perform(error.to_string())),
        }
    }
}
