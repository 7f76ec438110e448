//! Arrival at the portal. Safari on an iPhone or iPad continues with enrollment; every other browser gets instructions
//! for opening the portal there.

use super::browser::{Answer, Browser};
use super::invitation_link;
use super::problem::Problem;
use super::render::{Back, Page};
use super::steps;
use super::submission::Submission;
use super::texts::Language;
use super::visitor::{Answered, DEVICE_COOKIE, LANGUAGE_COOKIE, Visitor, see_other};
use crate::web::content::content;
use crate::web::host_cookie;
use crate::web::qr::Qr;
use actix_web::HttpResponse;
use decisions::device::Phase;
use decisions::enrollment::Step;
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct DesktopPage {
    pub address: String,
    pub qr: Qr,
    /// Devices do not trust this server's root before the first steps, so Safari shows a warning.
    pub untrusted: bool,
    /// Token of the invitation that the address is the link of.
    pub invitation: Option<String>,
}

impl Page for DesktopPage {
    const TEMPLATE: &'static str = "desktop";

    fn invitation(&self) -> Option<&str> {
        self.invitation.as_deref()
    }
}

content!(DesktopPage { address, qr, untrusted, invitation });

#[derive(Debug, Clone, Serialize)]
pub(crate) struct WhichDevicePage {
    /// Token of the link of an invitation, to which the answer returns.
    pub invitation: Option<String>,
}

impl Page for WhichDevicePage {
    const TEMPLATE: &'static str = "which_device";

    fn invitation(&self) -> Option<&str> {
        self.invitation.as_deref()
    }
}

content!(WhichDevicePage { invitation });

#[derive(Debug, Clone, Serialize)]
pub(crate) struct OtherBrowserPage {
    pub address: String,
    /// Token of the invitation that the address is the link of.
    pub invitation: Option<String>,
}

impl Page for OtherBrowserPage {
    const TEMPLATE: &'static str = "other_browser";

    fn invitation(&self) -> Option<&str> {
        self.invitation.as_deref()
    }
}

content!(OtherBrowserPage { address, invitation });

pub(crate) async fn root() -> HttpResponse {
    see_other("/enroll")
}

pub(crate) async fn show(visitor: Visitor) -> Answered {
    let address = visitor.address();
    match visitor.browser {
        Browser::Safari(_) => Ok(see_other(place(&visitor).await?)),
        Browser::OtherOnIos(_) => visitor.page(&OtherBrowserPage { address, invitation: None }),
        Browser::MacSafari(_) => visitor.page(&WhichDevicePage { invitation: None }),
        Browser::Other => {
            let qr = Qr::of(&address).ok_or(Problem::internal("the address is too long for a QR code"))?;
            let untrusted = visitor.app.web.private_root;
            visitor.page(&DesktopPage { address, qr, untrusted, invitation: None })
        }
    }
}

// Returns the path of the person's current step. A device that has already checked in is past the instructions.
async fn place(visitor: &Visitor) -> Result<&'static str, Problem> {
    let Some(session) = &visitor.session else { return Ok(steps::path(Step::SignIn)) };
    let step = session.enrollment.step();
    if matches!(step, Step::MdmProfile | Step::HandOver) {
        let device = visitor.device_of(session).await?;
        if device.phase != Phase::Unknown {
            return Ok("/enroll/complete");
        }
    }
    Ok(steps::path(step))
}

/// Stores the answer to "What are you using?" in a cookie. The form may name an invitation to return to.
pub(crate) async fn device(mut form: Submission) -> Answered {
    let answer = form.take("device").and_then(|text| Answer::parse(&text)).ok_or(Problem::Bad)?;
    let there = invitation_of(&mut form).await?.unwrap_or_else(|| "/enroll".to_owned());
    with_cookie(see_other(&there), DEVICE_COOKIE, answer.as_str())
}

// Returns the path of the invitation that a form names.
async fn invitation_of(form: &mut Submission) -> Result<Option<String>, Problem> {
    let Some(token) = form.take(invitation_link::FIELD) else { return Ok(None) };
    let is_one = form.visitor.app.invitations.by_link(&token).await?.is_some();
    Ok(is_one.then(|| invitation_link::path(&token)))
}

/// Changes the language. The form names the page to return to; the server maps the name to a path of its own and never
/// uses an address from the form.
pub(crate) async fn language(mut form: Submission) -> Answered {
    let language = form.take("language").and_then(|tag| Language::parse(&tag)).ok_or(Problem::Bad)?;
    // Before sign-in the language goes into the next event: `VisitOpened`, or the event that follows the sign-in.
    if let Some(session) = form.visitor.session.as_ref().filter(|session| session.person().is_some()) {
        form.visitor.note_language(session, language).await?;
    }
    if let Some(there) = invitation_of(&mut form).await? {
        return with_cookie(see_other(&there), LANGUAGE_COOKIE, language.tag());
    }
    let there = form
        .visitor
        .link
        .as_ref()
        .map(|link| format!("/enroll/account/{}", link.token(&form.visitor.app.platform.secrets)));
    if let Some(there) = there {
        return with_cookie(see_other(&there), LANGUAGE_COOKIE, language.tag());
    }
    let back = form.take("back").map_or(Back::Step, |name| Back::parse(&name));
    with_cookie(see_other(back.path()), LANGUAGE_COOKIE, language.tag())
}

fn with_cookie(mut response: HttpResponse, name: &'static str, value: &str) -> Answered {
    response.add_cookie(&host_cookie(name, value.to_owned())).map_err(Problem::internal)?;
    Ok(response)
}
