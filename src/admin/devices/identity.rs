//! Status of device identities: how many must be renewed or failed to renew, and what a device's page shows of its own
//! identity.

use super::fact::Fact;
use super::{Choice, PATH};
use crate::admin::problem::Problem;
use crate::admin::query::Query;
use crate::admin::words::{Instant, NONE};
use crate::web::content::content;
use events::Timestamp;
use plural::counted;
use projections::audit::renewal_failure;
use projections::devices::Device;
use projections::renewals::{Counts, Renewal, RenewalOutcome, Standing};
use serde::Serialize;

/// A count with a link to the devices that it counts.
#[derive(Serialize)]
pub(crate) struct Count {
    label: &'static str,
    count: u64,
    class: &'static str,
    href: String,
}

content!(Count { label, count, class, href });

/// Returns the counts that are not zero.
pub(super) fn shown(counts: &Counts) -> Vec<Count> {
    let count = |standing: Standing| Count {
        label: match standing {
            Standing::Due => "Identities due for renewal",
            Standing::Failing => "Identities with failed renewal",
            Standing::Expired => "Expired identities",
        },
        count: counts.of(standing),
        class: class(standing),
        href: Query::default().with("identity", Some(standing.as_str())).href(PATH),
    };
    Standing::ALL.into_iter().filter(|standing| counts.of(*standing) > 0).map(count).collect()
}

pub(super) fn choices(chosen: Option<&str>) -> Vec<Choice> {
    let all = Standing::ALL.map(|standing| Choice::new(standing.as_str(), said(standing), chosen));
    std::iter::once(Choice::new("", "Any", chosen)).chain(all).collect()
}

pub(super) fn parse(name: &str) -> Result<Standing, Problem> {
    Standing::parse(name).ok_or(Problem::Bad("There is no such state of an identity."))
}

fn said(standing: Standing) -> &'static str {
    match standing {
        Standing::Due => "Due for renewal",
        Standing::Failing => "Renewal failed",
        Standing::Expired => "Expired",
    }
}

fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Due => "",
        Standing::Failing => "warn",
        Standing::Expired => "bad",
    }
}

/// Returns when the identity expires and, for an enrolled device, the state of its renewal.
pub(super) fn facts(device: &Device, renewal: Option<&Renewal>, now: Timestamp) -> Vec<Fact> {
    let mut facts = vec![expiry(device, now)];
    facts.extend(renewal.filter(|renewal| renewal.expires > now).map(|renewal| progress(renewal, now)));
    facts.extend(renewal.and_then(|renewal| renewal.last).map(|(outcome, at)| last(outcome, at, now)));
    facts
}

fn expiry(device: &Device, now: Timestamp) -> Fact {
    let Some(expires) = device.identity_expires else { return Fact::new("Identity", NONE) };
    let on = Instant::of(expires, now).words;
    let days = expires.seconds_since(now).div_euclid(86_400);
    match days {
        ..0 => Fact::new("Identity", format!("expired on {on}. The device must enroll again")).of_class("bad"),
        0..30 => Fact::new("Identity", format!("expires in {}, on {on}", counted(days, "day"))).of_class("warn"),
        _ => Fact::new("Identity", format!("expires in {days} days, on {on}")),
    }
}

fn progress(renewal: &Renewal, now: Timestamp) -> Fact {
    let on = |at| Instant::of(at, now).words;
    match (renewal.under_way_since, renewal.next) {
        (Some(since), _) => Fact::new("Renewal", format!("requested on {}", on(since))),
        (None, Some(next)) if renewal.failures > 0 => {
            Fact::new("Renewal", format!("next attempt on {}", on(next))).of_class("warn")
        }
        (None, Some(next)) => Fact::new("Renewal", format!("due on {}", on(next))),
        (None, None) => Fact::new("Renewal", NONE),
    }
}

fn last(outcome: RenewalOutcome, at: Timestamp, now: Timestamp) -> Fact {
    let on = Instant::of(at, now).words;
    match outcome {
        RenewalOutcome::Renewed => Fact::new("Last renewal", format!("done on {on}")),
        RenewalOutcome::RolledBack => {
            Fact::new("Last renewal", format!("undone by the device, noticed on {on}")).of_class("warn")
        }
        RenewalOutcome::Failed(why) => {
            Fact::new("Last renewal", format!("failed on {on}: {}", renewal_failure(why))).of_class("warn")
        }
    }
}
