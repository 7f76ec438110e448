//! Enrollments with Muster.

use crate::calendar::DAY;
use crate::device::Property;
use crate::happening::{Delivery, Enrolled, Hardware, Kind, Way, What};
use crate::ids::{EnrollmentId, OldRecord};
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
}
