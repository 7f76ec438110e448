//! Weighs pairs and proposes links.

use crate::facts::Successor;
use crate::{MOST_PROPOSALS, MOST_SUCCESSORS, Pair, Reenrollment, ReenrollmentError, effect};
use decisions::link::{self, Facts, Weight};
use decisions::record::{Command, Record};
use events::device::DeviceId;
use events::person::PersonId;
use events::record::{LinkBand, RecordId, RecordOwner};
use events::{EventId, Position};
use platform::PerformError;
use projections::devices;
use projections::links::{self, LinkRow, LinkState};
use std::cmp::Reverse;

/// Number of links that lead to one enrollment that are looked at for free places.
pub(crate) const MOST_LOOKED_AT: usize = 64;

/// What made a new look at links necessary. The look waits until the projections have it.
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
        if pairs.is_empty() {
            return Ok(());
        }
        self.propose(cause.event, device, pairs).await?;
        match devices::enrolled(&self.platform.projections, device).await?.and_then(|device| device.person) {
            Some(person) => self.person_has_more(cause.event, person).await,
            None => Ok(()),
        }
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
        self.propose_each(cause.event, pairs).await?;
        match owner {
            Some(person) => self.person_has_more(cause.event, person).await,
            None => Ok(()),
        }
    }

    // With one record more, a person may have so many that their name says nothing: what was proposed by it is weighed
    // anew. What is withdrawn is not looked at again.
    async fn person_has_more(&self, cause: EventId, person: PersonId) -> Result<(), ReenrollmentError> {
        if !self.is_of_many(person).await? {
            return Ok(());
        }
        let projections = &self.platform.projections;
        for device in devices::enrolled_by(projections, person, MOST_SUCCESSORS).await? {
            let pairs = self.proposed_pairs(device.device).await?;
            self.propose(cause, device.device, pairs).await?;
        }
        Ok(())
    }

    /// A link was confirmed: other enrollments are no longer proposed for the record.
    ///
    /// # Errors
    /// Same as [`Reenrollment::device_enrolled`].
    pub async fn link_confirmed(&self, cause: Cause, record: RecordId) -> Result<(), ReenrollmentError> {
        self.platform.projections.wait_patiently_for(cause.position).await?;
        let links = links::of_record(&self.platform.projections, record, None, MOST_LOOKED_AT).await?;
        for link in links.into_iter().filter(|link| link.state == LinkState::Proposed) {
            let Place { pair, withdrawn } = Place::of_link(link);
            self.say(cause.event, pair, withdrawn).await?;
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

    // Proposes links of one successor, and confirms those that need no administrator.
    async fn propose(&self, cause: EventId, successor: DeviceId, pairs: Vec<Pair>) -> Result<(), ReenrollmentError> {
        if pairs.is_empty() {
            return Ok(());
        }
        let mut done = self.propose_best(cause, successor, pairs.clone()).await;
        for pair in pairs {
            done = done.and(self.confirm_if_beyond_doubt(cause, pair).await);
        }
        done
    }

    // Weighs the pairs of one successor, and proposes the best ones while it has free places.
    async fn propose_best(
        &self,
        cause: EventId,
        successor: DeviceId,
        pairs: Vec<Pair>,
    ) -> Result<(), ReenrollmentError> {
        let mut turn = self.turn(successor).lock().await;
        self.known_proposals(&mut turn).await?;
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
            let is_known = proposed.iter().any(|place| place.pair.record == pair.record);
            let takes_place = weight.band != LinkBand::None && !is_known;
            if takes_place && proposed.len() >= MOST_PROPOSALS {
                let Some(nth) = weakest(&proposed, weight.score) else { continue };
                let withdrawn = proposed.remove(nth);
                *turn = self.say(cause, withdrawn.pair, withdrawn.withdrawn).await?.max(*turn);
            }
            let (place, is_withdrawn) = (Place::of(pair, &weight), weight.band == LinkBand::None);
            let said = self.say(cause, pair, weight).await?;
            *turn = said.max(*turn);
            if is_withdrawn {
                proposed.retain(|place| place.pair.record != pair.record);
            } else if takes_place && said.is_some() {
                proposed.push(place);
            }
        }
        done
    }

    /// Waits until the projection has all proposals of the enrollment whose turn this is. After a start, nobody knows
    /// the newest.
    pub(crate) async fn known_proposals(&self, turn: &mut Option<Position>) -> Result<(), ReenrollmentError> {
        if turn.is_none() {
            *turn = self.platform.log.store().head().await?;
        }
        match *turn {
            Some(newest) => Ok(self.platform.projections.wait_patiently_for(newest).await?),
            None => Ok(()),
        }
    }

    // Returns the records that are proposed for the enrollment at present.
    async fn proposed(&self, new: &Successor) -> Result<Vec<Place>, ReenrollmentError> {
        let links = links::of_successor(&self.platform.projections, new.device.device, None, MOST_LOOKED_AT).await?;
        Ok(links.into_iter().filter(|link| link.state == LinkState::Proposed).map(Place::of_link).collect())
    }

    /// Weighs a pair anew, for a decision; `None` if there is nothing to link any more.
    pub(crate) async fn weigh_again(&self, pair: Pair) -> Result<Option<(Facts, Weight)>, ReenrollmentError> {
        let Some(new) = self.successor(pair.successor).await? else { return Ok(None) };
        let rules = self.settings.current().await?.reenrollment;
        let facts = self.facts(pair, &new).await?;
        Ok(facts.map(|facts| {
            let weight = link::weigh(&facts, &rules);
            (facts, weight)
        }))
    }

    // Returns the position of the proposal; `None` if it says nothing new.
    async fn say(&self, cause: EventId, pair: Pair, weight: Weight) -> Result<Option<Position>, ReenrollmentError> {
        let propose = Command::ProposeLink { successor: pair.successor, weight };
        let context = effect(cause, pair, "propose-link");
        match self.platform.perform::<Record>(&pair.record.stream(), &propose, &context).await {
            Ok(performed) => Ok(performed.appended.map(|appended| appended.position)),
            Err(PerformError::Refused(_)) => Ok(None),
            Err(error) => Err(ReenrollmentError::Perform(error.to_string())),
        }
    }
}

/// A proposal of an enrollment.
struct Place {
    pair: Pair,
    /// What withdraws it.
    withdrawn: Weight,
}

impl Place {
    fn of(pair: Pair, weight: &Weight) -> Place {
        Place { pair, withdrawn: Weight { band: LinkBand::None, ..weight.clone() } }
    }

    fn of_link(link: LinkRow) -> Place {
        let LinkRow { record, successor, evidence, score, proof, .. } = link;
        Place { pair: Pair { record, successor }, withdrawn: Weight { evidence, score, band: LinkBand::None, proof } }
    }
}

// Returns the weakest proposal if it is weaker than this score.
fn weakest(proposed: &[Place], score: i32) -> Option<usize> {
    let (nth, place) = proposed.iter().enumerate().min_by_key(|(_, place)| place.withdrawn.score)?;
    (place.withdrawn.score < score).then_some(nth)
}
