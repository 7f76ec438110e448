//! A request of a person at the portal, its enrollment, and the possible results of a sign-in.

use crate::Enroll;
use crate::account_driven::link::{AccountLink, Purpose};
use decisions::enrollment::{self, Command, Enrollment};
use events::Personal;
use events::enrollment::{EnrollmentId, Platform};
use events::envelope::{Actor, ActorKind};
use events::invitation::InvitationRefusal;
use platform::context::Context;
use platform::secrets::hash;
use sign_in::SignInError;
use std::net::IpAddr;

/// A request of a person at the portal.
pub struct Entrance<'a> {
    /// The enrollment of the session cookie, if there is one.
    pub enrollment: Option<EnrollmentId>,
    pub source: IpAddr,
    pub user_agent: &'a str,
    pub platform: Platform,
    pub language: &'a str,
    /// The link that the device opened from Settings, if it did.
    pub link: Option<AccountLink>,
}

/// Result of a sign-in at the portal.
pub enum SignInOutcome {
    /// Signed in. The session cookie must contain the new `secret`.
    SignedIn {
        enrollment: EnrollmentId,
        secret: String,
        /// New value of the known-browser cookie, after the right password.
        known_browser: Option<String>,
        /// Why the person cannot use the invitation that was opened in the enrollment.
        not_invited: Option<InvitationRefusal>,
    },
    /// Refused. `opened`: id and session secret, if this request opened the enrollment. `retry_after`: seconds to wait,
    /// if throttled.
    Refused { opened: Option<(EnrollmentId, String)>, retry_after: Option<i64> },
    /// Refused because the provider or directory does not answer. `opened` as above.
    NotNow { opened: Option<(EnrollmentId, String)> },
    /// Refused because the directory requires a new password. `opened` as above.
    ChangePassword { opened: Option<(EnrollmentId, String)> },
    /// Refused because the answer of a provider arrived after the request expired.
    TooLate,
    /// The enrollment is at another step.
    OutOfStep,
}

/// The enrollment of a request.
pub(crate) struct Entered {
    pub enrollment: EnrollmentId,
    /// `None`: the request has an enrollment.
    pub opening: Option<Opening>,
}

impl Entered {
    /// An enrollment that is open.
    pub(crate) fn known(enrollment: EnrollmentId) -> Entered {
        Entered { enrollment, opening: None }
    }
}

/// Opens an enrollment, or resumes the one that the link names. Not performed yet.
pub(crate) struct Opening {
    pub command: Command,
    pub context: Context,
    /// Secret of the session that begins.
    pub secret: String,
}

/// Returns the enrollment of the request. If it has none, also returns how one is opened.
pub(crate) fn enter(enroll: &Enroll, entrance: &Entrance<'_>) -> Entered {
    if let Some(enrollment) = entrance.enrollment {
        return Entered::known(enrollment);
    }
    let link = entrance.link.as_ref();
    let enrollment = link.map_or_else(|| EnrollmentId(enroll.platform.world.uuid()), |link| link.enrollment);
    let state = link.and_then(|link| link.state.clone());
    let secret = enroll.platform.world.secret();
    let user_agent: String = entrance.user_agent.chars().take(512).collect();
    let (session, user_agent) = (hash(&secret), Personal::new(enrollment.enrollment_key(), user_agent));
    let (platform, language) = (entrance.platform, entrance.language.to_owned());
    let command = match link.map(|link| link.purpose) {
        Some(Purpose::SignInAgain) => Command::Resume { session, user_agent, now: enroll.platform.world.now(), state },
        Some(Purpose::Enroll { mode, .. }) => {
            let account_driven = Some(enrollment::Begun { mode, state });
            Command::Open { session, user_agent, platform, language, account_driven }
        }
        None => Command::Open { session, user_agent, platform, language, account_driven: None },
    };
    let context = visitor(entrance, enrollment);
    Entered { enrollment, opening: Some(Opening { command, context, secret }) }
}

/// Returns the enrollment of the request. If it has none, opens it, and also returns the id and secret of the new
/// session.
///
/// # Errors
/// Returns an error if the log cannot be read or written, or the enrollment cannot be resumed.
pub(crate) async fn open(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
) -> Result<(EnrollmentId, Option<(EnrollmentId, String)>), SignInError> {
    let Entered { enrollment, opening } = enter(enroll, entrance);
    let Some(Opening { command, context, secret }) = opening else { return Ok((enrollment, None)) };
    enroll.platform.perform::<Enrollment>(&enrollment.stream(), &command, &context).await?;
    Ok((enrollment, Some((enrollment, secret))))
}

/// Returns the context of events that a person causes before they sign in.
pub(crate) fn visitor(entrance: &Entrance<'_>, enrollment: EnrollmentId) -> Context {
    let actor = Actor::new(ActorKind::Visitor, enrollment);
    Context::of(actor, Some((entrance.source, enrollment.enrollment_key())), enrollment.0)
}
