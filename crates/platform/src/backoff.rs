//! Delays before a background task restarts after a failure, so that a permanent failure neither loads the server nor
//! fills its log.

use std::time::Duration;
use tokio::time::Instant;

/// Delays of one task: `first`, then twice as long each time, up to `most`. After running without failure for twice
/// `most` it starts with `first` again.
pub struct Backoff {
    first: Duration,
    most: Duration,
    wait: Duration,
    began_again: Option<Instant>,
}

impl Backoff {
    pub fn new(first: Duration, most: Duration) -> Backoff {
        Backoff { first, most, wait: first, began_again: None }
    }

    /// Waits after another failure.
    pub async fn wait(&mut self) {
        let calm = self.began_again.map(|began| began.elapsed());
        tokio::time::sleep(self.next(calm)).await;
        self.began_again = Some(Instant::now());
    }

    /// Returns the next delay, if the task ran for `calm` since its restart.
    fn next(&mut self, calm: Option<Duration>) -> Duration {
        let was_calm = calm.is_none_or(|calm| calm > self.most * 2);
        self.wait = if was_calm { self.first } else { (self.wait * 2).min(self.most) };
        self.wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_at_once_each_time_is_tried_ever_more_rarely_and_after_a_calm_time_soon() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(seconds(1), seconds(600));
        assert_eq!(backoff.next(None), seconds(1));
        let (mut waited, mut times) = (seconds(1), 1);
        while waited < seconds(24 * 3_600) {
            waited += backoff.next(Some(Duration::ZERO));
            times += 1;
        }
        assert!(times < 160, "{times} times a day");
        assert_eq!(backoff.next(Some(seconds(1_201))), seconds(1));
    }
}
