//! Checks that enrolled devices can still reach the server. Devices keep the addresses of their MDM profile for as long
//! as they are enrolled, so a changed `public_url` cuts them off unless the old address also leads to this server.

use crate::app::App;
use crate::config::Config;
use events::Event;
use events::log::Log;
use events::store::{AppendError, Expected, ReadError};
use events::system::{LogEvent, log_stream};
use findings::Finding;
use platform::context::operator_draft;
use platform::held::{by_enrolled_devices, origin};
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// Result of comparing the addresses in the configuration with those that enrolled devices use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Addresses {
    /// The addresses are the same as at the last start, or cannot be compared because the port is any free one.
    Known,
    /// The addresses are new and will be recorded when the server starts. `old` are other addresses that enrolled
    /// devices use and that the operator accepted.
    New {
        new: BTreeSet<String>,
        old: BTreeSet<String>,
        /// Accepted addresses, as typed, that no enrolled device uses.
        unheld: Vec<String>,
    },
    Lost(Lost),
}

/// Addresses that enrolled devices use and that the operator has not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The addresses, each with the number of devices.
    held: BTreeMap<String, usize>,
    /// Accepted addresses, as typed, that no enrolled device uses.
    unheld: Vec<String>,
}

/// Compares the addresses. Reads the whole log if they differ from those at the last start.
///
/// # Errors
/// Returns an error if the log cannot be read.
pub(crate) async fn examine(log: &Log, config: &Config, accepted: &[String]) -> Result<Addresses, ReadError> {
    let urls = [Some(config.server.public_url.as_str()), config.devices.url.as_deref()];
    let any_port = |url: &&str| Url::parse(url).is_ok_and(|url| url.port() == Some(0));
    if urls.iter().flatten().any(any_port) {
        return Ok(Addresses::Known);
    }
    let new: BTreeSet<String> = urls.into_iter().flatten().filter_map(origin).collect();
    let (mut before, mut also) = (BTreeSet::new(), BTreeSet::new());
    for entry in log.read(&log_stream()).await? {
        if let Event::Log(LogEvent::PublicUrlAccepted { new, old }) = entry.event {
            (before, also) = (new, old);
        }
    }
    if before == new {
        return Ok(Addresses::Known);
    }
    // Addresses accepted before remain accepted.
    also.extend(accepted.iter().filter_map(|url| origin(url)));
    let mut unheld = accepted.to_vec();
    let mut lost: BTreeMap<String, usize> = BTreeMap::new();
    let mut old = BTreeSet::new();
    for origin in by_enrolled_devices(log).await?.into_iter().flat_map(|held| held.origins) {
        unheld.retain(|typed| self::origin(typed).as_ref() != Some(&origin));
        match (new.contains(&origin), also.contains(&origin)) {
            (true, _) => {}
            (false, true) => {
                old.insert(origin);
            }
            (false, false) => *lost.entry(origin).or_default() += 1,
        }
    }
    Ok(if lost.is_empty() { Addresses::New { new, old, unheld } } else { Addresses::Lost(Lost { held: lost, unheld }) })
}

impl Lost {
    /// Returns the finding for `check-config` and the start of the server.
    pub(crate) fn finding(&self) -> Finding {
        let count = |(address, devices): (&String, &usize)| format!("{devices} at {address}");
        let told: Vec<String> = self.held.iter().map(count).collect();
        let mut wrong = format!(
            "enrolled devices contact the server at another address ({}), which they keep for as long as they are enrolled",
            told.join(", ")
        );
        for typed in &self.unheld {
            wrong.push_str(&format!("; no enrolled device holds {typed}, which --accept-public-url names"));
        }
        let accept: Vec<String> = self.held.keys().map(|address| format!("--accept-public-url {address}")).collect();
        let mend = format!(
            "restore the old address; or make its DNS name lead to this server with a valid certificate, and then start it once with \
             `muster serve {}`",
            accept.join(" ")
        );
        Finding::error("public-url-of-other-devices", "server.public_url", wrong, &mend)
    }
}

impl App {
    /// Records the addresses of the server from now on.
    ///
    /// # Errors
    /// Returns an error if the log cannot be written.
    pub(crate) async fn accept_public_url(
        &self,
        new: BTreeSet<String>,
        old: BTreeSet<String>,
    ) -> Result<(), AppendError> {
        let accepted = LogEvent::PublicUrlAccepted { new, old };
        self.store.indexed().await;
        let draft = operator_draft(&self.platform.world, self.platform.world.uuid(), accepted.into());
        self.platform.log.append(&log_stream(), Expected::Any, vec![draft]).await.map(drop)
    }
}
