//! How probable it is that a later enrollment is the device of an earlier record: each fact has points that a person
//! can add up, and the sum decides the band.

#[cfg(test)]
mod tests;

use events::enrollment::OsVersion;
use events::record::{LinkBand, LinkEvidence, LinkProof, PreviousAnswer, Silence, Weighed};
use events::settings::Reenrollment;
use events::{Position, Timestamp};
use std::collections::BTreeSet;

/// Seconds by which a CheckOut may be delayed, if the device had no network when its management was removed.
const GOODBYE_DELAY: i64 = 48 * 3_600;

/// What is known about a record and a later enrollment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether the only owner of the record is the person of the enrollment; `None`: no owner is known.
    pub same_person: Option<bool>,
    /// The person has more devices than the settings say.
    pub is_of_many: bool,
    /// Model identifiers that each device may have: a marketing name can stand for several.
    pub model: Pair<BTreeSet<String>>,
    pub os_version: Pair<OsVersion>,
    pub old: OldManagement,
    /// Whether attestation says that both are the same hardware; `None`: it says nothing.
    pub same_hardware: Option<bool>,
    /// Whether both told the same serial number or UDID, without proof; `None`: one of them told none.
    pub same_hardware_told: Option<bool>,
    /// What the person of the enrollment said about the record.
    pub answer: Option<PreviousAnswer>,
    /// What the invitation that the enrollment used says about the record.
    pub invited: Option<Invited>,
    /// When the later enrollment authenticated.
    pub enrolled_at: Timestamp,
}

/// What the invitation that an enrollment used says about an earlier record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invited {
    /// The old management of this record delivered it to the device, and its link was opened there.
    Device,
    /// The same, but a code of its page was typed, a few minutes after the page showed it.
    DeviceByCode,
    /// It is for this record, and any device of the person could show it.
    Person,
    /// The old management of another record of the same source delivered it to the device.
    OtherDevice,
}

/// A value of both devices; `None`: unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair<T> {
    pub old: Option<T>,
    pub new: Option<T>,
}

impl<T> Default for Pair<T> {
    fn default() -> Pair<T> {
        Pair { old: None, new: None }
    }
}

/// What is known about the old management.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OldManagement {
    /// Muster manages the record, or did.
    pub is_ours: bool,
    pub checked_out: Option<Timestamp>,
    pub push_unregistered: Option<Timestamp>,
    /// An administrator ended it, or another record took its place.
    pub has_ended: bool,
    /// A complete export of the source that was made after the enrollment does not have the record any more.
    pub is_gone: bool,
    /// `None`: nobody asked yet.
    pub silence: Option<Silence>,
}

/// The content of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weight {
    pub evidence: Vec<Weighed>,
    pub score: i32,
    pub band: LinkBand,
    pub proof: LinkProof,
}

/// Returns whether an enrollment of this installation can have a later one as its successor. Each was opened at a
/// position of the log. Only what was opened earlier precedes, so no circle of successors can exist.
pub fn may_precede(opened: Position, successor_opened: Position) -> bool {
    opened < successor_opened
}

/// Weighs the facts.
pub fn weigh(facts: &Facts, rules: &Reenrollment) -> Weight {
    let evidence: Vec<Weighed> =
        evidence(facts, rules).into_iter().map(|evidence| Weighed { evidence, points: points(evidence) }).collect();
    let score = evidence.iter().map(|weighed| weighed.points).sum();
    let band = if has_basis(facts) || is_told_by_owner(facts) { band(score, rules) } else { LinkBand::None };
    Weight { evidence, score, band, proof: proof(facts) }
}

// Thousands of devices have the same model and version, and a cart has many: that supports a link and is none.
fn has_basis(facts: &Facts) -> bool {
    let is_theirs = facts.same_person == Some(true) && !facts.is_of_many;
    let says_so = facts.answer == Some(PreviousAnswer::ThisDevice);
    let is_invited = matches!(facts.invited, Some(Invited::Device | Invited::DeviceByCode));
    is_theirs || facts.same_hardware == Some(true) || is_invited || says_so
}

// A cart is told apart by the serial numbers of its devices. They prove nothing, but a person who forges one finds only
// records of their own.
fn is_told_by_owner(facts: &Facts) -> bool {
    facts.same_person == Some(true) && facts.same_hardware_told == Some(true)
}

/// Returns the points of a piece of evidence. Evidence that can be forged or shared by many devices has few.
pub fn points(evidence: LinkEvidence) -> i32 {
    match evidence {
        LinkEvidence::SameHardware {} => 12,
        LinkEvidence::InvitedDevice {} => 10,
        LinkEvidence::SameHardwareTold {} => 5,
        LinkEvidence::SamePerson {} | LinkEvidence::CheckedOutBefore { .. } => 3,
        LinkEvidence::Answered { answer: PreviousAnswer::ThisDevice } => 3,
        LinkEvidence::SameModel {} => 2,
        LinkEvidence::VersionNotOlder {} | LinkEvidence::InvitedPerson {} => 1,
        // A phone that was replaced by another one is as silent, and as unknown to APNs, as one that was enrolled
        // again.
        LinkEvidence::Silent { .. } | LinkEvidence::PushUnregistered { .. } => 1,
        LinkEvidence::SamePersonOfMany {} | LinkEvidence::ModelUnknown {} | LinkEvidence::SilenceUnknown {} => 0,
        LinkEvidence::VersionOlder {} => -2,
        // Some people answer without reading: of two records that fit otherwise, one is the device all the same.
        LinkEvidence::OtherPerson {} | LinkEvidence::Answered { answer: PreviousAnswer::AnotherDevice } => -3,
        LinkEvidence::HeardAfter { .. } => -5,
        LinkEvidence::Answered { answer: PreviousAnswer::NoLongerHave } => -6,
        LinkEvidence::OtherModel {} | LinkEvidence::OtherHardwareTold {} => -6,
        LinkEvidence::OtherHardware {} | LinkEvidence::InvitedOtherDevice {} => -12,
    }
}

fn evidence(facts: &Facts, rules: &Reenrollment) -> Vec<LinkEvidence> {
    let person = facts.same_person.map(|same| match same {
        true if facts.is_of_many => LinkEvidence::SamePersonOfMany {},
        true => LinkEvidence::SamePerson {},
        false => LinkEvidence::OtherPerson {},
    });
    let hardware = facts.same_hardware.map(|same| match same {
        true => LinkEvidence::SameHardware {},
        false => LinkEvidence::OtherHardware {},
    });
    let told = facts.same_hardware_told.filter(|_| hardware.is_none()).map(|same| match same {
        true => LinkEvidence::SameHardwareTold {},
        false => LinkEvidence::OtherHardwareTold {},
    });
    let model = model(&facts.model);
    let invited = facts.invited.map(|invited| match invited {
        // A device keeps its model: the page was opened on the old device, and another one enrolled.
        Invited::Device | Invited::DeviceByCode if model == LinkEvidence::OtherModel {} => {
            LinkEvidence::InvitedPerson {}
        }
        Invited::Device | Invited::DeviceByCode => LinkEvidence::InvitedDevice {},
        Invited::Person => LinkEvidence::InvitedPerson {},
        Invited::OtherDevice => LinkEvidence::InvitedOtherDevice {},
    });
    let answer = facts.answer.map(|answer| LinkEvidence::Answered { answer });
    let found = [person, hardware, told, invited, answer, Some(model), version(&facts.os_version)];
    found.into_iter().flatten().chain(management(facts, rules)).collect()
}

fn model(Pair { old, new }: &Pair<BTreeSet<String>>) -> LinkEvidence {
    match (old, new) {
        (Some(old), Some(new)) if !old.is_disjoint(new) => LinkEvidence::SameModel {},
        (Some(_), Some(_)) => LinkEvidence::OtherModel {},
        (None, _) | (_, None) => LinkEvidence::ModelUnknown {},
    }
}

fn version(Pair { old, new }: &Pair<OsVersion>) -> Option<LinkEvidence> {
    let is_older = (*new)? < (*old)?;
    Some(if is_older { LinkEvidence::VersionOlder {} } else { LinkEvidence::VersionNotOlder {} })
}

// The end of the old management and its silence are one fact: what ended is silent. The strongest evidence counts, and
// contact after the enrollment speaks against all of it.
fn management(facts: &Facts, rules: &Reenrollment) -> Option<LinkEvidence> {
    let OldManagement { checked_out, push_unregistered, silence, .. } = facts.old;
    if let Some(Silence::Heard { at }) = silence {
        return Some(LinkEvidence::HeardAfter { at });
    }
    let window = i64::from(rules.removed_within_hours) * 3_600;
    let is_shortly_before = |at: &Timestamp| (0..=window).contains(&facts.enrolled_at.seconds_since(*at));
    if let Some(at) = checked_out {
        return Some(match at {
            // A device has one management: what says goodbye long after the enrollment is another device. A goodbye
            // that was delayed says nothing.
            at if at.seconds_since(facts.enrolled_at) > GOODBYE_DELAY => LinkEvidence::HeardAfter { at },
            at if at > facts.enrolled_at => LinkEvidence::SilenceUnknown {},
            at if is_shortly_before(&at) => LinkEvidence::CheckedOutBefore { at },
            since => LinkEvidence::Silent { since },
        });
    }
    if let Some(since) = push_unregistered {
        return Some(LinkEvidence::PushUnregistered { since });
    }
    Some(match silence? {
        Silence::Heard { at } => LinkEvidence::HeardAfter { at },
        Silence::Silent { since } => LinkEvidence::Silent { since },
        Silence::Unknown {} => LinkEvidence::SilenceUnknown {},
    })
}

fn band(score: i32, rules: &Reenrollment) -> LinkBand {
    match score {
        score if score >= rules.strong_score => LinkBand::Strong,
        score if score >= rules.probable_score => LinkBand::Probable,
        score if score >= rules.weak_score => LinkBand::Weak,
        _ => LinkBand::None,
    }
}

// The questions are kept apart. Silence is no proof of an end: a phone in a drawer is silent.
fn proof(facts: &Facts) -> LinkProof {
    let is_heard = matches!(facts.old.silence, Some(Silence::Heard { .. }));
    let is_over = !facts.old.is_ours || is_known_to_have_ended(&facts.old) || facts.old.has_ended;
    LinkProof {
        may_be_retired: has_basis(facts) && facts.same_person == Some(true) && !is_heard && is_over,
        is_same_device: facts.same_hardware == Some(true) || is_proven_by_invitation(facts),
    }
}

fn is_known_to_have_ended(old: &OldManagement) -> bool {
    old.checked_out.is_some() || old.push_unregistered.is_some()
}

// A picture of the page can be sent to another device, which attested hardware cannot: what contradicts the invitation
// counts more.
fn is_proven_by_invitation(facts: &Facts) -> bool {
    let is_another = facts.same_hardware == Some(false) || model(&facts.model) == LinkEvidence::OtherModel {};
    let is_older = version(&facts.os_version) == Some(LinkEvidence::VersionOlder {});
    let checked_out_after = facts.old.checked_out.is_some_and(|at| at > facts.enrolled_at);
    let is_heard = checked_out_after || matches!(facts.old.silence, Some(Silence::Heard { .. }));
    facts.invited == Some(Invited::Device) && !is_another && !is_older && !is_heard
}

/// Returns whether the link needs no administrator: the old management delivered the invitation to this device, its
/// link was opened there, the old record ended, and nothing speaks against it. A code is no proof, however fresh: some
/// people read it on the old phone and type it on the new one (docs/decisions/41-thresholds-are-chosen-on-one-seed.md).
/// An end by an administrator, or because another record took the place, is a decision about the record and no sign of
/// the device.
pub fn is_beyond_doubt(facts: &Facts, weight: &Weight) -> bool {
    let has_ended = if facts.old.is_ours { is_known_to_have_ended(&facts.old) } else { facts.old.is_gone };
    let speaks_against = |weighed: &Weighed| weighed.points < 0;
    facts.invited == Some(Invited::Device)
        && weight.proof.is_same_device
        && has_ended
        && !weight.evidence.iter().any(speaks_against)
}
