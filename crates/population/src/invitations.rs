//! Invitations: how they are issued, opened and used.

use crate::calendar::{DAY, HOUR, MINUTE};
use crate::device::Unit;
use crate::enrolling::{Invite, Plan};
use crate::happening::{Browser, Delivery, InvitationUse, Through, Way, What};
use crate::ids::{AccountId, InvitationId, OldRecord};
use crate::model::Family;
use crate::stage::Stage;

impl Stage<'_> {
    /// Issues and opens the invitation of an enrollment, and returns how the enrollment used it.
    pub(crate) fn use_invitation(&mut self, plan: &Plan, way: Way) -> Option<InvitationUse> {
        let several = self.members[plan.member].units.len() > 1;
        let interferes = self.draw.chance(self.shape.invitation.other_signs_in);
        let other_phone_signed_in = plan.other_signs_in || (several && interferes);
        let (invitation, through) = match plan.invite {
            Invite::Nobody => return None,
            Invite::Letter => self.type_letter(plan),
            Invite::Page { to, delivery, on, opened } => {
                let issued = opened - self.draw.delay(2 * DAY).min(20 * DAY);
                let invitation = self.issue(to, delivery, issued);
                (invitation, self.open(invitation, plan, way, on, opened)?)
            }
        };
        Some(InvitationUse { invitation, through, other_phone_signed_in })
    }

    /// Issues an invitation for a member, at `time` or as soon as it is possible.
    fn issue(&mut self, to: usize, delivery: Delivery, time: i64) -> InvitationId {
        let invitation = self.numbers.invitations.next();
        let mut time = time.max(self.shape.calendar.user_enrollment);
        let account = match delivery {
            Delivery::DeviceBound { record } => {
                // The old management installs the Web Clip after the record exists and is known.
                time = time.max(self.truth.records[&record].from + HOUR).max(self.known_from(record));
                self.addressee(record, time)
            }
            Delivery::Mail | Delivery::Code { .. } => {
                let account = self.members[to].person.account();
                time = time.max(account.from);
                Some(account.id)
            }
        };
        self.say(time, What::InvitationIssued { invitation, account, delivery });
        invitation
    }

    /// The account of the owner whom a record names, if it has been open since an instant at least.
    fn addressee(&self, record: OldRecord, time: i64) -> Option<AccountId> {
        let member = match record {
            OldRecord::Exported(id) => {
                let owner = self.record(id)?.owner_at(time)?;
                self.members.iter().find(|member| member.person.has_had(&owner.user_name))?
            }
            OldRecord::Enrolled(enrollment) => &self.members[*self.assigned.get(&enrollment)?],
        };
        let account = member.person.account();
        (!member.is_away && account.from <= time).then_some(account.id)
    }

    /// A device-bound invitation of the first wave, which nobody opens.
    pub(crate) fn invite_in_vain(&mut self, member: usize, unit: usize, time: i64) {
        let issued = time - self.draw.delay(10 * DAY).clamp(DAY, 40 * DAY);
        let is_possible = issued > self.shape.calendar.user_enrollment;
        if let Some(delivery) = self.bound_delivery(unit, issued).filter(|_| is_possible) {
            self.issue(member, delivery, issued);
        }
    }

    /// The first import after which a record is known; 0 for an own enrollment.
    fn known_from(&self, record: OldRecord) -> i64 {
        let mut instants = std::iter::once(0).chain(self.shape.calendar.exports.iter().map(|plan| plan.time + 1));
        instants.find(|time| self.is_known(record, *time)).unwrap_or(0)
    }

    /// An invitation by letter, whose code is typed.
    fn type_letter(&mut self, plan: &Plan) -> (InvitationId, Through) {
        let code = self.numbers.codes.next();
        let since = self.draw.delay(3 * DAY).clamp(HOUR, 20 * DAY);
        let since = since.min(plan.at - self.shape.calendar.user_enrollment).max(0);
        let since = since.min(plan.at - self.members[plan.member].person.account().from).max(0);
        let invitation = self.issue(plan.member, Delivery::Code { code }, plan.at - since);
        (invitation, Through::Code { code, opening: None, minutes: since / MINUTE })
    }

    /// Opens the page of an invitation, and returns how the enrollment is connected with it.
    fn open(
        &mut self,
        invitation: InvitationId,
        plan: &Plan,
        way: Way,
        on: Option<usize>,
        opened: i64,
    ) -> Option<Through> {
        let opening = self.numbers.openings.next();
        // Safari on an iPad claims to be one on a Mac.
        let phone = on.map(|unit| &self.units[unit]).filter(|unit| unit.family() == Family::Phone);
        let family = phone.map(Unit::family);
        let os = phone.map(|unit| unit.version_at(opened)).filter(|version| version.major < 26);
        self.truth.openings.insert(opening, on.map(|unit| self.units[unit].device.id));
        self.say(opened, What::InvitationOpened { opening, invitation, browser: Browser { family, os } });
        if way == Way::Profile && on == Some(plan.unit) {
            return Some(Through::Browser { opening });
        }
        let shown = opened + self.draw.between(20, 2 * MINUTE);
        let minutes = (plan.at - shown) / MINUTE;
        // A code is typed on the same day or never.
        if shown >= plan.at || minutes > 24 * 60 || !self.draw.chance(self.shape.invitation.code_typed) {
            return None;
        }
        let code = self.numbers.codes.next();
        self.say(shown, What::CodeShown { code, opening });
        Some(Through::Code { code, opening: Some(opening), minutes })
    }
}
