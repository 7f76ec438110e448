//! What the judge has to know of the happenings: whom the old product names as owners, and which enrollments meet the
//! conditions for a confirmation without an administrator.

use population::{
    AccountId, Answer, Delivery, EnrollmentId, Happening, InvitationId, Names, OldRecord, PersonId, PushAnswer,
    RecordId, Through, Truth, What,
};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Seconds by which times of the old product may be wrong.
const UNSURE: i64 = 24 * 3_600;

/// A use of a device-bound invitation.
struct BoundUse {
    enrollment: EnrollmentId,
    at: i64,
    record: OldRecord,
    is_recipient: bool,
    /// Its link was opened in the browser session that brought the enrollment.
    is_link: bool,
}

/// A complete export.
struct Complete {
    at: i64,
    records: HashSet<RecordId>,
}

#[derive(Default)]
pub struct Known {
    /// Accounts that have or had a user name or a mail address.
    holders: HashMap<Arc<str>, BTreeSet<AccountId>>,
    /// Values by which the rows of a record name its owner.
    named: HashMap<RecordId, BTreeSet<Arc<str>>>,
    invitations: HashMap<InvitationId, (Option<AccountId>, Delivery)>,
    used: Vec<BoundUse>,
    ended: HashMap<EnrollmentId, i64>,
    newest_contact: HashMap<OldRecord, i64>,
    complete: Vec<Complete>,
    answers: HashMap<EnrollmentId, Answer>,
    /// Who an enrollment belongs to, as the server knows it.
    pub accounts: HashMap<EnrollmentId, AccountId>,
}

impl Known {
    pub fn of(happenings: &[Happening]) -> Known {
        let mut known = Known::default();
        happenings.iter().for_each(|happening| known.note(happening));
        known
    }

    fn note(&mut self, Happening { time, what }: &Happening) {
        match what {
            What::AccountOpened { account, names } => self.hold(*account, names),
            What::PersonRenamed { account, after, .. } => self.hold(*account, after),
            What::ExportImported(export) => {
                for row in &export.rows {
                    let names = row.user_name.iter().chain(&row.mail).cloned();
                    self.named.entry(row.record).or_default().extend(names);
                    if let Some(at) = row.last_contact.filter(|at| at <= time) {
                        self.heard(OldRecord::Exported(row.record), at);
                    }
                }
                if export.complete {
                    let records = export.rows.iter().map(|row| row.record).collect();
                    self.complete.push(Complete { at: *time, records });
                }
            }
            What::InvitationIssued { invitation, account, delivery } => {
                self.invitations.insert(*invitation, (*account, *delivery));
            }
            What::Enrolled(enrolled) => {
                self.accounts.insert(enrolled.enrollment, enrolled.on_behalf_of.unwrap_or(enrolled.account));
                let issued = enrolled.invitation.and_then(|used| Some((used, self.invitations.get(&used.invitation)?)));
                let Some((used, (account, Delivery::DeviceBound { record }))) = issued else { return };
                let is_link = matches!(used.through, Through::Browser { .. });
                let is_recipient = *account == Some(enrolled.account);
                let (enrollment, record) = (enrolled.enrollment, *record);
                self.used.push(BoundUse { enrollment, at: *time, record, is_recipient, is_link });
            }
            What::Contact { enrollment, .. } | What::OsUpdated { enrollment, .. } => {
                self.heard(OldRecord::Enrolled(*enrollment), *time);
            }
            What::Restored { enrollment, .. } => self.heard(OldRecord::Enrolled(*enrollment), *time),
            What::CheckedOut { enrollment } | What::PushAnswered { enrollment, answer: PushAnswer::Gone } => {
                self.ended.entry(*enrollment).or_insert(*time);
            }
            What::PortalAnswered { enrollment, answer, .. } => {
                self.answers.insert(*enrollment, *answer);
            }
            What::AccountClosed { .. } | What::InvitationOpened { .. } | What::CodeShown { .. } => {}
            What::PushAnswered { answer: PushAnswer::Accepted, .. } => {}
        }
    }

    fn hold(&mut self, account: AccountId, names: &Names) {
        for name in [&names.user_name, &names.mail] {
            self.holders.entry(Arc::clone(name)).or_default().insert(account);
        }
    }

    fn heard(&mut self, record: OldRecord, at: i64) {
        let newest = self.newest_contact.entry(record).or_insert(at);
        *newest = at.max(*newest);
    }

    /// Returns the people whom the rows of a record name. A person who returned may have two accounts.
    pub fn owners(&self, record: RecordId, truth: &Truth) -> BTreeSet<PersonId> {
        let named = self.named.get(&record).into_iter().flatten();
        named.filter_map(|name| self.holders.get(name)).flatten().map(|account| truth.accounts[account]).collect()
    }

    /// Returns the pairs that meet the conditions for a confirmation without an administrator: a device-bound link
    /// used by its recipient, the old record ended, and nothing that the server knows speaks against it.
    pub fn to_confirm(&self) -> impl Iterator<Item = (EnrollmentId, OldRecord)> {
        let is_met =
            |used: &&BoundUse| used.is_link && used.is_recipient && self.has_ended(used) && !self.speaks_against(used);
        self.used.iter().filter(is_met).map(|used| (used.enrollment, used.record))
    }

    fn has_ended(&self, used: &BoundUse) -> bool {
        match used.record {
            OldRecord::Enrolled(enrollment) => self.ended.contains_key(&enrollment),
            OldRecord::Exported(record) => {
                let newest = self.complete.last().filter(|complete| complete.at - used.at > 2 * UNSURE);
                newest.is_some_and(|complete| !complete.records.contains(&record))
            }
        }
    }

    // A goodbye after the enrollment may be late, and may be that of another device.
    fn speaks_against(&self, used: &BoundUse) -> bool {
        let answered = match self.answers.get(&used.enrollment) {
            Some(Answer::Record(record)) => *record != used.record,
            Some(Answer::NoneOfThem) => true,
            Some(Answer::NotAnswered) | None => false,
        };
        let slack = if matches!(used.record, OldRecord::Exported(_)) { UNSURE } else { 0 };
        let heard = self.newest_contact.get(&used.record).is_some_and(|at| at - used.at > slack);
        let left_later = match used.record {
            OldRecord::Enrolled(enrollment) => self.ended.get(&enrollment).is_some_and(|at| *at > used.at),
            OldRecord::Exported(_) => false,
        };
        answered || heard || left_later
    }
}
