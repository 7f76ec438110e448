//! Who sends a request: their browser, their language, and the visit that their cookie proves to be theirs.

use super::browser::{Answer, Browser};
use super::help::{self, HelpPart};
use super::problem::Problem;
use super::render::{Back, Frame, LanguageChoice, Page, Progress, render};
use super::steps;
use super::texts::Language;
use crate::app::App;
use crate::web::{forgery, has_proven, host_cookie, source, visit_code};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, LOCATION};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use connections::room::Identity;
use decisions::visit::{Assignment, Command, Policy, SignedIn, Step, Visit};
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
use uuid::Uuid;

/// Makes a browser known that somebody signed in with before; no session.
pub const KNOWN_COOKIE: &str = "__Host-muster-known";
/// Holds `<enrollment id>.<secret>`.
pub const SESSION_COOKIE: &str = "__Host-muster-enrollment";
/// Binds the forms that are sent before there is a session.
pub const FORM_COOKIE: &str = "__Host-muster-csrf";
pub const LANGUAGE_COOKIE: &str = "__Host-muster-language";
pub const DEVICE_COOKIE: &str = "__Host-muster-device";
/// The surface's name in form tokens.
pub const SURFACE: &str = "portal";

/// What handlers of pages give.
pub type Answered = Result<HttpResponse, Problem>;

pub struct Visitor {
    pub app: App,
    pub settings: Settings,
    pub browser: Browser,
    pub language: Language,
    pub user_agent: String,
    pub source: IpAddr,
    pub session: Option<Session>,
    /// The link that a device followed from Settings, where this page or form was reached by one.
    pub link: Option<AccountLink>,
    form_cookie: FormCookie,
    /// The cookie of a browser that somebody signed in with before.
    pub known_browser: Option<String>,
}

/// A visit whose secret the visitor's cookie holds.
pub struct Session {
    pub enrollment: EnrollmentId,
    pub visit: Visit,
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
    /// The visitor behind a request.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn of(request: &HttpRequest) -> Result<Visitor, Problem> {
        let app = request.app_data::<web::Data<App>>().ok_or_else(|| Problem::internal("no App"))?;
        let app = App::clone(app);
        let user_agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let answer = cookie(request, DEVICE_COOKIE).and_then(|value| Answer::parse(&value));
        let settings = app.settings.current().await?;
        let session = session(&app, request, &settings).await?;
        // A visit without a person proves nothing: everybody gets its cookie.
        if let Some(signed_in) = session.as_ref().and_then(|session| session.visit.signed_in.as_ref()) {
            has_proven(&app, request, Identity::Person(signed_in.person));
        }
        if let Some(session) = &session {
            visit_code::note(request, help_code(session.enrollment));
        }
        let browser = Browser::of(user_agent).answered(answer);
        Ok(Visitor {
            browser: session.as_ref().and_then(|session| session.device(browser)).unwrap_or(browser),
            link: None,
            language: language(request),
            user_agent: user_agent.to_owned(),
            source: source(request, &app.config.server.trusted_proxies).unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            form_cookie: form_cookie(&app, request),
            known_browser: cookie(request, KNOWN_COOKIE),
            session,
            settings,
            app,
        })
    }

    /// The cookie value that the visitor's forms are bound to.
    pub fn form_binding(&self) -> &str {
        self.session.as_ref().map_or(&self.form_cookie.value, |session| &session.cookie)
    }

    /// The session, if the person stands on this step.
    ///
    /// # Errors
    /// Leads to the page where they stand.
    pub fn at(&self, step: Step) -> Result<&Session, Problem> {
        let session = self.signed_in()?;
        if session.visit.step() == step {
            Ok(session)
        } else {
            Err(Problem::Elsewhere(steps::path(session.visit.step())))
        }
    }

    /// The session of somebody who has signed in.
    ///
    /// # Errors
    /// Leads to where they can.
    pub fn signed_in(&self) -> Result<&Session, Problem> {
        self.on_ios()?;
        let signed_in = self.session.as_ref().filter(|session| session.visit.signed_in.is_some());
        signed_in.ok_or(Problem::Elsewhere(steps::path(Step::SignIn)))
    }

    /// What the settings say about the way of the person whose device it will be.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn policy(&self, session: &Session) -> Result<Policy, Problem> {
        let owner = session.visit.owner().ok_or(Problem::Forged)?;
        Ok(enroll::policy(&self.app.enroll, &self.settings, owner.person).await?)
    }

    /// The device, if the page is open in its Safari.
    ///
    /// # Errors
    /// Leads to the page that says how to get there.
    pub fn on_ios(&self) -> Result<Platform, Problem> {
        match self.browser {
            Browser::Safari(platform) => Ok(platform),
            _ => Err(Problem::Elsewhere("/enroll")),
        }
    }

    /// Writes down that a form of this visit is answered with no.
    ///
    /// # Errors
    /// If the log cannot be written.
    pub async fn refuse(&self, session: &Session, why: FormRefusal) -> Result<(), Problem> {
        self.tell(session, &Command::RefuseForm { why }).await
    }

    /// Writes down that the pages are read in this visitor's language, if the visit's stream says another.
    ///
    /// # Errors
    /// If the log cannot be written.
    pub async fn note_language(&self, session: &Session, language: Language) -> Result<(), Problem> {
        let language = language.tag().to_owned();
        if session.visit.language().is_none_or(|known| *known == language) {
            return Ok(());
        }
        self.tell(session, &Command::ChooseLanguage { language }).await
    }

    /// Performs a command of the visit; what is refused because it was done too often is counted.
    ///
    /// # Errors
    /// If the command is refused, or the log cannot be written.
    pub async fn perform_counted(&self, session: &Session, command: &Command) -> Result<Visit, Problem> {
        let context = session.context(self.source);
        match self.app.platform.perform::<Visit>(&session.enrollment.stream(), command, &context).await {
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

    async fn tell(&self, session: &Session, command: &Command) -> Result<(), Problem> {
        let context = session.context(self.source);
        self.app.sign_in.tell::<Visit>(&session.enrollment.stream(), command, &context, Some(self.source)).await?;
        Ok(())
    }

    /// Version of iOS, as far as it is known.
    pub fn version(&self) -> Option<OsVersion> {
        self.browser.version()
    }

    /// The address that people type.
    pub fn address(&self) -> String {
        format!("{}/enroll", self.app.config.server.public_url.trim_end_matches('/'))
    }

    /// A page, with status 200.
    ///
    /// # Errors
    /// If a template is wrong.
    pub fn page<P: Page>(&self, page: &P) -> Answered {
        self.page_with(StatusCode::OK, page)
    }

    /// A page with a status of its own.
    ///
    /// # Errors
    /// If a template is wrong.
    pub fn page_with<P: Page>(&self, status: StatusCode, page: &P) -> Answered {
        let html = render(&self.frame(page.progress_step(), page.back()), page)?;
        let mut response = HttpResponse::build(status);
        if self.form_cookie.fresh {
            response.cookie(host_cookie(FORM_COOKIE, self.form_cookie.value.clone()));
        }
        Ok(response.content_type(ContentType::html()).body(html))
    }

    fn frame(&self, step: &str, back: Back) -> Frame {
        let visit = self.session.as_ref().map(|session| &session.visit);
        let signed_in = visit.and_then(|visit| visit.signed_in.as_ref());
        let assigned = self.session.as_ref().and_then(Session::assigned_to);
        let code = self.session.as_ref().map(|session| help_code(session.enrollment));
        Frame {
            csrf: Some(forgery::token(&self.app.platform.secrets, SURFACE, self.form_binding())),
            back: back.name(),
            account: self.link.as_ref().map(|link| link.token(&self.app.platform.secrets)),
            by_account: self.link.is_some() || visit.is_some_and(|visit| visit.account_driven.is_some()),
            progress: progress(step, visit, &self.settings).filter(|_| self.link.is_none()),
            signed_in_as: signed_in.map(|signed_in| signed_in.user_name.text().to_owned()),
            other: if assigned.is_some() { "yes" } else { "no" },
            owner: assigned.map(|owner| owner.user_name.text().to_owned()).unwrap_or_default(),
            device: self.device(),
            ios15: if self.version().is_none_or(|version| version >= OsVersion::new(15, 0)) { "yes" } else { "no" },
            ios18: if self.version().is_none_or(|version| version >= OsVersion::new(18, 0)) { "yes" } else { "no" },
            ..bare_frame(self.language, &self.settings, code)
        }
    }

    fn device(&self) -> &'static str {
        match self.browser {
            Browser::Safari(platform) | Browser::OtherOnIos(platform) if platform.family == DeviceFamily::IPad => {
                "iPad"
            }
            _ => "iPhone",
        }
    }
}

impl Session {
    /// The session of a visit that has just been opened.
    pub fn begun(enrollment: EnrollmentId, cookie: String) -> Session {
        Session { enrollment, visit: Visit::default(), cookie }
    }

    /// The visit that a profile link names; it proves no cookie.
    pub fn of_link(enrollment: EnrollmentId, visit: Visit) -> Session {
        Session { enrollment, visit, cookie: String::new() }
    }

    // A device that came from Settings said which family it is; an iPad's browser calls itself a Mac there, too.
    fn device(&self, browser: Browser) -> Option<Browser> {
        let opened = self.visit.opened.as_ref().filter(|_| self.visit.account_driven.is_some())?;
        let version = browser.version().or(opened.platform.version);
        Some(Browser::Safari(Platform { family: opened.platform.family, version }))
    }

    /// Who signed in.
    pub fn person(&self) -> Option<&SignedIn> {
        self.visit.signed_in.as_ref()
    }

    /// Whose device it will be, where that is not who signed in.
    pub fn assigned_to(&self) -> Option<&SignedIn> {
        match &self.visit.assignment {
            Assignment::To(owner) => Some(owner),
            Assignment::Oneself | Assignment::Asked { .. } => None,
        }
    }

    /// On behalf of the person who signed in, else of the visitor.
    pub fn context(&self, source: IpAddr) -> Context {
        match self.person() {
            Some(SignedIn { person, .. }) => {
                let actor = Actor::new(ActorKind::Person, person);
                Context::of(actor, Some((source, person.key())), self.enrollment.0)
            }
            None => {
                let actor = Actor::new(ActorKind::Visitor, self.enrollment);
                Context::of(actor, Some((source, self.enrollment.visit_key())), self.enrollment.0)
            }
        }
    }
}

/// A frame without a visitor, for problems: no forms, no names.
pub fn bare_frame(language: Language, settings: &Settings, help_code: Option<String>) -> Frame {
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
        by_account: false,
        signed_in_as: None,
        other: "no",
        owner: String::new(),
        help: help_of(settings, help_code.as_deref()),
        help_code,
        style: &super::assets::STYLE_VERSION,
    }
}

/// Where people find help; nothing if the settings do not say it.
fn help_of(settings: &Settings, help_code: Option<&str>) -> Vec<HelpPart> {
    settings.help.as_deref().map(|words| help::parts(words, help_code)).unwrap_or_default()
}

/// Leads the browser to another page, by GET.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

/// The person's own choice, else the browser's.
pub fn language(request: &HttpRequest) -> Language {
    let chosen = cookie(request, LANGUAGE_COOKIE).and_then(|tag| Language::parse(&tag));
    chosen.unwrap_or_else(|| Language::accepted(request))
}

/// The enrollment that the cookie names, proven or not.
pub fn named_enrollment(request: &HttpRequest) -> Option<EnrollmentId> {
    let value = cookie(request, SESSION_COOKIE)?;
    let (id, _) = value.split_once('.')?;
    Uuid::parse_str(id).ok().map(EnrollmentId)
}

fn cookie(request: &HttpRequest, name: &str) -> Option<String> {
    request.cookie(name).map(|cookie| cookie.value().to_owned())
}

// A session ends when its secret is replaced (sign-in), taken back (sign-out), when the visit is abandoned, when the
// account is disabled or may not enroll any more, and at the latest so many hours after it began, which the id tells, or
// the visit where it was resumed.
async fn session(app: &App, request: &HttpRequest, settings: &Settings) -> Result<Option<Session>, Problem> {
    let Some(enrollment) = named_enrollment(request) else { return Ok(None) };
    let value = cookie(request, SESSION_COOKIE).unwrap_or_default();
    let secret = value.split_once('.').map_or("", |(_, secret)| secret);
    let visit = match app.platform.visit(enrollment).await {
        Ok(visit) => visit,
        // An earlier visit of this browser that is corrupt ends no way to a new one.
        Err(error @ ReadError::Corrupt { .. }) => {
            tracing::warn!(%enrollment, %error, "the visit of a session cannot be read: it begins anew");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let proven = visit.session.as_ref().is_some_and(|session| same(session.0.as_bytes(), hash(secret).0.as_bytes()));
    let over = matches!(visit.end, Some(decisions::visit::End::Abandoned));
    // Whoever signs in once more is asked again whether they may.
    let again = visit.step() == Step::SignInAgain;
    let in_time = proven && !over && !is_old(app, enrollment, &visit, settings);
    let live = in_time && (again || may_go_on(&app.enroll, &visit).await?);
    Ok(live.then_some(Session { enrollment, visit, cookie: value }))
}

fn is_old(app: &App, enrollment: EnrollmentId, visit: &Visit, settings: &Settings) -> bool {
    let opened = || i64::try_from(enrollment.0.get_timestamp()?.to_unix().0).ok();
    let Some(begun) = visit.resumed.map(|resumed| resumed.0 / 1_000_000).or_else(opened) else { return true };
    let age = (app.platform.world.now().0 / 1_000_000).saturating_sub(begun);
    age > i64::from(settings.abandon_after_hours) * 3_600
}

// Ours alone: somebody else's value in this cookie is replaced.
fn form_cookie(app: &App, request: &HttpRequest) -> FormCookie {
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

fn progress(step: &str, visit: Option<&Visit>, settings: &Settings) -> Option<Progress> {
    steps::progress(step, visit, settings).map(|(now, total)| Progress::new(now, total))
}
