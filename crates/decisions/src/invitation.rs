//! An invitation to enroll: stream `invitation-<id>`. It is opened by a form, so that mail scanners do not spend it,
//! and spent by the sign-in of its recipient.

#[cfg(test)]
mod tests;

use crate::Aggregate;
use events::enrollment::EnrollmentId;
use events::invitation::{
    InvitationDelivery, InvitationEvent, InvitationRefusal, InvitationToken, MailFailure, Recipient, RenewalCause,
    WaveId,
};
use events::person::PersonId;
use events::record::RecordId;
use events::{KeyName, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Number of browsers in which an invitation can be opened.
const MOST_OPENED: usize = 20;
/// Number of refusals of an invitation that are recorded. Equal ones are recorded once.
const MOST_REFUSALS: usize = 20;
/// Number of valid codes of a device-bound invitation. A new one replaces the oldest.
const MOST_DEVICE_CODES: usize = 3;
/// Number of codes that the page of a device-bound invitation issues.
const MOST_CODES_ISSUED: u32 = 100;
/// Number of links that an invitation can have, one after the other.
const MOST_GENERATIONS: u32 = 50;
/// Number of failures to send that are recorded for one link.
const MOST_FAILURES: u32 = 10;

/// The state of one invitation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Invitation {
    /// `None`: never issued.
    pub issued: Option<Issued>,
    /// Number of the valid link and code.
    pub generation: u32,
    pub expires: Timestamp,
    /// The mail with this link was accepted by the mail server, or will not be sent.
    pub is_mail_settled: bool,
    /// Number of times that the mail with this link could not be sent.
    pub failures: u32,
    /// Number of reminders.
    pub reminders: u32,
    /// The enrollments in which it was opened, and with what.
    pub opened: BTreeMap<EnrollmentId, InvitationToken>,
    /// HMACs of valid codes of its page, with their ends; the oldest first.
    device_codes: Vec<(String, Timestamp)>,
    codes_issued: u32,
    pub used: Option<Used>,
    pub is_revoked: bool,
    pub is_expired: bool,
    refusals: BTreeSet<(InvitationRefusal, Option<EnrollmentId>)>,
}

/// What was issued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Issued {
    pub recipient: Recipient,
    pub record: Option<RecordId>,
    pub wave: Option<WaveId>,
    pub delivery: InvitationDelivery,
    pub language: String,
}

/// Who used it, where, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    pub enrollment: EnrollmentId,
    pub person: PersonId,
    pub token: InvitationToken,
    /// The device of the earlier record is proven: the invitation is device-bound, and was opened there.
    pub is_device_bound: bool,
}

/// What an invitation is at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Never issued.
    Unknown,
    Open,
    /// It cannot be used, for this reason.
    Closed(InvitationRefusal),
}

#[derive(Debug, Clone)]
pub enum Command {
    Issue {
        issued: Box<Issued>,
        expires: Timestamp,
    },
    /// Makes a new link and code, and voids those before.
    Renew {
        cause: RenewalCause,
        expires: Timestamp,
    },
    NoteSent {
        generation: u32,
    },
    NoteNotSent {
        generation: u32,
        why: MailFailure,
        code: Option<u16>,
        is_final: bool,
    },
    /// A person went on from the page, or typed the code. `enrollment`: `None` if none is opened for them, because the
    /// invitation is refused.
    Open {
        enrollment: Option<EnrollmentId>,
        shown: Shown,
        at: Moment,
    },
    /// The page of a device-bound invitation shows a code. `code`: HMAC of it.
    IssueCode {
        code: String,
        expires: Timestamp,
        at: Moment,
    },
    /// A person signed in to an enrollment in which the invitation was opened. `is_recipient`: whether they are the
    /// recipient.
    Use {
        enrollment: EnrollmentId,
        person: PersonId,
        is_recipient: bool,
        at: Moment,
    },
    Revoke,
    Expire {
        now: Timestamp,
    },
}

/// When something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub now: Timestamp,
    /// The enrollment that used the invitation, if it has no device. The same person may begin again in another one: in
    /// Settings, each sign-in begins an enrollment, and a person may have to remove the old management in between.
    pub without_device: Option<EnrollmentId>,
}

impl Moment {
    /// Returns a moment at which an invitation that was used stays so.
    pub fn of(now: Timestamp) -> Moment {
        Moment { now, without_device: None }
    }
}

/// What a person showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A link; its generation, or `None` if the secret belongs to none.
    Link(Option<u32>),
    /// A code; its generation.
    Code(u32),
    /// A code of the page; its HMAC.
    DeviceCode(String),
}

impl Shown {
    /// Returns the word for it in events.
    pub fn token(&self) -> InvitationToken {
        match self {
            Shown::Link(_) => InvitationToken::Link,
            Shown::Code(_) => InvitationToken::Code,
            Shown::DeviceCode(_) => InvitationToken::DeviceCode,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such invitation")]
    Unknown,
    #[error("the invitation was used: issue another one")]
    Used,
    #[error("the invitation was revoked: issue another one")]
    Revoked,
    #[error("the invitation has expired: send it again")]
    Expired,
    #[error("the invitation is not bound to a device, so its page issues no code")]
    NotDeviceBound,
    #[error("the invitation was sent again, or issued codes, too often: issue another one")]
    TooOften,
}

impl Aggregate for Invitation {
    const FOLD: u32 = 2;

    type Whole = Invitation;
    type Event = InvitationEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<InvitationEvent>, Refusal> {
        match command {
            Command::Issue { issued, expires } => Ok(self.issue(issued, *expires)),
            Command::Renew { cause, expires } => self.renew(*cause, *expires),
            Command::NoteSent { generation } => Ok(self.sent(*generation)),
            Command::NoteNotSent { generation, why, code, is_final } => {
                Ok(self.not_sent(*generation, *why, *code, *is_final))
            }
            Command::Open { enrollment, shown, at } => self.open(*enrollment, shown, *at),
            Command::IssueCode { code, expires, at } => self.issue_code(code, *expires, *at),
            Command::Use { enrollment, person, is_recipient, at } => {
                self.r#use(*enrollment, *person, *is_recipient, *at)
            }
            Command::Revoke => self.revoke(),
            Command::Expire { now } => Ok(self.expire(*now)),
        }
    }

    fn evolve(mut self, event: &InvitationEvent) -> Invitation {
        match event {
            InvitationEvent::InvitationIssued { recipient, record, wave, delivery, language, expires } => {
                let (recipient, language) = (recipient.clone(), language.clone());
                self.issued = Some(Issued { recipient, record: *record, wave: *wave, delivery: *delivery, language });
                self.expires = *expires;
            }
            InvitationEvent::InvitationRenewed { generation, cause, expires } => {
                self.reminders += u32::from(*cause == RenewalCause::Reminder);
                (self.generation, self.expires) = (*generation, *expires);
                (self.is_mail_settled, self.failures, self.is_expired) = (false, 0, false);
            }
            InvitationEvent::InvitationSent { generation } => {
                self.is_mail_settled |= *generation == self.generation;
            }
            InvitationEvent::InvitationNotSent { generation, is_final, .. } if *generation == self.generation => {
                self.failures += 1;
                self.is_mail_settled |= *is_final;
            }
            InvitationEvent::InvitationNotSent { .. } => {}
            InvitationEvent::InvitationOpened { enrollment, token } => {
                self.opened.insert(*enrollment, *token);
            }
            InvitationEvent::InvitationCodeIssued { code, expires } => {
                self.codes_issued += 1;
                self.device_codes.push((code.clone(), *expires));
                let surplus = self.device_codes.len().saturating_sub(MOST_DEVICE_CODES);
                self.device_codes.drain(..surplus);
            }
            InvitationEvent::InvitationUsed { enrollment, person, token } => {
                let is_moved = self.used.is_some_and(|before| before.enrollment != *enrollment);
                let is_opened_there = match token {
                    // Whoever used it on the device may have sent the link to another one since.
                    InvitationToken::Link => !is_moved,
                    InvitationToken::DeviceCode => true,
                    InvitationToken::Code => false,
                };
                let is_device_bound = self.is_device_bound() && is_opened_there;
                self.used = Some(Used { enrollment: *enrollment, person: *person, token: *token, is_device_bound });
            }
            InvitationEvent::InvitationRefused { why, enrollment } => {
                self.refusals.insert((*why, *enrollment));
            }
            InvitationEvent::InvitationRevoked {} => self.is_revoked = true,
            InvitationEvent::InvitationExpired {} => self.is_expired = true,
        }
        self
    }

    fn damaged_key(&self) -> Option<&KeyName> {
        self.issued.as_ref()?.recipient.details.damaged_key()
    }
}

impl Invitation {
    /// Returns whether the invitation proves the device of the earlier record.
    pub fn is_device_bound(&self) -> bool {
        self.issued.as_ref().is_some_and(|issued| issued.delivery.is_device_bound())
    }

    /// Returns what the invitation is.
    pub fn standing(&self, now: Timestamp) -> Standing {
        if self.issued.is_none() {
            return Standing::Unknown;
        }
        match self.closed(Moment::of(now)) {
            Some(why) => Standing::Closed(why),
            None => Standing::Open,
        }
    }

    // Who opened it in time may still use it: signing in at a slow provider takes a while.
    fn closed(&self, at: Moment) -> Option<InvitationRefusal> {
        if self.used.is_some_and(|used| Some(used.enrollment) != at.without_device) {
            Some(InvitationRefusal::Used)
        } else if self.is_revoked {
            Some(InvitationRefusal::Revoked)
        } else {
            (self.is_expired || at.now >= self.expires).then_some(InvitationRefusal::Expired)
        }
    }

    fn issue(&self, issued: &Issued, expires: Timestamp) -> Vec<InvitationEvent> {
        if self.issued.is_some() {
            return vec![];
        }
        let Issued { recipient, record, wave, delivery, language } = issued.clone();
        vec![InvitationEvent::InvitationIssued { recipient, record, wave, delivery, language, expires }]
    }

    fn renew(&self, cause: RenewalCause, expires: Timestamp) -> Result<Vec<InvitationEvent>, Refusal> {
        self.not_over()?;
        if self.is_expired && cause == RenewalCause::Reminder {
            return Err(Refusal::Expired);
        }
        let generation = self.generation + 1;
        if generation >= MOST_GENERATIONS {
            return Err(Refusal::TooOften);
        }
        Ok(vec![InvitationEvent::InvitationRenewed { generation, cause, expires }])
    }

    fn not_over(&self) -> Result<(), Refusal> {
        match self {
            Invitation { issued: None, .. } => Err(Refusal::Unknown),
            Invitation { used: Some(_), .. } => Err(Refusal::Used),
            Invitation { is_revoked: true, .. } => Err(Refusal::Revoked),
            Invitation { .. } => Ok(()),
        }
    }

    fn sent(&self, generation: u32) -> Vec<InvitationEvent> {
        let is_news = generation == self.generation && !self.is_mail_settled;
        if is_news { vec![InvitationEvent::InvitationSent { generation }] } else { vec![] }
    }

    fn not_sent(&self, generation: u32, why: MailFailure, code: Option<u16>, is_final: bool) -> Vec<InvitationEvent> {
        if generation != self.generation || self.is_mail_settled {
            return vec![];
        }
        let is_final = is_final || self.failures + 1 >= MOST_FAILURES;
        vec![InvitationEvent::InvitationNotSent { generation, why, code, is_final }]
    }

    fn open(
        &self,
        enrollment: Option<EnrollmentId>,
        shown: &Shown,
        at: Moment,
    ) -> Result<Vec<InvitationEvent>, Refusal> {
        if self.issued.is_none() {
            return Err(Refusal::Unknown);
        }
        // A second click of who opened it changes nothing.
        if enrollment.is_some_and(|enrollment| self.opened.contains_key(&enrollment)) {
            return Ok(vec![]);
        }
        if let Some(why) = self.refuses(shown, at) {
            return Ok(self.refuse(why, enrollment));
        }
        if self.opened.len() >= MOST_OPENED {
            return Err(Refusal::TooOften);
        }
        let opened = |enrollment| InvitationEvent::InvitationOpened { enrollment, token: shown.token() };
        Ok(enrollment.map(opened).into_iter().collect())
    }

    /// Returns why the invitation does not accept what is shown; `None` if it does.
    pub fn refuses(&self, shown: &Shown, at: Moment) -> Option<InvitationRefusal> {
        let is_current = match shown {
            Shown::Link(generation) => *generation == Some(self.generation),
            Shown::Code(generation) => *generation == self.generation,
            Shown::DeviceCode(code) => self.device_codes.iter().any(|(known, ends)| known == code && at.now < *ends),
        };
        self.closed(at).or((!is_current).then_some(InvitationRefusal::Replaced))
    }

    fn refuse(&self, why: InvitationRefusal, enrollment: Option<EnrollmentId>) -> Vec<InvitationEvent> {
        let is_news = !self.refusals.contains(&(why, enrollment)) && self.refusals.len() < MOST_REFUSALS;
        if is_news { vec![InvitationEvent::InvitationRefused { why, enrollment }] } else { vec![] }
    }

    // A code that outlives the invitation would be refused, and no page could say why.
    fn issue_code(&self, code: &str, expires: Timestamp, at: Moment) -> Result<Vec<InvitationEvent>, Refusal> {
        if self.issued.is_some() && !self.is_device_bound() {
            return Err(Refusal::NotDeviceBound);
        }
        match self.closed(at) {
            _ if self.issued.is_none() => return Err(Refusal::Unknown),
            Some(InvitationRefusal::Used) => return Err(Refusal::Used),
            Some(InvitationRefusal::Revoked) => return Err(Refusal::Revoked),
            Some(_) => return Err(Refusal::Expired),
            None => {}
        }
        if self.codes_issued >= MOST_CODES_ISSUED {
            return Err(Refusal::TooOften);
        }
        Ok(vec![InvitationEvent::InvitationCodeIssued { code: code.to_owned(), expires: expires.min(self.expires) }])
    }

    fn r#use(
        &self,
        enrollment: EnrollmentId,
        person: PersonId,
        is_recipient: bool,
        at: Moment,
    ) -> Result<Vec<InvitationEvent>, Refusal> {
        let Some(token) = self.opened.get(&enrollment).copied() else { return Err(Refusal::Unknown) };
        if self.used.is_some_and(|used| used.enrollment == enrollment) {
            return Ok(vec![]);
        }
        // It was opened in time.
        let closed = self.closed(at).filter(|why| *why != InvitationRefusal::Expired);
        let refusal = closed.or((!is_recipient).then_some(InvitationRefusal::OtherPerson));
        Ok(match refusal {
            Some(why) => self.refuse(why, Some(enrollment)),
            None => vec![InvitationEvent::InvitationUsed { enrollment, person, token }],
        })
    }

    fn revoke(&self) -> Result<Vec<InvitationEvent>, Refusal> {
        match self.not_over() {
            Err(Refusal::Revoked) => Ok(vec![]),
            Err(refusal) => Err(refusal),
            Ok(()) => Ok(vec![InvitationEvent::InvitationRevoked {}]),
        }
    }

    fn expire(&self, now: Timestamp) -> Vec<InvitationEvent> {
        let is_due = !self.is_expired && self.standing(now) == Standing::Closed(InvitationRefusal::Expired);
        if is_due { vec![InvitationEvent::InvitationExpired {}] } else { vec![] }
    }
}
