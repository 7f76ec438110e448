//! Maps requests that wait for the answer of a provider to their enrollments.

use crate::Enroll;
use crate::entrance::{Entrance, visitor};
use decisions::enrollment::SingleSignOn;
use events::enrollment::{EnrollmentEvent, EnrollmentId, SecretHash};
use events::store::AppendError;
use events::system::RequestEvent;
use events::{Event, StreamName};
use platform::secrets::hash;
use sign_in::SignInError;
use sign_in::redirect::{IdentityProvider, REQUEST_SECONDS};

/// Returns whether the log shows that the enrollment began this request within the last 15 minutes.
pub(super) async fn is_recent(enroll: &Enroll, id: EnrollmentId, request: &SecretHash) -> Result<bool, SignInError> {
    let entries = enroll.platform.log.read(&id.stream()).await?;
    let begun = entries.iter().rev().find(|entry| {
        let event = &entry.event;
        matches!(event, Event::Enrollment(EnrollmentEvent::SingleSignOnBegun { request: begun, .. }) if begun == request)
    });
    Ok(begun.is_some_and(|begun| enroll.platform.world.now().seconds_since(begun.at) <= REQUEST_SECONDS))
}

/// Records which enrollment waits for the answer to this request.
///
/// # Errors
/// Returns an error if the log cannot be written.
pub(super) async fn remember(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    id: EnrollmentId,
    request: &str,
) -> Result<(), AppendError> {
    let event = RequestEvent::SingleSignOnRequested { enrollment: id };
    let stream = StreamName::of("request", enroll.platform.secrets.name("request", &[request]));
    enroll.platform.append_first(&stream, event, &visitor(entrance, id)).await
}

/// Returns the enrollment that waits for the answer of this provider to this request. `None` if the request is unknown,
/// answered or older than 15 minutes.
pub(super) async fn waiting(
    enroll: &Enroll,
    provider: &IdentityProvider,
    request: &str,
) -> Result<Option<EnrollmentId>, SignInError> {
    let stream = StreamName::of("request", enroll.platform.secrets.name("request", &[request]));
    let entries = enroll.platform.log.read(&stream).await?;
    let Some(Event::Request(RequestEvent::SingleSignOnRequested { enrollment: id })) =
        entries.first().map(|entry| &entry.event)
    else {
        return Ok(None);
    };
    let (enrollment, request) = (enroll.platform.enrollment(*id).await?, hash(request));
    let waits = |state: &SingleSignOn| {
        let same = state.request == request && state.provider == provider.name && state.method == provider.method();
        same && state.proven.is_none()
    };
    let waits = enrollment.awaits_sign_in() && enrollment.single_sign_on.as_ref().is_some_and(waits);
    Ok((waits && is_recent(enroll, *id, &request).await?).then_some(*id))
}
