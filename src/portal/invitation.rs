//! The page of an invitation, and the form for its code.
//!
//! A request of the page records nothing, since mail scanners and link previews request it. The form opens an
//! enrollment and the invitation in it. The page says what an invitation is for, and nothing about its recipient:
//! whoever has the link may have got it by mistake.

use super::arrival::{DesktopPage, OtherBrowserPage, WhichDevicePage};
use super::browser::Browser;
use super::invitation_link::{not_invited_path, path};
use super::problem::Problem;
use super::render::Page;
use super::sign_in::{SignInPage, keep, not_yet, own_in_settings};
use super::steps;
use super::submission::Submission;
use super::visitor::{Answered, Visitor, see_other};
use crate::web::content::content;
use crate::web::qr::Qr;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::{Path, Query};
use decisions::device::Phase;
use decisions::enrollment::Step;
use decisions::invitation::Refusal;
use enroll::Entrance;
use enroll::invited::{self, Presented};
use events::enrollment::{EnrollmentId, Platform};
use events::envelope::{Actor, ActorKind};
use events::invitation::InvitationRefusal;
use events::system::RefusalEvent;
use invitations::{ChangeError, InvitationError, Seen, Typed};
use platform::context::Context;
use serde::{Deserialize, Serialize};

/// The page of an invitation that can be used.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InvitationPage {
    /// Token of the link.
    pub token: String,
    /// The device was managed before, and the person is asked to enroll it again.
    pub again: bool,
    /// The device must be enrolled in Settings, so the form shows a code.
    pub in_settings: bool,
}

impl Page for InvitationPage {
    const TEMPLATE: &'static str = "invitation";

    fn invitation(&self) -> Option<&str> {
        Some(&self.token)
    }
}

content!(InvitationPage { token, again, in_settings });

/// A code for Settings.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InvitationCodePage {
    /// Token of the link.
    pub token: String,
    /// Such as `7KQ-3M2`.
    pub code: String,
    pub minutes: i64,
    /// Text keys of the instructions for Settings, in order.
    pub steps: &'static [&'static str],
}

impl Page for InvitationCodePage {
    const TEMPLATE: &'static str = "invitation_code";

    fn invitation(&self) -> Option<&str> {
        Some(&self.token)
    }
}

impl InvitationCodePage {
    /// Returns the page with a sample code, for the preview.
    pub(crate) fn sample() -> InvitationCodePage {
        InvitationCodePage { token: "token".into(), code: "7KQ-3M2".into(), minutes: 10, steps: CODE_STEPS }
    }
}

content!(InvitationCodePage { token, code, minutes among [10_i64, 1], steps among [CODE_STEPS] });

// An iPhone has one management at a time, so the old one goes before the sign-in.
const CODE_STEPS: &[&str] = &[
    "previous-step-open",
    "previous-step-remove-either",
    "stopped-account-sign-in",
    "stopped-account-account",
    "invitation-code-type",
];

/// An invitation that cannot be used, and what to do.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InvitationClosedPage {
    /// Text key of the reason.
    pub why: &'static str,
    /// Whoever invited the person can help with another invitation.
    pub asks: bool,
    /// The person is signed in and continues without the invitation.
    pub goes_on: bool,
}

impl Page for InvitationClosedPage {
    const TEMPLATE: &'static str = "invitation_closed";
}

#[cfg(test)]
impl InvitationClosedPage {
    /// Text keys of all reasons.
    pub(crate) const REASONS: [&'static str; 8] = [
        UNKNOWN,
        ON_DEVICE,
        TOO_OFTEN,
        text_of(InvitationRefusal::Replaced),
        text_of(InvitationRefusal::Expired),
        text_of(InvitationRefusal::Revoked),
        text_of(InvitationRefusal::Used),
        text_of(InvitationRefusal::OtherPerson),
    ];
}

content!(InvitationClosedPage { why among ["invitation-expired"], asks, goes_on });

const UNKNOWN: &str = "invitation-unknown";
const ON_DEVICE: &str = "invitation-on-device";
const TOO_OFTEN: &str = "invitation-too-often";

const fn text_of(why: InvitationRefusal) -> &'static str {
    match why {
        InvitationRefusal::Replaced => "invitation-replaced",
        InvitationRefusal::Expired => "invitation-expired",
        InvitationRefusal::Revoked => "invitation-revoked",
        InvitationRefusal::Used => "invitation-used",
        InvitationRefusal::OtherPerson => "invitation-other-person",
    }
}

/// Shows the page of an invitation. Records nothing.
pub(crate) async fn show(visitor: Visitor, token: Path<String>) -> Answered {
    let Some(seen) = genuine(&visitor, &token).await? else {
        return closed(&visitor, StatusCode::NOT_FOUND, UNKNOWN);
    };
    match seen.refused {
        // Who opened it in this browser goes on where they are.
        Some(_) if is_open_here(&visitor, &seen) => Ok(see_other("/enroll")),
        Some(why) => closed(&visitor, StatusCode::GONE, text_of(why)),
        None => open_page(&visitor, &token, &seen),
    }
}

fn open_page(visitor: &Visitor, token: &str, seen: &Seen) -> Answered {
    let address = format!("{}{}", visitor.app.platform.public_url, path(token));
    let (token, invitation) = (token.to_owned(), Some(token.to_owned()));
    match visitor.browser {
        Browser::Safari(platform) => {
            let again = seen.state.issued.as_ref().is_some_and(|issued| issued.record.is_some());
            visitor.page(&InvitationPage { token, again, in_settings: shows_code(visitor, platform, seen) })
        }
        Browser::OtherOnIos(_) => visitor.page(&OtherBrowserPage { address, invitation }),
        Browser::MacSafari(_) => visitor.page(&WhichDevicePage { invitation }),
        // The link of a device-bound invitation proves the device only if nobody carries it to another one.
        Browser::Other if seen.state.is_device_bound() => closed(visitor, StatusCode::OK, ON_DEVICE),
        Browser::Other => {
            let qr = Qr::of(&address).ok_or(Problem::internal("the address is too long for a QR code"))?;
            let untrusted = visitor.app.web.private_root;
            visitor.page(&DesktopPage { address, qr, untrusted, invitation })
        }
    }
}

/// Handles the button of the page: opens the invitation, or shows a code for Settings.
pub(crate) async fn take(form: Submission, token: Path<String>) -> Answered {
    let visitor = form.visitor;
    let Some(seen) = seen(&visitor, &token).await? else {
        return closed(&visitor, StatusCode::NOT_FOUND, UNKNOWN);
    };
    let Browser::Safari(platform) = visitor.browser else { return Ok(see_other(&path(&token))) };
    if seen.refused.is_none() && shows_code(&visitor, platform, &seen) {
        return show_code(&visitor, &token, &seen).await;
    }
    let answered = open(&visitor, platform, &seen).await?;
    match answered {
        // Nothing about the invitation is told to who does not have its link.
        Taken::Closed(_) if seen.is_forged() => closed(&visitor, StatusCode::NOT_FOUND, UNKNOWN),
        Taken::Closed(why) => closed(&visitor, StatusCode::GONE, why),
        Taken::Open { opened, not_invited } => {
            let there = not_invited.map_or_else(|| "/enroll".to_owned(), not_invited_path);
            go(&visitor, &there, opened)
        }
    }
}

/// Result of a form.
enum Taken {
    /// `opened`: id and session secret, if this request opened the enrollment.
    Open { opened: Option<(EnrollmentId, String)>, not_invited: Option<InvitationRefusal> },
    /// Text key of the reason.
    Closed(&'static str),
}

async fn open(visitor: &Visitor, platform: Platform, seen: &Seen) -> Result<Taken, Problem> {
    let entrance = Entrance {
        enrollment: going_on(visitor).await?,
        source: visitor.source,
        user_agent: &visitor.user_agent,
        platform,
        language: visitor.language.tag(),
        link: visitor.link.clone(),
    };
    Ok(match invited::present(&visitor.app.enroll, &entrance, seen).await? {
        Presented::Here { enrollment: _, opened, refused } => Taken::Open { opened, not_invited: refused },
        Presented::Refused(why) => Taken::Closed(text_of(why)),
        Presented::TooOften => Taken::Closed(TOO_OFTEN),
    })
}

// An enrollment that has ended, or whose device has checked in, is another one than the person is invited to.
async fn going_on(visitor: &Visitor) -> Result<Option<EnrollmentId>, Problem> {
    let Some(session) = &visitor.session else { return Ok(None) };
    let is_over = matches!(session.enrollment.step(), Step::Ended(_))
        || visitor.device_of(session).await?.phase != Phase::Unknown;
    Ok(Some(session.id).filter(|_| !is_over))
}

fn go(visitor: &Visitor, there: &str, opened: Option<(EnrollmentId, String)>) -> Answered {
    let mut response = see_other(there);
    if let Some((id, secret)) = opened {
        keep(&mut response, visitor, id, &secret)?;
    }
    Ok(response)
}

/// Handles a typed code, at the portal and in the sheet of Settings.
pub(crate) async fn take_code(mut form: Submission) -> Answered {
    let (code, user_name) = (form.take("code").unwrap_or_default(), form.take("user_name").unwrap_or_default());
    let visitor = form.visitor;
    let platform = visitor.on_ios()?;
    not_yet(&visitor)?;
    let guess = match visitor.app.invitations.begin_guess(visitor.source) {
        Ok(guess) => guess,
        Err(seconds) => {
            sign_in::count_refusal(&visitor.app.sign_in, visitor.source);
            return code_throttled(&visitor, user_name, seconds);
        }
    };
    let seen = match visitor.app.invitations.by_code(&code, guess).await? {
        Typed::Invitation(seen) => seen,
        Typed::Wrong { is_recorded } => {
            note_wrong(&visitor, is_recorded).await?;
            return wrong_code(&visitor, user_name, "invitation-code-wrong");
        }
    };
    match open(&visitor, platform, &seen).await? {
        Taken::Closed(why) => wrong_code(&visitor, user_name, why),
        Taken::Open { opened, not_invited: _ } => go(&visitor, &sign_in_path(&visitor, &user_name), opened),
    }
}

// In the sheet of Settings, the name that was typed there is kept.
fn sign_in_path(visitor: &Visitor, user_name: &str) -> String {
    let Some(link) = &visitor.link else { return steps::path(Step::SignIn).to_owned() };
    let typed = url::form_urlencoded::Serializer::new(String::new()).append_pair("user-identifier", user_name).finish();
    format!("/enroll/account/{}?{typed}", link.token(&visitor.app.platform.secrets))
}

async fn note_wrong(visitor: &Visitor, is_recorded: bool) -> Result<(), Problem> {
    let (sign_in, source) = (&visitor.app.sign_in, visitor.source);
    if is_recorded && !visitor.app.platform.disk.is_nearly_full() {
        sign_in::record(sign_in, RefusalEvent::InvitationCodeRefused {}, Some(source)).await?;
    } else {
        sign_in::count_refusal(sign_in, source);
    }
    Ok(())
}

fn wrong_code(visitor: &Visitor, user_name: String, why: &'static str) -> Answered {
    let page = SignInPage { wrong_code: Some(why), user_name, ..SignInPage::of(visitor) };
    visitor.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

fn code_throttled(visitor: &Visitor, user_name: String, seconds: i64) -> Answered {
    let page = SignInPage { wrong_code: Some("invitation-code-throttled"), user_name, ..SignInPage::of(visitor) };
    let mut response = visitor.page_with(StatusCode::TOO_MANY_REQUESTS, &page)?;
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    Ok(response)
}

// A new code for each tap: codes are not stored.
async fn show_code(visitor: &Visitor, token: &str, seen: &Seen) -> Answered {
    let actor = Actor::new(ActorKind::Visitor, seen.invitation);
    let context = Context::of(actor, None, visitor.app.platform.world.uuid());
    let issued = match visitor.app.invitations.issue_device_code(seen.invitation, &context).await {
        Ok(issued) => issued,
        Err(ChangeError::Refused(why)) => return closed(visitor, StatusCode::GONE, code_refused(&why)),
        Err(ChangeError::Failed(error)) => return Err(error.into()),
    };
    let left = issued.expires.seconds_since(visitor.app.platform.world.now());
    let (code, minutes) = (issued.code, (left + 59) / 60);
    visitor.page(&InvitationCodePage { token: token.to_owned(), code, minutes, steps: CODE_STEPS })
}

fn code_refused(why: &Refusal) -> &'static str {
    match why {
        Refusal::Used => text_of(InvitationRefusal::Used),
        Refusal::Revoked => text_of(InvitationRefusal::Revoked),
        Refusal::Expired => text_of(InvitationRefusal::Expired),
        Refusal::TooOften => TOO_OFTEN,
        Refusal::Unknown | Refusal::NotDeviceBound => UNKNOWN,
    }
}

/// Query parameters of the page that says why an invitation is not used.
#[derive(Deserialize)]
pub(crate) struct Why {
    why: String,
}

pub(crate) async fn show_not_invited(visitor: Visitor, why: Query<Why>) -> Answered {
    visitor.signed_in()?;
    let why = InvitationRefusal::ALL.into_iter().find(|known| known.as_str() == why.why).ok_or(Problem::NotFound)?;
    visitor.page(&InvitationClosedPage { why: text_of(why), asks: false, goes_on: true })
}

fn closed(visitor: &Visitor, status: StatusCode, why: &'static str) -> Answered {
    let asks = ![ON_DEVICE, text_of(InvitationRefusal::Replaced)].contains(&why);
    visitor.page_with(status, &InvitationClosedPage { why, asks, goes_on: false })
}

async fn seen(visitor: &Visitor, token: &str) -> Result<Option<Seen>, Problem> {
    Ok(visitor.app.invitations.by_link(token).await?)
}

async fn genuine(visitor: &Visitor, token: &str) -> Result<Option<Seen>, Problem> {
    Ok(seen(visitor, token).await?.filter(|seen| !seen.is_forged()))
}

fn is_open_here(visitor: &Visitor, seen: &Seen) -> bool {
    visitor.session.as_ref().is_some_and(|session| session.enrollment.invitation == Some(seen.invitation))
}

fn shows_code(visitor: &Visitor, platform: Platform, seen: &Seen) -> bool {
    seen.state.is_device_bound() && own_in_settings(&visitor.settings, Browser::Safari(platform))
}

impl From<InvitationError> for Problem {
    fn from(error: InvitationError) -> Problem {
        Problem::Unavailable(error.to_string())
    }
}
