//! Confirms, rejects and undoes links. The place of a record at its successor is reserved before the link is confirmed,
//! so that concurrent confirmations end in one link.

use crate::{OWN_SOURCE, Pair, Reenrollment, ReenrollmentError, step};
use decisions::link::Weight;
use decisions::record::{Command, Record, Refusal};
use decisions::successor::{self, Successor, Taken};
use events::StreamName;
use events::device::DeviceId;
use events::record::RecordId;
use platform::PerformError;
use platform::context::Context;

/// Age of a reservation, in seconds, from which it counts as left over if its link is not confirmed.
const LEFT_OVER_AFTER: i64 = 60;

/// Why a decision about a link was not made.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Taken(#[from] Taken),
    #[error(transparent)]
    Failed(#[from] ReenrollmentError),
}

impl Reenrollment {
    /// Confirms a proposed link. `context` is that of who decides.
    ///
    /// # Errors
    /// Returns an error if the link is not proposed any more, another record of the source has the place, or the log
    /// cannot be written.
    pub async fn confirm(&self, pair: Pair, context: &Context) -> Result<(), DecideError> {
        let _turn = self.turn(pair.successor).lock().await;
        // What is known by now decides what the link proves, also if no effect has worked it in yet.
        let weight = self.weigh_again(pair).await?.map(|(_, weight)| weight);
        self.confirm_by(pair, &Command::ConfirmLink { successor: pair.successor }, weight, context).await
    }

    /// Confirms a link with this command, as it was just weighed. The turn of the successor is taken.
    pub(crate) async fn confirm_by(
        &self,
        pair: Pair,
        confirm: &Command,
        weight: Option<Weight>,
        context: &Context,
    ) -> Result<(), DecideError> {
        // A reservation without a proposal would keep the place for nothing.
        self.check(pair, confirm).await?;
        let source = self.source(pair).await?;
        self.reserve(pair, &source, &step(context, pair, "reserve")).await?;
        let confirmed = self.confirm_as_weighed(pair, confirm, weight, context).await;
        if let Err(DecideError::Refused(_)) = confirmed {
            self.release(pair, &source, &step(context, pair, "release")).await?;
        }
        confirmed
    }

    async fn confirm_as_weighed(
        &self,
        pair: Pair,
        confirm: &Command,
        weight: Option<Weight>,
        context: &Context,
    ) -> Result<(), DecideError> {
        let successor = pair.successor;
        let propose = weight.map(|weight| Command::ProposeLink { successor, weight });
        let weighing = step(context, pair, "weigh");
        let deciding = step(context, pair, "confirm");
        let commands: Vec<_> =
            propose.iter().map(|propose| (propose, &weighing)).chain([(confirm, &deciding)]).collect();
        match (self.platform.perform_together::<Record>(&pair.record.stream(), &commands).await, &propose) {
            (Ok(_), _) => Ok(()),
            // What is known withdraws the proposal: the next page shows this and why.
            (Err(PerformError::Refused(refusal)), Some(propose)) => {
                self.decide(pair, propose.clone(), &weighing).await?;
                Err(refusal.into())
            }
            (Err(PerformError::Refused(refusal)), None) => Err(refusal.into()),
            (Err(error), _) => Err(failed(error).into()),
        }
    }

    async fn reserve(&self, pair: Pair, source: &str, context: &Context) -> Result<(), DecideError> {
        let stream = self.successor_stream(pair.successor, source);
        let reserve = |in_place_of| successor::Command::Reserve { record: pair.record, in_place_of };
        match self.platform.perform::<Successor>(&stream, &reserve(None), context).await {
            Ok(_) => Ok(()),
            Err(PerformError::Refused(taken)) if self.is_left_over(&stream, pair.successor, taken.by).await? => {
                let taken_over = self.platform.perform::<Successor>(&stream, &reserve(Some(taken.by)), context).await;
                taken_over.map(drop).map_err(not_reserved)
            }
            Err(error) => Err(not_reserved(error)),
        }
    }

    // A process that stopped between the reservation and the confirmation leaves the reservation behind. A new one may
    // belong to a confirmation that is under way on another node.
    async fn is_left_over(
        &self,
        stream: &StreamName,
        successor: DeviceId,
        by: RecordId,
    ) -> Result<bool, ReenrollmentError> {
        let (record, _) = self.platform.load::<Record>(&by.stream()).await?;
        let reserved = self.platform.log.read(stream).await?;
        let age = reserved.last().map_or(0, |entry| self.platform.world.now().seconds_since(entry.at));
        Ok(record.successor() != Some(successor) && age > LEFT_OVER_AFTER)
    }

    /// Rejects a proposed link.
    ///
    /// # Errors
    /// Returns an error if the link is not proposed any more, or the log cannot be written.
    pub async fn reject(&self, pair: Pair, context: &Context) -> Result<(), DecideError> {
        self.decide(pair, Command::RejectLink { successor: pair.successor }, context).await
    }

    /// Undoes a confirmation or rejection: the link is proposed again as it was.
    ///
    /// # Errors
    /// Returns an error if there is no link, or the log cannot be written.
    pub async fn undo(&self, pair: Pair, context: &Context) -> Result<(), DecideError> {
        let _turn = self.turn(pair.successor).lock().await;
        self.decide(pair, Command::UndoLink { successor: pair.successor }, context).await?;
        let source = self.source(pair).await?;
        Ok(self.release(pair, &source, &step(context, pair, "release")).await?)
    }

    async fn check(&self, pair: Pair, command: &Command) -> Result<(), DecideError> {
        use decisions::Aggregate as _;
        let (record, _) = self.platform.load::<Record>(&pair.record.stream()).await.map_err(ReenrollmentError::from)?;
        record.decide(command)?;
        Ok(())
    }

    async fn decide(&self, pair: Pair, command: Command, context: &Context) -> Result<(), DecideError> {
        match self.platform.perform::<Record>(&pair.record.stream(), &command, context).await {
            Ok(_) => Ok(()),
            Err(PerformError::Refused(refusal)) => Err(refusal.into()),
            Err(error) => Err(failed(error).into()),
        }
    }

    async fn release(&self, pair: Pair, source: &str, context: &Context) -> Result<(), ReenrollmentError> {
        let stream = self.successor_stream(pair.successor, source);
        let release = successor::Command::Release(pair.record);
        match self.platform.perform::<Successor>(&stream, &release, context).await {
            Ok(_) | Err(PerformError::Refused(_)) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    pub(crate) async fn source(&self, pair: Pair) -> Result<String, ReenrollmentError> {
        let (record, _) = self.platform.load::<Record>(&pair.record.stream()).await?;
        Ok(record.source.clone().unwrap_or_else(|| OWN_SOURCE.to_owned()))
    }
}

fn not_reserved(error: PerformError<Taken>) -> DecideError {
    match error {
        PerformError::Refused(taken) => taken.into(),
        error => failed(error).into(),
    }
}

fn failed<R: std::error::Error>(error: PerformError<R>) -> ReenrollmentError {
    ReenrollmentError::Perform(error.to_string())
}
