//! The throttles survive a restart: their counts are kept in `sessions.db`, every half minute and when the server stops. Lost
//! with the file, or half a minute of them in a crash: then guessing begins anew, as it does on a new server.

use crate::SignIn;
use crate::staff_sessions::SessionError;
use identity::throttle::Throttle;
use platform::aside::Aside;
use std::sync::Arc;
use std::time::Duration;

const KEEP_EVERY: Duration = Duration::from_secs(30);

/// Each with the name it has in the file.
fn all(sign_in: &SignIn) -> [(&'static str, &Throttle); 5] {
    [
        ("portal", &sign_in.portal),
        ("console", &sign_in.console),
        ("tokens", &sign_in.tokens),
        ("look-ups", &sign_in.look_ups),
        ("factors", &sign_in.factors),
    ]
}

/// Goes on counting where the server stopped.
///
/// # Errors
/// If the file cannot be read.
pub fn restore(sign_in: &SignIn) -> Result<(), SessionError> {
    for (name, throttle) in all(sign_in) {
        throttle.restore(sign_in.platform.world.now(), sign_in.staff_sessions.kept_throttle(name)?);
    }
    Ok(())
}

/// Keeps the counts every half minute, as long as the server runs. What fails again and again is told ever more rarely.
pub async fn keep_on(sign_in: Arc<SignIn>) {
    let mut told = Aside::default();
    loop {
        tokio::time::sleep(KEEP_EVERY).await;
        told.look(sign_in.platform.world.now());
        let failed = try_to_keep(&sign_in).await;
        for (throttle, error) in failed.into_iter().filter(|(throttle, _)| !told.holds(throttle)).collect::<Vec<_>>() {
            tell(throttle, &error);
            told.put(throttle);
        }
    }
}

/// Keeps the counts as they are now.
pub async fn keep(sign_in: &SignIn) {
    try_to_keep(sign_in).await.iter().for_each(|(throttle, error)| tell(throttle, error));
}

// Those that could not be kept.
async fn try_to_keep(sign_in: &SignIn) -> Vec<(&'static str, SessionError)> {
    let mut failed = Vec::new();
    for (name, throttle) in all(sign_in) {
        let kept = throttle.kept(sign_in.platform.world.now());
        failed.extend(sign_in.staff_sessions.keep_throttle(name, kept).await.err().map(|error| (name, error)));
    }
    failed
}

fn tell(throttle: &str, error: &SessionError) {
    tracing::error!(%error, throttle, "the counts of failed sign-ins are not kept over a restart");
}
