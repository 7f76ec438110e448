//! What the invitation that an enrollment used says about an earlier record.

use crate::{OWN_SOURCE, Pair, Reenrollment, ReenrollmentError};
use decisions::device::Phase;
use decisions::enrollment::Enrollment;
use decisions::invitation::{Invitation, Used};
use decisions::link::Invited;
use decisions::record::Record;
use events::device::DeviceId;
use events::enrollment::{EnrollmentEvent, EnrollmentId};
use events::invitation::{InvitationEvent, InvitationId, InvitationToken};
use events::person::PersonId;
use events::record::RecordId;
use events::{Event, Timestamp};
use projections::enrollments;

/// Seconds between the issue of a code of a device-bound invitation and its use.
const CODE_FRESH: i64 = 10 * 60;

/// Number of other enrollments of the person that are looked at. More than these in ten minutes are unknown.
const MOST_OTHERS: usize = 20;

/// An invitation for an earlier record that an enrollment used.
struct UsedFor {
    id: InvitationId,
    used: Used,
    record: RecordId,
}

impl Reenrollment {
    /// Returns the record of the invitation that the enrollment of a device used.
    pub(crate) async fn invited_record(&self, successor: DeviceId) -> Result<Option<RecordId>, ReenrollmentError> {
        let enrollment = self.platform.enrollment(successor.enrollment()).await?;
        Ok(self.used(&enrollment, successor.enrollment()).await?.map(|used| used.record))
    }

    /// Returns what the invitation says about the record; `None`: nothing, or none was used.
    pub(crate) async fn invited(
        &self,
        pair: Pair,
        enrollment: &Enrollment,
        record: &Record,
    ) -> Result<Option<Invited>, ReenrollmentError> {
        let Some(found) = self.used(enrollment, pair.successor.enrollment()).await? else { return Ok(None) };
        let is_link = found.used.is_device_bound && found.used.token != InvitationToken::DeviceCode;
        let is_code = found.used.is_device_bound && !is_link && self.is_fresh(&found).await?;
        if found.record == pair.record {
            return Ok(Some(match (is_link, is_code) {
                (true, _) => Invited::Device,
                (false, true) => Invited::DeviceByCode,
                (false, false) => Invited::Person,
            }));
        }
        let (other, _) = self.platform.load::<Record>(&found.record.stream()).await?;
        let source = |record: &Record| record.source.clone().unwrap_or_else(|| OWN_SOURCE.to_owned());
        Ok((is_link && source(&other) == source(record)).then_some(Invited::OtherDevice))
    }

    // An invitation that was opened and then used by another enrollment says nothing about this one.
    async fn used(&self, enrollment: &Enrollment, id: EnrollmentId) -> Result<Option<UsedFor>, ReenrollmentError> {
        let Some(invitation) = enrollment.invitation else { return Ok(None) };
        let (state, _) = self.platform.load::<Invitation>(&invitation.stream()).await?;
        let used = state.used.filter(|used| used.enrollment == id);
        let record = state.issued.as_ref().and_then(|issued| issued.record);
        Ok(used.zip(record).map(|(used, record)| UsedFor { id: invitation, used, record }))
    }

    // A link is opened on the device that enrolls. A code is read there and typed in Settings, which may be those of
    // another phone: it says more if it was fresh, and no other phone of the person was about to enroll.
    async fn is_fresh(&self, found: &UsedFor) -> Result<bool, ReenrollmentError> {
        let Some((issued, used)) = self.code_times(found).await? else { return Ok(false) };
        let is_fresh = (0..=CODE_FRESH).contains(&used.seconds_since(issued));
        Ok(is_fresh && self.is_only_phone(found, (issued, used)).await?)
    }

    // Returns when the code was issued and when it was used. The log does not say which of the valid codes was typed,
    // so the oldest one counts.
    async fn code_times(&self, found: &UsedFor) -> Result<Option<(Timestamp, Timestamp)>, ReenrollmentError> {
        let entries = self.platform.log.read(&found.id.stream()).await?;
        let events = || {
            entries.iter().filter_map(|entry| {
                let Event::Invitation(event) = &entry.event else { return None };
                Some((entry.at, event))
            })
        };
        let is_opened = |event: &InvitationEvent| matches!(event, InvitationEvent::InvitationOpened { enrollment, .. } if *enrollment == found.used.enrollment);
        let opened = events().position(|(_, event)| is_opened(event));
        let is_used = |event: &InvitationEvent| matches!(event, InvitationEvent::InvitationUsed { enrollment, .. } if *enrollment == found.used.enrollment);
        let used = events().find(|(_, event)| is_used(event));
        let Some(((used, _), opened)) = used.zip(opened) else { return Ok(None) };
        let Some((opened_at, _)) = events().nth(opened) else { return Ok(None) };
        let issued = events().take(opened).find(
            |(_, event)| matches!(event, InvitationEvent::InvitationCodeIssued { expires, .. } if opened_at < *expires),
        );
        Ok(issued.map(|(issued, _)| (issued, used)))
    }

    async fn is_only_phone(
        &self,
        found: &UsedFor,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<bool, ReenrollmentError> {
        let (used, projections) = (found.used, &self.platform.projections);
        let others = enrollments::open_between(projections, used.person, (from, to), MOST_OTHERS).await?;
        if others.len() >= MOST_OTHERS {
            return Ok(false);
        }
        for other in others.into_iter().filter(|other| *other != used.enrollment) {
            if self.signed_in(other, used.person, (from, to)).await? && !self.was_given_up(other, found).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    // Who reads in the sheet of Settings that the old management goes first closes the sheet, and types the code again:
    // that sign-in enrolled nothing, and is of the same phone as far as the server can see.
    async fn was_given_up(&self, other: EnrollmentId, found: &UsedFor) -> Result<bool, ReenrollmentError> {
        let enrollment = self.platform.enrollment(other).await?;
        let own = self.platform.enrollment(found.used.enrollment).await?;
        let device = self.platform.device(DeviceId(other.0)).await?;
        let platform = |enrollment: &Enrollment| enrollment.opened.as_ref().map(|opened| opened.platform);
        let is_same = platform(&enrollment) == platform(&own) && enrollment.invitation == Some(found.id);
        Ok(is_same && device.phase == Phase::Unknown)
    }

    async fn signed_in(
        &self,
        enrollment: EnrollmentId,
        person: PersonId,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<bool, ReenrollmentError> {
        let entries = self.platform.log.read(&enrollment.stream()).await?;
        let is_theirs = |event: &Event| {
            matches!(event, Event::Enrollment(EnrollmentEvent::UserSignedIn { person: by, .. }) if *by == person)
                || matches!(event, Event::Enrollment(EnrollmentEvent::UserSignedInAgain { .. }))
        };
        Ok(entries.iter().any(|entry| (from..=to).contains(&entry.at) && is_theirs(&entry.event)))
    }
}
