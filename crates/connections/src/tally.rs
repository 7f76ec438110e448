//! Logs the connections that were closed to make room. The sweep logs them at most once a minute, however often it
//! happens.

use super::room::Identity;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use telemetry::{Alarm, Metrics};

const TELL_EVERY: Duration = Duration::from_secs(60);
/// Maximum number of identities named each time, those with the most closed connections first.
const MOST_NAMED: usize = 10;

/// Counts since the last log message.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    of_identities: Counted<HashMap<Identity, u64>>,
    no_room: Counted<NoRoom>,
}

#[derive(Debug, Default)]
struct Counted<T> {
    counts: T,
    is_pending: bool,
    told: Option<Instant>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct NoRoom {
    /// Closed connections without a proven identity.
    pub strangers_ended: u64,
    /// New connections that were closed at once, because all others have a proven identity and few connections.
    pub turned_away: u64,
    /// New connections above the capacity for which no other could be closed.
    pub in_excess: u64,
}

/// Counts that are due to be logged.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// Number of closed connections of each identity, the greatest number first.
    pub of_identities: Vec<(Identity, u64)>,
    pub no_room: Option<NoRoom>,
}

impl Tally {
    pub(crate) fn ended_of(&mut self, identity: Identity) {
        *self.of_identities.count().entry(identity).or_default() += 1;
    }

    pub(crate) fn no_room(&mut self) -> &mut NoRoom {
        self.no_room.count()
    }

    pub(crate) fn due(&mut self, now: Instant) -> Due {
        let mut of_identities: Vec<_> = self.of_identities.due(now).into_iter().flatten().collect();
        of_identities.sort_unstable_by_key(|(identity, ended)| (std::cmp::Reverse(*ended), *identity));
        Due { of_identities, no_room: self.no_room.due(now) }
    }
}

impl<T: Default> Counted<T> {
    fn count(&mut self) -> &mut T {
        self.is_pending = true;
        &mut self.counts
    }

    fn due(&mut self, now: Instant) -> Option<T> {
        let is_early = self.told.is_some_and(|told| now.saturating_duration_since(told) < TELL_EVERY);
        if is_early || !std::mem::take(&mut self.is_pending) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.counts))
    }
}

impl Due {
    pub(crate) fn report(&self, metrics: &Metrics, capacity: usize) {
        if !self.of_identities.is_empty() {
            metrics.alarm(Alarm::IdentityOverConnections);
        }
        for (identity, ended) in self.of_identities.iter().take(MOST_NAMED) {
            let (kind, id) = (identity.kind(), identity.id());
            tracing::warn!(
                identity.kind = kind,
                identity.id = id,
                ended,
                identities = self.of_identities.len(),
                capacity,
                "connections of the identity with the most connections were closed to make room"
            );
        }
        if let Some(NoRoom { strangers_ended, turned_away, in_excess }) = self.no_room {
            metrics.alarm(Alarm::NoRoomForConnections);
            tracing::warn!(
                strangers_ended,
                turned_away,
                in_excess,
                capacity,
                "there is no room for more connections: unauthenticated connections are closed, or new connections are rejected"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::device::DeviceId;
    use events::person::PersonId;
    use uuid::Uuid;

    #[test]
    fn it_is_told_at_once_and_then_once_a_minute_with_all_that_was_counted_since() {
        let (mut tally, begun) = (Tally::default(), Instant::now());
        let devices = [1, 2].map(|nth| Identity::Device(DeviceId(Uuid::from_u128(nth)), PersonId(Uuid::nil())));
        assert_eq!(tally.due(begun), Due::default());
        tally.ended_of(devices[0]);
        assert_eq!(tally.due(begun).of_identities, [(devices[0], 1)]);
        for device in [devices[0], devices[1], devices[1]] {
            tally.ended_of(device);
        }
        // The other kind of count is logged independently.
        tally.no_room().turned_away += 1;
        let due = tally.due(begun + Duration::from_secs(59));
        assert_eq!(due.no_room, Some(NoRoom { turned_away: 1, ..NoRoom::default() }));
        assert_eq!(due.of_identities, []);
        assert_eq!(tally.due(begun + TELL_EVERY).of_identities, [(devices[1], 2), (devices[0], 1)]);
        assert_eq!(tally.due(begun + 3 * TELL_EVERY), Due::default());
    }
}
