//! Which invitation a person uses for a device.

use crate::calendar::{HOUR, MINUTE};
use crate::enrolling::Invite;
use crate::happening::Delivery;
use crate::stage::Stage;

impl Stage<'_> {
    /// Draws the invitation for a device that is still managed when a page is opened at `opened`.
    pub(crate) fn invite(&mut self, member: usize, unit: usize, opened: i64, at: i64) -> Invite {
        let rates = &self.shape.invitation;
        let bound = self.bound_delivery(unit, opened);
        let choice = self.draw.choose(&[
            (rates.device_bound, 0),
            (rates.mail, 1),
            (rates.code, 2),
            (1.0 - rates.device_bound - rates.mail - rates.code, 3),
        ]);
        match (choice, bound) {
            (0, Some(delivery)) => Invite::Page { to: member, delivery, on: Some(unit), opened },
            (0 | 1, _) => self.mail(member, unit, at),
            (2, _) => Invite::Letter,
            _ => Invite::Nobody,
        }
    }

    /// A Web Clip for the present record of a device, if the record is known and the device makes contact.
    pub(crate) fn bound_delivery(&self, unit: usize, time: i64) -> Option<Delivery> {
        let management = self.units[unit].managed()?;
        let record = management.record;
        let is_possible = self.is_known(record, time - HOUR) && management.from + 2 * HOUR < time;
        (is_possible && !self.units[unit].is_off(time)).then_some(Delivery::DeviceBound { record })
    }

    /// A mailed link, opened shortly before an enrollment on the device itself or on a computer.
    fn mail(&mut self, member: usize, unit: usize, at: i64) -> Invite {
        let rates = &self.shape.invitation;
        let on = (!self.draw.chance(rates.opened_on_computer)).then_some(unit);
        let forwards = self.draw.chance(rates.forwarded);
        // A phone that is not enrolled yet can open a page at any time after it was bought.
        let opened = at - self.draw.delay(5 * MINUTE).clamp(3, HOUR).min(at - self.units[unit].written - 1).max(1);
        let to = forwards.then(|| self.colleague(&[member], opened)).flatten().unwrap_or(member);
        Invite::Page { to, delivery: Delivery::Mail, on, opened }
    }

    /// The device-bound link of the old phone is opened there, and its code is for the new phone.
    pub(crate) fn old_phone_opens(&mut self, member: usize, old: usize, at: i64) -> Option<Invite> {
        let opened = at - self.draw.between(4 * MINUTE, 50 * MINUTE);
        let delivery = self.bound_delivery(old, opened)?;
        let opens = self.draw.chance(self.shape.invitation.old_phone_opens);
        opens.then_some(Invite::Page { to: member, delivery, on: Some(old), opened })
    }

    /// The invitation of a phone without management: mail, letter or none.
    pub(crate) fn invite_new(&mut self, member: usize, unit: usize, at: i64) -> Invite {
        let rates = &self.shape.invitation;
        let choice = self.draw.choose(&[(rates.mail, 1), (rates.code, 2), (1.0 - rates.mail - rates.code, 3)]);
        match choice {
            // Forwarding is a story of its own.
            1 => match self.mail(member, unit, at) {
                Invite::Page { delivery, on, opened, .. } => Invite::Page { to: member, delivery, on, opened },
                Invite::Letter | Invite::Nobody => Invite::Nobody,
            },
            2 => Invite::Letter,
            _ => Invite::Nobody,
        }
    }
}
