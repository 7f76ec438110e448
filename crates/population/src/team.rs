//! Generates one team after another.

use crate::device::Device;
use crate::happening::{ExportRow, Happening};
use crate::person::{Job, Person};
use crate::rows::{Style, styles};
use crate::shape::Shape;
use crate::stage::{Act, Stage};
use crate::truth::Truth;

/// A team of an organization: people among whom devices change hands.
#[derive(Debug)]
pub struct Team {
    /// From 0.
    pub index: u32,
    /// Part of the truth, as `devices` is.
    pub people: Vec<Person>,
    pub devices: Vec<Device>,
    /// In the order of time. Without the exports, which concern all teams.
    pub happenings: Vec<Happening>,
    /// The rows of the team in each export of the calendar, sorted by record.
    pub rows: Vec<Vec<ExportRow>>,
    pub truth: Truth,
}

/// Yields the teams of an organization. The memory that it needs does not depend on the number of people.
#[derive(Debug)]
pub struct Teams<'a> {
    shape: &'a Shape,
    seed: u64,
    styles: Vec<Style>,
    next: u32,
}

impl<'a> Teams<'a> {
    /// The teams of the organization with this shape and seed.
    pub fn new(shape: &'a Shape, seed: u64) -> Self {
        Self { shape, seed, styles: styles(shape, seed), next: 0 }
    }
}

impl Iterator for Teams<'_> {
    type Item = Team;

    fn next(&mut self) -> Option<Team> {
        let (index, size) = (self.next, self.shape.team);
        let people = self.shape.people.saturating_sub(index * size).min(size);
        if people == 0 {
            return None;
        }
        self.next += 1;
        Some(team(self.shape, self.seed, index, people, &self.styles))
    }
}

fn team(shape: &Shape, seed: u64, index: u32, people: u32, styles: &[Style]) -> Team {
    let mut stage = Stage::new(shape, seed, index);
    stage.add_members(people);
    for member in 0..stage.members.len() {
        match stage.members[member].person.job {
            Job::Employee => stage.equip(member),
            Job::Technician => {
                stage.equip(member);
                stage.add_loaner(member);
            }
            Job::SharedAccount => stage.fill_cart(member),
        }
    }
    while let Some((time, act)) = stage.next_act() {
        match act {
            Act::Join(member) => stage.join(member, time),
            Act::Rename(member) => stage.rename(member, time),
            Act::Migrate(member) => stage.migrate(member, time),
            Act::Follow(member, unit) => stage.follow(member, unit, time),
            Act::Later(unit, enrollment) => stage.live_on(unit, enrollment, time),
            Act::Round(account) => stage.round(account, time),
            Act::Leave(member) => stage.leave(member, time),
            Act::Return(member) => stage.come_back(member, time),
        }
    }
    stage.finish();
    let rows = stage.rows(styles);
    Team {
        index,
        people: stage.members.into_iter().map(|member| member.person).collect(),
        devices: stage.units.into_iter().map(|unit| unit.device).collect(),
        happenings: stage.happenings,
        rows,
        truth: stage.truth,
    }
}
