//! All appends of a plan in the order of time, in bounded memory.
//!
//! The population yields one team after the other, each with all of its three years. The three years are divided into
//! windows with about as many acts each, and all teams are generated again for each window: generating a team takes a
//! fraction of the time in which its events are written.

use crate::act::Act;
use crate::cast::{Cast, cast};
use crate::dice::Dice;
use crate::house;
use crate::plan::{END, Plan, START};
use crate::scene::{Append, Lately, Scene, Stage};
use crate::scenes::house::Rows;
use crate::secrets::Secrets;
use events::record::RecordId;
use events::settings::Settings;
use population::{DAY, Shape, Teams};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

/// About how many acts are in memory at once.
const ACTS: usize = 400_000;

/// What a first pass through all teams finds out.
struct Totals {
    rows: Vec<Rows>,
    /// Number of acts on each day since the start.
    days: Vec<usize>,
    shredded: Option<(u64, RecordId)>,
}

/// The appends of a plan, in the order of time.
pub struct Histories {
    plan: Plan,
    shape: Shape,
    secrets: Secrets,
    settings: Settings,
    server: String,
    lately: VecDeque<Lately>,
    /// Ends of the windows that are left, in seconds since 1970. The first window begins at `from`.
    windows: VecDeque<i64>,
    from: i64,
    house: VecDeque<(i64, Act)>,
    acts: VecDeque<(i64, Act)>,
    /// Appends that are later than acts that are left.
    waiting: BTreeMap<u64, Append>,
    order: BinaryHeap<Reverse<(i64, u64)>>,
    played: u64,
    pushed: u64,
}

impl Histories {
    /// Returns the appends of a plan. `secrets`: those of the installation. `settings`: those of its log. `server`: its
    /// public URL.
    pub fn new(plan: Plan, secrets: Secrets, settings: Settings, server: String) -> Histories {
        let shape = plan.shape();
        let Totals { rows, days, shredded } = totals(&plan, &shape);
        let house = house::acts(&plan, &shape.calendar, &rows, shredded).into();
        Histories {
            plan,
            shape,
            secrets,
            settings,
            server,
            lately: VecDeque::new(),
            windows: windows(&days),
            from: START,
            house,
            acts: VecDeque::new(),
            waiting: BTreeMap::new(),
            order: BinaryHeap::new(),
            played: 0,
            pushed: 0,
        }
    }

    /// Returns the share of the three years that is behind, from 0 to 1.
    pub fn progress(&self) -> f64 {
        let time = self.acts.front().map_or(self.from, |(time, _)| *time);
        (time - START) as f64 / (END - START) as f64
    }

    // Fills the acts of the next window. Returns whether there was one.
    fn next_window(&mut self) -> bool {
        let Some(until) = self.windows.pop_front() else { return false };
        let mut acts = Vec::new();
        while let Some(act) = self.house.front().is_some_and(|(time, _)| *time < until).then(|| self.house.pop_front())
        {
            acts.extend(act);
        }
        let window = self.from..until;
        for cast in casts(&self.plan, &self.shape) {
            acts.extend(cast.acts.into_iter().filter(|(time, _)| window.contains(time)));
        }
        // Stable: acts of one instant stay in the order of the teams.
        acts.sort_by_key(|(time, _)| *time);
        self.acts = acts.into();
        self.from = until;
        true
    }

    fn play(&mut self, time: i64, act: &Act) {
        let dice = Dice::of(&[self.plan.seed, 100, time as u64, self.played]);
        self.played += 1;
        let mut appends = Vec::new();
        let mut stage =
            Stage { seed: self.plan.seed, secrets: &self.secrets, server: &self.server, lately: &mut self.lately };
        let mut scene = Scene::begin(&mut stage, time, dice, &mut appends);
        act.play(&mut scene, &mut self.settings);
        for append in appends {
            self.order.push(Reverse((append.at().0, self.pushed)));
            self.waiting.insert(self.pushed, append);
            self.pushed += 1;
        }
    }
}

impl Iterator for Histories {
    type Item = Append;

    fn next(&mut self) -> Option<Append> {
        loop {
            let act = self.acts.front().map(|(time, _)| *time * crate::scene::SECOND);
            let append = self.order.peek().map(|Reverse((at, _))| *at);
            match (append, act) {
                (Some(at), Some(act)) if at < act => return self.pop(),
                (_, Some(_)) => {
                    if let Some((time, act)) = self.acts.pop_front() {
                        self.play(time, &act);
                    }
                }
                (_, None) => {
                    if !self.next_window() {
                        return self.pop();
                    }
                }
            }
        }
    }
}

impl Histories {
    fn pop(&mut self) -> Option<Append> {
        let Reverse((_, nth)) = self.order.pop()?;
        self.waiting.remove(&nth)
    }
}

// All teams until the last device has enrolled.
fn casts<'a>(plan: &'a Plan, shape: &'a Shape) -> impl Iterator<Item = Cast> + 'a {
    let mut left = plan.devices;
    Teams::new(shape, plan.seed).map_while(move |team| {
        if left == 0 {
            return None;
        }
        let cast = cast(plan, shape, team, left);
        left -= cast.devices;
        Some(cast)
    })
}

fn totals(plan: &Plan, shape: &Shape) -> Totals {
    let days = usize::try_from((END - START) / DAY).unwrap_or(0) + 1;
    let mut totals =
        Totals { rows: vec![Rows::default(); shape.calendar.exports.len()], days: vec![0; days], shredded: None };
    for cast in casts(plan, shape) {
        for (time, _) in &cast.acts {
            totals.days[usize::try_from((time - START) / DAY).unwrap_or(0)] += 1;
        }
        for (sum, rows) in totals.rows.iter_mut().zip(&cast.rows) {
            sum.add(rows);
        }
        for record in cast.shredded {
            let (count, last) = totals.shredded.unwrap_or((0, record));
            totals.shredded = Some((count + 1, last.max(record)));
        }
    }
    totals
}

// The ends of the windows: whole days, with about as many acts each.
fn windows(days: &[usize]) -> VecDeque<i64> {
    let (mut windows, mut acts) = (VecDeque::new(), 0);
    for (day, count) in (1..).zip(days) {
        acts += count;
        if acts >= ACTS {
            windows.push_back(START + day * DAY);
            acts = 0;
        }
    }
    windows.push_back(i64::MAX);
    windows
}
