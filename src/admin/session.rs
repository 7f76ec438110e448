//! Who is at the console: their session, and what can be read on their behalf. What they may is a type of [`permits`] that
//! a handler names in its arguments.

mod fresh;
mod own;
mod permits;
mod ways;

pub use fresh::{Fresh, is_fresh};
pub use own::{AtTheDoor, Own, SettingUp};
pub use permits::{
    Acts, ChangesSettings, Exports, ExportsInventory, IsStaff, ManagesStaff, May, SeesAudit, SeesEarlier, SeesFunnel,
    SeesInventory, home, is_permitted, note_refusal,
};
pub use ways::{local, see_other, with_key};

use super::problem::Problem;
use super::words::readable_name;
use crate::app::App;
use crate::web::{forgery, has_proven, source};
use actix_web::{HttpRequest, web};
use connections::room::Identity;
use decisions::settings::Current;
use decisions::staff::Standing;
use events::enrollment::{EnrollmentId, ReceivedAttributes};
use events::settings::Settings;
use events::staff::{AccessEvent, Privilege, StaffId};
use events::{Entry, Revision, StreamName, Timestamp};
use platform::context::Context;
use projections::Projections;
use sign_in::of_visit;
use sign_in::staff_sessions::Session;
use staff::console::{Resumed, resume, staff_context};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;
use uuid::Uuid;

/// The cookie of the console. Before sign-in it holds a random value that forms are bound to; at sign-in it is replaced
/// by the key of a session.
pub const COOKIE: &str = "__Host-muster-console";

/// Forms of the console are bound to the console's cookie.
pub const SURFACE: &str = "console";

/// Somebody who is signed in to the console, and what every page may read for them. It has no way to a command: that is
/// handed out by the permits of those who may (`App` is private to this module).
#[derive(Clone)]
pub struct Staff {
    pub id: StaffId,
    pub name: String,
    pub roles: BTreeSet<Privilege>,
    /// For the forms of the pages they are shown.
    pub csrf: String,
    pub session: Session,
    source: Option<IpAddr>,
    app: App,
}

impl Staff {
    /// On whose behalf, from where and in which session.
    pub fn context(&self) -> Context {
        staff_context(self.id, self.source, self.session.id)
    }

    pub fn correlation(&self) -> Uuid {
        self.session.id
    }

    pub fn projections(&self) -> &Projections {
        &self.app.platform.projections
    }

    pub fn now(&self) -> Timestamp {
        self.app.platform.world.now()
    }

    /// What somebody must do so that devices can be woken; for administrators.
    pub fn push_notice(&self) -> Option<String> {
        self.roles.contains(&Privilege::Administrator).then(|| self.app.devices.push_notice()).flatten()
    }

    pub fn public_url(&self) -> &str {
        &self.app.config.server.public_url
    }

    /// The settings in force.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn settings(&self) -> Result<Settings, Problem> {
        self.app.settings.current().await.map_err(|error| self.broken(error))
    }

    /// The settings with their revision.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn current_settings(&self) -> Result<Current, Problem> {
        let current = self.app.settings.loaded().await;
        Ok(current.map_err(|error| self.broken(error))?.0)
    }

    /// Writes down that this person is about to be shown something. It is durable when this returns: show it afterwards.
    ///
    /// # Errors
    /// If the log cannot be written; then nothing may be shown.
    pub async fn record(&self, viewed: AccessEvent) -> Result<(), Problem> {
        let recorded = self.app.platform.record_access(self.id, viewed, self.context()).await;
        recorded.map_err(|error| self.broken(error))
    }

    /// One event as the log itself has it: what has been erased since is gone in it at once.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn event_at(&self, stream: &StreamName, revision: Revision) -> Result<Option<Entry>, Problem> {
        let recorded = self.app.platform.log.store().read_stream(stream, revision, 1).await;
        let viewed = self.app.platform.log.view(recorded.map_err(|error| self.broken(error))?).await;
        viewed.error.map_or(Ok(()), |error| Err(self.broken(error)))?;
        Ok(viewed.entries.into_iter().next())
    }

    /// The groups and claims that arrived on a visit, and from which provider, as the log itself has them; none where the person was
    /// erased.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn received_on(
        &self,
        visit: EnrollmentId,
    ) -> Result<Option<(String, Option<ReceivedAttributes>)>, Problem> {
        of_visit(&self.app.sign_in, visit).await.map_err(|error| self.broken(error))
    }

    /// Something of ours does not work: the cause goes to the server's log, its code to the page.
    pub fn broken(&self, cause: impl Display) -> Problem {
        Problem::unavailable(cause, self.session.id)
    }
}

/// The application's state in a request.
///
/// # Panics
/// If the server was put together without it.
pub fn app(request: &HttpRequest) -> App {
    request.app_data::<web::Data<App>>().expect("the server is given its App").get_ref().clone()
}

/// The value of the console's cookie, if there is one.
pub fn cookie(request: &HttpRequest) -> Option<String> {
    request.cookie(COOKIE).map(|cookie| cookie.value().to_owned()).filter(|value| !value.is_empty())
}

/// The address of whoever asks.
pub fn address(app: &App, request: &HttpRequest) -> Option<IpAddr> {
    source(request, &app.config.server.trusted_proxies)
}

/// A request of somebody who gave their first proof at least.
struct Signed {
    staff: Staff,
    resumed: Resumed,
    key: String,
}

// The account is read anew with each request, so that what is taken from it is taken at once.
async fn signed_in(request: &HttpRequest) -> Result<Signed, Problem> {
    let app = app(request);
    let signed_out = || Problem::SignedOut { next: wanted(request) };
    let key = cookie(request).ok_or_else(signed_out)?;
    let resumed =
        resume(&app.staff, &key).await.map_err(|error| Problem::unavailable(error, app.platform.world.uuid()))?;
    let resumed = resumed.ok_or_else(signed_out)?;
    if !is_permitted::<IsStaff>(&resumed.account.privileges) {
        return Err(Problem::NotAllowed);
    }
    has_proven(&app, request, Identity::Staff(resumed.session.staff));
    let staff = Staff {
        id: resumed.session.staff,
        name: readable_name(&resumed.account),
        roles: resumed.account.privileges.clone(),
        csrf: forgery::token(&app.platform.secrets, SURFACE, &key),
        source: address(&app, request),
        session: resumed.session.clone(),
        app,
    };
    Ok(Signed { staff, resumed, key })
}

// Before everything that was asked for is given, nothing else can be done.
async fn entered(request: &HttpRequest) -> Result<Staff, Problem> {
    let signed = signed_in(request).await?;
    match signed.resumed.standing {
        Standing::Full => Ok(signed.staff),
        Standing::Prove => Err(Problem::SecondFactor { next: wanted(request) }),
        Standing::SetUp => Err(Problem::SetUpFactor),
    }
}

// After sign-in people go on where they were: only a page, never what a form did.
fn wanted(request: &HttpRequest) -> String {
    if request.method() == actix_web::http::Method::GET {
        request.uri().path_and_query().map(ToString::to_string).unwrap_or_default()
    } else {
        String::new()
    }
}
