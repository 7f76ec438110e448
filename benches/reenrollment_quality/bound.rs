//! The people of a large organization who opened the link of a device-bound invitation and enrolled in the same browser
//! session. Nobody else has a link that is confirmed without an administrator, and what others do can only keep a link
//! from being confirmed, because it can only add a rival. So a few of them stand for many people.

use population::{
    AccountId, Delivery, EnrollmentId, Export, ExportRow, Happening, InvitationId, OldRecord, OpeningId, Shape, Team,
    Teams, Through, Truth, What,
};
use std::collections::HashSet;
use std::sync::Arc;

/// Returns what concerns these people: their enrollments and invitations, and the rows that name them.
pub fn organization(shape: &Shape, seed: u64) -> (Vec<Happening>, Truth) {
    let plans = &shape.calendar.exports;
    let export = |(number, complete)| Export { number, complete, rows: Vec::new() };
    let mut exports: Vec<Export> = plans.iter().map(|plan| plan.complete).enumerate().map(export).collect();
    let (mut happenings, mut truth) = (Vec::new(), Truth::default());
    for team in Teams::new(shape, seed) {
        let kept = Kept::of(&team.happenings);
        if kept.enrollments.is_empty() {
            continue;
        }
        let Team { happenings: of_team, rows, truth: of_team_truth, .. } = team;
        happenings.extend(of_team.into_iter().filter(|happening| kept.holds(&happening.what)));
        for (export, rows) in exports.iter_mut().zip(rows) {
            export.rows.extend(rows.into_iter().filter(|row| kept.names(row)));
        }
        kept.learn(&mut truth, of_team_truth);
    }
    for (plan, export) in plans.iter().zip(exports) {
        happenings.push(Happening { time: plan.time, what: What::ExportImported(Box::new(export)) });
    }
    happenings.sort_by_key(|happening| happening.time);
    (happenings, truth)
}

fn with_bound_link(happenings: &[Happening]) -> HashSet<AccountId> {
    let (mut bound, mut accounts) = (HashSet::new(), HashSet::new());
    for Happening { what, .. } in happenings {
        match what {
            What::InvitationIssued { invitation, delivery: Delivery::DeviceBound { .. }, .. } => {
                bound.insert(*invitation);
            }
            What::Enrolled(enrolled) => {
                let used = enrolled.invitation.filter(|used| bound.contains(&used.invitation));
                if used.is_some_and(|used| matches!(used.through, Through::Browser { .. })) {
                    accounts.insert(enrolled.account);
                }
            }
            _ => {}
        }
    }
    accounts
}

/// What is kept of a team.
#[derive(Default)]
struct Kept {
    enrollments: HashSet<EnrollmentId>,
    invitations: HashSet<InvitationId>,
    openings: HashSet<OpeningId>,
    names: HashSet<Arc<str>>,
}

impl Kept {
    fn of(happenings: &[Happening]) -> Kept {
        let accounts = with_bound_link(happenings);
        let mut kept = Kept::default();
        for Happening { what, .. } in happenings {
            match what {
                What::AccountOpened { account, names } | What::PersonRenamed { account, after: names, .. }
                    if accounts.contains(account) =>
                {
                    kept.names.extend([Arc::clone(&names.user_name), Arc::clone(&names.mail)]);
                }
                What::Enrolled(enrolled) => {
                    let mut of = std::iter::once(enrolled.account).chain(enrolled.on_behalf_of);
                    if of.any(|account| accounts.contains(&account)) {
                        kept.enrollments.insert(enrolled.enrollment);
                        kept.invitations.extend(enrolled.invitation.map(|used| used.invitation));
                    }
                }
                _ => {}
            }
        }
        for Happening { what, .. } in happenings {
            match what {
                What::InvitationOpened { opening, invitation, .. } if kept.invitations.contains(invitation) => {
                    kept.openings.insert(*opening);
                }
                _ => {}
            }
        }
        kept
    }

    fn holds(&self, what: &What) -> bool {
        match what {
            // The directory knows everybody.
            What::AccountOpened { .. } | What::AccountClosed { .. } | What::PersonRenamed { .. } => true,
            What::InvitationIssued { invitation, .. } | What::InvitationOpened { invitation, .. } => {
                self.invitations.contains(invitation)
            }
            What::CodeShown { opening, .. } => self.openings.contains(opening),
            What::Enrolled(enrolled) => self.enrollments.contains(&enrolled.enrollment),
            What::Restored { enrollment, .. } | What::Contact { enrollment, .. } => {
                self.enrollments.contains(enrollment)
            }
            What::OsUpdated { enrollment, .. } | What::CheckedOut { enrollment } => {
                self.enrollments.contains(enrollment)
            }
            What::PushAnswered { enrollment, .. } | What::PortalAnswered { enrollment, .. } => {
                self.enrollments.contains(enrollment)
            }
            What::ExportImported(_) => false,
        }
    }

    fn names(&self, row: &ExportRow) -> bool {
        row.user_name.iter().chain(&row.mail).any(|name| self.names.contains(name))
    }

    fn learn(&self, truth: &mut Truth, of_team: Truth) {
        let Truth { records, enrollments, accounts, openings: _ } = of_team;
        truth.enrollments.extend(enrollments.into_iter().filter(|(id, _)| self.enrollments.contains(id)));
        truth.accounts.extend(accounts);
        let is_other = |record: &OldRecord| matches!(record, OldRecord::Enrolled(id) if !self.enrollments.contains(id));
        truth.records.extend(records.into_iter().filter(|(record, _)| !is_other(record)));
    }
}
