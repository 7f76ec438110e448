//! A wave of invitations, stream `wave-<id>`, and the invitation that a code leads to, stream `code-<HMAC(code)>`.

#[cfg(test)]
mod tests;

use crate::Aggregate;
use events::Timestamp;
use events::invitation::{CodeEvent, InvitationDelivery, InvitationId, NotInvited, WaveEvent};
use events::record::RecordId;
use serde::{Deserialize, Serialize};

/// Maximum number of records that one event adds.
pub const MOST_RECORDS_AT_ONCE: usize = 500;
/// Maximum number of records in a wave.
pub const MOST_RECORDS: u64 = 100_000;

/// The state of one wave. Its records are in the projection: a state must stay small.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// `None`: never begun.
    pub plan: Option<Plan>,
    pub records: u64,
    pub is_paused: bool,
    pub is_deadline_passed: bool,
    pub has_ended: bool,
}

/// What a wave does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub name: String,
    pub delivery: InvitationDelivery,
    pub language: String,
    pub most_per_hour: u32,
    pub valid_days: u32,
    pub remind_after_days: u32,
    pub most_reminders: u32,
    pub deadline: Timestamp,
}

#[derive(Debug, Clone)]
pub enum Command {
    Begin(Plan),
    /// At most [`MOST_RECORDS_AT_ONCE`].
    AddRecords(Vec<RecordId>),
    /// Nobody can be invited for this record. The caller knows that it is the next one.
    Skip {
        record: RecordId,
        why: NotInvited,
    },
    Pause,
    Resume,
    /// `open`: number of records that are not done.
    PassDeadline {
        open: u64,
        now: Timestamp,
    },
    End,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such wave")]
    Unknown,
    #[error("the wave has ended: begin another one")]
    Ended,
    #[error("a wave has at most {MOST_RECORDS} records, added {MOST_RECORDS_AT_ONCE} at a time: begin another one")]
    TooMany,
}

impl Aggregate for Wave {
    const FOLD: u32 = 1;

    type Whole = Wave;
    type Event = WaveEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<WaveEvent>, Refusal> {
        match command {
            Command::Begin(_) if self.plan.is_some() => return Ok(vec![]),
            Command::Begin(plan) => return Ok(vec![begun(plan)]),
            Command::AddRecords(_) | Command::Skip { .. } | Command::Pause | Command::Resume => self.runs()?,
            Command::PassDeadline { .. } | Command::End if self.plan.is_none() => return Err(Refusal::Unknown),
            Command::PassDeadline { .. } | Command::End => {}
        }
        Ok(match command {
            Command::Begin(_) => vec![],
            Command::AddRecords(records) => self.add(records)?,
            Command::Skip { record, why } => vec![WaveEvent::WaveRecordSkipped { record: *record, why: *why }],
            Command::Pause if !self.is_paused => vec![WaveEvent::WavePaused {}],
            Command::Resume if self.is_paused => vec![WaveEvent::WaveResumed {}],
            Command::Pause | Command::Resume => vec![],
            Command::PassDeadline { open, now } if self.is_due(*now) => {
                vec![WaveEvent::WaveDeadlinePassed { open: *open }]
            }
            Command::End if !self.has_ended => vec![WaveEvent::WaveEnded {}],
            Command::PassDeadline { .. } | Command::End => vec![],
        })
    }

    fn evolve(mut self, event: &WaveEvent) -> Wave {
        match event {
            WaveEvent::WaveBegun {
                name,
                delivery,
                language,
                most_per_hour,
                valid_days,
                remind_after_days,
                most_reminders,
                deadline,
            } => {
                self.plan = Some(Plan {
                    name: name.clone(),
                    delivery: *delivery,
                    language: language.clone(),
                    most_per_hour: *most_per_hour,
                    valid_days: *valid_days,
                    remind_after_days: *remind_after_days,
                    most_reminders: *most_reminders,
                    deadline: *deadline,
                });
            }
            WaveEvent::WaveRecordsAdded { records } => self.records += records.len() as u64,
            WaveEvent::WaveRecordSkipped { .. } => {}
            WaveEvent::WavePaused {} => self.is_paused = true,
            WaveEvent::WaveResumed {} => self.is_paused = false,
            WaveEvent::WaveDeadlinePassed { open: _ } => self.is_deadline_passed = true,
            WaveEvent::WaveEnded {} => self.has_ended = true,
        }
        self
    }
}

impl Wave {
    fn runs(&self) -> Result<(), Refusal> {
        match self {
            Wave { plan: None, .. } => Err(Refusal::Unknown),
            Wave { has_ended: true, .. } => Err(Refusal::Ended),
            Wave { .. } => Ok(()),
        }
    }

    fn add(&self, records: &[RecordId]) -> Result<Vec<WaveEvent>, Refusal> {
        let count = records.len();
        if count > MOST_RECORDS_AT_ONCE || self.records + count as u64 > MOST_RECORDS {
            return Err(Refusal::TooMany);
        }
        Ok(if count == 0 { vec![] } else { vec![WaveEvent::WaveRecordsAdded { records: records.to_vec() }] })
    }

    fn is_due(&self, now: Timestamp) -> bool {
        !self.is_deadline_passed && self.plan.as_ref().is_some_and(|plan| now >= plan.deadline)
    }
}

fn begun(plan: &Plan) -> WaveEvent {
    let Plan { name, delivery, language, .. } = plan.clone();
    WaveEvent::WaveBegun {
        name,
        delivery,
        language,
        most_per_hour: plan.most_per_hour,
        valid_days: plan.valid_days,
        remind_after_days: plan.remind_after_days,
        most_reminders: plan.most_reminders,
        deadline: plan.deadline,
    }
}

/// The invitation that a code leads to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Code {
    pub invitation: Option<InvitationId>,
}

/// Reserves a code for an invitation.
#[derive(Debug, Clone, Copy)]
pub struct Reserve(pub InvitationId);

/// The code leads to another invitation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the code leads to another invitation: make another code")]
pub struct CodeTaken;

impl Aggregate for Code {
    const FOLD: u32 = 1;

    type Whole = Code;
    type Event = CodeEvent;
    type Command = Reserve;
    type Refusal = CodeTaken;

    fn decide(&self, Reserve(invitation): &Reserve) -> Result<Vec<CodeEvent>, CodeTaken> {
        match self.invitation {
            None => Ok(vec![CodeEvent::CodeReserved { invitation: *invitation }]),
            Some(known) if known == *invitation => Ok(vec![]),
            Some(_) => Err(CodeTaken),
        }
    }

    fn evolve(self, event: &CodeEvent) -> Code {
        match event {
            CodeEvent::CodeReserved { invitation } => Code { invitation: Some(*invitation) },
        }
    }
}
