//! The visitor behind a request: browser, language, and the enrollment that the session cookie proves.

use super::browser::{Answer, Browser};
use super::help::{self, HelpPart};
use super::problem::Problem;
use super::render::{Back, Frame, LanguageChoice, Page, Progress, render};
use super::steps;
use super::texts::Language;
use crate::portal::Portal;
use crate::web::{enrollment_code, forgery, has_proven, host_cookie, source};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, LOCATION};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use connections::room::Identity;
use decisions::device::Device;
use decisions::enrollment::{Assignment, Command, Enrollment, Policy, SignedIn, Step};
use enroll::account_driven::link::AccountLink;
use enroll::may_go_on;
use events::enrollment::{DeviceFamily, EnrollmentId, FormRefusal, OsVersion, Platform, help_code};
use events::envelope::{Actor, ActorKind};
use events::settings::Settings;
use events::store::ReadError;
use futures_util::future::LocalBoxFuture;
use platform::context::Context;
use platform::secrets::{hash, same};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use uuid::Uuid;

/// Marks a browser in which somebody has signed in before. It is not a session.
pub(crate) const KNOWN_COOKIE: &str = "__Host-muster-known";
/// Holds `<enrollment id>.<secret>`.
pub(crate) const SESSION_COOKIE: &str = "__Host-muster-enrollment";
/// CSRF binding for forms that are sent before there is a session.
pub(crate) const FORM_COOKIE: &str = "__Host-muster-csrf";
pub(crate) const LANGUAGE_COOKIE: &str = "__Host-muster-language";
pub(crate) const DEVICE_COOKIE: &str = "__Host-muster-device";
/// Name of this surface in form tokens.
pub(crate) const SURFACE: &str = "portal";

/// Result of page handlers.
pub(crate) type Answered = Result<HttpResponse, Problem>;

pub(crate) struct Visitor {
    pub app: Portal,
    pub settings: Settings,
    pub browser: Browser,
    pub language: Language,
    pub user_agent: String,
    pub source: IpAddr,
    pub session: Option<Session>,
    /// Account link from Settings, if the device reached this page or form by one.
    pub link: Option<AccountLink>,
    form_cookie: FormCookie,
    /// Value of [`KNOWN_COOKIE`].
    pub known_browser: Option<String>,
}

/// An enrollment whose secret is in the visitor's cookie.
pub(crate) struct Session {
    pub id: EnrollmentId,
    pub enrollment: Arc<Enrollment>,
    cookie: String,
}

struct FormCookie {
    value: String,
    fresh: bool,
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Visitor, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Visitor::of(&request).await })
    }
}

impl Visitor {
    /// Returns the device of an enrollment. Without a served profile no identity was issued, so there is no device, and
    /// its stream is not read.
    ///
    /// # Errors
    /// Returns an error if the stream of the device cannot be read.
    pub(crate) async fn device_of(&self, session: &Session) -> Result<Arc<Device>, ReadError> {
        if !session.enrollment.profile_was_taken() {
            return Ok(Arc::default());
        }
        self.app.platform.device(session.id.device()).await
    }

    /// Returns the visitor behind a request.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be read.
    pub(crate) async fn of(request: &HttpRequest) -> Result<Visitor, Problem> {
        let app = request.app_data::<web::Data<Portal>>().ok_or_else(|| Problem::internal("no App"))?;
        let app = Portal::clone(app);
        let user_agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let answer = cookie(request, DEVICE_COOKIE).and_then(|value| Answer::parse(&value));
        let settings = app.settings.current().await?;
        let session = session(&app, request, &settings).await?;
        // An enrollment without a signed-in person proves nothing, because everybody gets its cookie.
        if let Some(signed_in) = session.as_ref().and_then(|session| session.enrollment.signed_in.as_ref()) {
            has_proven(&app.web, request, Identity::Person(signed_in.person));
        }
        if let Some(session) = &session {
            enrollment_code::note(request, help_code(session.id));
        }
        let browser = Browser::of(user_agent).answered(answer);
        Ok(Visitor {
            browser: session.as_ref().and_then(|session| session.device(browser)).unwrap_or(browser),
            link: None,
            language: language(request),
            user_agent: user_agent.to_owned(),
            source: source(request, &app.web.trusted_proxies).unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            form_cookie: form_cookie(&app, request),
            known_browser: cookie(request, KNOWN_COOKIE),
            session,
            settings,
            app,
        })
    }

    /// Returns the cookie value that the visitor's forms are bound to.
    pub(crate) fn form_binding(&self) -> &str {
        self.session.as_ref().map_or(&self.form_cookie.value, |session| &session.cookie)
    }

    /// Returns the session if the person is at this step.
    ///
    /// # Errors
    /// Returns [`Problem::Elsewhere`] with the page of the current step.
    pub(crate) fn at(&self, step: Step) -> Result<&Session, Problem> {
        let session = self.signed_in()?;
        if session.enrollment.step() == step {
            Ok(session)
        } else {
            Err(Problem::Elsewhere(steps::path(session.enrollment.step())))
        }
    }

    /// Returns the session of a person who has signed in.
    ///
    /// # Errors
    /// Returns [`Problem::Elsewhere`] with the sign-in page, or with `/enroll` if the browser is not Safari on iOS.
    pub(crate) fn signed_in(&self) -> Result<&Session, Problem> {
        self.on_ios()?;
        let signed_in = self.session.as_ref().filter(|session| session.enrollment.signed_in.is_some());
        signed_in.ok_or(Problem::Elsewhere(steps::path(Step::SignIn)))
    }

    /// Returns the policy for the user of the device that is being enrolled.
    ///
    /// # Errors
    /// Returns an error if nobody has signed in, or the event log cannot be read.
    pub(crate) async fn policy(&self, session: &Session) -> Result<Policy, Problem> {
        let owner = session.enrollment.owner().ok_or(Problem::Forged)?;
        Ok(enroll::policy(&self.app.enroll, &self.settings, owner.person).await?)
    }

    /// Returns the device if the page is open in Safari on an iPhone or iPad.
    ///
    /// # Errors
    /// Returns [`Problem::Elsewhere`] with `/enroll`, which shows how to open Safari.
    pub(crate) fn on_ios(&self) -> Result<Platform, Problem> {
        match self.browser {
            Browser::Safari(platform) => Ok(platform),
            _ => Err(Problem::Elsewhere("/enroll")),
        }
    }

    /// Records that a form of this enrollment was rejected.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be read or written.
    pub(crate) async fn refuse(&self, session: &Session, why: FormRefusal) -> Result<(), Problem> {
        self.record_or_count(session, &Command::RefuseForm { why }).await
    }

    /// Records the visitor's language if the enrollment's stream has another one.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be read or written.
    pub(crate) async fn note_language(&self, session: &Session, language: Language) -> Result<(), Problem> {
        let language = language.tag().to_owned();
        if session.enrollment.language().is_none_or(|known| *known == language) {
            return Ok(());
        }
        self.record_or_count(session, &Command::ChooseLanguage { language }).await
    }

    /// Performs a command of the enrollment, and counts a refusal caused by too many repetitions.
    ///
    /// # Errors
    /// Returns an error if the command is refused, or the event log cannot be read or written.
    pub(crate) async fn perform_counted(
        &self,
        session: &Session,
        command: &Command,
    ) -> Result<Arc<Enrollment>, Problem> {
        let context = session.context(self.source);
        match self.app.platform.perform::<Enrollment>(&session.id.stream(), command, &context).await {
            Ok(performed) => Ok(performed.state),
            Err(error) => {
                let problem = Problem::from(error);
                if problem == Problem::TooOften {
                    sign_in::count_refusal(&self.app.sign_in, self.source);
                }
                Err(problem)
            }
        }
    }

    async fn record_or_count(&self, session: &Session, command: &Command) -> Result<(), Problem> {
        let context = session.context(self.source);
        self.app
            .sign_in
            .record_or_count::<Enrollment>(&session.id.stream(), command, &context, Some(self.source))
            .await?;
        Ok(())
    }

    /// Returns the version of iOS, if known.
    pub(crate) fn version(&self) -> Option<OsVersion> {
        self.browser.version()
    }

    /// Address of the portal that people type.
    pub(crate) fn address(&self) -> String {
        format!("{}/enroll", self.app.platform.public_url)
    }

    /// Renders a page with status 200.
    ///
    /// # Errors
    /// Returns an error if the template cannot be rendered.
    pub(crate) fn page<P: Page>(&self, page: &P) -> Answered {
        self.page_with(StatusCode::OK, page)
    }

    /// Renders a page with the given status.
    ///
    /// # Errors
    /// Returns an error if the template cannot be rendered.
    pub(crate) fn page_with<P: Page>(&self, status: StatusCode, page: &P) -> Answered {
        let invitation = page.invitation().map(str::to_owned);
        let html = render(&Frame { invitation, ..self.frame(page.progress_step(), page.back()) }, page)?;
        let mut response = HttpResponse::build(status);
        if self.form_cookie.fresh {
            response.cookie(host_cookie(FORM_COOKIE, self.form_cookie.value.clone()));
        }
        Ok(response.content_type(ContentType::html()).body(html))
    }

    fn frame(&self, step: &str, back: Back) -> Frame {
        let enrollment = self.session.as_ref().map(|session| session.enrollment.as_ref());
        let signed_in = enrollment.and_then(|enrollment| enrollment.signed_in.as_ref());
        let assigned = self.session.as_ref().and_then(Session::assigned_to);
        let code = self.session.as_ref().map(|session| help_code(session.id));
        Frame {
            csrf: Some(forgery::token(&self.app.platform.secrets, SURFACE, self.form_binding())),
            back: back.name(),
            account: self.link.as_ref().map(|link| link.token(&self.app.platform.secrets)),
            by_account: self.link.is_some() || enrollment.is_some_and(|enrollment| enrollment.account_driven.is_some()),
            progress: progress(step, enrollment, &self.settings).filter(|_| self.link.is_none()),
            signed_in_as: signed_in.map(|signed_in| signed_in.user_name.text().to_owned()),
            other: if assigned.is_some() { "yes" } else { "no" },
            owner: assigned.map(|owner| owner.user_name.text().to_owned()).unwrap_or_default(),
            device: self.device(),
            ios15: if self.version().is_none_or(|version| version >= OsVersion::new(15, 0)) { "yes" } else { "no" },
            ios18: if self.version().is_none_or(|version| version >= OsVersion::new(18, 0)) { "yes" } else { "no" },
            ..bare_frame(self.language, &self.settings, code)
        }
    }

    /// Returns the name of the device's family.
    pub(crate) fn device(&self) -> &'static str {
        match self.browser {
            Browser::Safari(platform) | Browser::OtherOnIos(platform) => platform.family.name(),
            _ => DeviceFamily::IPhone.name(),
        }
    }
}

impl Session {
    /// Returns the session of an enrollment that was just opened.
    pub(crate) fn begun(id: EnrollmentId, cookie: String) -> Session {
        Session { id, enrollment: Arc::default(), cookie }
    }

    /// Returns a session for an enrollment that is known without a session cookie, such as one named by a profile link.
    pub(crate) fn of_link(id: EnrollmentId, enrollment: Arc<Enrollment>) -> Session {
        Session { id, enrollment, cookie: String::new() }
    }

    // A device that came from Settings reported its family. The browser of an iPad reports a Mac there too.
    fn device(&self, browser: Browser) -> Option<Browser> {
        let opened = self.enrollment.opened.as_ref().filter(|_| self.enrollment.account_driven.is_some())?;
        let version = browser.version().or(opened.platform.version);
        Some(Browser::Safari(Platform { family: opened.platform.family, version }))
    }

    /// Returns the person who signed in.
    pub(crate) fn person(&self) -> Option<&SignedIn> {
        self.enrollment.signed_in.as_ref()
    }

    /// Returns the user of the device, if that is not the person who signed in.
    pub(crate) fn assigned_to(&self) -> Option<&SignedIn> {
        match &self.enrollment.assignment {
            Assignment::To(owner) => Some(owner),
            Assignment::Oneself | Assignment::Asked { .. } => None,
        }
    }

    /// Returns the context for commands: on behalf of the person who signed in, else of the visitor.
    pub(crate) fn context(&self, source: IpAddr) -> Context {
        match self.person() {
            Some(SignedIn { person, .. }) => {
                let actor = Actor::new(ActorKind::Person, person);
                Context::of(actor, Some((source, person.key())), self.id.0)
            }
            None => {
                let actor = Actor::new(ActorKind::Visitor, self.id);
                Context::of(actor, Some((source, self.id.enrollment_key())), self.id.0)
            }
        }
    }
}

/// Returns a frame without a visitor, for problem pages: without forms and names.
pub(crate) fn bare_frame(language: Language, settings: &Settings, help_code: Option<String>) -> Frame {
    Frame {
        lang: language.tag(),
        languages: LanguageChoice::all(language),
        organization: settings.organization.clone(),
        device: "iPhone",
        ios15: "yes",
        ios18: "yes",
        progress: None,
        csrf: None,
        back: Back::Step.name(),
        account: None,
        invitation: None,
        by_account: false,
        signed_in_as: None,
        other: "no",
        owner: String::new(),
        help: help_of(settings, help_code.as_deref()),
        help_code,
        style: &super::assets::STYLE_VERSION,
    }
}

/// Returns the administrator's help text in parts; empty if the settings have none.
fn help_of(settings: &Settings, help_code: Option<&str>) -> Vec<HelpPart> {
    settings.help.as_deref().map(|words| help::parts(words, help_code)).unwrap_or_default()
}

/// Redirects the browser to another page, by GET (303).
pub(crate) fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

/// Returns the language that the person chose, else the browser's.
pub(crate) fn language(request: &HttpRequest) -> Language {
    let chosen = cookie(request, LANGUAGE_COOKIE).and_then(|tag| Language::parse(&tag));
    chosen.unwrap_or_else(|| Language::accepted(request))
}

/// Returns the enrollment that the session cookie names, without checking its secret.
pub(crate) fn named_enrollment(request: &HttpRequest) -> Option<EnrollmentId> {
    let value = cookie(request, SESSION_COOKIE)?;
    let (id, _) = value.split_once('.')?;
    Uuid::parse_str(id).ok().map(EnrollmentId)
}

fn cookie(request: &HttpRequest, name: &str) -> Option<String> {
    request.cookie(name).map(|cookie| cookie.value().to_owned())
}

// A session ends when its secret is replaced (sign-in) or withdrawn (sign-out), when the enrollment is abandoned, or
// when the account is disabled or may no longer enroll. It also ends `abandon_after_hours` after its start. The start
// is the time in the enrollment id or, for a resumed enrollment, the time of the resumption.
async fn session(app: &Portal, request: &HttpRequest, settings: &Settings) -> Result<Option<Session>, Problem> {
    let Some(id) = named_enrollment(request) else { return Ok(None) };
    let value = cookie(request, SESSION_COOKIE).unwrap_or_default();
    let secret = value.split_once('.').map_or("", |(_, secret)| secret);
    let enrollment = match app.platform.enrollment(id).await {
        Ok(enrollment) => enrollment,
        // A corrupt earlier enrollment of this browser must not block a new one.
        Err(error @ ReadError::Corrupt { .. }) => {
            tracing::warn!(enrollment = %id, %error, "cannot read the enrollment of a session; session ignored");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let proven =
        enrollment.session.as_ref().is_some_and(|session| same(session.0.as_bytes(), hash(secret).0.as_bytes()));
    let over = matches!(enrollment.end, Some(decisions::enrollment::End::Abandoned));
    // A person who signs in again is checked by that sign-in.
    let again = enrollment.step() == Step::SignInAgain;
    let in_time = proven && !over && !is_old(app, id, &enrollment, settings);
    let live = in_time && (again || may_go_on(&app.enroll, &enrollment).await?);
    Ok(live.then_some(Session { id, enrollment, cookie: value }))
}

fn is_old(app: &Portal, id: EnrollmentId, enrollment: &Enrollment, settings: &Settings) -> bool {
    let opened = || i64::try_from(id.0.get_timestamp()?.to_unix().0).ok();
    let Some(begun) = enrollment.resumed.map(|resumed| resumed.0 / 1_000_000).or_else(opened) else { return true };
    let age = (app.platform.world.now().0 / 1_000_000).saturating_sub(begun);
    age > i64::from(settings.abandon_after_hours) * 3_600
}

// A cookie that this server did not issue is ignored and replaced.
fn form_cookie(app: &Portal, request: &HttpRequest) -> FormCookie {
    let ours = |value: &String| {
        value.split_once('.').is_some_and(|(random, tag)| app.platform.secrets.is_tag(tag, "form-cookie", &[random]))
    };
    match cookie(request, FORM_COOKIE).filter(ours) {
        Some(value) => FormCookie { value, fresh: false },
        None => {
            let random = app.platform.world.secret();
            let tag = app.platform.secrets.tag("form-cookie", &[&random]);
            FormCookie { value: format!("{random}.{tag}"), fresh: true }
        }
    }
}

fn progress(step: &str, enrollment: Option<&Enrollment>, settings: &Settings) -> Option<Progress> {
    steps::progress(step, enrollment, settings).map(|(now, total)| Progress::new(now, total))
}
