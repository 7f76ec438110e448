//! Waves: begins them with the records to invite for, pauses, resumes and ends them, and rehearses which of the records
//! can be invited for. Who is invited next is decided elsewhere.

use crate::error::{InvitationError, IssueError};
use crate::recipient::Invitee;
use crate::{Invitations, WaveError};
use decisions::wave::{Command, MOST_RECORDS_AT_ONCE, Plan, Refusal, Wave};
use events::invitation::{InvitationDelivery, InvitationId, NotInvited, WaveId};
use events::record::RecordId;
use platform::PerformError;
use platform::context::Context;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Maximum number of records that a rehearsal looks at: each is read from its own stream.
pub const MOST_REHEARSED: usize = 2_000;

/// Result of a rehearsal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaveRehearsal {
    /// Number of records whose owners can be invited now.
    pub can: u64,
    /// Number of records by the reason why nobody can be invited.
    pub cannot: BTreeMap<NotInvited, u64>,
    /// Number of records after the first [`MOST_REHEARSED`], which were not looked at.
    pub unknown: u64,
}

impl Invitations {
    /// Returns the id of the wave that a request leads to. `request`: an id that no other request has, such as that of
    /// a form.
    pub fn wave_of(&self, request: &str) -> WaveId {
        // The tag of the kind keeps it apart from the invitation of the same request.
        WaveId(Uuid::new_v5(&self.id_of(request).0, b"wave"))
    }

    /// Returns the state of a wave.
    ///
    /// # Errors
    /// Returns an error if its stream cannot be read.
    pub async fn wave(&self, wave: WaveId) -> Result<Arc<Wave>, InvitationError> {
        Ok(self.platform.load::<Wave>(&wave.stream()).await?.0)
    }

    /// Begins a wave and adds the records, in this order. A repeated call with the same id and records changes nothing,
    /// and continues where an interrupted one stopped.
    ///
    /// # Errors
    /// Returns a refusal if there are too many records or the wave has ended, and an error if the log cannot be read or
    /// written.
    pub async fn begin_wave(
        &self,
        wave: WaveId,
        plan: &Plan,
        records: &[RecordId],
        context: &Context,
    ) -> Result<Arc<Wave>, WaveError> {
        let mut state = self.change_wave(wave, &Command::Begin(plan.clone()), context).await?;
        while let Some(rest) = usize::try_from(state.records).ok().and_then(|added| records.get(added..)) {
            if rest.is_empty() {
                break;
            }
            let page = rest.iter().take(MOST_RECORDS_AT_ONCE).copied().collect();
            state = self.add_records(wave, state.records, page, context).await?;
        }
        Ok(state)
    }

    // Adds a page only if `before` records were added: the same form may run twice at once.
    async fn add_records(
        &self,
        wave: WaveId,
        before: u64,
        page: Vec<RecordId>,
        context: &Context,
    ) -> Result<Arc<Wave>, WaveError> {
        let loaded = self.platform.load::<Wave>(&wave.stream()).await?;
        let command = Command::AddRecords(page);
        let is_next = |state: &Wave, _: &[_]| if state.records == before { Ok(()) } else { Err(Added::Meanwhile) };
        match self.platform.perform_if(&wave.stream(), loaded, &command, context, is_next).await {
            Ok(performed) => Ok(performed.state),
            Err(Added::Meanwhile) => Ok(self.wave(wave).await?),
            Err(Added::Not(error)) => Err(error.into()),
        }
    }

    /// Pauses a wave: nobody is invited or reminded until it is resumed.
    ///
    /// # Errors
    /// Returns a refusal if the wave has ended or does not exist, and an error if the log cannot be read or written.
    pub async fn pause_wave(&self, wave: WaveId, context: &Context) -> Result<(), WaveError> {
        self.change_wave(wave, &Command::Pause, context).await.map(drop)
    }

    /// Resumes a wave.
    ///
    /// # Errors
    /// Same as [`Invitations::pause_wave`].
    pub async fn resume_wave(&self, wave: WaveId, context: &Context) -> Result<(), WaveError> {
        self.change_wave(wave, &Command::Resume, context).await.map(drop)
    }

    /// Ends a wave for good. Invitations that were issued stay valid.
    ///
    /// # Errors
    /// Returns a refusal if the wave does not exist, and an error if the log cannot be read or written.
    pub async fn end_wave(&self, wave: WaveId, context: &Context) -> Result<(), WaveError> {
        self.change_wave(wave, &Command::End, context).await.map(drop)
    }

    async fn change_wave(&self, wave: WaveId, command: &Command, context: &Context) -> Result<Arc<Wave>, WaveError> {
        let changed: Result<_, PerformError<Refusal>> =
            self.platform.perform::<Wave>(&wave.stream(), command, context).await;
        Ok(changed?.state)
    }

    /// Says for how many records somebody can be invited now. Records nothing, and looks at most at the first
    /// [`MOST_REHEARSED`].
    ///
    /// # Errors
    /// Returns an error if the log cannot be read.
    pub async fn rehearse_wave(
        &self,
        records: &[RecordId],
        delivery: InvitationDelivery,
    ) -> Result<WaveRehearsal, InvitationError> {
        let mut rehearsal = WaveRehearsal::default();
        for record in records.iter().take(MOST_REHEARSED) {
            match self.would_invite(*record, delivery).await? {
                Ok(()) => rehearsal.can += 1,
                Err(why) => *rehearsal.cannot.entry(why).or_default() += 1,
            }
        }
        rehearsal.unknown = records.len().saturating_sub(MOST_REHEARSED) as u64;
        Ok(rehearsal)
    }

    async fn would_invite(
        &self,
        record: RecordId,
        delivery: InvitationDelivery,
    ) -> Result<Result<(), NotInvited>, InvitationError> {
        let recipient = match self.recipient(InvitationId(Uuid::nil()), &Invitee::Record(record)).await {
            Ok(recipient) => recipient,
            Err(IssueError::Failed(error)) => return Err(error),
            // The other reasons are about an invitation without a record.
            Err(IssueError::Refused(why)) => return Ok(Err(why.of_record().unwrap_or(NotInvited::UnknownRecord))),
        };
        let has_mail = recipient.details.get().is_some_and(|details| details.mail.is_some());
        Ok(if delivery == InvitationDelivery::Mail && !has_mail { Err(NotInvited::NoMail) } else { Ok(()) })
    }
}

/// Why a page of records was not added.
enum Added {
    /// Another request added it meanwhile.
    Meanwhile,
    Not(PerformError<Refusal>),
}

impl From<PerformError<Refusal>> for Added {
    fn from(error: PerformError<Refusal>) -> Added {
        Added::Not(error)
    }
}
