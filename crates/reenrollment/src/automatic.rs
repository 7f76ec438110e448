//! Confirms links that need no administrator, if the settings say so ([`decisions::link::is_beyond_doubt`]).

use crate::propose::MOST_LOOKED_AT;
use crate::{Cause, DecideError, Pair, Reenrollment, ReenrollmentError, effect};
use decisions::link;
use decisions::record::{Command, LinkDecision, Record};
use events::EventId;
use events::device::DeviceId;
use projections::links::{self, LinkRow, LinkState};

impl Reenrollment {
    /// Confirms the link if nothing is left to doubt. Each look at a pair ends here, so the order of the events that
    /// prove it does not matter.
    pub(crate) async fn confirm_if_beyond_doubt(&self, cause: EventId, pair: Pair) -> Result<(), ReenrollmentError> {
        if !self.settings.current().await?.reenrollment.confirm_automatically || !self.is_proposed(pair).await? {
            return Ok(());
        }
        let mut turn = self.turn(pair.successor).lock().await;
        self.known_proposals(&mut turn).await?;
        let Some((facts, weight)) = self.weigh_again(pair).await? else { return Ok(()) };
        if !link::is_beyond_doubt(&facts, &weight) || self.has_rival(pair).await? {
            return Ok(());
        }
        let confirm = Command::ConfirmLinkWithoutStaff { successor: pair.successor };
        match self.confirm_by(pair, &confirm, Some(weight), &effect(cause, pair, "confirm-link")).await {
            // Somebody decided, or another record of the source has the place.
            Ok(()) | Err(DecideError::Refused(_) | DecideError::Taken(_)) => Ok(()),
            Err(DecideError::Failed(error)) => Err(error),
        }
    }

    // Most pairs prove no device. Those are not weighed a second time.
    async fn is_proposed(&self, pair: Pair) -> Result<bool, ReenrollmentError> {
        let (record, _) = self.platform.load::<Record>(&pair.record.stream()).await?;
        let link = record.links.get(&pair.successor);
        Ok(link.is_some_and(|link| link.decision == LinkDecision::Open && link.proof.is_same_device))
    }

    // Whether another record of the same source is proven to be the device, too. The aggregate compares the other
    // enrollments that are proposed for the record.
    async fn has_rival(&self, pair: Pair) -> Result<bool, ReenrollmentError> {
        let source = self.source(pair).await?;
        for rival in self.proven_of_successor(pair.successor).await? {
            if rival.record != pair.record && self.source(rival).await? == source {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn proven_of_successor(&self, successor: DeviceId) -> Result<Vec<Pair>, ReenrollmentError> {
        let links = links::of_successor(&self.platform.projections, successor, None, MOST_LOOKED_AT).await?;
        Ok(proven(links))
    }

    /// A proposal changed, or a decision about it: it may no longer compete with other proposals.
    ///
    /// # Errors
    /// Returns an error if the log or the projections cannot be read or written. It can be tried again.
    pub async fn rival_changed(&self, cause: Cause, pair: Pair) -> Result<(), ReenrollmentError> {
        if !self.settings.current().await?.reenrollment.confirm_automatically {
            return Ok(());
        }
        let projections = &self.platform.projections;
        projections.wait_patiently_for(cause.position).await?;
        let of_record = links::of_record(projections, pair.record, None, MOST_LOOKED_AT).await?;
        let others = self.proven_of_successor(pair.successor).await?.into_iter().chain(proven(of_record));
        for other in others.filter(|other| *other != pair) {
            self.confirm_if_beyond_doubt(cause.event, other).await?;
        }
        Ok(())
    }
}

fn proven(links: Vec<LinkRow>) -> Vec<Pair> {
    let is_proven = |link: &LinkRow| link.state == LinkState::Proposed && link.proof.is_same_device;
    links.iter().filter(|link| is_proven(link)).map(Pair::of_link).collect()
}
