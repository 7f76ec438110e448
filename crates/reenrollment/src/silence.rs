//! Asks whether the old management was heard from after an enrollment. Silence counts only if contact would be known.

use crate::{Cause, Pair, Reenrollment, ReenrollmentError, UNSURE_SECONDS, effect};
use decisions::record::{Command, Import, Record};
use events::record::{ImportId, Silence};
use events::{EventId, Timestamp};
use platform::PerformError;
use projections::devices::{self, State};
use projections::links::{self, Contact, LinkRow, Question};
use projections::records;

/// Number of questions that are answered anew because of one event.
const ANSWERS: usize = 100;

/// Result of answering questions anew.
pub struct Answered {
    /// There may be more questions after this pair.
    pub more_after: Option<Pair>,
    /// Whether all of these could be answered.
    pub done: Result<(), ReenrollmentError>,
}

impl Reenrollment {
    /// Answers the questions that are due at `now`: up to `limit`.
    ///
    /// # Errors
    /// Returns an error if the log or the projections cannot be read or written. It can be tried again.
    pub async fn ask_silence(&self, now: Timestamp, limit: usize) -> Result<(), ReenrollmentError> {
        let hours = self.settings.current().await?.reenrollment.ask_silence_after_hours;
        let before = now.plus_seconds(-i64::from(hours) * 3_600);
        // A record that cannot be read holds up no other.
        let mut done = Ok(());
        for question in links::questions(&self.platform.projections, before, limit).await? {
            done = done.and(self.answer(question).await);
        }
        done
    }

    /// An import ended or was undone. A complete export may answer what could not be answered before, and without it an
    /// answer may be unknown again. It may also say that a record is gone, which is the end of its management. Looks at
    /// a bounded number of the proposals after the pair `after`.
    ///
    /// # Errors
    /// Same as [`Reenrollment::ask_silence`].
    pub async fn import_changed(
        &self,
        cause: Cause,
        import: ImportId,
        after: Option<Pair>,
    ) -> Result<Answered, ReenrollmentError> {
        let (state, _) = self.platform.load::<Import>(&import.stream()).await?;
        let Some(source) = state.source.clone().filter(|_| state.is_complete) else {
            return Ok(Answered { more_after: None, done: Ok(()) });
        };
        let projections = &self.platform.projections;
        projections.wait_patiently_for(cause.position).await?;
        let after = after.map(|Pair { record, successor }| (record, successor));
        let page = links::proposed_of_source(projections, source, after, ANSWERS).await?;
        let mut done = Ok(());
        for link in &page {
            done = done.and(self.answer_again(cause.event, link).await);
            if link.proof.is_same_device {
                done = done.and(self.confirm_if_beyond_doubt(cause.event, Pair::of_link(link)).await);
            }
        }
        let last = page.last().filter(|_| page.len() == ANSWERS);
        let more_after = last.map(|last| Pair { record: last.record, successor: last.successor });
        Ok(Answered { more_after, done })
    }

    async fn answer_again(&self, cause: EventId, link: &LinkRow) -> Result<(), ReenrollmentError> {
        if link.silence.is_none() {
            return Ok(());
        }
        let pair = Pair::of_link(link);
        let silence = self.silence(pair).await?;
        if link.silence == Some(silence) { Ok(()) } else { self.note(cause, pair, silence).await }
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
            (Some(_), Some(source)) => self.imported_silence(&record, source, enrolled_at).await,
            (None, _) | (_, None) => self.own_silence(pair, enrolled_at).await,
        }
    }

    // An export that was made after the enrollment would say that the device was heard from. An older one says nothing.
    async fn imported_silence(
        &self,
        record: &Record,
        source: &str,
        enrolled_at: Timestamp,
    ) -> Result<Silence, ReenrollmentError> {
        if let Some(at) = self.heard_after(record, enrolled_at) {
            return Ok(Silence::Heard { at });
        }
        let until = records::known_until(&self.platform.projections, source.to_owned()).await?;
        let is_after = |until: Timestamp| until.seconds_since(enrolled_at) > UNSURE_SECONDS;
        let is_known = record.missing_since.is_none() && until.is_some_and(is_after);
        let is_before = |since: &Timestamp| enrolled_at.seconds_since(*since) > UNSURE_SECONDS;
        let since = record.latest_contact.filter(is_before).filter(|_| is_known);
        Ok(since.map_or(Silence::Unknown {}, |since| Silence::Silent { since }))
    }

    // Contact is an event as long as it is watched. A device makes contact if it is pushed: without a push that APNs
    // accepted, nothing is known.
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
        let was_pushed = |contact: &Contact| contact.pushed_at.is_some_and(|at| at >= contact.watched_from);
        let since = ended.or(contact.filter(was_pushed).map(|contact| contact.watched_from));
        Ok(since.map_or(Silence::Unknown {}, |since| Silence::Silent { since }))
    }
}
