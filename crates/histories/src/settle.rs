//! Puts the acts of a team in the order of time, and decides what depends on that order: whom the server knows, which
//! terms were accepted, who was erased.

use crate::act::Act;
use crate::scenes::failing;
use crate::scenes::sign_in::Known;
use crate::scenes::visit::TERMS;
use crate::who::Who;
use events::enrollment::Ownership;
use events::invitation::InvitationId;
use events::person::PersonId;
use events::record::RecordId;
use population::DAY;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Nothing of a person begins in the days before their erasure, because scenes last up to a month.
const LAST_DAYS: i64 = 45 * DAY;

#[derive(Default)]
struct State {
    /// The user name that the server knows of each person.
    names: HashMap<PersonId, Arc<str>>,
    accepted: HashSet<(PersonId, Ownership)>,
    /// Records that name a person who has not signed in.
    unresolved: HashMap<PersonId, Vec<RecordId>>,
    /// The people to whom the keys of records were handed.
    owners: HashMap<RecordId, PersonId>,
    shredded: HashSet<RecordId>,
    /// Records whose import was not left out.
    imported: HashSet<RecordId>,
    issued: HashSet<InvitationId>,
}

/// Returns the acts in the order of time.
pub(crate) fn settle(mut acts: Vec<(i64, Act)>) -> Vec<(i64, Act)> {
    acts.sort_by_key(|(time, _)| *time);
    let erasure = |(time, act): &(i64, Act)| match act {
        Act::Erase(who) => Some((who.person, *time)),
        _ => None,
    };
    let erased: HashMap<PersonId, i64> = acts.iter().filter_map(erasure).collect();
    let is_over = |person: PersonId, time: i64| erased.get(&person).is_some_and(|at| time > at - LAST_DAYS);
    let mut state = State::default();
    let mut settled = Vec::with_capacity(acts.len());
    for (time, mut act) in acts {
        let owner = act.record().and_then(|record| state.owners.get(&record).copied());
        let mut people = act.people().into_iter().map(|who| who.person).chain(owner);
        let is_erased = people.any(|person| is_over(person, time));
        let is_shredded = act.record().is_some_and(|record| state.shredded.contains(&record));
        let is_stranger = matches!(&act, Act::Erase(who) if !state.names.contains_key(&who.person));
        let is_unissued = matches!(&act, Act::ShowCode(invitation) if !state.issued.contains(invitation));
        let is_first = matches!(&act, Act::Import(_));
        let is_unknown = !is_first && act.record().is_some_and(|record| !state.knows(record));
        if is_erased || is_shredded || is_stranger || is_unknown || is_unissued {
            continue;
        }
        let after = state.take(time, &mut act);
        settled.push((time, act));
        settled.extend(after);
    }
    settled
}

impl State {
    // Whether the log has the record: an imported one, or an enrollment.
    fn knows(&self, record: RecordId) -> bool {
        !record.is_imported() || self.imported.contains(&record)
    }

    // Completes the act, and returns what follows from it.
    fn take(&mut self, time: i64, act: &mut Act) -> Vec<(i64, Act)> {
        match act {
            Act::Enroll(enrolling) => {
                let (by, owner) = (Arc::clone(&enrolling.by), Arc::clone(&enrolling.phone.owner));
                let mut after = Vec::new();
                enrolling.by_known = self.sign_in(time, &by, &mut after);
                enrolling.owner_known = self.sign_in(time, &owner, &mut after);
                enrolling.invitation = enrolling.invitation.filter(|(invitation, _)| self.issued.contains(invitation));
                enrolling.imported.retain(|record| self.knows(*record));
                enrolling.answer = enrolling.answer.filter(|(record, _)| self.knows(*record));
                enrolling.link = enrolling.link.take().filter(|link| self.knows(link.record));
                let accepted = (owner.person, enrolling.phone.ownership());
                enrolling.accepted = self.accepted.contains(&accepted);
                if time >= TERMS && by.person == owner.person {
                    self.accepted.insert(accepted);
                }
                after
            }
            Act::Fail { who, known, nth, .. } if failing::signs_in(*nth) => {
                let mut after = Vec::new();
                *known = self.sign_in(time, &Arc::clone(who), &mut after);
                after
            }
            Act::Import(row) => {
                self.imported.insert(row.record);
                if let Some(owner) = &row.owner {
                    row.is_owner_known = self.names.contains_key(&owner.person);
                    if row.is_owner_known {
                        self.owners.insert(row.record, owner.person);
                    } else {
                        self.unresolved.entry(owner.person).or_default().push(row.record);
                    }
                }
                Vec::new()
            }
            Act::Invite(inviting) => {
                self.issued.insert(inviting.invitation);
                inviting.is_known = self.names.contains_key(&inviting.to.person);
                Vec::new()
            }
            Act::Shred(record) => {
                self.shredded.insert(*record);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn sign_in(&mut self, time: i64, who: &Arc<Who>, after: &mut Vec<(i64, Act)>) -> Known {
        let known = match self.names.insert(who.person, Arc::clone(&who.names.user_name)) {
            None => Known::No,
            Some(name) if name != who.names.user_name => Known::ByEarlierNames,
            Some(_) => Known::Yes,
        };
        // The records are resolved when the person is known: after the visit has begun.
        let records = self.unresolved.remove(&who.person).unwrap_or_default();
        let many = (records.len() > 2).then(|| records[records.len() - 1]);
        self.owners.extend(records.iter().map(|record| (*record, who.person)));
        after.extend(records.into_iter().map(|record| (time + 400, Act::Resolve(record, Arc::clone(who)))));
        after.extend(many.map(|record| (time + 402, Act::ResolvedUpTo(record, Arc::clone(who)))));
        known
    }
}
