//! Somebody enrolls a device for another person: found in a directory, and from there on the person whose device it is.

use crate::Enroll;
use crate::admit::admission;
use crate::person::find_or_create_person;
use decisions::visit::{self, Command, SignedIn, Visit};
use events::enrollment::{EnrollmentId, Platform, SignInMethodName};
use identity::throttle::{Asked, RetryAfter};
use identity::{Account, LOCAL};
use platform::PerformError;
use platform::context::Context;
use sign_in::{LookedUp, Proof, SignInError, look_up};
use std::net::IpAddr;

/// Whose visit it is, and from where.
pub struct Assigning<'a> {
    pub enrollment: EnrollmentId,
    pub signed_in: &'a SignedIn,
    pub platform: Platform,
    pub source: IpAddr,
    /// On behalf of who signed in.
    pub context: Context,
}

/// What came of it.
pub enum Assigned {
    To(Box<Visit>),
    /// No directory knows the name.
    Unknown,
    /// None is switched on for enrollment.
    NoDirectory,
    /// None that might know the name can be asked.
    Unavailable,
    /// Too many names were unknown: wait so many seconds.
    Throttled(i64),
}

/// Looks the person up and assigns the visit to them. Unknown names count as failures of whoever types them, so that
/// nobody tries a list of names here.
///
/// # Errors
/// If the log cannot be used.
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
    let owner = find_or_create_person(enroll, &proof, |_| assigning.context.clone()).await?;
    let admission = admission(enroll, &proof.account, owner.person, assigning.platform).await?;
    let command = Command::Assign { to: owner, admission };
    Ok(Assigned::To(Box::new(perform(enroll, assigning, &command).await?)))
}

/// Goes on with a device of one's own.
///
/// # Errors
/// If the log cannot be used.
pub async fn assign_to_oneself(enroll: &Enroll, assigning: &Assigning<'_>) -> Result<Visit, SignInError> {
    // Only local accounts carry the privilege, and local accounts have neither groups nor claims.
    let account = Account { provider: LOCAL.to_owned(), ..Account::default() };
    let admission = admission(enroll, &account, assigning.signed_in.person, assigning.platform).await?;
    perform(enroll, assigning, &Command::EnrollForOneself { admission }).await
}

async fn perform(enroll: &Enroll, assigning: &Assigning<'_>, command: &Command) -> Result<Visit, SignInError> {
    match enroll.platform.perform::<Visit>(&assigning.enrollment.stream(), command, &assigning.context).await {
        Ok(performed) => Ok(performed.state),
        // Two taps: the second finds the visit where the first led it.
        Err(PerformError::Refused(visit::Refusal::OutOfStep(_))) => {
            Ok(enroll.platform.visit(assigning.enrollment).await?)
        }
        Err(error) => Err(error.into()),
    }
}
