//! Enrollments with Muster, with their invitations.

use crate::calendar::{DAY, HOUR, MINUTE};
use crate::device::Property;
use crate::happening::{Browser, Delivery, Enrolled, Hardware, InvitationUse, Kind, Through, Way, What};
use crate::ids::{EnrollmentId, InvitationId, OldRecord};
use crate::stage::{Act, Stage};
use crate::truth::{EnrollmentTruth, Story};

/// An enrollment that is about to happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Who will use the device.
    pub(crate) member: usize,
    pub(crate) unit: usize,
    pub(crate) at: i64,
    pub(crate) story: Story,
    pub(crate) invite: Invite,
    /// Who signs in instead of the member.
    pub(crate) technician: Option<usize>,
    /// The person certainly signs in from a second phone between page and code.
    pub(crate) other_signs_in: bool,
}

/// How the person was invited.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Invite {
    Nobody,
    /// A code by letter.
    Letter,
    /// A page that is opened.
    Page {
        /// The member to whom it was sent.
        to: usize,
        delivery: Delivery,
        /// The device on which it is opened; `None` is a computer.
        on: Option<usize>,
        opened: i64,
    },
}

impl Plan {
    /// An enrollment of a member's own device, without an invitation.
    pub(crate) fn new(member: usize, unit: usize, at: i64, story: Story) -> Self {
        Self { member, unit, at, story, invite: Invite::Nobody, technician: None, other_signs_in: false }
    }

    pub(crate) fn invited(self, invite: Invite) -> Self {
        Self { invite, ..self }
    }
}

impl Stage<'_> {
    /// Enrolls a device with Muster.
    pub(crate) fn enroll(&mut self, plan: Plan) {
        let Plan { member, unit, at, .. } = plan;
        let enrollment: EnrollmentId = self.numbers.enrollments.next();
        let kind = self.kind(unit, at);
        let way = self.way(unit, kind, at);
        let invitation = self.use_invitation(&plan, way);
        let signs_in = plan.technician.unwrap_or(member);
        let says = plan.technician.is_some() && self.draw.chance(self.shape.migration.technician_says);
        let is_attested = self.draw.chance(self.shape.device.attested);
        let account = self.members[signs_in].person.account();
        let device = &self.units[unit].device;
        let hardware = || Hardware { serial: device.serial.clone(), udid: device.udid.clone(), attested: is_attested };
        let enrolled = Enrolled {
            enrollment,
            account: account.id,
            names: account.names.clone(),
            on_behalf_of: says.then(|| self.members[member].person.account().id),
            kind,
            way,
            model: device.model.identifier,
            os: self.units[unit].version_at(at),
            hardware: (kind == Kind::Device).then(hardware),
            invitation,
        };
        self.label(enrollment, &plan);
        let assigned = if says { member } else { signs_in };
        self.assigned.insert(enrollment, assigned);
        self.manage(unit, OldRecord::Enrolled(enrollment), kind, way, at);
        self.members[member].written = self.members[member].written.max(at);
        self.say(at, What::Enrolled(Box::new(enrolled)));
        if at >= self.shape.calendar.user_enrollment {
            self.answer(enrollment, &plan);
            let later = self.draw.between(at + 10 * DAY, self.shape.calendar.end);
            self.plan(later, Act::Later(unit, enrollment));
        }
    }

    /// Writes the truth about an enrollment, before its management starts.
    fn label(&mut self, enrollment: EnrollmentId, plan: &Plan) {
        let unit = &self.units[plan.unit];
        let earlier: Vec<_> = unit.managements.iter().map(|management| management.record).collect();
        let continues = earlier.last().copied();
        let truth = EnrollmentTruth {
            device: unit.device.id,
            person: self.members[plan.member].person.id,
            continues,
            earlier,
            // Completed when the history is.
            was_known: false,
            story: plan.story,
        };
        self.truth.enrollments.insert(enrollment, truth);
    }

    fn kind(&self, unit: usize, at: i64) -> Kind {
        match self.units[unit].device.property {
            Property::Personal if at >= self.shape.calendar.user_enrollment => Kind::User,
            Property::Personal | Property::Organization => Kind::Device,
        }
    }

    fn way(&mut self, unit: usize, kind: Kind, at: i64) -> Way {
        let major = self.units[unit].version_at(at).major;
        let rates = &self.shape.device;
        let by_profile = match kind {
            Kind::User => major < 15 || (major < 18 && self.draw.chance(rates.user_by_profile)),
            Kind::Device => major < 17 || !self.draw.chance(rates.device_by_account),
        };
        if by_profile { Way::Profile } else { Way::Account }
    }

    /// Issues and opens the invitation of an enrollment, and returns how the enrollment used it.
    fn use_invitation(&mut self, plan: &Plan, way: Way) -> Option<InvitationUse> {
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

    fn issue(&mut self, to: usize, delivery: Delivery, time: i64) -> InvitationId {
        let invitation = self.numbers.invitations.next();
        let person = &self.members[to].person;
        let mut time = time.max(self.shape.calendar.user_enrollment).max(person.account().from);
        if let Delivery::DeviceBound { record } = delivery {
            // The old management installs the Web Clip after the record exists and is known.
            time = time.max(self.truth.records[&record].from + HOUR).max(self.known_from(record));
        }
        let account = person.account().id;
        self.say(time, What::InvitationIssued { invitation, account, delivery });
        invitation
    }

    /// The first import after which a record is known; 0 for an own enrollment.
    fn known_from(&self, record: OldRecord) -> i64 {
        let known = |time: i64| self.is_known(record, time);
        if known(0) {
            return 0;
        }
        let imports = self.shape.calendar.exports.iter().map(|plan| plan.time + 1);
        imports.into_iter().find(|time| known(*time)).unwrap_or(0)
    }

    fn type_letter(&mut self, plan: &Plan) -> (InvitationId, Through) {
        let code = self.numbers.codes.next();
        let since = self.draw.delay(3 * DAY).clamp(HOUR, 20 * DAY);
        let since = since.min(plan.at - self.shape.calendar.user_enrollment).max(0);
        let since = since.min(plan.at - self.members[plan.member].person.account().from).max(0);
        let invitation = self.issue(plan.member, Delivery::Code { code }, plan.at - since);
        (invitation, Through::Code { code, opening: None, minutes: since / MINUTE })
    }

    fn open(
        &mut self,
        invitation: InvitationId,
        plan: &Plan,
        way: Way,
        on: Option<usize>,
        opened: i64,
    ) -> Option<Through> {
        let opening = self.numbers.openings.next();
        let family = on.map(|unit| self.units[unit].family());
        let os = on.map(|unit| self.units[unit].version_at(opened)).filter(|version| version.major < 26);
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
