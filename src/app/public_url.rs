//! Whether devices can still find the server: they keep the addresses of their MDM profile for as long as they are enrolled, so a
//! changed `public_url` cuts all of them off unless the old address leads here too.

use super::App;
use super::context::operator_draft;
use super::held::{by_enrolled_devices, origin};
use crate::config::Config;
use events::Event;
use events::log::Log;
use events::store::{AppendError, Expected, ReadError};
use events::system::{LogEvent, log_stream};
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// The addresses that the configuration gives devices, held against those that devices have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addresses {
    /// The same as at the last start, or there is nothing to compare: the port is any free one.
    Known,
    /// They are recorded once the server starts; `old` are others that enrolled devices hold and that were accepted.
    New { new: BTreeSet<String>, old: BTreeSet<String> },
    /// Enrolled devices hold these others, so many each, and nobody said that they lead here.
    Lost(BTreeMap<String, usize>),
}

/// Reads the whole log if the addresses are others than at the last start.
///
/// # Errors
/// If the log cannot be read.
pub async fn examine(log: &Log, config: &Config, accepted: &[String]) -> Result<Addresses, ReadError> {
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
    // An address that led here before still does.
    also.extend(accepted.iter().filter_map(|url| origin(url)));
    let mut lost: BTreeMap<String, usize> = BTreeMap::new();
    let mut old = BTreeSet::new();
    for origin in by_enrolled_devices(log).await?.into_iter().flat_map(|held| held.origins) {
        match (new.contains(&origin), also.contains(&origin)) {
            (true, _) => {}
            (false, true) => {
                old.insert(origin);
            }
            (false, false) => *lost.entry(origin).or_default() += 1,
        }
    }
    Ok(if lost.is_empty() { Addresses::New { new, old } } else { Addresses::Lost(lost) })
}

/// What is wrong, and what to do.
pub fn lost(lost: &BTreeMap<String, usize>) -> (String, String) {
    let count = |(address, devices): (&String, &usize)| format!("{devices} at {address}");
    let told: Vec<String> = lost.iter().map(count).collect();
    let accept: Vec<String> = lost.keys().map(|address| format!("--accept-public-url {address}")).collect();
    let wrong = format!(
        "enrolled devices look for the server at another address ({}), which they keep for as long as they are enrolled",
        told.join(", ")
    );
    let mend = format!(
        "put the old address back; or let its name and certificate lead to this server too, and then start it once with \
         `muster serve {}`",
        accept.join(" ")
    );
    (wrong, mend)
}

impl App {
    /// Records the addresses that the server answers at from here on.
    ///
    /// # Errors
    /// If the log cannot be written.
    pub async fn accept_public_url(&self, new: BTreeSet<String>, old: BTreeSet<String>) -> Result<(), AppendError> {
        let accepted = LogEvent::PublicUrlAccepted { new, old };
        let draft = operator_draft(&self.world, self.world.uuid(), accepted.into());
        self.log.append(&log_stream(), Expected::Any, vec![draft]).await.map(drop)
    }
}
