//! Answers with pages of the console, framed for the staff member who sees them.

use super::problem::Problem;
use super::render::{Alone, Entry, Framed, Menu, Signed, View, render};
use super::session::{
    Acts, ChangesSettings, ManagesStaff, SeesAudit, SeesFunnel, SeesInventory, SeesLinks, SeesMigration, Staff,
    is_permitted,
};
use super::words;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use events::staff::Privilege;
use std::collections::BTreeSet;
use uuid::Uuid;

/// A section of the console: name, address, label in the menu, and the check whether these roles may see it.
type Section = (&'static str, &'static str, &'static str, fn(&BTreeSet<Privilege>) -> bool);

/// The menu. An entry is only shown to roles that may open it.
const MENU: &[Section] = &[
    ("devices", "/console/devices", "Devices", is_permitted::<SeesInventory>),
    ("commands", "/console/commands", "Commands", is_permitted::<Acts>),
    ("funnel", "/console/funnel", "Funnel", is_permitted::<SeesFunnel>),
    ("enrollments", "/console/visits", "Enrollments", is_permitted::<SeesFunnel>),
    ("migration", "/console/migration", "Migration", is_permitted::<SeesMigration>),
    ("again", "/console/links", "Re-enrollments", is_permitted::<SeesLinks>),
    ("audit", "/console/audit", "Audit trail", is_permitted::<SeesAudit>),
    ("staff", "/console/staff", "Staff", is_permitted::<ManagesStaff>),
    ("settings", "/console/settings", "Settings", is_permitted::<ChangesSettings>),
];

fn menu(section: &str, roles: &BTreeSet<Privilege>) -> Vec<Entry> {
    let permitted = MENU.iter().filter(|(_, _, _, permitted)| permitted(roles));
    permitted.map(|(name, href, label, _)| Entry { href, label, current: *name == section }).collect()
}

/// Renders a page for signed-in staff. `section` is the menu entry that the page belongs to.
///
/// # Errors
/// Returns an error if the template uses a name that `page` does not have.
pub(crate) fn show<V: View<Around = Menu>>(
    title: &str,
    section: &str,
    staff: &Staff,
    page: &V,
) -> Result<HttpResponse, Problem> {
    show_as(StatusCode::OK, title, section, staff, page)
}

/// Same as [`show`] with another status, for example for a form that is shown again with an error.
///
/// # Errors
/// Same as [`show`].
pub(crate) fn show_as<V: View<Around = Menu>>(
    status: StatusCode,
    title: &str,
    section: &str,
    staff: &Staff,
    page: &V,
) -> Result<HttpResponse, Problem> {
    let signed = Signed {
        name: &staff.name,
        role: words::roles(&staff.roles),
        menu: menu(section, &staff.roles),
        csrf: &staff.csrf,
        notice: staff.push_notice(),
    };
    let html = render(&Framed { title, section, staff: Some(signed), page })
        .map_err(|error| Problem::unavailable(error, staff.correlation()))?;
    Ok(html_response(status, html))
}

/// Renders a page without a menu. `code` finds the cause of an error in the server's log.
///
/// # Errors
/// Returns an error if the template uses a name that `page` does not have.
pub(crate) fn show_alone<V: View<Around = Alone>>(
    status: StatusCode,
    title: &str,
    page: &V,
    code: Uuid,
) -> Result<HttpResponse, Problem> {
    let html =
        render(&Framed { title, section: "", staff: None, page }).map_err(|error| Problem::unavailable(error, code))?;
    Ok(html_response(status, html))
}

fn html_response(status: StatusCode, html: String) -> HttpResponse {
    HttpResponse::build(status).insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(html)
}
