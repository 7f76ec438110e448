//! Reports the state of the projections relative to the log, and the known damage of the log.

use crate::Platform;
use events::store::{Damaged, ReadError};
use plural::counted;

/// Maximum lag of the projections, in positions of the log. With a larger lag their rows are too old to rely on.
const MOST_LAG: u64 = 1_000;

/// Maximum number of damaged places that one message names.
const SHOWN: usize = 4;

impl Platform {
    /// Returns the problem of the projections as a whole, if there is one: a damaged file, a stop, or too large a lag.
    pub async fn projections_trouble(&self) -> Option<String> {
        let health = self.projections.health();
        if let Some((file, why)) = self.projections.damage() {
            return Some(damaged(&file, &why));
        }
        if let Some(stopped) = health.stopped {
            return Some(stopped.to_string());
        }
        match self.projections_lag().await {
            Err(error) => Some(error.to_string()),
            Ok(lag) if lag > MOST_LAG => Some(format!("{lag} positions behind the log")),
            Ok(_) if !health.caught_up => Some("not caught up with the log yet".into()),
            Ok(_) => None,
        }
    }

    /// Describes the damage found in the log and its keys: the first places, with the remedy if one is known, and the
    /// number of further places. Returns `None` if no damage was found.
    pub fn log_damage(&self) -> Option<String> {
        let mut found = self.log.store().findings().all();
        // Damage with a known position in the log comes first.
        found.sort_by_key(|one| one.position == 0);
        let remedy = |damaged: &Damaged| damaged.remedy().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        let told = found.iter().take(SHOWN).map(|one| format!("{one}{}", remedy(&one.damaged)));
        let more = (found.len() > SHOWN).then(|| counted(found.len() - SHOWN, "more place"));
        let told: Vec<String> = told.chain(more).collect();
        (!told.is_empty()).then(|| told.join(". Also "))
    }

    /// Returns how many positions the projections are behind the log.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read.
    pub async fn projections_lag(&self) -> Result<u64, ReadError> {
        let head = self.log.store().head().await?.map_or(0, |position| position.0);
        let reached = self.projections.health().position.map_or(0, |position| position.0);
        Ok(head.saturating_sub(reached))
    }
}

/// Returns the message for a damaged file that the server rebuilds when it starts.
pub fn damaged(file: &str, why: &str) -> String {
    format!("{file} is damaged ({why}): restart the server, which sets it aside and builds a new one")
}
