//! What somebody at the console may, as types: a handler names the permit it takes, such as `May<SeesInventory>`, and is
//! handed no more than that permit gives. Only those that act hand out the [`App`], and with it the way to a command.

use super::{Staff, entered};
use crate::admin::problem::Problem;
use crate::app::App;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use decisions::staff::CONSOLE_ROLES;
use enroll::preview;
use events::device::DeviceId;
use events::staff::{AccessEvent, Privilege, StaffId};
use futures_util::future::LocalBoxFuture;
use platform::context::Context;
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::ops::Deref;
use uuid::Uuid;

/// Something that one may at the console.
pub trait Permit: 'static {
    /// Each of these roles suffices.
    const ROLES: &'static [Privilege];
    /// What somebody without them wanted, in the audit trail: “Tried to … without the required role”.
    const ACT: &'static str;
}

/// A permit that hands out the way to commands.
pub trait Writes: Permit {}

/// Somebody who may `P`.
pub struct May<P> {
    staff: Staff,
    permit: PhantomData<P>,
}

impl<P> Deref for May<P> {
    type Target = Staff;

    fn deref(&self) -> &Staff {
        &self.staff
    }
}

impl May<SeesFunnel> {
    /// Where the portal's pages can be looked at, with the permit in the path. The permit to look is no way to commands.
    pub fn path_of_preview(&self) -> String {
        preview::path(&self.staff.app.platform)
    }
}

impl<P: Writes> May<P> {
    /// The way to commands.
    pub fn app(&self) -> &App {
        &self.staff.app
    }
}

impl<P: Permit> FromRequest for May<P> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<May<P>, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let staff = entered(&request).await?;
            if is_permitted::<P>(&staff.roles) {
                let context = staff.context();
                request.extensions_mut().insert(Acting { staff: staff.id, context, wanted: wanted(&request, P::ACT) });
                return Ok(May { staff, permit: PhantomData });
            }
            // What somebody tried that is not theirs to do is in the audit trail, like what they looked at.
            let (act, device) = wanted(&request, P::ACT);
            staff.record(AccessEvent::AccessRefused { act, device }).await?;
            Err(Problem::NotAllowed)
        })
    }
}

/// Whether these roles give a permit.
pub fn is_permitted<P: Permit>(roles: &BTreeSet<Privilege>) -> bool {
    P::ROLES.iter().any(|role| roles.contains(role))
}

/// The page that somebody with these roles begins at.
pub fn home(roles: &BTreeSet<Privilege>) -> &'static str {
    if is_permitted::<SeesInventory>(roles) { "/console/devices" } else { "/console/funnel" }
}

// The act and the device that a request is about.
fn wanted(request: &HttpRequest, act: &str) -> (String, Option<DeviceId>) {
    let part = |name| request.match_info().get(name);
    let device = part("device").and_then(|device| Uuid::parse_str(device).ok()).map(DeviceId);
    (part("verb").unwrap_or(act).to_owned(), device)
}

/// Who is permitted what, kept beside the request: a refusal is only known when the handler has answered.
struct Acting {
    staff: StaffId,
    context: Context,
    wanted: (String, Option<DeviceId>),
}

/// Writes down that a form was answered with "not possible".
///
/// # Errors
/// If the log cannot be written.
pub async fn note_refusal(app: &App, request: &HttpRequest) -> Result<(), Problem> {
    let Some(Acting { staff, context, wanted: (act, device) }) = request.extensions_mut().remove::<Acting>() else {
        return Ok(());
    };
    let correlation = context.correlation;
    let refused = app.platform.record_access(staff, AccessEvent::ActRefused { act, device }, context).await;
    refused.map_err(|error| Problem::unavailable(error, correlation))
}

use Privilege::{Administrator, Auditor, HelpDesk};

/// Works at the console, in any role.
pub struct IsStaff;

impl Permit for IsStaff {
    const ROLES: &'static [Privilege] = &CONSOLE_ROLES;
    const ACT: &'static str = "use the console";
}

/// Looks at devices and their records.
pub struct SeesInventory;

impl Permit for SeesInventory {
    const ROLES: &'static [Privilege] = &[Administrator, Auditor];
    const ACT: &'static str = "see the inventory";
}

/// Looks at earlier records of people and hardware that enrolled again.
pub struct SeesEarlier;

impl Permit for SeesEarlier {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "see earlier records";
}

/// Reads the audit trail.
pub struct SeesAudit;

impl Permit for SeesAudit {
    const ROLES: &'static [Privilege] = &[Administrator, Auditor];
    const ACT: &'static str = "see the audit trail";
}

/// Takes the audit trail and its proofs out of the house.
pub struct Exports;

impl Permit for Exports {
    const ROLES: &'static [Privilege] = &[Administrator, Auditor];
    const ACT: &'static str = "export the audit trail";
}

/// Takes the inventory out of the house.
pub struct ExportsInventory;

impl Permit for ExportsInventory {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "export the inventory";
}

/// Sees how far people get, and one person's visits.
pub struct SeesFunnel;

impl Permit for SeesFunnel {
    const ROLES: &'static [Privilege] = &[Administrator, HelpDesk];
    const ACT: &'static str = "see how far people get";
}

/// Acts on devices and their records.
pub struct Acts;

impl Permit for Acts {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "act on a record";
}

impl Writes for Acts {}

/// Administers staff: roles, sessions, second factors.
pub struct ManagesStaff;

impl Permit for ManagesStaff {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "administer staff";
}

impl Writes for ManagesStaff {}

/// Changes the settings.
pub struct ChangesSettings;

impl Permit for ChangesSettings {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "change settings";
}

impl Writes for ChangesSettings {}
