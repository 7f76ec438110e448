//! What the server does while polls are measured: it folds the whole log into the projections again, or an import
//! appends events.

use super::client::heard;
use super::shared::draft;
use events::background::Lane;
use events::device::{AppStatus, DeviceEvent, DeviceId};
use events::store::Expected;
use muster::app::App;
use muster::config::Config;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Number of events of one append of an import.
const APPEND: usize = 100;

/// Question to the server's process.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub enum Ask {
    /// How many events the projections have not folded yet.
    Lag,
    /// Begins to append this number of events.
    Import(usize),
    /// How many events of the import are appended.
    Imported,
    /// Stops the server.
    Stop,
}

/// Answers the questions of the parent process, one on each line, until it shall stop or the parent has ended.
pub async fn answer(app: &App) {
    let mut imported = tokio::sync::watch::Sender::new(0);
    loop {
        let line = tokio::task::spawn_blocking(heard).await.expect("a line");
        let Ok(ask) = serde_json::from_str(&line) else { return };
        let answer = match ask {
            Ask::Lag => app.platform.projections_lag().await.expect("the log"),
            Ask::Imported => *imported.borrow(),
            Ask::Stop => return,
            Ask::Import(events) => {
                imported = tokio::sync::watch::Sender::new(0);
                Lane::Background.spawn(import(app.clone(), events, imported.clone()));
                0
            }
        };
        println!("{answer}");
    }
}

// Devices that were never enrolled report apps: events that cause no effects.
async fn import(app: App, events: usize, imported: tokio::sync::watch::Sender<u64>) {
    let world = &app.platform.world;
    for nth in 0..events.div_ceil(APPEND) {
        let report = |app| DeviceEvent::ManagedAppReported {
            app: format!("com.example.app{app}"),
            status: AppStatus::Managed,
            command: None,
        };
        let drafts = (0..APPEND).map(|app| draft(world, report(app).into())).collect();
        let device = DeviceId(world.uuid());
        app.platform.log.append(&device.stream(), Expected::NoStream, drafts).await.expect("appended");
        imported.send_replace(((nth + 1) * APPEND) as u64);
    }
}

/// Makes the next start fold the log again, as after a release with new versions of the projections.
pub fn forget_projections(config: &Path) {
    let config = Config::load(config).expect("a configuration");
    harness::projection_files::forget_rows(&config.store.directory);
}
