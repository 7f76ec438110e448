//! Reports each damaged event, page and key of the log once, with a log line and an alarm. `/readyz` reads the same
//! findings. The server keeps serving the intact streams.

use super::scrub;
use crate::app::App;
use events::Position;
use events::store::{Corruption, Damaged};
use std::time::Duration;
use telemetry::Alarm;
use tokio::time::Instant;

/// Several readers find the same damaged page, and some know more about its content than others. The first report waits
/// for all of them.
const FIRST_OF_PAGES: Duration = Duration::from_secs(1);
/// Further damaged places are reported together. The wait doubles each time.
const MORE_OF_PAGES: Duration = Duration::from_secs(60);
const MORE_OF_PAGES_AT_MOST: Duration = Duration::from_secs(6 * 3_600);

/// Places in damaged pages that are not reported yet.
struct Pages {
    untold: Vec<Corruption>,
    due: Instant,
    next: Duration,
    is_first: bool,
}

/// Reports damage until the log is closed.
pub(super) async fn report(app: App) {
    let mut findings = app.platform.log.store().findings().watch();
    let mut pages = Pages { untold: Vec::new(), due: Instant::now(), next: FIRST_OF_PAGES, is_first: true };
    let mut told = 0;
    loop {
        let found = findings.borrow_and_update().clone();
        for corruption in &found[told..] {
            match &corruption.damaged {
                Damaged::Event => {
                    alarm(&app, Alarm::CorruptEvent, corruption, "a corrupt event in the log: its stream is unusable");
                }
                Damaged::Key(_) | Damaged::KeyStore => {
                    alarm(&app, Alarm::KeyDamaged, corruption, "a damaged key: the data that it seals is unreadable");
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
            () = tokio::time::sleep_until(pages.due), if !pages.untold.is_empty() => pages.report(&app),
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

    // Logs the place of which most is known. SQLite does not report the page number, so several places may be in one
    // page.
    fn report(&mut self, app: &App) {
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
