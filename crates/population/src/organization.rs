//! The whole organization in memory, with its happenings in the order of time.

use crate::device::Device;
use crate::digest::Digest;
use crate::happening::{Export, Happening, What};
use crate::person::Person;
use crate::shape::Shape;
use crate::team::Teams;
use crate::truth::{Story, Truth};
use std::collections::BTreeMap;

/// An organization. A consumer reads `happenings` only; the rest is the truth.
#[derive(Debug)]
pub struct Organization {
    pub people: Vec<Person>,
    pub devices: Vec<Device>,
    /// In the order of time.
    pub happenings: Vec<Happening>,
    pub truth: Truth,
}

impl Organization {
    /// Generates the organization of a shape. The same seed gives the same organization on every machine.
    pub fn generate(shape: &Shape, seed: u64) -> Self {
        let mut all = Self { people: Vec::new(), devices: Vec::new(), happenings: Vec::new(), truth: Truth::default() };
        let plans = &shape.calendar.exports;
        let export = |(number, complete)| Export { number, complete, rows: Vec::new() };
        let mut exports: Vec<_> = plans.iter().map(|plan| plan.complete).enumerate().map(export).collect();
        for team in Teams::new(shape, seed) {
            all.people.extend(team.people);
            all.devices.extend(team.devices);
            all.happenings.extend(team.happenings);
            all.truth.extend(team.truth);
            for (export, rows) in exports.iter_mut().zip(team.rows) {
                export.rows.extend(rows);
            }
        }
        for (plan, export) in plans.iter().zip(exports) {
            all.happenings.push(Happening { time: plan.time, what: What::ExportImported(Box::new(export)) });
        }
        all.happenings.sort_by_key(|happening| happening.time);
        all
    }

    /// A digest of everything, with 64 bits. Changes if any value changes.
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        self.happenings.iter().for_each(|happening| digest.add(happening));
        self.people.iter().for_each(|person| digest.add(person));
        self.devices.iter().for_each(|device| digest.add(device));
        digest.add(&self.truth);
        digest.0
    }

    /// How many enrollments each story has. Every story is in it.
    pub fn counts(&self) -> BTreeMap<Story, usize> {
        let mut counts: BTreeMap<_, _> = Story::ALL.iter().map(|story| (*story, 0)).collect();
        for truth in self.truth.enrollments.values() {
            *counts.entry(truth.story).or_default() += 1;
        }
        counts
    }
}
