//! Page of one invitation: its state, its recipient, what happened, and for staff who invite its link, code and QR
//! code. It is read from the log, so that erased data is gone from it at once.

use super::folded::{Folded, folded};
use super::{change, words};
use crate::admin::audit::{self, event_href};
use crate::admin::devices::Fact;
use crate::admin::lineage::{person_href, side};
use crate::admin::links;
use crate::admin::mails::language_name;
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::query::{Parameters, Query, filled};
use crate::admin::render::view;
use crate::admin::session::{Acts, Invites, May, SeesAudit, SeesInvitations, Staff, is_permitted};
use crate::admin::words::{Chip, Day, Instant, NONE, capital};
use crate::web::content::content;
use crate::web::qr::Qr;
use actix_web::{HttpResponse, web};
use events::invitation::InvitationDelivery;
use events::staff::StaffActivityEvent;
use events::{ActorKind, Entry, Timestamp};
use projections::audit::{english, find as audit_row, mail_failure, message};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the previous form did.
#[derive(Deserialize)]
pub(crate) struct Asked {
    done: Option<String>,
}

#[derive(Serialize)]
struct InvitationPage {
    /// Message about what the previous form did.
    done: Option<String>,
    href: String,
    title: String,
    sub: String,
    state: Chip,
    /// Why the mail was not sent.
    problem: Option<String>,
    facts: Vec<Fact>,
    token: Option<Token>,
    /// It can be used, and the staff member may not see its link.
    hidden: bool,
    renew: Option<Renew>,
    revoke: bool,
    install: Option<Install>,
    timeline: Vec<Happened>,
    audit_href: Option<String>,
}

view!(
    invitation,
    Menu,
    InvitationPage {
        done,
        href,
        title,
        sub,
        state,
        problem,
        facts,
        token,
        hidden,
        renew,
        revoke,
        install,
        timeline,
        audit_href
    }
);

/// What the recipient needs.
#[derive(Serialize)]
struct Token {
    link: String,
    code: String,
    qr: Option<Qr>,
    until: Day,
    /// Only the management of the earlier record may deliver it.
    bound: bool,
}

content!(Token { link, code, qr, until, bound });

#[derive(Serialize)]
struct Renew {
    /// Number of the link that becomes void.
    generation: u32,
    days: u32,
    mail: bool,
    bound: bool,
}

content!(Renew { generation, days, mail, bound });

/// Puts the Web Clip on a device that this server manages.
#[derive(Serialize)]
struct Install {
    device: String,
    device_href: String,
    request: Uuid,
}

content!(Install { device, device_href, request });

#[derive(Serialize)]
struct Happened {
    at: Instant,
    sentence: String,
    by: Option<String>,
    href: Option<String>,
}

content!(Happened { at, sentence, by, href });

/// Shows the page.
///
/// # Errors
/// Returns an error if there is no such invitation, or the event log or the projections are unavailable.
pub(crate) async fn page(
    staff: May<SeesInvitations>,
    path: web::Path<String>,
    address: Parameters<Asked>,
) -> Result<HttpResponse, Problem> {
    let Parameters(Asked { done }, _) = address;
    let found = folded(&staff, words::parse_invitation(&path)?).await?;
    staff.record(StaffActivityEvent::InvitationViewed { invitation: found.id }).await?;
    let (now, may) = (staff.now(), is_permitted::<Invites>(&staff.roles));
    let is_open = found.is_open(now);
    let token = match staff.credentials().filter(|_| is_open) {
        Some(credentials) => {
            let generation = found.invitation.generation;
            let code = credentials.code(found.id, generation).await.map_err(|error| staff.broken(error))?;
            let link = credentials.link(found.id, generation);
            let until = Day::of(found.invitation.expires, now);
            Some(Token { qr: Qr::of(&link), link, code, until, bound: found.invitation.is_device_bound() })
        }
        None => None,
    };
    let failure = found.not_sent();
    let page = InvitationPage {
        done: said(&found, done.as_deref()).map(str::to_owned),
        href: words::href(found.id),
        title: found.title(),
        sub: sub(&found, &staff).await?,
        state: words::state(&found.invitation, failure.as_ref().is_some_and(|failure| failure.is_final), now),
        problem: failure.map(|failure| {
            let code = failure.code.map_or_else(String::new, |code| format!(" (reply code {code})"));
            let next = if failure.is_final {
                match found.issued.record {
                    Some(_) => {
                        "Muster does not try again. Correct the address in the old product and import its \
                                records, or correct the mail server. Then send it again"
                    }
                    None => {
                        "Muster does not try again. If the address is wrong, revoke this invitation and invite \
                             the right address. Otherwise correct the mail server and send it again"
                    }
                }
            } else {
                "Muster tries again"
            };
            format!("The mail was not sent: {}{code}. {next}.", mail_failure(failure.why))
        }),
        facts: facts(&found, &staff).await?,
        hidden: is_open && token.is_none(),
        token,
        renew: match may && found.can_be_renewed() {
            true => Some(renew(&found, staff.settings().await?.invitations.valid_days)),
            false => None,
        },
        revoke: may && is_open,
        install: install(&found, &staff).await?,
        timeline: timeline(&found, &staff).await?,
        audit_href: is_permitted::<SeesAudit>(&staff.roles)
            .then(|| Query::default().with("q", Some(&found.id.stream().to_string())).href(audit::PATH)),
    };
    show(&format!("Invitation of {}", page.title), "again", &staff, &page)
}

// The address only says what to look for; the text comes from the invitation.
fn said(found: &Folded, done: Option<&str>) -> Option<&'static str> {
    let delivery = found.issued.delivery;
    match filled(done)? {
        "issued" if delivery == InvitationDelivery::Mail => Some("The invitation is issued. Muster sends the mail."),
        "issued" => Some("The invitation is issued."),
        "renewed" if found.invitation.generation == 0 => None,
        "renewed" if delivery == InvitationDelivery::Mail => {
            Some("The invitation has a new link and a new code, which Muster sends. The earlier ones are void.")
        }
        "renewed" => Some("The invitation has a new link and a new code. The earlier ones are void."),
        "revoked" if found.invitation.is_revoked => Some("The invitation is revoked. Its link and its code are void."),
        _ => None,
    }
}

async fn sub(found: &Folded, staff: &Staff) -> Result<String, Problem> {
    let first = found.entries.first();
    let issued = first.map(|entry| format!("Issued on {}", Instant::of(entry.at, staff.now()).words));
    let by = match first {
        Some(entry) if entry.actor.kind == ActorKind::Operator => Some("by an operator".to_owned()),
        Some(entry) => by(entry, staff).await?.map(|name| format!("by {name}")),
        None => None,
    };
    Ok(issued.into_iter().chain(by).collect::<Vec<_>>().join(" "))
}

async fn facts(found: &Folded, staff: &Staff) -> Result<Vec<Fact>, Problem> {
    let (now, issued) = (staff.now(), &found.issued);
    let text = |value: Option<&String>| match (value, found.recipient()) {
        (Some(value), _) => value.clone(),
        (None, Some(_)) => NONE.to_owned(),
        (None, None) => "(erased)".to_owned(),
    };
    let details = found.recipient();
    let mut facts = vec![
        Fact::new("Name", text(details.and_then(|details| details.full_name.as_ref()))),
        Fact::new("Mail address", text(details.and_then(|details| details.mail.as_ref()))),
    ];
    if let Some(person) = issued.recipient.person {
        facts.push(Fact::linked("Person", "their devices over time", person_href(person, None)));
    }
    if let Some(record) = issued.record {
        let side = side(staff, record, None).await?;
        facts.push(match side.href {
            Some(href) => Fact::linked("Earlier record", side.label, href),
            None => Fact::new("Earlier record", side.label),
        });
    }
    if let Some(wave) = issued.wave {
        facts.push(Fact::linked("Wave", "the wave that it belongs to", words::wave_href(wave)));
    }
    facts.push(Fact::new("Delivery", words::delivery(issued.delivery)));
    facts.push(Fact::new("Language", language_name(&issued.language)));
    let until = if now < found.invitation.expires { "Valid until" } else { "Was valid until" };
    facts.push(Fact::new(until, Instant::of(found.invitation.expires, now).words));
    facts.push(Fact::new("Links issued", (found.invitation.generation + 1).to_string()));
    if found.invitation.reminders > 0 {
        facts.push(Fact::new("Reminders", found.invitation.reminders.to_string()));
    }
    Ok(facts)
}

fn renew(found: &Folded, days: u32) -> Renew {
    Renew {
        generation: found.invitation.generation,
        days,
        mail: found.issued.delivery == InvitationDelivery::Mail,
        bound: found.invitation.is_device_bound(),
    }
}

async fn install(found: &Folded, staff: &Staff) -> Result<Option<Install>, Problem> {
    if !is_permitted::<Acts>(&staff.roles) || !found.is_open(staff.now()) {
        return Ok(None);
    }
    let Some(device) = change::managed(found, staff).await? else { return Ok(None) };
    let request = staff.random_uuid();
    Ok(Some(Install {
        device: crate::admin::words::label(&device),
        device_href: crate::admin::devices::href(device.id, None),
        request,
    }))
}

async fn timeline(found: &Folded, staff: &Staff) -> Result<Vec<Happened>, Problem> {
    let sees_audit = is_permitted::<SeesAudit>(&staff.roles);
    let mut timeline = Vec::new();
    for entry in found.entries.iter().rev() {
        timeline.push(happened(entry, by(entry, staff).await?, sees_audit, staff.now()));
    }
    Ok(timeline)
}

fn happened(entry: &Entry, by: Option<String>, sees_audit: bool, now: Timestamp) -> Happened {
    let said = message(&entry.event);
    let sentence = capital(&english(said.key, &said.values));
    Happened { at: Instant::of(entry.at, now), sentence, by, href: sees_audit.then(|| event_href(entry.id)) }
}

// Returns who caused an event, if it was staff or an operator.
async fn by(entry: &Entry, staff: &Staff) -> Result<Option<String>, Problem> {
    if !matches!(entry.actor.kind, ActorKind::Staff | ActorKind::Operator) {
        return Ok(None);
    }
    let row = audit_row(staff.projections(), staff.log(), entry.id).await.map_err(|error| staff.broken(error))?;
    Ok(row.as_ref().map(links::name))
}
