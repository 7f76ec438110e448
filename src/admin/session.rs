//! The session of a staff member at the console, and what can be read on their behalf. Permissions are types of
//! [`permits`] that a handler names in its arguments.

mod fresh;
mod own;
mod permits;
mod ways;

pub(crate) use fresh::{Fresh, is_fresh};
pub(crate) use own::{AtTheDoor, Own, SettingUp};
pub(crate) use permits::{
    Acts, ChangesSettings, ClosesMigrations, DecidesLinks, Exports, ExportsInventory, ExportsLineage, ExportsMigration,
    ExportsRecords, ImportsRecords, Invites, IsStaff, MakesExceptions, ManagesStaff, May, Permit, PreviewsMails,
    SeesAudit, SeesFunnel, SeesInventory, SeesInvitations, SeesLinks, SeesMigration, SeesPeople, SeesRecords, Writes,
    WritesNotes, home, is_permitted, note_refusal,
};
pub(crate) use ways::{local, see_other, with_key};

use super::problem::Problem;
use super::words::readable_name;
use crate::admin::Console;
use crate::web::{forgery, has_proven, source};
use actix_web::{HttpRequest, web};
use connections::room::Identity;
use decisions::settings::Current;
use decisions::staff::Standing;
use events::enrollment::{EnrollmentId, ReceivedAttributes};
use events::log::Log;
use events::settings::Settings;
use events::staff::{Privilege, StaffActivityEvent, StaffId};
use events::{Entry, Revision, StreamName, Timestamp};
use platform::context::Context;
use projections::Projections;
use sign_in::of_enrollment;
use sign_in::staff_sessions::Session;
use staff::console::{Resumed, resume, staff_context};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;
use uuid::Uuid;

/// The console's cookie. Before sign-in it contains a random value that forms are bound to; at sign-in it is replaced
/// by the session's key.
pub(crate) const COOKIE: &str = "__Host-muster-console";

/// Name of this surface in form tokens; forms are bound to the console's cookie.
pub(crate) const SURFACE: &str = "console";

/// A signed-in staff member, and what every page may read for them. It gives no access to commands; only the permits
/// do (the field `app`, a [`Console`], is private to this module).
#[derive(Clone)]
pub(crate) struct Staff {
    pub id: StaffId,
    pub name: String,
    pub roles: BTreeSet<Privilege>,
    /// CSRF token for the forms of their pages.
    pub csrf: String,
    pub session: Session,
    source: Option<IpAddr>,
    app: Console,
}

impl Staff {
    /// Returns the context for commands and events: actor, source address and session.
    pub(crate) fn context(&self) -> Context {
        staff_context(self.id, self.source, self.session.id)
    }

    pub(crate) fn correlation(&self) -> Uuid {
        self.session.id
    }

    pub(crate) fn projections(&self) -> &Projections {
        &self.app.platform.projections
    }

    pub(crate) fn log(&self) -> &Log {
        &self.app.platform.log
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.platform.world.now()
    }

    /// Returns a notice for administrators about what must be done so that devices can be woken.
    pub(crate) fn push_notice(&self) -> Option<String> {
        self.roles.contains(&Privilege::Administrator).then(|| self.app.devices.push_notice()).flatten()
    }

    /// Returns whether `muster.toml` names a mail server.
    pub(crate) fn has_mail(&self) -> bool {
        self.app.has_mail
    }

    /// Returns an id for a form: a form that is sent twice is performed once.
    pub(crate) fn random_uuid(&self) -> Uuid {
        self.app.platform.world.random_uuid()
    }

    pub(crate) fn public_url(&self) -> &str {
        &self.app.platform.public_url
    }

    /// Returns the current settings.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be read.
    pub(crate) async fn settings(&self) -> Result<Settings, Problem> {
        self.app.settings.current().await.map_err(|error| self.broken(error))
    }

    /// Returns the current settings with their revision.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be read.
    pub(crate) async fn current_settings(&self) -> Result<Arc<Current>, Problem> {
        let current = self.app.settings.loaded().await;
        Ok(current.map_err(|error| self.broken(error))?.0)
    }

    /// Records that this person is about to be shown something. The event is durable when this returns; show the data
    /// afterwards.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be written; then nothing may be shown.
    pub(crate) async fn record(&self, viewed: StaffActivityEvent) -> Result<(), Problem> {
        let recorded = self.app.platform.record_staff_activity(self.id, viewed, self.context()).await;
        recorded.map_err(|error| self.broken(error))
    }

    /// Returns one event from the log, so that erased data is gone from it at once.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be read.
    pub(crate) async fn event_at(&self, stream: &StreamName, revision: Revision) -> Result<Option<Entry>, Problem> {
        let recorded = self.app.platform.log.store().read_stream(stream, revision, 1).await;
        let viewed = self.app.platform.log.view(recorded.map_err(|error| self.broken(error))?).await;
        viewed.error.map_or(Ok(()), |error| Err(self.broken(error)))?;
        Ok(viewed.entries.into_iter().next())
    }

    /// Returns the first events of a stream from the log, so that erased data is gone from them at once.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be read.
    pub(crate) async fn events_of(&self, stream: &StreamName, limit: usize) -> Result<Vec<Entry>, Problem> {
        let recorded = self.app.platform.log.store().read_stream(stream, Revision(0), limit).await;
        let viewed = self.app.platform.log.view(recorded.map_err(|error| self.broken(error))?).await;
        viewed.error.map_or(Ok(viewed.entries), |error| Err(self.broken(error)))
    }

    /// Returns the groups and claims received during an enrollment with their provider, from the log; without them if
    /// the person was erased.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be read.
    pub(crate) async fn received_on(
        &self,
        enrollment: EnrollmentId,
    ) -> Result<Option<(String, Option<ReceivedAttributes>)>, Problem> {
        of_enrollment(&self.app.sign_in, enrollment).await.map_err(|error| self.broken(error))
    }

    /// Returns whether old management may still be on the device of an enrollment.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be read.
    pub(crate) async fn may_have_old_management(&self, enrollment: EnrollmentId) -> Result<bool, Problem> {
        let told = enroll::may_have_old_management(&self.app.platform, enrollment).await;
        told.map_err(|error| self.broken(error))
    }

    /// Internal error: logs the cause and puts its code on the page.
    pub(crate) fn broken(&self, cause: impl Display + 'static) -> Problem {
        Problem::unavailable(cause, self.session.id)
    }
}

/// Returns the services of the console, which the server attached to the request.
///
/// # Panics
/// Panics if the server was built without a [`Console`].
pub(crate) fn app(request: &HttpRequest) -> Console {
    request.app_data::<web::Data<Console>>().expect("the server is built with a Console").get_ref().clone()
}

/// Returns the value of the console's cookie, if it is not empty.
pub(crate) fn cookie(request: &HttpRequest) -> Option<String> {
    request.cookie(COOKIE).map(|cookie| cookie.value().to_owned()).filter(|value| !value.is_empty())
}

/// Returns the source address of the request.
pub(crate) fn address(app: &Console, request: &HttpRequest) -> Option<IpAddr> {
    source(request, &app.web.trusted_proxies)
}

/// A request of a staff member who has passed at least the first factor.
struct Signed {
    staff: Staff,
    resumed: Resumed,
    key: String,
}

// Reads the account with each request, so that withdrawn permissions end at once.
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
    has_proven(&app.web, request, Identity::Staff(resumed.session.staff));
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

// Admits only staff who have completed the sign-in.
async fn entered(request: &HttpRequest) -> Result<Staff, Problem> {
    let signed = signed_in(request).await?;
    match signed.resumed.standing {
        Standing::Full => Ok(signed.staff),
        Standing::Prove => Err(Problem::SecondFactor { next: wanted(request) }),
        Standing::SetUp => Err(Problem::SetUpFactor),
    }
}

// Returns the page to continue with after sign-in. The target is always a page, never the address of a submitted form.
fn wanted(request: &HttpRequest) -> String {
    if request.method() == actix_web::http::Method::GET {
        request.uri().path_and_query().map(ToString::to_string).unwrap_or_default()
    } else {
        String::new()
    }
}
