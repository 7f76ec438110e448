//! Page of one wave: its plan, its progress, its records, and its links for those who hand them out.

use super::devices::MOST;
use crate::admin::devices::Fact;
use crate::admin::invitations::words::{self, PATH, parse_wave, wave_href};
use crate::admin::lineage::side;
use crate::admin::links;
use crate::admin::mails::language_name;
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::query::{Parameters, Query, read};
use crate::admin::render::view;
use crate::admin::session::{Invites, May, SeesAudit, SeesInvitations, Staff, is_permitted};
use crate::admin::words::{Chip, Day, Instant, capital};
use crate::web::content::content;
use actix_web::{HttpResponse, web};
use events::ActorKind;
use events::invitation::InvitationDelivery;
use events::staff::StaffActivityEvent;
use plural::counted;
use projections::audit::find as audit_row;
use projections::invitations::InvitationState;
use projections::waves::{self, Member, MemberState, WaveCounts, WaveRow};
use serde::{Deserialize, Serialize};

/// Records per page.
const PAGE: usize = 50;

/// Place of the last record of the previous page.
#[derive(Deserialize)]
pub(crate) struct After {
    after: Option<String>,
}

#[derive(Serialize)]
struct WavePage {
    href: String,
    name: String,
    sub: String,
    state: Chip,
    /// What happens next.
    explained: String,
    facts: Vec<Fact>,
    counts: Vec<Count>,
    members: Vec<Line>,
    acts: Option<Acts>,
    handed: Option<Handed>,
    audit_href: Option<String>,
    older: Option<String>,
    newest: Option<String>,
}

view!(
    wave,
    Menu,
    WavePage { href, name, sub, state, explained, facts, counts, members, acts, handed, audit_href, older, newest }
);

#[derive(Serialize)]
struct Count {
    label: &'static str,
    count: u64,
    href: Option<String>,
}

content!(Count { label, count, href });

/// A record of the wave.
#[derive(Serialize)]
struct Line {
    label: String,
    href: Option<String>,
    owner: String,
    state: Chip,
    why: Option<String>,
    invitation_href: Option<String>,
}

content!(Line { label, href, owner, state, why, invitation_href });

/// What can be done with a wave that has not ended.
#[derive(Serialize)]
struct Acts {
    paused: bool,
}

content!(Acts { paused });

/// Links for those who hand them out.
#[derive(Serialize)]
struct Handed {
    exports: Vec<crate::admin::devices::Export>,
    print: Option<String>,
    parts: Vec<Export>,
}

content!(Handed { exports, print, parts });

#[derive(Serialize)]
struct Export {
    label: String,
    href: String,
}

content!(Export { label, href });

/// Shows the page.
///
/// # Errors
/// Returns an error if there is no such wave, or the event log or the projections are unavailable.
pub(crate) async fn page(
    staff: May<SeesInvitations>,
    path: web::Path<String>,
    address: Parameters<After>,
) -> Result<HttpResponse, Problem> {
    let Parameters(After { after }, _) = address;
    let after = read("after", after.as_deref(), |text| {
        text.parse::<u64>().map_err(|_| Problem::Bad("It must be the number of a place in the wave."))
    })?;
    let id = parse_wave(&path)?;
    let broken = |error| staff.broken(error);
    let row = waves::by_id(staff.projections(), id).await.map_err(broken)?.ok_or(Problem::NotFound)?;
    staff.record(StaffActivityEvent::InvitationListViewed {}).await?;
    let counts = waves::counts(staff.projections(), id).await.map_err(broken)?;
    let members = waves::members(staff.projections(), id, after, PAGE).await.map_err(broken)?;
    let next = members.last().filter(|_| members.len() == PAGE).map(|member| member.place);
    let mut lines = Vec::new();
    for member in &members {
        lines.push(line(member, &staff).await?);
    }
    let (href, may) = (wave_href(id), is_permitted::<Invites>(&staff.roles));
    let page = WavePage {
        sub: sub(&row, &staff).await?,
        state: words::wave(&row, counts.waiting),
        explained: explained(&row, &counts),
        facts: facts(&row, &staff),
        counts: progress(&row, &counts),
        members: lines,
        acts: (may && row.ended_at.is_none()).then_some(Acts { paused: row.paused_at.is_some() }),
        handed: if may { handed(&row, &counts, &href) } else { None },
        audit_href: is_permitted::<SeesAudit>(&staff.roles).then(|| {
            let text = row.wave.stream().to_string();
            Query::default().with("q", Some(&text)).href(crate::admin::audit::PATH)
        }),
        older: next.map(|next| Query::default().with("after", Some(&next.to_string())).href(&href)),
        newest: after.map(|_| href.clone()),
        name: row.name,
        href,
    };
    show(&page.name, "again", &staff, &page)
}

async fn sub(row: &WaveRow, staff: &Staff) -> Result<String, Problem> {
    let begun = format!("Begun on {}", Instant::of(row.begun_at, staff.now()).words);
    let first = staff.events_of(&row.wave.stream(), 1).await?;
    let Some(first) = first.first() else { return Ok(begun) };
    let audited = audit_row(staff.projections(), staff.log(), first.id).await.map_err(|error| staff.broken(error))?;
    Ok(match audited {
        Some(audited) if audited.actor_kind == ActorKind::Operator => format!("{begun} by an operator"),
        Some(audited) => format!("{begun} by {}", links::name(&audited)),
        None => begun,
    })
}

fn explained(row: &WaveRow, counts: &WaveCounts) -> String {
    if row.ended_at.is_some() {
        return "The wave has ended: nobody else is invited or reminded. Invitations that were issued stay valid."
            .to_owned();
    }
    if row.paused_at.is_some() {
        return "The wave is paused: nobody is invited or reminded until it is resumed.".to_owned();
    }
    if counts.waiting == 0 {
        return "Every record had its turn.".to_owned();
    }
    let hours = counts.waiting.div_ceil(u64::from(row.most_per_hour.max(1)));
    let hours = counted(i64::try_from(hours).unwrap_or(i64::MAX), "hour");
    format!("Records that wait for their turn: {}. At this pace, this takes about {hours}.", counts.waiting)
}

fn facts(row: &WaveRow, staff: &Staff) -> Vec<Fact> {
    let now = staff.now();
    let days = |days: u32| counted(i64::from(days), "day");
    let mut facts = vec![
        Fact::new("Delivery", words::delivery(row.delivery)),
        Fact::new("Language", language_name(&row.language)),
        Fact::new("Invitations in an hour", row.most_per_hour.to_string()),
        Fact::new("Valid for", days(row.valid_days)),
    ];
    if row.delivery == InvitationDelivery::Mail {
        let every = days(row.remind_after_days);
        facts.push(Fact::new("Reminders", format!("at most {}, every {every}", row.most_reminders)));
    }
    facts.push(Fact::new("Deadline", Day::of(row.deadline, now).words));
    if let Some(open) = row.open_at_deadline {
        facts.push(Fact::new("Not done at the deadline", open.to_string()).of_class("warn"));
    }
    facts
}

fn progress(row: &WaveRow, counts: &WaveCounts) -> Vec<Count> {
    let count = |label, count| Count { label, count, href: None };
    let of_state = |state: InvitationState| {
        let found = counts.invited.get(&state).copied().unwrap_or_default();
        let query = Query::default().with("wave", Some(&row.wave.to_string())).with("state", Some(state.as_str()));
        let href = (found > 0).then(|| query.href(PATH));
        Count { label: words::listed(state).label, count: found, href }
    };
    let first = [count("Records", counts.records), count("Waiting", counts.waiting), count("Skipped", counts.skipped)];
    let by_mail = row.delivery == InvitationDelivery::Mail;
    let has_meaning = |state: &InvitationState| match state {
        InvitationState::Sent | InvitationState::NotSent => by_mail,
        _ => true,
    };
    first.into_iter().chain(InvitationState::ALL.into_iter().filter(has_meaning).map(of_state)).collect()
}

async fn line(member: &Member, staff: &Staff) -> Result<Line, Problem> {
    let side = side(staff, member.record, None).await?;
    let (state, why, invitation) = match member.state {
        MemberState::Waiting => (Chip { label: "Waiting", class: "" }, None, None),
        MemberState::Skipped(why) => (Chip { label: "Skipped", class: "warn" }, Some(capital(why.name())), None),
        MemberState::Invited(invitation, state) => (words::listed(state), None, Some(words::href(invitation))),
    };
    let owner = if side.is_erased { "(erased)".to_owned() } else { side.user_name.unwrap_or_else(|| "–".to_owned()) };
    Ok(Line { label: side.label, href: side.href, owner, state, why, invitation_href: invitation })
}

// Muster mails the links of a wave by mail, so nobody needs a file of them.
fn handed(row: &WaveRow, counts: &WaveCounts, href: &str) -> Option<Handed> {
    let is_bound = row.delivery.is_device_bound();
    let part = |part: u64| Export {
        label: format!("Profiles, part {part} (ZIP)"),
        href: Query::default().with("part", Some(&part.to_string())).href(&format!("{href}/devices")),
    };
    (row.delivery != InvitationDelivery::Mail).then(|| Handed {
        exports: crate::admin::devices::Export::all(&Query::default(), &format!("{href}/export")),
        print: (!is_bound).then(|| format!("{href}/print")),
        parts: if is_bound { (1..=counts.records.div_ceil(MOST as u64)).map(part).collect() } else { vec![] },
    })
}
