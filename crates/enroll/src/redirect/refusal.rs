//! Records a refused single sign-on and chooses the answer to the person.

use crate::Enroll;
use crate::entrance::{Entrance, SignInOutcome, visitor};
use decisions::enrollment::{self, Command, Enrollment};
use events::enrollment::{EnrollmentId, help_code};
use events::system::RefusalEvent;
use identity::{Disbelief, Fault};
use platform::PerformError;
use sign_in::redirect::{IdentityProvider, alarm, recorded};
use sign_in::{SignInError, granted, record};

// The person learns only that the provider does not answer, because that is not their fault. All other reasons get the
// same answer.
pub(super) fn outcome_of(why: &Disbelief, opened: Option<(EnrollmentId, String)>) -> SignInOutcome {
    match why.fault {
        Fault::ProviderUnavailable => SignInOutcome::NotNow { opened },
        _ => SignInOutcome::Refused { opened, retry_after: None },
    }
}

// The event contains only the kind of fault. The administrator finds the details in the server's log by the help code.
pub(super) async fn refuse(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    enrollment: Option<EnrollmentId>,
    provider: &IdentityProvider,
    why: &Disbelief,
) -> Result<(), SignInError> {
    let code = enrollment.map(help_code);
    tracing::warn!(provider = provider.name, help.code = code, fault = ?why.fault, %why, "single sign-on was refused");
    alarm(&enroll.sign_in, why);
    if !granted(&enroll.sign_in, entrance.source) {
        return Ok(());
    }
    let (name, fault) = (provider.name.clone(), recorded(why.fault));
    let Some(enrollment) = enrollment else {
        let event = RefusalEvent::ResponseRefused { provider: name, why: fault };
        return Ok(record(&enroll.sign_in, event, Some(entrance.source)).await?);
    };
    let command = Command::RefuseSingleSignOn { method: provider.method(), provider: name, why: fault };
    match enroll.platform.perform::<Enrollment>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await {
        Ok(_) | Err(PerformError::Refused(enrollment::Refusal::OutOfStep(_))) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
