//! Enrolls a device for another person: finds the person in a directory and assigns the enrollment to them.

use crate::Enroll;
use crate::admit::admission;
use crate::invited::spend;
use decisions::enrollment::{self, Command, Enrollment, SignedIn};
use events::enrollment::{EnrollmentId, Platform, SignInMethodName};
use events::invitation::InvitationRefusal;
use identity::throttle::{Asked, RetryAfter};
use identity::{Account, LOCAL};
use platform::PerformError;
use platform::context::Context;
use sign_in::{LookedUp, Proof, SignInError, find_or_create_person, look_up};
use std::net::IpAddr;
use std::sync::Arc;

/// The enrollment that is assigned, and the person who signed in to it.
pub struct Assigning<'a> {
    pub enrollment: EnrollmentId,
    pub signed_in: &'a SignedIn,
    pub platform: Platform,
    pub source: IpAddr,
    /// Its actor is the person who signed in.
    pub context: Context,
}

/// An enrollment whose device is for a person.
pub struct AssignedTo {
    pub enrollment: Arc<Enrollment>,
    /// Why this person cannot use the invitation that was opened in the enrollment.
    pub not_invited: Option<InvitationRefusal>,
}

/// Result of assigning an enrollment.
pub enum Assigned {
    To(AssignedTo),
    /// No directory knows the name.
    Unknown,
    /// The settings enable no directory for enrollment.
    NoDirectory,
    /// A directory that may know the name does not answer.
    Unavailable,
    /// Too many lookups of unknown names. Contains the seconds to wait.
    Throttled(i64),
}

/// Looks up `user_name` and assigns the enrollment to that person. Unknown names count as failures of the account that
/// looks them up, so that it cannot try a list of names.
///
/// # Errors
/// Returns an error if the log cannot be read or written, or the number of the person's devices is limited and unknown.
pub async fn assign(enroll: &Enroll, assigning: &Assigning<'_>, user_name: &str) -> Result<Assigned, SignInError> {
    let typist = enroll.platform.secrets.name("looks-up", &[&assigning.signed_in.account]);
    let attempt =
        match enroll.sign_in.look_ups.begin(&enroll.platform.world, Asked::of(&typist, assigning.source)).await {
            Ok(attempt) => attempt,
            Err(RetryAfter(seconds)) => return Ok(Assigned::Throttled(seconds)),
        };
    match look_up(&enroll.sign_in, user_name.trim()).await? {
        LookedUp::Found(account) => to(enroll, assigning, *account).await,
        LookedUp::Unknown => {
            enroll.sign_in.look_ups.failed(enroll.platform.world.now(), attempt);
            Ok(Assigned::Unknown)
        }
        LookedUp::NoDirectory => Ok(Assigned::NoDirectory),
        LookedUp::Unavailable => Ok(Assigned::Unavailable),
    }
}

async fn to(enroll: &Enroll, assigning: &Assigning<'_>, account: Account) -> Result<Assigned, SignInError> {
    let proof = Proof { method: SignInMethodName::Directory, account, local: None };
    let owner = find_or_create_person(&enroll.platform, &proof, |_| assigning.context.clone()).await?;
    let admission = admission(enroll, &proof.account, owner.person, assigning.platform).await?;
    let command = Command::Assign { to: owner, admission };
    Ok(Assigned::To(perform(enroll, assigning, &command).await?))
}

/// Assigns the enrollment to the person who signed in.
///
/// # Errors
/// Returns an error if the log cannot be read or written, or the number of the person's devices is limited and unknown.
pub async fn assign_to_oneself(enroll: &Enroll, assigning: &Assigning<'_>) -> Result<AssignedTo, SignInError> {
    // Only local accounts have the privilege to enroll for others, and local accounts have neither groups nor claims.
    let account = Account { provider: LOCAL.to_owned(), ..Account::default() };
    let admission = admission(enroll, &account, assigning.signed_in.person, assigning.platform).await?;
    perform(enroll, assigning, &Command::EnrollForOneself { admission }).await
}

async fn perform(enroll: &Enroll, assigning: &Assigning<'_>, command: &Command) -> Result<AssignedTo, SignInError> {
    let (id, context) = (assigning.enrollment, &assigning.context);
    let enrollment = match enroll.platform.perform::<Enrollment>(&id.stream(), command, context).await {
        Ok(performed) => performed.state,
        // The person tapped twice: the second request returns the enrollment as the first one left it.
        Err(PerformError::Refused(enrollment::Refusal::OutOfStep(_))) => enroll.platform.enrollment(id).await?,
        Err(error) => return Err(error.into()),
    };
    let not_invited = spend(enroll, id, &enrollment, context).await;
    Ok(AssignedTo { enrollment, not_invited })
}
