//! Enrollment limits (OS version, model, devices per person), checked at the first `Authenticate`. The portal only knew
//! what the browser reported; `Authenticate` contains the real values. A device counts toward its person's limit from
//! here on, not from the profile download.

use super::{Answer, message, unavailable};
use crate::mdm::Mdm;
use decisions::device::{Device, Phase};
use decisions::hardware::Hardware;
use decisions::limits;
use devices::identify::Known;
use events::enrollment::{EnrollmentKind, EnrollmentRefusal, Ownership};
use plist::Dictionary;
use std::sync::Arc;
use std::time::Duration;

/// Maximum time to wait for the inventory to catch up with the log. After it, the devices are counted as they are.
const PATIENCE: Duration = Duration::from_secs(2);

/// Number of earlier records of the same hardware that are looked at.
const MOST_EARLIER: usize = 20;

/// Returns the reason why this device may not enroll, or `None` if it may. A device that is enrolled or has
/// authenticated is not checked again: new limits apply only to later enrollments.
pub(super) async fn refusal(
    app: &Mdm,
    known: &Known,
    fields: &Dictionary,
) -> Result<Option<EnrollmentRefusal>, Answer> {
    // After management has ended, an `Authenticate` with the same certificate is a replay. The decision on the device's
    // stream refuses it.
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
    let settings = app.settings.current().await.map_err(unavailable)?;
    let set = settings.limits;
    let version = message::os_version(fields).and_then(|version| limits::version(&set, ownership, version));
    let model = || message::text(fields, "ProductName").ok().and_then(|model| limits::model(&set, model));
    match version.or_else(model) {
        Some(why) => Ok(Some(why)),
        None if settings.reenrollment.authorized_people_only && is_restricted(app, known, fields).await? => {
            Ok(Some(EnrollmentRefusal::RestrictedToOwner))
        }
        None => too_many(app, known).await,
    }
}

// Whether a managed record of this hardware belongs to another person, who did not ask for this enrollment. The device
// only claims its UDID: the claim can refuse itself, and changes nothing for the record.
async fn is_restricted(app: &Mdm, known: &Known, fields: &Dictionary) -> Result<bool, Answer> {
    let Ok(udid) = message::text(fields, "UDID") else { return Ok(false) };
    let enrollment = app.platform.enrollment(known.device.enrollment()).await.map_err(unavailable)?;
    let stream = app.devices.hardware_stream(udid);
    let (hardware, _) = app.platform.load::<Hardware>(&stream).await.map_err(unavailable)?;
    for earlier in hardware.before(known.device).take(MOST_EARLIER) {
        let device = app.platform.other_device(earlier).await.map_err(unavailable)?;
        let is_managed = |device: &Arc<Device>| device.phase == Phase::Enrolled;
        if device.filter(is_managed).is_some_and(|device| !enrollment.may_enroll_again(device.person)) {
            return Ok(true);
        }
    }
    Ok(false)
}

// Uses the limit of the access rule that matched at sign-in. Two devices that authenticate at the same instant may both
// pass. This is acceptable, since the limit protects no secret.
async fn too_many(app: &Mdm, known: &Known) -> Result<Option<EnrollmentRefusal>, Answer> {
    let enrollment = app.platform.enrollment(known.device.enrollment()).await.map_err(unavailable)?;
    let access = enrollment.access.as_ref();
    let Some(most) = access.and_then(|access| access.devices_per_person) else { return Ok(None) };
    catch_up(app).await;
    let except = Some(known.device);
    let others = projections::devices::count_active(&app.platform.projections, known.person, except)
        .await
        .map_err(unavailable)?;
    Ok((others >= u64::from(most)).then_some(EnrollmentRefusal::TooManyDevices))
}

// The inventory normally lags behind the log by moments. If it lags by more, one device too many is better than a
// device that cannot enroll.
async fn catch_up(app: &Mdm) {
    let Ok(Some(head)) = app.platform.log.store().head().await else { return };
    if !matches!(tokio::time::timeout(PATIENCE, app.platform.projections.wait_for(head)).await, Ok(Ok(()))) {
        tracing::warn!("the inventory lags behind the log; the devices-per-person limit uses an outdated count");
    }
}
