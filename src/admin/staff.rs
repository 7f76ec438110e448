//! Staff administration: accounts with their roles and factors, current sessions, and actions on them.

pub(crate) mod act;

use super::account::SessionLine;
use super::pages::show;
use super::problem::Problem;
use super::render::view;
use super::session::{ManagesStaff, May};
use super::words::{self, Instant};
use crate::web::content::content;
use actix_web::{HttpResponse, web};
use decisions::staff::works_at_console;
use events::Timestamp;
use events::enrollment::SignInMethodName;
use events::staff::{Privilege, StaffActivityEvent, StaffId};
use projections::staff::{Member, all, get};
use serde::Serialize;
use uuid::Uuid;

pub(crate) const PATH: &str = "/console/staff";

/// Privileges that an account can have, in the order of the form.
pub(crate) const PRIVILEGES: [(&str, Privilege); 5] = [
    ("administrator", Privilege::Administrator),
    ("auditor", Privilege::Auditor),
    ("help_desk", Privilege::HelpDesk),
    ("enroll", Privilege::Enroll),
    ("enroll_for_others", Privilege::EnrollForOthers),
];

#[derive(Serialize)]
struct ListPage {
    members: Vec<Line>,
    others: Vec<Line>,
}

view!(staff_list, Menu, ListPage { members, others });

#[derive(Serialize)]
struct Line {
    href: String,
    name: String,
    user_name: String,
    roles: String,
    whose: String,
    factors: String,
    no_factor: bool,
    disabled: bool,
    last_sign_in: Option<Instant>,
}

content!(Line { href, name, user_name, roles, whose, factors, no_factor, disabled, last_sign_in });

#[derive(Serialize)]
struct MemberPage {
    member: Line,
    path: String,
    /// The account belongs to another person. An administrator cannot change their own account, so that nobody locks
    /// themself out.
    other: bool,
    local: bool,
    /// The account is an API client: it has neither a password nor other roles.
    program: bool,
    has_factor: bool,
    roles: Vec<Role>,
    sessions: Vec<SessionLine>,
}

view!(staff_member, Menu, MemberPage { member, path, other, local, program, has_factor, roles, sessions });

#[derive(Serialize)]
struct Role {
    name: &'static str,
    label: &'static str,
    held: bool,
}

content!(Role { name, label, held });

/// Shows all accounts.
///
/// # Errors
/// Returns an error if the event log or the projections are unavailable.
pub(crate) async fn list(staff: May<ManagesStaff>) -> Result<HttpResponse, Problem> {
    staff.record(StaffActivityEvent::StaffListViewed {}).await?;
    let now = staff.now();
    let everybody = all(staff.projections()).await.map_err(|error| staff.broken(error))?;
    let (members, others): (Vec<Member>, Vec<Member>) =
        everybody.into_iter().partition(|member| works_at_console(&member.privileges));
    let lines = |members: Vec<Member>| members.iter().map(|member| line(member, now)).collect();
    show("Staff", "staff", &staff, &ListPage { members: lines(members), others: lines(others) })
}

/// Shows one account.
///
/// # Errors
/// Returns an error if there is no such account, or the event log, the session store or the projections are
/// unavailable.
pub(crate) async fn page(staff: May<ManagesStaff>, path: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let id = StaffId(*path);
    let member = get(staff.projections(), id).await.map_err(|error| staff.broken(error))?.ok_or(Problem::NotFound)?;
    staff.record(StaffActivityEvent::StaffViewed { staff: id }).await?;
    let now = staff.now();
    let sessions = staff.app().sign_in.staff_sessions.list(now, Some(id)).await.map_err(|error| staff.broken(error))?;
    let role = |(name, privilege): (&'static str, Privilege)| Role {
        name,
        label: words::role(privilege),
        held: member.privileges.contains(&privilege),
    };
    let page = MemberPage {
        path: format!("{PATH}/{id}"),
        other: id != staff.id,
        local: member.provider.is_none(),
        program: member.privileges.contains(&Privilege::ApiClient),
        has_factor: member.passkeys > 0 || member.one_time_codes,
        roles: PRIVILEGES.into_iter().map(role).collect(),
        sessions: sessions.into_iter().map(|one| SessionLine::of(one, now, staff.session.id)).collect(),
        member: line(&member, now),
    };
    show(&page.member.name, "staff", &staff, &page)
}

fn line(member: &Member, now: Timestamp) -> Line {
    let user_name = words::person([member.user_name.as_deref()]);
    let held: Vec<&str> = member.privileges.iter().map(|privilege| words::role(*privilege)).collect();
    Line {
        href: format!("{PATH}/{}", member.id),
        name: words::person([member.display_name.as_deref(), member.user_name.as_deref()]),
        user_name,
        roles: if held.is_empty() { words::NONE.to_owned() } else { held.join(", ") },
        whose: member.provider.clone().unwrap_or_else(|| words::capital(SignInMethodName::LocalAccount.label())),
        no_factor: member.passkeys == 0 && !member.one_time_codes,
        factors: factors(member),
        disabled: member.disabled,
        last_sign_in: member.last_sign_in.map(|at| Instant::of(at, now)),
    }
}

fn factors(member: &Member) -> String {
    let passkeys = match member.passkeys {
        0 => None,
        1 => Some("1 passkey".to_owned()),
        several => Some(format!("{several} passkeys")),
    };
    let codes = member.one_time_codes.then(|| "one-time codes".to_owned());
    let recovery = (member.recovery_codes > 0).then(|| format!("{} recovery codes", member.recovery_codes));
    let all: Vec<String> = [passkeys, codes, recovery].into_iter().flatten().collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}
