//! Asks whether the old management was heard from after an enrollment. Silence counts only if contact would be known.

use crate::{Cause, Pair, Reenrollment, ReenrollmentError, effect};
use decisions::record::{Command, Import, Record};
use events::record::{ImportId, Silence};
use events::{EventId, Timestamp};
use platform::PerformError;
use projections::devices::{self, State};
use projections::links::{self, Question};
use projections::records;

/// Number of links that are read at once.
const PAGE: usize = 500;

impl Reenrollment {
    /// Answers the questions that are due at `now`: up to `limit`.
    ///
    /// # Errors
    /// Returns an error if the log or the projections cannot be read or written. It can be tried again.
    pub async fn ask_silence(&self, now: Timestamp, limit: usize) -> Result<(), ReenrollmentError> {
        let hours = self.settings.current().await?.reenrollment.ask_silence_after_hours;
        let before = now.plus_seconds(-i64::from(hours) * 3_600);
        for question in links::questions(&self.platform.projections, before, limit).await? {
            self.answer(question).await?;
        }
        Ok(())
    }

    /// An import ended. If it was a complete export, it may answer questions that could not be answered before.
    ///
    /// # Errors
    /// Same as [`Reenrollment::ask_silence`].
    pub async fn import_finished(&self, cause: Cause, import: ImportId) -> Result<(), ReenrollmentError> {
        let (state, _) = self.platform.load::<Import>(&import.stream()).await?;
        let Some(source) = state.source.clone().filter(|_| state.is_complete) else { return Ok(()) };
        let projections = &self.platform.projections;
        projections.wait_for(cause.position).await?;
        let mut after = None;
        loop {
            let page = links::open_of_source(projections, source.clone(), after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some((last.record, last.successor));
            for link in page.iter().filter(|link| link.silence == Some(Silence::Unknown {})) {
                let pair = Pair { record: link.record, successor: link.successor };
                let silence = self.silence(pair).await?;
                if silence != (Silence::Unknown {}) {
                    self.note(cause.event, pair, silence).await?;
                }
            }
        }
    }

    async fn answer(&self, Question { record, successor, event }: Question) -> Result<(), ReenrollmentError> {
        let pair = Pair { record, successor };
        let silence = self.silence(pair).await?;
        self.note(event, pair, silence).await
    }

    async fn note(&self, cause: EventId, pair: Pair, silence: Silence) -> Result<(), ReenrollmentError> {
        let note = Command::NoteSilence { successor: pair.successor, silence };
        let context = effect(cause, pair, "ask-silence");
        match self.platform.perform::<Record>(&pair.record.stream(), &note, &context).await {
            Ok(_) | Err(PerformError::Refused(_)) => Ok(()),
            Err(error) => Err(ReenrollmentError::Perform(error.to_string())),
        }
    }

    async fn silence(&self, pair: Pair) -> Result<Silence, ReenrollmentError> {
        let enrolled = devices::enrolled(&self.platform.projections, pair.successor).await?;
        let Some(enrolled_at) = enrolled.and_then(|device| device.enrolled_at) else { return Ok(Silence::Unknown {}) };
        let (record, _) = self.platform.load::<Record>(&pair.record.stream()).await?;
        match (&record.details, &record.source) {
            (Some(details), Some(source)) => {
                let is_present = record.missing_since.is_none();
                self.imported_silence((details.last_contact, source, is_present), enrolled_at).await
            }
            (None, _) | (_, None) => self.own_silence(pair, enrolled_at).await,
        }
    }

    // An export that was made after the enrollment would say that the device was heard from. An older one says nothing.
    async fn imported_silence(
        &self,
        (contact, source, is_present): (Option<Timestamp>, &str, bool),
        enrolled_at: Timestamp,
    ) -> Result<Silence, ReenrollmentError> {
        let Some(since) = contact else { return Ok(Silence::Unknown {}) };
        if since > enrolled_at {
            return Ok(Silence::Heard { at: since });
        }
        let until = records::known_until(&self.platform.projections, source.to_owned()).await?;
        let is_known = is_present && until.is_some_and(|until| until > enrolled_at);
        Ok(if is_known { Silence::Silent { since } } else { Silence::Unknown {} })
    }

    // Contact is an event as long as it is watched. Without a watch, a poll leaves none.
    async fn own_silence(&self, pair: Pair, enrolled_at: Timestamp) -> Result<Silence, ReenrollmentError> {
        let device = pair.record.device();
        let Some(own) = devices::enrolled(&self.platform.projections, device).await? else {
            return Ok(Silence::Unknown {});
        };
        let contact = links::contact(&self.platform.projections, device).await?;
        if let Some(at) = contact.and_then(|contact| contact.heard_at).filter(|at| *at > enrolled_at) {
            return Ok(Silence::Heard { at });
        }
        let ended = own.ended_at.filter(|_| own.state != State::Enrolled);
        let since = ended.or(contact.map(|contact| contact.watched_from));
        Ok(since.map_or(Silence::Unknown {}, |since| Silence::Silent { since }))
    }
}
