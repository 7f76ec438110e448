//! The list of invitations with its filters.

use super::words::{self, PATH};
use crate::admin::devices::Choice;
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::query::{Parameters, Query, filled, read};
use crate::admin::records::parse_record;
use crate::admin::render::view;
use crate::admin::session::{Invites, May, PreviewsMails, SeesInvitations, is_permitted};
use crate::admin::words::{Chip, Day, NONE};
use crate::web::content::content;
use actix_web::HttpResponse;
use events::Timestamp;
use events::invitation::InvitationDelivery;
use events::staff::StaffActivityEvent;
use names::visible;
use projections::invitations::{self, InvitationFilter, InvitationRow, InvitationState};
use projections::waves;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Invitations per page.
const PAGE: usize = 50;

/// Filters as query parameters.
#[derive(Deserialize)]
pub(crate) struct Filters {
    q: Option<String>,
    state: Option<String>,
    delivery: Option<String>,
    wave: Option<String>,
    record: Option<String>,
    person: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct InvitationsPage {
    q: String,
    states: Vec<Tab>,
    state: String,
    deliveries: Vec<Choice>,
    /// Id and name of the wave whose invitations are shown; empty for all.
    wave: String,
    wave_name: Option<String>,
    wave_href: Option<String>,
    person: String,
    filtered: bool,
    may_invite: bool,
    mails_href: Option<&'static str>,
    invitations: Vec<Line>,
    older: Option<String>,
    newest: Option<String>,
}

view!(
    invitations as invitations_page,
    Menu,
    InvitationsPage {
        q,
        states,
        state,
        deliveries,
        wave,
        wave_name,
        wave_href,
        person,
        filtered,
        may_invite,
        mails_href,
        invitations,
        older,
        newest
    }
);

#[derive(Serialize)]
struct Tab {
    href: String,
    label: &'static str,
    count: u64,
    current: bool,
}

content!(Tab { href, label, count, current });

#[derive(Serialize)]
struct Line {
    href: String,
    name: String,
    mail: String,
    state: Chip,
    /// When it came to this state.
    at: Day,
    delivery: &'static str,
    record: bool,
    wave: bool,
    expires: Day,
}

content!(Line { href, name, mail, state, at, delivery, record, wave, expires });

/// Shows the list.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn list(staff: May<SeesInvitations>, address: Parameters<Filters>) -> Result<HttpResponse, Problem> {
    let Parameters(filters, _) = address;
    let filter = filters.parse()?;
    staff.record(StaffActivityEvent::InvitationListViewed {}).await?;
    let (query, continued, now) = (filters.query(), filter.after.is_some(), staff.now());
    let broken = |error| staff.broken(error);
    let counts = invitations::counts(staff.projections(), filter.wave).await.map_err(broken)?;
    let wave = match filter.wave {
        Some(wave) => waves::by_id(staff.projections(), wave).await.map_err(broken)?,
        None => None,
    };
    let found = invitations::list(staff.projections(), filter, PAGE).await.map_err(broken)?;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let page = InvitationsPage {
        q: text(&filters.q),
        states: filters.states(&counts, &query),
        state: text(&filters.state),
        deliveries: filters.deliveries(),
        wave: text(&filters.wave),
        wave_href: wave.as_ref().map(|wave| words::wave_href(wave.wave)),
        wave_name: wave.map(|wave| wave.name),
        person: text(&filters.person),
        filtered: !query.is_empty(),
        may_invite: is_permitted::<Invites>(&staff.roles),
        mails_href: is_permitted::<PreviewsMails>(&staff.roles).then_some(crate::admin::mails::PATH),
        invitations: found.invitations.iter().map(|row| line(row, now)).collect(),
        older: found.next.map(|next| query.clone().with("after", Some(&next.to_string())).href(PATH)),
        newest: continued.then(|| query.href(PATH)),
    };
    show("Invitations", "again", &staff, &page)
}

impl Filters {
    fn parse(&self) -> Result<InvitationFilter, Problem> {
        let state = read("state", self.state.as_deref(), |word| {
            InvitationState::parse(word).ok_or(Problem::Bad("There is no such state of an invitation."))
        })?;
        let delivery = read("delivery", self.delivery.as_deref(), |word| {
            InvitationDelivery::parse(word).ok_or(Problem::Bad("It must be “mail”, “by_hand” or “web_clip”."))
        })?;
        let wave = read("wave", self.wave.as_deref(), words::parse_wave)?;
        let record = read("record", self.record.as_deref(), parse_record)?;
        let person = read("person", self.person.as_deref(), words::parse_person)?;
        let after = read("after", self.after.as_deref(), |text| {
            text.parse().map_err(|_| Problem::Bad("Use “next” of the previous page, unchanged."))
        })?;
        let text = filled(self.q.as_deref()).map(str::to_owned);
        Ok(InvitationFilter { state, wave, record, person, delivery, text, after })
    }

    fn query(&self) -> Query {
        Query::default()
            .with("q", self.q.as_deref())
            .with("state", self.state.as_deref())
            .with("delivery", self.delivery.as_deref())
            .with("wave", self.wave.as_deref())
            .with("record", self.record.as_deref())
            .with("person", self.person.as_deref())
    }

    // The counts are those of the wave, or of all invitations.
    fn states(&self, counts: &BTreeMap<InvitationState, u64>, query: &Query) -> Vec<Tab> {
        let chosen = filled(self.state.as_deref());
        let rest = query.without("state");
        let of_state = |state: InvitationState| Tab {
            href: rest.clone().with("state", Some(state.as_str())).href(PATH),
            label: words::listed(state).label,
            count: counts.get(&state).copied().unwrap_or_default(),
            current: chosen == Some(state.as_str()),
        };
        let all = Tab { href: rest.href(PATH), label: "All", count: counts.values().sum(), current: chosen.is_none() };
        std::iter::once(all).chain(InvitationState::ALL.map(of_state)).collect()
    }

    fn deliveries(&self) -> Vec<Choice> {
        let chosen = self.delivery.as_deref();
        let all = InvitationDelivery::ALL;
        let all = all.map(|delivery| Choice::new(delivery.as_str(), words::delivery(delivery), chosen));
        std::iter::once(Choice::new("", "Any", chosen)).chain(all).collect()
    }
}

fn line(row: &InvitationRow, now: Timestamp) -> Line {
    // An invitation expires before the server notes it.
    let is_over = row.used_at.is_none() && row.revoked_at.is_none() && row.expires <= now;
    let state = if is_over { InvitationState::Expired } else { row.state };
    let at = match state {
        InvitationState::Issued => row.renewed_at,
        InvitationState::Sent => row.sent_at,
        InvitationState::NotSent => row.not_sent_at,
        InvitationState::Opened => row.opened_at,
        InvitationState::Used => row.used_at,
        InvitationState::Expired => row.expired_at.or(Some(row.expires)),
        InvitationState::Revoked => row.revoked_at,
    };
    let names = [row.full_name.as_deref(), row.mail.as_deref()];
    Line {
        href: words::href(row.invitation),
        name: names.into_iter().find_map(visible::name).unwrap_or_else(|| "(no name)".to_owned()),
        mail: row.mail.as_deref().and_then(|mail| visible::name(Some(mail))).unwrap_or_else(|| NONE.to_owned()),
        state: words::listed(state),
        at: Day::of(at.unwrap_or(row.issued_at), now),
        delivery: words::delivery(row.delivery),
        record: row.record.is_some(),
        wave: row.wave.is_some(),
        expires: Day::of(row.expires, now),
    }
}
