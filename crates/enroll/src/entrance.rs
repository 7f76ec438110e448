//! A person comes to the portal: how, on which visit, and what can come of their sign-in.

use crate::Enroll;
use crate::account_driven::link::{AccountLink, Purpose};
use decisions::visit::{self, Command, Visit};
use events::Personal;
use events::enrollment::{EnrollmentId, Platform};
use events::envelope::{Actor, ActorKind};
use platform::context::Context;
use platform::secrets::hash;
use sign_in::SignInError;
use std::net::IpAddr;

/// Who comes to the portal, and how.
pub struct Entrance<'a> {
    /// The visit that the session cookie names, where there is one.
    pub visit: Option<EnrollmentId>,
    pub source: IpAddr,
    pub user_agent: &'a str,
    pub platform: Platform,
    pub language: &'a str,
    /// The link that a device followed from Settings, where it did.
    pub link: Option<AccountLink>,
}

/// What came of a sign-in at the portal.
pub enum Outcome {
    /// In: the session cookie must hold the new secret.
    SignedIn {
        enrollment: EnrollmentId,
        secret: String,
        /// The cookie that makes the browser known, after a right password.
        known_browser: Option<String>,
    },
    /// Not in, whatever the reason. `opened` is the new session of a visit that began with this.
    Refused { opened: Option<(EnrollmentId, String)>, retry_after: Option<i64> },
    /// Not in, because the provider or directory cannot be asked. `opened` as above.
    NotNow { opened: Option<(EnrollmentId, String)> },
    /// Not in: the directory wants another password first. `opened` as above.
    ChangePassword { opened: Option<(EnrollmentId, String)> },
    /// Not in: the answer of a provider came after the request had ended.
    TooLate,
    /// The visit is past this step.
    OutOfStep,
}

/// The visit that is there, or a new one with the secret of its session.
///
/// # Errors
/// If the log cannot be used.
pub async fn open(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
) -> Result<(EnrollmentId, Option<(EnrollmentId, String)>), SignInError> {
    if let Some(enrollment) = entrance.visit {
        return Ok((enrollment, None));
    }
    let link = entrance.link.as_ref();
    let enrollment = link.map_or_else(|| EnrollmentId(enroll.platform.world.uuid()), |link| link.enrollment);
    let state = link.and_then(|link| link.state.clone());
    let secret = enroll.platform.world.secret();
    let user_agent: String = entrance.user_agent.chars().take(512).collect();
    let (session, user_agent) = (hash(&secret), Personal::new(enrollment.visit_key(), user_agent));
    let account_driven = match link.map(|link| link.purpose) {
        Some(Purpose::SignInAgain) => {
            let resume = Command::Resume { session, user_agent, now: enroll.platform.world.now(), state };
            enroll.platform.perform::<Visit>(&enrollment.stream(), &resume, &visitor(entrance, enrollment)).await?;
            return Ok((enrollment, Some((enrollment, secret))));
        }
        Some(Purpose::Enroll { mode, .. }) => Some(visit::Begun { mode, state }),
        None => None,
    };
    let (platform, language) = (entrance.platform, entrance.language.to_owned());
    let command = Command::Open { session, user_agent, platform, language, account_driven };
    enroll.platform.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await?;
    Ok((enrollment, Some((enrollment, secret))))
}

/// On behalf of somebody who did not sign in yet.
pub fn visitor(entrance: &Entrance<'_>, enrollment: EnrollmentId) -> Context {
    let actor = Actor::new(ActorKind::Visitor, enrollment);
    Context::of(actor, Some((entrance.source, enrollment.visit_key())), enrollment.0)
}
