//! Tells the log and the alarms what is damaged in the log and its keys, each thing once. `/readyz` reads the same findings. The server
//! goes on for the streams that are intact.

use super::scrub;
use crate::app::App;
use events::Position;
use events::store::{Corruption, Damaged};
use std::time::Duration;
use telemetry::Alarm;
use tokio::time::Instant;

/// Several readers meet a damaged page, and some know more than others of what it held: they are waited for.
const FIRST_OF_PAGES: Duration = Duration::from_secs(1);
/// More places in damaged pages are told together, each time after twice as long.
const MORE_OF_PAGES: Duration = Duration::from_secs(60);
const MORE_OF_PAGES_AT_MOST: Duration = Duration::from_secs(6 * 3_600);

/// Places in damaged pages that are not told yet.
struct Pages {
    untold: Vec<Corruption>,
    due: Instant,
    next: Duration,
    is_first: bool,
}

/// Tells until the log is closed.
pub(super) async fn tell(app: App) {
    let mut findings = app.platform.log.store().findings().watch();
    let mut pages = Pages { untold: Vec::new(), due: Instant::now(), next: FIRST_OF_PAGES, is_first: true };
    let mut told = 0;
    loop {
        let found = findings.borrow_and_update().clone();
        for corruption in &found[told..] {
            match &corruption.damaged {
                Damaged::Event => {
                    alarm(&app, Alarm::CorruptEvent, corruption, "a corrupt event in the log: its stream is refused");
                }
                Damaged::Key(_) | Damaged::KeyStore => {
                    alarm(&app, Alarm::KeyDamaged, corruption, "a damaged key: what it seals cannot be read");
                }
                Damaged::Page => pages.add(corruption.clone()),
            }
        }
        for corruption in &found[told..] {
            if matches!(corruption.damaged, Damaged::Event | Damaged::Page) && corruption.position != 0 {
                scrub::keep_damaged(&app, Position(corruption.position)).await;
            }
        }
        told = found.len();
        tokio::select! {
            changed = findings.changed() => if changed.is_err() { return },
            () = tokio::time::sleep_until(pages.due), if !pages.untold.is_empty() => pages.tell(&app),
        }
    }
}

fn alarm(app: &App, alarm: Alarm, corruption: &Corruption, what: &str) {
    let Corruption { stream, revision, position, why, .. } = corruption;
    tracing::error!(alarm = alarm.label(), stream, revision, position, why, "{what} ({corruption})");
    app.platform.metrics.alarm(alarm);
}

impl Pages {
    fn add(&mut self, corruption: Corruption) {
        if self.untold.is_empty() {
            self.due = Instant::now() + self.next;
        }
        self.untold.push(corruption);
    }

    // The place of which most is known; SQLite does not tell which page it is, so that several places may be one.
    fn tell(&mut self, app: &App) {
        let untold = std::mem::take(&mut self.untold);
        let Some(best) = untold.iter().max_by_key(|place| (place.position != 0, place.stream != "unknown")) else {
            return;
        };
        let places = untold.len();
        tracing::error!(alarm = Alarm::LogPageDamaged.label(), places, "{best}");
        if self.is_first {
            app.platform.metrics.alarm(Alarm::LogPageDamaged);
        }
        self.next = if self.is_first { MORE_OF_PAGES } else { (self.next * 2).min(MORE_OF_PAGES_AT_MOST) };
        self.is_first = false;
    }
}
