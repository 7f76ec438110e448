//! How the projections stand to the log, and what is damaged in it.

use crate::Platform;
use events::store::{Damaged, ReadError};
use plural::counted;

/// How far the projections may be behind, in positions, before what is read from them is not to be relied on.
const MOST_LAG: u64 = 1_000;

/// So many places that are damaged are named at once.
const SHOWN: usize = 4;

impl Platform {
    /// What is wrong with the projections as a whole: they stopped, or lack too much of the log.
    pub async fn projections_trouble(&self) -> Option<String> {
        let health = self.projections.health();
        if let Some(why) = self.projections.damage() {
            return Some(damaged(projections::FILE, &why));
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

    /// What is damaged in the log or its keys, some of it with what to do, and how much more there is.
    pub fn log_damage(&self) -> Option<String> {
        let mut found = self.log.store().findings().all();
        // What has a place in the log first.
        found.sort_by_key(|one| one.position == 0);
        let remedy = |damaged: &Damaged| damaged.remedy().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        let told = found.iter().take(SHOWN).map(|one| format!("{one}{}", remedy(&one.damaged)));
        let more = (found.len() > SHOWN).then(|| counted(found.len() - SHOWN, "more place"));
        let told: Vec<String> = told.chain(more).collect();
        (!told.is_empty()).then(|| told.join(". Also "))
    }

    /// How many positions the projections are behind the log.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn projections_lag(&self) -> Result<u64, ReadError> {
        let head = self.log.store().head().await?.map_or(0, |position| position.0);
        let reached = self.projections.health().position.map_or(0, |position| position.0);
        Ok(head.saturating_sub(reached))
    }
}

/// Tells of a damaged file that is made anew.
pub fn damaged(file: &str, why: &str) -> String {
    format!("{file} is damaged ({why}): restart the server, which sets it aside and makes it anew")
}
