//! Permissions at the console, as types: a handler names the permit it needs, such as `May<SeesInventory>`, and gets
//! no more than that permit gives. Only acting permits give access to the [`Console`], and with it to commands.

use super::{Staff, entered};
use crate::admin::Console;
use crate::admin::problem::Problem;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use decisions::staff::CONSOLE_ROLES;
use enroll::preview;
use events::device::DeviceId;
use events::record::ImportId;
use events::staff::{Privilege, StaffActivityEvent, StaffId};
use futures_util::future::LocalBoxFuture;
use imports::uploads::{UndoStage, Upload, UploadId};
use platform::context::Context;
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::ops::Deref;
use uuid::Uuid;

/// A permission at the console.
pub(crate) trait Permit: 'static {
    /// Roles that have this permission; one of them suffices.
    const ROLES: &'static [Privilege];
    /// Description of the attempt for the audit trail: “Tried to … without the required role”.
    const ACT: &'static str;
}

/// A permit that gives access to commands.
pub(crate) trait Writes: Permit {}

/// A staff member with permission `P`.
pub(crate) struct May<P> {
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
    /// Returns the path under which the portal's pages can be previewed; it contains the permission to preview. This
    /// gives no access to commands.
    pub(crate) fn path_of_preview(&self) -> String {
        preview::path(&self.staff.app.platform)
    }
}

impl May<SeesRecords> {
    /// Returns whether this import runs now.
    pub(crate) fn is_running(&self, import: ImportId) -> bool {
        self.staff.app.uploads.running() == Some(import)
    }

    /// Returns what the undo of an import has come to, if it began since the start of the server.
    pub(crate) fn undo_of(&self, import: ImportId) -> Option<UndoStage> {
        self.staff.app.uploads.undo_of(import)
    }

    /// Returns the uploaded files; none if the staff member may not import.
    pub(crate) fn uploaded(&self) -> Vec<(UploadId, Upload)> {
        match is_permitted::<ImportsRecords>(&self.staff.roles) {
            true => self.staff.app.uploads.list(),
            false => Vec::new(),
        }
    }
}

impl<P: Writes> May<P> {
    /// Returns the services of the console, which perform commands.
    pub(crate) fn app(&self) -> &Console {
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
            // The audit trail records refused attempts as well as views.
            let (act, device) = wanted(&request, P::ACT);
            staff.record(StaffActivityEvent::AccessRefused { act, device }).await?;
            Err(Problem::NotAllowed)
        })
    }
}

/// Returns whether these roles have a permission.
pub(crate) fn is_permitted<P: Permit>(roles: &BTreeSet<Privilege>) -> bool {
    P::ROLES.iter().any(|role| roles.contains(role))
}

/// Returns the start page for these roles.
pub(crate) fn home(roles: &BTreeSet<Privilege>) -> &'static str {
    if is_permitted::<SeesInventory>(roles) { "/console/devices" } else { "/console/funnel" }
}

// Returns the action and the device of a request.
fn wanted(request: &HttpRequest, act: &str) -> (String, Option<DeviceId>) {
    let part = |name| request.match_info().get(name);
    let device = part("device").and_then(|device| Uuid::parse_str(device).ok()).map(DeviceId);
    (part("verb").unwrap_or(act).to_owned(), device)
}

/// The staff member and the permitted action, stored in the request: whether the action was refused is only known
/// after the handler has answered.
struct Acting {
    staff: StaffId,
    context: Context,
    wanted: (String, Option<DeviceId>),
}

/// Records that a form was answered with "not possible".
///
/// # Errors
/// Returns an error if the event log cannot be written.
pub(crate) async fn note_refusal(app: &Console, request: &HttpRequest) -> Result<(), Problem> {
    let Some(Acting { staff, context, wanted: (act, device) }) = request.extensions_mut().remove::<Acting>() else {
        return Ok(());
    };
    let correlation = context.correlation;
    let refused =
        app.platform.record_staff_activity(staff, StaffActivityEvent::ActRefused { act, device }, context).await;
    refused.map_err(|error| Problem::unavailable(error, correlation))
}

use Privilege::{Administrator, Auditor, HelpDesk};

/// Uses the console, in any role.
pub(crate) struct IsStaff;

impl Permit for IsStaff {
    const ROLES: &'static [Privilege] = &CONSOLE_ROLES;
    const ACT: &'static str = "use the console";
}

/// Sees devices and their records.
pub(crate) struct SeesInventory;

impl Permit for SeesInventory {
    const ROLES: &'static [Privilege] = &[Administrator, Auditor];
    const ACT: &'static str = "see the inventory";
}

/// Sees the links between earlier records and later enrollments.
pub(crate) struct SeesLinks;

impl Permit for SeesLinks {
    const ROLES: &'static [Privilege] = &[Administrator, Auditor, HelpDesk];
    const ACT: &'static str = "see the links of re-enrollments";
}

/// Confirms and rejects links, and undoes both.
pub(crate) struct DecidesLinks;

impl Permit for DecidesLinks {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "decide about a link";
}

impl Writes for DecidesLinks {}

/// Sees the devices, records and links of a person over time.
pub(crate) struct SeesPeople;

impl Permit for SeesPeople {
    const ROLES: &'static [Privilege] = &[Administrator, Auditor, HelpDesk];
    const ACT: &'static str = "see a person";
}

/// Exports the devices, records and links of a person.
pub(crate) struct ExportsLineage;

impl Permit for ExportsLineage {
    const ROLES: &'static [Privilege] = &[Administrator, Auditor];
    const ACT: &'static str = "export the devices of a person";
}

/// Sees previous records and imports.
pub(crate) struct SeesRecords;

impl Permit for SeesRecords {
    const ROLES: &'static [Privilege] = &[Administrator, Auditor, HelpDesk];
    const ACT: &'static str = "see previous records";
}

/// Exports previous records.
pub(crate) struct ExportsRecords;

impl Permit for ExportsRecords {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "export previous records";
}

/// Imports previous records, and undoes imports.
pub(crate) struct ImportsRecords;

impl Permit for ImportsRecords {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "import previous records";
}

impl Writes for ImportsRecords {}

/// Closes the migration of a source, and reopens it.
pub(crate) struct ClosesMigrations;

impl Permit for ClosesMigrations {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "close a migration";
}

impl Writes for ClosesMigrations {}

/// Reads the audit trail.
pub(crate) struct SeesAudit;

impl Permit for SeesAudit {
    const ROLES: &'static [Privilege] = &[Administrator, Auditor];
    const ACT: &'static str = "see the audit trail";
}

/// Exports the audit trail and its proofs.
pub(crate) struct Exports;

impl Permit for Exports {
    const ROLES: &'static [Privilege] = &[Administrator, Auditor];
    const ACT: &'static str = "export the audit trail";
}

/// Exports the inventory.
pub(crate) struct ExportsInventory;

impl Permit for ExportsInventory {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "export the inventory";
}

/// Sees the funnel and enrollments of individual people.
pub(crate) struct SeesFunnel;

impl Permit for SeesFunnel {
    const ROLES: &'static [Privilege] = &[Administrator, HelpDesk];
    const ACT: &'static str = "see how far people get";
}

/// Acts on devices and their records.
pub(crate) struct Acts;

impl Permit for Acts {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "act on a record";
}

impl Writes for Acts {}

/// Administers staff: roles, sessions, second factors.
pub(crate) struct ManagesStaff;

impl Permit for ManagesStaff {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "administer staff";
}

impl Writes for ManagesStaff {}

/// Changes the settings.
pub(crate) struct ChangesSettings;

impl Permit for ChangesSettings {
    const ROLES: &'static [Privilege] = &[Administrator];
    const ACT: &'static str = "change settings";
}

impl Writes for ChangesSettings {}
