//! Who is at the console, and what they may: extractors that a handler names in its arguments.

use super::problem::Problem;
use super::words::readable_name;
use crate::app::App;
use crate::app::context::Context;
use crate::app::secrets::hash;
use crate::enrollment::staff::LocalAccount;
use crate::web::{forgery, source};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use events::device::DeviceId;
use events::envelope::{Actor, ActorKind};
use events::staff::{AccessEvent, Privilege, StaffId};
use futures_util::future::LocalBoxFuture;
use std::net::IpAddr;
use uuid::Uuid;

/// The cookie of the console. Before sign-in it holds a random value that forms are bound to; at sign-in it is replaced
/// by the key of a session.
pub const COOKIE: &str = "__Host-muster-console";

/// Forms of the console are bound to the console's cookie.
pub const SURFACE: &str = "console";

/// Somebody who is signed in to the console.
#[derive(Debug, Clone)]
pub struct Staff {
    pub id: StaffId,
    pub name: String,
    pub administrator: bool,
    /// For the forms of the pages they are shown.
    pub csrf: String,
    source: Option<IpAddr>,
    correlation: Uuid,
}

impl Staff {
    /// On whose behalf, from where and in which session.
    pub fn context(&self) -> Context {
        context(self.id, self.source, self.correlation)
    }

    pub fn correlation(&self) -> Uuid {
        self.correlation
    }
}

/// What somebody of the staff does, from where and in which session.
pub fn context(id: StaffId, source: Option<IpAddr>, correlation: Uuid) -> Context {
    Context::of(Actor::new(ActorKind::Staff, id), source.map(|source| (source, id.key())), correlation)
}

/// What belongs to one session carries one id: made of the key, and telling nothing of it.
pub fn correlation(id: StaffId, key: &str) -> Uuid {
    Uuid::new_v5(&id.0, hash(key).0.as_bytes())
}

/// May look at the inventory and the audit trail: administrators and auditors.
pub struct Reader(pub Staff);

/// May act on the inventory.
pub struct Administrator(pub Staff);

impl FromRequest for Reader {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Reader, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { signed_in(&request).await.map(Reader) })
    }
}

impl FromRequest for Administrator {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Administrator, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let staff = signed_in(&request).await?;
            if staff.administrator {
                return Ok(Administrator(staff));
            }
            refuse(&request, &staff).await?;
            Err(Problem::NotAllowed)
        })
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

// The account is read anew with each request, so that what is taken from it is taken at once.
async fn signed_in(request: &HttpRequest) -> Result<Staff, Problem> {
    let app = app(request);
    let signed_out = || Problem::SignedOut { next: wanted(request) };
    let key = cookie(request).ok_or_else(signed_out)?;
    let broken = |cause: &dyn std::fmt::Display| Problem::unavailable(cause, app.world.uuid());
    let resumed = app.staff_sessions.resume(app.world.now(), &key).await.map_err(|error| broken(&error))?;
    let id = resumed.ok_or_else(signed_out)?;
    let (account, _) = app.load::<LocalAccount>(&id.stream()).await.map_err(|error| broken(&error))?;
    if account.disabled {
        app.staff_sessions.end_all(id).await.map_err(|error| broken(&error))?;
        return Err(signed_out());
    }
    let administrator = account.privileges.contains(&Privilege::Administrator);
    if !administrator && !account.privileges.contains(&Privilege::Auditor) {
        return Err(Problem::NotAllowed);
    }
    Ok(Staff {
        id,
        name: readable_name(&account),
        administrator,
        csrf: forgery::token(&app.secrets, SURFACE, &key),
        source: address(&app, request),
        correlation: correlation(id, &key),
    })
}

// What somebody tried that is not theirs to do is in the audit trail, like what they looked at.
async fn refuse(request: &HttpRequest, staff: &Staff) -> Result<(), Problem> {
    let part = |name| request.match_info().get(name);
    let act = part("verb").unwrap_or("see earlier records").to_owned();
    let device = part("device").and_then(|device| Uuid::parse_str(device).ok()).map(DeviceId);
    let refused = AccessEvent::AccessRefused { act, device };
    let recorded = app(request).record_access(staff.id, refused, staff.context()).await;
    recorded.map_err(|error| Problem::unavailable(error, staff.correlation))
}

// After sign-in people go on where they were: only a page, never what a form did.
fn wanted(request: &HttpRequest) -> String {
    if request.method() == actix_web::http::Method::GET {
        request.uri().path_and_query().map(ToString::to_string).unwrap_or_default()
    } else {
        String::new()
    }
}
