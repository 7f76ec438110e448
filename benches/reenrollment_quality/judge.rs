//! Compares the links with the truth. Nothing here was known to the server.

use super::enrolling::Shown;
use super::known::Known;
use super::links::{Link, Links};
use events::device::DeviceId;
use events::record::{LinkBand, RecordId};
use population::{EnrollmentId, EnrollmentTruth, OldRecord, PersonId, Story, Truth};
use std::collections::{BTreeMap, HashMap};

/// Minimum number of automatic confirmations, and minimum lower bound of the share of right ones.
pub const LEAST_CONFIRMED: u64 = 10_000;
pub const LEAST_PRECISION: f64 = 0.999;
/// Minimum share of the cases that meet the conditions, which are confirmed.
pub const LEAST_CONFIRMABLE: f64 = 0.9;
/// Minimum share of true records among the first three proposals, if the row's owner is unique and right.
pub const LEAST_AMONG_THREE: f64 = 0.95;
/// Maximum share of new devices that ever had a probable or strong link.
pub const MOST_NEW: f64 = 0.02;

/// Two counts: cases, and those of them that a question is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Share {
    pub of: u64,
    pub are: u64,
}

impl Share {
    pub fn count(&mut self, is: bool) {
        self.of += 1;
        self.are += u64::from(is);
    }

    pub fn rate(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.are as f64 / self.of as f64 }
    }

    /// Returns the lower bound of the interval of Wilson that holds the rate with a probability of 95 %.
    pub fn lower_bound(self) -> f64 {
        const Z: f64 = 1.959_963_984_540_054;
        if self.of == 0 {
            return 0.0;
        }
        let (of, rate) = (self.of as f64, self.rate());
        let center = rate + Z * Z / (2.0 * of);
        let spread = Z * ((rate * (1.0 - rate) + Z * Z / (4.0 * of)) / of).sqrt();
        (center - spread) / (1.0 + Z * Z / of)
    }

    fn add(&mut self, other: Share) {
        self.of += other.of;
        self.are += other.are;
    }
}

/// The enrollments of a story.
#[derive(Debug, Clone, Default)]
pub struct OfStory {
    pub enrollments: u64,
    /// Enrollments whose record was known, by the band of the true link.
    pub known: BTreeMap<LinkBand, u64>,
    /// Enrollments with a wrong link that is probable or strong at the end, and that ever was.
    pub wrong: u64,
    pub ever_wrong: u64,
}

/// The result of one seed, or of several.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    pub enrollments: u64,
    /// Links at the end, by band: all, and the right ones.
    pub precision: BTreeMap<LinkBand, Share>,
    /// Enrollments whose record was known, by the band of the true link.
    pub recall: BTreeMap<LinkBand, u64>,
    pub stories: BTreeMap<Story, OfStory>,
    /// Automatic confirmations: all, and the right ones.
    pub confirmed: Share,
    /// The stories of wrong ones.
    pub wrongly_confirmed: BTreeMap<Story, u64>,
    /// Cases that meet the conditions, and those that were confirmed.
    pub confirmable: Share,
    /// Enrollments whose row's owner is unique and right, and those whose record is among the first three proposals.
    pub among_three: Share,
    pub first: Share,
    /// Enrollments of new devices, and those with a link that is probable or strong at the end, and that ever was.
    pub new: Share,
    pub new_ever: Share,
    /// Records that were shown to a person, and those whose owner is not exactly this person.
    pub shown: Share,
}

impl Judgement {
    pub fn add(&mut self, other: &Judgement) {
        self.enrollments += other.enrollments;
        other.precision.iter().for_each(|(band, share)| self.precision.entry(*band).or_default().add(*share));
        other.recall.iter().for_each(|(band, count)| *self.recall.entry(*band).or_default() += count);
        other.wrongly_confirmed.iter().for_each(|(story, count)| {
            *self.wrongly_confirmed.entry(*story).or_default() += count;
        });
        for (story, of) in &other.stories {
            let all = self.stories.entry(*story).or_default();
            all.enrollments += of.enrollments;
            all.wrong += of.wrong;
            all.ever_wrong += of.ever_wrong;
            of.known.iter().for_each(|(band, count)| *all.known.entry(*band).or_default() += count);
        }
        let shares = [
            (&mut self.confirmed, other.confirmed),
            (&mut self.confirmable, other.confirmable),
            (&mut self.among_three, other.among_three),
            (&mut self.first, other.first),
            (&mut self.new, other.new),
            (&mut self.new_ever, other.new_ever),
            (&mut self.shown, other.shown),
        ];
        shares.into_iter().for_each(|(all, share)| all.add(share));
    }
}

impl Judgement {
    /// Returns whether the automatic confirmations are right often enough.
    pub fn confirms_precisely(&self) -> bool {
        self.confirmed.of >= LEAST_CONFIRMED && self.confirmed.lower_bound() >= LEAST_PRECISION
    }

    /// Adds what concerns automatic confirmations.
    pub fn add_confirmed(&mut self, other: &Judgement) {
        self.confirmed.add(other.confirmed);
        self.confirmable.add(other.confirmable);
        other.wrongly_confirmed.iter().for_each(|(story, count)| {
            *self.wrongly_confirmed.entry(*story).or_default() += count;
        });
    }

    /// Returns whether a small organization gives no doubt: no wrong confirmation, and rates near the targets.
    pub fn is_plausible(&self) -> bool {
        self.confirmed.are == self.confirmed.of
            && self.among_three.rate() >= LEAST_AMONG_THREE - 0.03
            && self.new_ever.rate() <= MOST_NEW + 0.01
            && self.shown.are == 0
    }

    /// Returns whether the other targets are met.
    pub fn proposes_well(&self) -> bool {
        self.confirmable.rate() >= LEAST_CONFIRMABLE
            && self.among_three.rate() >= LEAST_AMONG_THREE
            && self.new_ever.rate() <= MOST_NEW
            && self.shown.are == 0
    }
}

/// Ids that the server has for what the truth is about.
pub struct Ids {
    pub records: HashMap<RecordId, OldRecord>,
    pub devices: HashMap<DeviceId, EnrollmentId>,
}

/// The links of an enrollment that are proposed or confirmed, the strongest first, each with its record.
type Ranked<'a> = Vec<(OldRecord, &'a Link)>;

pub fn judge(truth: &Truth, known: &Known, ids: &Ids, (links, shown): (&Links, &[Shown])) -> Judgement {
    let mut by_enrollment: HashMap<EnrollmentId, Ranked<'_>> = HashMap::new();
    for link in links.all() {
        let (record, enrollment) = (ids.records[&link.record], ids.devices[&link.successor]);
        by_enrollment.entry(enrollment).or_default().push((record, link));
    }
    let mut result = Judgement::default();
    let all = truth;
    for (enrollment, truth) in &truth.enrollments {
        let mut ranked = by_enrollment.remove(enrollment).unwrap_or_default();
        ranked.sort_by_key(|(record, link)| (std::cmp::Reverse((link.is_confirmed, link.score)), *record));
        let owner = known.accounts.get(enrollment).map(|account| all.accounts[account]);
        let owners = |record| known.owners(record, all);
        let is_owner = |record| owner.is_some_and(|owner| owners(record) == [owner].into());
        result.enrollment(truth, &ranked, is_owner);
    }
    for (enrollment, record) in known.to_confirm() {
        if truth.enrollments[&enrollment].earlier.contains(&record) {
            let is_pair =
                |link: &&Link| ids.records[&link.record] == record && ids.devices[&link.successor] == enrollment;
            let link = links.all().find(is_pair);
            result.confirmable.count(link.is_some_and(|link| link.is_confirmed));
        }
    }
    for Shown { account, records } in shown {
        for record in records {
            result.shown.count(!is_exact(known, ids, truth.accounts[account], (*record, truth)));
        }
    }
    result
}

fn is_exact(known: &Known, ids: &Ids, person: PersonId, (record, truth): (RecordId, &Truth)) -> bool {
    match ids.records[&record] {
        OldRecord::Exported(record) => known.owners(record, truth) == [person].into(),
        OldRecord::Enrolled(_) => false,
    }
}

impl Judgement {
    // `is_owner`: whether the rows of a record name exactly the person whom the server knows as the device's user.
    fn enrollment(
        &mut self,
        truth: &EnrollmentTruth,
        ranked: &Ranked<'_>,
        is_owner: impl Fn(population::RecordId) -> bool,
    ) {
        self.enrollments += 1;
        let is_right = |record: &OldRecord| truth.earlier.contains(record);
        let is_high = |band: LinkBand| band >= LinkBand::Probable;
        for (record, link) in ranked.iter().filter(|(_, link)| link.band != LinkBand::None) {
            self.precision.entry(link.band).or_default().count(is_right(record));
        }
        for (record, _) in ranked.iter().filter(|(_, link)| link.is_confirmed) {
            self.confirmed.count(is_right(record));
            if !is_right(record) {
                *self.wrongly_confirmed.entry(truth.story).or_default() += 1;
            }
        }
        let wrong = || ranked.iter().filter(|(record, _)| !is_right(record)).map(|(_, link)| link);
        let (at_end, ever) = (wrong().any(|link| is_high(link.band)), wrong().any(|link| is_high(link.highest)));
        let story = self.stories.entry(truth.story).or_default();
        story.enrollments += 1;
        story.wrong += u64::from(at_end);
        story.ever_wrong += u64::from(ever);
        if truth.earlier.is_empty() {
            self.new.count(at_end);
            self.new_ever.count(ever);
        }
        let Some(continues) = truth.continues.filter(|_| truth.was_known) else { return };
        let band = ranked.iter().find(|(record, _)| *record == continues).map_or(LinkBand::None, |(_, link)| link.band);
        *self.recall.entry(band).or_default() += 1;
        *story.known.entry(band).or_default() += 1;
        if let OldRecord::Exported(record) = continues
            && is_owner(record)
        {
            let proposed = ranked.iter().filter(|(_, link)| link.band != LinkBand::None);
            let rank = proposed.take(3).position(|(record, _)| *record == continues);
            self.among_three.count(rank.is_some());
            self.first.count(rank == Some(0));
        }
    }
}
