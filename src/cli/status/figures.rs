//! The values that `muster status` reads from the server's metrics.

use serde::Serialize;
use std::collections::BTreeMap;

/// Values of a running server.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Figures {
    pub version: String,
    /// Start time, in seconds since 1970.
    pub started: u64,
    pub projection_lag: u64,
    pub disk_free_bytes: u64,
    pub connections: u64,
    pub commands_waiting: u64,
    pub effects_set_aside: u64,
    /// Pushes since the start by outcome; outcomes without pushes are left out.
    pub pushes: BTreeMap<String, u64>,
    /// Identity certificates of enrolled devices, by renewal state.
    pub identities: BTreeMap<String, u64>,
    /// Alarms since the start; alarms that were never raised are left out.
    pub alarms: BTreeMap<String, u64>,
}

impl Figures {
    /// Parses the Prometheus text format.
    pub(crate) fn read(text: &str) -> Figures {
        let mut figures = Figures::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            // All values are integers, except the process's seconds.
            let value = value.parse::<f64>().unwrap_or_default() as u64;
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            match name {
                "muster_build_info" => figures.version = label(labels, "version").unwrap_or_default(),
                "process_start_time_seconds" => figures.started = value,
                "muster_projection_lag" => figures.projection_lag = figures.projection_lag.max(value),
                "muster_disk_free_bytes" => figures.disk_free_bytes = value,
                "muster_connections" => figures.connections += value,
                "muster_commands_waiting" => figures.commands_waiting = value,
                "muster_effects_set_aside" => figures.effects_set_aside += value,
                "muster_pushes_total" if value > 0 => {
                    figures.pushes.insert(label(labels, "outcome").unwrap_or_default(), value);
                }
                "muster_identities" => {
                    figures.identities.insert(label(labels, "standing").unwrap_or_default(), value);
                }
                "muster_alarms_total" if value > 0 => {
                    figures.alarms.insert(label(labels, "alarm").unwrap_or_default(), value);
                }
                _ => {}
            }
        }
        figures
    }
}

fn label(labels: &str, name: &str) -> Option<String> {
    let after = labels.split_once(&format!("{name}=\""))?.1;
    Some(after.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::{Alarm, Metrics};

    #[test]
    fn what_the_server_counts_is_read_back() {
        let metrics = Metrics::new();
        metrics.alarm(Alarm::DirectoryUnavailable);
        metrics.alarm(Alarm::DirectoryUnavailable);
        metrics.commands_waiting(7);
        metrics.lag("all", 12);
        metrics.identities("expired", 3);
        let figures = Figures::read(&metrics.render());
        assert_eq!(figures.alarms, BTreeMap::from([("directory-unavailable".to_owned(), 2)]));
        assert_eq!((figures.commands_waiting, figures.projection_lag), (7, 12));
        assert_eq!(figures.identities["expired"], 3);
        assert_eq!(figures.version, env!("CARGO_PKG_VERSION"));
        assert!(figures.started > 1_600_000_000);
    }
}
