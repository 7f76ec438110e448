//! Closes the migration of a source, and shreds the records of people who never enrolled some days later.

use crate::{Reenrollment, ReenrollmentError};
use decisions::migration::{Command, Migration};
use decisions::record::{self, Record};
use events::record::RecordId;
use events::{Actor, ActorKind, Timestamp};
use platform::PerformError;
use platform::context::Context;
use projections::closings::{self, Closing};

/// Number of migrations in which records are shredded at one tick.
const MIGRATIONS: usize = 8;

/// Number of records of one migration that are looked at in one tick.
const RECORDS: usize = 200;

impl Reenrollment {
    /// Closes the migration of a source. Returns whether it was open.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read or written.
    pub async fn close(&self, source: &str, context: &Context) -> Result<bool, ReenrollmentError> {
        self.change(source, &Command::Close { source: source.to_owned() }, context).await
    }

    /// Opens the migration of a source again: what was not shredded yet stays. Returns whether it was closed.
    ///
    /// # Errors
    /// Same as [`Reenrollment::close`].
    pub async fn reopen(&self, source: &str, context: &Context) -> Result<bool, ReenrollmentError> {
        self.change(source, &Command::Reopen, context).await
    }

    async fn change(&self, source: &str, command: &Command, context: &Context) -> Result<bool, ReenrollmentError> {
        let stream = self.platform.secrets.migration(source).stream();
        let performed = self.platform.perform::<Migration>(&stream, command, context).await.map_err(failed)?;
        let Some(appended) = performed.appended else { return Ok(false) };
        self.platform.projections.wait_patiently_for(appended.position).await?;
        Ok(true)
    }

    /// Shreds the next records of migrations that were closed long enough before `now`: a bounded number.
    ///
    /// # Errors
    /// Returns an error if the log or the projections cannot be read or written. It can be tried again.
    pub async fn shred(&self, now: Timestamp) -> Result<(), ReenrollmentError> {
        let days = self.settings.current().await?.reenrollment.shred_after_days;
        let before = now.plus_seconds(-i64::from(days) * 24 * 3_600);
        // A migration that cannot be worked on holds up no other.
        let mut done = Ok(());
        for closing in closings::due(&self.platform.projections, before, MIGRATIONS).await? {
            done = done.and(self.shred_next(&closing).await);
        }
        done
    }

    async fn shred_next(&self, closing: &Closing) -> Result<(), ReenrollmentError> {
        // Owners, links and enrollments have to be known up to now.
        if let Some(head) = self.platform.log.store().head().await? {
            self.platform.projections.wait_patiently_for(head).await?;
        }
        let stream = closing.migration.stream();
        let (state, _) = self.platform.load::<Migration>(&stream).await?;
        let page = closings::next(&self.platform.projections, closing, RECORDS).await?;
        let Some(last) = page.last().filter(|_| state.is_closed) else { return Ok(()) };
        let mut count = 0;
        for looked_at in page.iter().filter(|looked_at| looked_at.is_left) {
            count += u64::from(self.shred_record(closing, looked_at.record).await?);
        }
        let progress = Command::NoteShredded { count, up_to: last.record };
        match self.platform.perform::<Migration>(&stream, &progress, &context(closing, "shredded".to_owned())).await {
            // It was reopened in the meantime.
            Ok(_) | Err(PerformError::Refused(_)) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    // An effect of the event destroys the key. The stream decides whether a link was made in the meantime.
    async fn shred_record(&self, closing: &Closing, record: RecordId) -> Result<bool, ReenrollmentError> {
        let context = context(closing, format!("shred {record}"));
        match self.platform.perform::<Record>(&record.stream(), &record::Command::NoteShredded, &context).await {
            Ok(performed) => Ok(performed.appended.is_some()),
            Err(PerformError::Refused(_)) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

fn context(closing: &Closing, effect: String) -> Context {
    let actor = Actor::new(ActorKind::System, "shred-records");
    let context = Context::effect(actor, closing.cause, closing.migration.0, "shred-records");
    Context { effect: Some(effect.into()), ..context }
}

fn failed<R: std::error::Error>(error: PerformError<R>) -> ReenrollmentError {
    ReenrollmentError::Perform(error.to_string())
}
