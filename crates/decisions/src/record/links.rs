//! The later enrollments that may be the device of a record, and what was decided about them.

use super::{Record, Refusal};
use crate::link::Weight;
use events::device::DeviceId;
use events::record::{LinkBand, LinkProof, RecordEvent, Silence};
use serde::{Deserialize, Serialize};

/// Number of successors that one record remembers. Later ones are not proposed: a record with so many is of no use as
/// evidence.
const MOST_LINKS: usize = 32;

/// One later enrollment that may be the device of the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub score: i32,
    pub band: LinkBand,
    pub proof: LinkProof,
    pub silence: Option<Silence>,
    pub decision: LinkDecision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkDecision {
    Open,
    Confirmed,
    Rejected,
}

impl Record {
    /// Returns the confirmed successor.
    pub fn successor(&self) -> Option<DeviceId> {
        self.links.iter().find(|(_, link)| link.decision == LinkDecision::Confirmed).map(|(successor, _)| *successor)
    }

    /// Returns whether a link of the record is proposed or confirmed.
    pub(super) fn is_linked(&self) -> bool {
        let is_proposed = |link: &Link| link.decision == LinkDecision::Open && link.band != LinkBand::None;
        self.links.values().any(|link| link.decision == LinkDecision::Confirmed || is_proposed(link))
    }

    // A proposal is repeated only if its band or what it proves changes: each fact alone is worth no event.
    pub(super) fn propose(&self, successor: DeviceId, weight: &Weight) -> Vec<RecordEvent> {
        if self.is_shredded {
            return vec![];
        }
        let known = self.links.get(&successor);
        let (band, proof) = known.map_or((LinkBand::None, LinkProof::default()), |link| (link.band, link.proof));
        let is_other_proof = weight.proof != proof;
        let is_news = match known.map(|link| link.decision) {
            Some(LinkDecision::Rejected) => false,
            // The decision stays. What it proves may become wrong, and who retires the record has to know.
            Some(LinkDecision::Confirmed) => is_other_proof,
            // The successor is known, so others are only withdrawn.
            Some(LinkDecision::Open) | None if self.successor().is_some() => {
                band != LinkBand::None && weight.band == LinkBand::None
            }
            Some(LinkDecision::Open) => weight.band != band || (band != LinkBand::None && is_other_proof),
            None => weight.band != LinkBand::None && self.links.len() < MOST_LINKS,
        };
        let Weight { evidence, score, band, proof } = weight.clone();
        if is_news { vec![RecordEvent::LinkProposed { successor, evidence, score, band, proof }] } else { vec![] }
    }

    pub(super) fn note_silence(&self, successor: DeviceId, silence: Silence) -> Vec<RecordEvent> {
        // The same answer again is an event too: without one, the question would be asked at every tick of the timer.
        match self.links.get(&successor) {
            Some(link) if link.decision == LinkDecision::Open => vec![RecordEvent::SilenceAsked { successor, silence }],
            Some(_) | None => vec![],
        }
    }

    pub(super) fn confirm(&self, successor: DeviceId) -> Result<Vec<RecordEvent>, Refusal> {
        let link = self.proposed(successor)?;
        if self.successor().is_some_and(|other| other != successor) {
            return Err(Refusal::OtherSuccessor);
        }
        match link.decision {
            LinkDecision::Open => Ok(vec![RecordEvent::LinkConfirmed { successor, proof: link.proof }]),
            LinkDecision::Confirmed => Ok(vec![]),
            LinkDecision::Rejected => Err(Refusal::Rejected),
        }
    }

    /// Confirms a link without an administrator, unless one took a decision about it back or another enrollment is
    /// proven to be the device, too.
    pub(super) fn confirm_without_staff(&self, successor: DeviceId) -> Result<Vec<RecordEvent>, Refusal> {
        self.proposed(successor)?;
        if self.for_people.contains(&successor) {
            return Err(Refusal::ForPeople);
        }
        let is_open = |rival: &Link| rival.decision == LinkDecision::Open && rival.band != LinkBand::None;
        let is_rival = |rival: &Link| is_open(rival) && rival.proof.is_same_device;
        if self.links.iter().any(|(other, rival)| *other != successor && is_rival(rival)) {
            return Err(Refusal::Contested);
        }
        self.confirm(successor)
    }

    pub(super) fn reject(&self, successor: DeviceId) -> Result<Vec<RecordEvent>, Refusal> {
        match self.proposed(successor)?.decision {
            LinkDecision::Open => Ok(vec![RecordEvent::LinkRejected { successor }]),
            LinkDecision::Confirmed => Err(Refusal::Confirmed),
            LinkDecision::Rejected => Ok(vec![]),
        }
    }

    pub(super) fn undo_link(&self, successor: DeviceId) -> Result<Vec<RecordEvent>, Refusal> {
        let link = self.links.get(&successor).ok_or(Refusal::NoLink)?;
        Ok(if link.decision == LinkDecision::Open { vec![] } else { vec![RecordEvent::LinkUndone { successor }] })
    }

    // A withdrawn proposal can no longer be decided on.
    fn proposed(&self, successor: DeviceId) -> Result<&Link, Refusal> {
        let is_proposed = |link: &&Link| link.band != LinkBand::None || link.decision != LinkDecision::Open;
        self.links.get(&successor).filter(is_proposed).ok_or(Refusal::NoLink)
    }

    pub(super) fn link(&mut self, successor: DeviceId, (score, band, proof): (i32, LinkBand, LinkProof)) {
        let known = self.links.get(&successor);
        let silence = known.and_then(|link| link.silence);
        let decision = known.map_or(LinkDecision::Open, |link| link.decision);
        let link = Link { score, band, proof, silence, decision };
        self.links.insert(successor, link);
    }

    pub(super) fn decided(&mut self, successor: DeviceId, decision: LinkDecision) {
        if let Some(link) = self.links.get_mut(&successor) {
            link.decision = decision;
        }
    }

    pub(super) fn silent(&mut self, successor: DeviceId, silence: Silence) {
        if let Some(link) = self.links.get_mut(&successor) {
            link.silence = Some(silence);
        }
    }

    // Proposals are about what an import told. Decisions stay, since somebody made them; but nothing speaks for them
    // any more, and if one is undone, nothing is proposed.
    pub(super) fn forget_proposals(&mut self) {
        self.links.retain(|_, link| link.decision != LinkDecision::Open);
        for link in self.links.values_mut() {
            (link.score, link.band, link.proof) = (0, LinkBand::None, LinkProof::default());
        }
    }
}
