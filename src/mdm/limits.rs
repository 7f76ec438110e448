//! What a device must be to enroll, asked when it says what it is: at its first `Authenticate`. At the portal a browser told
//! what it could; here is the truth. And here, not when a profile is taken, a device counts as one more of its person's.

use super::{Answer, message, unavailable};
use crate::app::App;
use decisions::device::Phase;
use decisions::limits;
use devices::identify::Known;
use events::enrollment::{EnrollmentKind, EnrollmentRefusal, Ownership};
use plist::Dictionary;
use std::time::Duration;

/// How long the inventory may take to catch up before it is counted as it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why this device may not enroll; `None` if it may. One that is enrolled, or about to be, is not asked again: narrower
/// limits are for those who come after it.
pub(super) async fn refusal(
    app: &App,
    known: &Known,
    fields: &Dictionary,
) -> Result<Option<EnrollmentRefusal>, Answer> {
    // After the end an `Authenticate` with the same certificate is an old one played again: the device's stream refuses it.
    let state = &known.state;
    let is_new = state.certificate.as_ref() != Some(&known.fingerprint) && !state.is_renewed(&known.fingerprint);
    let begins = match state.phase {
        Phase::Unknown => true,
        phase => phase.has_ended() && is_new,
    };
    if !begins {
        return Ok(None);
    }
    let ownership = match known.profile.kind {
        EnrollmentKind::UserEnrollment => Ownership::Personal,
        EnrollmentKind::DeviceEnrollment => Ownership::Institutional,
    };
    let set = app.settings.current().await.map_err(unavailable)?.limits;
    let version = message::os_version(fields).and_then(|version| limits::version(&set, ownership, version));
    let model = || message::text(fields, "ProductName").ok().and_then(|model| limits::model(&set, model));
    match version.or_else(model) {
        Some(why) => Ok(Some(why)),
        None => too_many(app, known).await,
    }
}

// By the rule that decided at sign-in. Two devices that announce themselves in the same instant may both pass: the limit
// keeps order among devices, it guards no secret.
async fn too_many(app: &App, known: &Known) -> Result<Option<EnrollmentRefusal>, Answer> {
    let access = known.visit.access.as_ref();
    let Some(most) = access.and_then(|access| access.devices_per_person) else { return Ok(None) };
    catch_up(app).await;
    let except = Some(known.device);
    let others = projections::devices::count_active(&app.platform.projections, known.person, except)
        .await
        .map_err(unavailable)?;
    Ok((others >= u64::from(most)).then_some(EnrollmentRefusal::TooManyDevices))
}

// The inventory lags behind the log by moments. If by more, a device too many is better than one that cannot enroll.
async fn catch_up(app: &App) {
    let Ok(Some(head)) = app.platform.log.store().head().await else { return };
    if !matches!(tokio::time::timeout(PATIENCE, app.platform.projections.wait_for(head)).await, Ok(Ok(()))) {
        tracing::warn!("devices are counted by an inventory that lags");
    }
}
