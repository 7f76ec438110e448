//! The throttles survive a restart: their counts are kept in `sessions.db`, every half minute and when the server stops. Lost
//! with the file, or half a minute of them in a crash: then guessing begins anew, as it does on a new server.

use super::App;
use super::aside::Aside;
use super::staff_sessions::SessionError;
use identity::throttle::Throttle;
use std::time::Duration;

const KEEP_EVERY: Duration = Duration::from_secs(30);

/// Each with the name it has in the file.
fn all(app: &App) -> [(&'static str, &Throttle); 5] {
    let sign_in = &app.sign_in;
    [
        ("portal", &sign_in.portal),
        ("console", &sign_in.console),
        ("tokens", &sign_in.tokens),
        ("look-ups", &sign_in.look_ups),
        ("factors", &app.factor_throttle),
    ]
}

/// Goes on counting where the server stopped.
///
/// # Errors
/// If the file cannot be read.
pub fn restore(app: &App) -> Result<(), SessionError> {
    for (name, throttle) in all(app) {
        throttle.restore(app.world.now(), app.staff_sessions.kept_throttle(name)?);
    }
    Ok(())
}

/// Keeps the counts every half minute, as long as the server runs. What fails again and again is told ever more rarely.
pub async fn keep_on(app: App) {
    let mut told = Aside::default();
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        told.look(app.world.now());
        let failed = try_to_keep(&app).await;
        for (throttle, error) in failed.into_iter().filter(|(throttle, _)| !told.holds(throttle)).collect::<Vec<_>>() {
            tell(throttle, &error);
            told.put(throttle);
        }
    }
}

/// Keeps the counts as they are now.
pub async fn keep(app: &App) {
    try_to_keep(app).await.iter().for_each(|(throttle, error)| tell(throttle, error));
}

// Those that could not be kept.
async fn try_to_keep(app: &App) -> Vec<(&'static str, SessionError)> {
    let mut failed = Vec::new();
    for (name, throttle) in all(app) {
        let kept = throttle.kept(app.world.now());
        failed.extend(app.staff_sessions.keep_throttle(name, kept).await.err().map(|error| (name, error)));
    }
    failed
}

fn tell(throttle: &str, error: &SessionError) {
    tracing::error!(%error, throttle, "the counts of failed sign-ins are not kept over a restart");
}
