//! Whether old management may still be on a device that somebody enrolls: iOS then refuses the new one.

use decisions::enrollment::Enrollment;
use decisions::record::Record;
use events::enrollment::EnrollmentId;
use events::record::{PreviousAnswer, RecordId, RecordOwner};
use events::store::ReadError;
use platform::Platform;

/// Returns whether old management may still be on the device: the person was shown a record of which nobody knows that
/// its management ended, and did not say that it is another device. A record that cannot be read counts as managed.
///
/// # Errors
/// Returns an error if the enrollment cannot be read.
pub async fn may_have_old_management(platform: &Platform, id: EnrollmentId) -> Result<bool, ReadError> {
    let enrollment = platform.enrollment(id).await?;
    let is_elsewhere = |record: &RecordId| {
        let answer = enrollment.answers.get(record);
        matches!(answer, Some(PreviousAnswer::AnotherDevice | PreviousAnswer::NoLongerHave))
    };
    for record in enrollment.shown_records().filter(|record| !is_elsewhere(record)) {
        let told = may_be_managed(platform, &enrollment, record).await;
        if told.inspect_err(|error| tracing::error!(%error, "an earlier record cannot be read")).unwrap_or(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn may_be_managed(platform: &Platform, enrollment: &Enrollment, id: RecordId) -> Result<bool, ReadError> {
    if enrollment.previous.nearest.iter().any(|found| RecordId::of_device(found.device) == id) {
        return Ok(!platform.device(id.device()).await?.phase.has_ended());
    }
    let (record, _) = platform.load::<Record>(&id.stream()).await?;
    let person = enrollment.owner().map(|owner| owner.person);
    Ok(record.owner.and_then(RecordOwner::person).is_some_and(|owner| Some(owner) == person))
}
