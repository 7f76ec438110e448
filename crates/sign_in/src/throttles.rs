//! Stores the counters of the throttles in `sessions.db` every 30 seconds and when the server stops, so that they
//! survive a restart. A crash loses up to 30 seconds of failures. If the file is lost, all counters start at zero.

use crate::SignIn;
use crate::staff_sessions::SessionError;
use identity::throttle::Throttle;
use platform::aside::Aside;
use std::sync::Arc;
use std::time::Duration;

const KEEP_EVERY: Duration = Duration::from_secs(30);

/// Returns each throttle with its name in the file.
fn all(sign_in: &SignIn) -> [(&'static str, &Throttle); 5] {
    [
        ("portal", &sign_in.portal),
        ("console", &sign_in.console),
        ("tokens", &sign_in.tokens),
        ("look-ups", &sign_in.look_ups),
        ("factors", &sign_in.factors),
    ]
}

/// Restores the counters that were stored before the server stopped.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub fn restore(sign_in: &SignIn) -> Result<(), SessionError> {
    for (name, throttle) in all(sign_in) {
        throttle.restore(sign_in.platform.world.now(), sign_in.staff_sessions.kept_throttle(name)?);
    }
    Ok(())
}

/// Stores the counters every 30 seconds while the server runs. Repeated errors are logged less and less often.
pub async fn keep_on(sign_in: Arc<SignIn>) {
    let mut told = Aside::default();
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        told.look(sign_in.platform.world.now());
        let failed = try_to_keep(&sign_in).await;
        for (throttle, error) in failed.into_iter().filter(|(throttle, _)| !told.holds(throttle)).collect::<Vec<_>>() {
            log_failure(throttle, &error);
            told.put(throttle);
        }
    }
}

/// Stores the counters once.
pub async fn keep(sign_in: &SignIn) {
    try_to_keep(sign_in).await.iter().for_each(|(throttle, error)| log_failure(throttle, error));
}

// Returns the throttles whose counters could not be stored.
async fn try_to_keep(sign_in: &SignIn) -> Vec<(&'static str, SessionError)> {
    let mut failed = Vec::new();
    for (name, throttle) in all(sign_in) {
        let kept = throttle.kept(sign_in.platform.world.now());
        failed.extend(sign_in.staff_sessions.keep_throttle(name, kept).await.err().map(|error| (name, error)));
    }
    failed
}

fn log_failure(throttle: &str, error: &SessionError) {
    tracing::error!(%error, throttle, "the counters of failed sign-ins cannot be stored: a restart of the server resets them");
}
