//! Records that claim one hardware: how a device's page shows them, and what an administrator decides about them.

use super::act::wait;
use super::audit::event_href;
use super::carried::{About, Act};
use super::devices::{href, parse_device};
use super::form::{Empty, Genuine};
use super::problem::Problem;
use super::proof;
use super::session::{Acts, May, Own, is_fresh};
use super::words::{self, Instant};
use crate::app::PerformError;
use crate::enrollment::device::{Command, Device as Aggregate};
use crate::web::content::content;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use events::Timestamp;
use events::device::{DeviceId, SupersessionEvidence};
use projections::claims::{Claim, open_of};
use projections::devices::Device;
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Same,
    Different,
}

impl Verdict {
    const ALL: [Verdict; 2] = [Verdict::Same, Verdict::Different];

    fn as_str(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Different => "different",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Verdict::Same => "Same device: end the earlier record",
            Verdict::Different => "Different devices: keep both records",
        }
    }

    fn consequence(self) -> &'static str {
        match self {
            Verdict::Same => {
                "Ends management of the earlier record for good: its device is not served any more, and cannot be locked or \
                 erased through it. Decide this only if you have seen that the device was enrolled again."
            }
            Verdict::Different => {
                "Both records stay, and the mark goes. If Apple attests the later device, the earlier record ends all the same."
            }
        }
    }
}

/// A claim on the page of one of its two records.
#[derive(Serialize)]
pub struct Shown {
    sentence: &'static str,
    other: String,
    other_href: String,
    proof: String,
    at: Instant,
    event_href: String,
    verdicts: Vec<Offered>,
}

content!(Shown { sentence, other, other_href, proof, at, event_href, verdicts });

#[derive(Serialize)]
struct Offered {
    label: &'static str,
    consequence: &'static str,
    action: String,
    class: &'static str,
}

content!(Offered { label, consequence, action, class });

/// A claim as the page of `device` shows it.
pub fn shown(device: DeviceId, claim: &Claim, other: Option<&Device>, acts: bool, now: Timestamp) -> Shown {
    let (other_id, sentence) = match device == claim.later {
        true => (claim.earlier, "Claims the same hardware as"),
        false => (claim.later, "Its hardware is claimed by"),
    };
    let offered = |verdict: Verdict| Offered {
        label: verdict.label(),
        consequence: verdict.consequence(),
        action: format!("{}/claims/{other_id}/{}", href(device, None), verdict.as_str()),
        class: if verdict == Verdict::Same { "bad" } else { "" },
    };
    Shown {
        sentence,
        other: other.map_or_else(|| words::short(&other_id.to_string()).to_owned(), words::label),
        other_href: href(other_id, None),
        proof: proof(claim),
        at: Instant::of(claim.at, now),
        event_href: event_href(claim.event),
        verdicts: Verdict::ALL.into_iter().filter(|_| acts).map(offered).collect(),
    }
}

fn proof(claim: &Claim) -> String {
    match claim.attestation {
        Some(why) => format!("Apple’s attestation proves nothing: {}.", projections::audit::attestation_refusal(why)),
        None => "Apple’s attestation has not come: older devices give none.".to_owned(),
    }
}

// As they come: the earlier record, then the later.
fn pair_named(about: About) -> About {
    let devices = about.devices.iter().zip(["The earlier record", "The later record"]);
    About { devices: devices.map(|(device, which)| format!("{which}: {device}")).collect(), ..about }
}

/// Decides about the two records.
///
/// # Errors
/// If there is no open claim between them, or log or projections cannot be used.
pub async fn decide(
    staff: May<Acts>,
    own: Own,
    path: web::Path<(String, String, String)>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let (id, other) = (parse_device(&path.0)?, parse_device(&path.1)?);
    let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == path.2).ok_or(Problem::NotFound)?;
    let open = open_of(staff.projections(), id).await.map_err(|error| staff.broken(error))?;
    let pair = open.into_iter().find(|claim| claim.later == other || claim.earlier == other);
    let Claim { later, earlier, .. } =
        pair.ok_or_else(|| Problem::Refused("There is no open claim between these two records.".into()))?;
    if !is_fresh(&staff) {
        let about = About::many(verdict.label(), &[earlier, later], &staff).await?;
        let act = Act {
            path: format!("{}/claims/{other}/{}", href(id, None), verdict.as_str()),
            about: pair_named(about),
            consequence: verdict.consequence().to_owned(),
            fields: vec![],
            back: href(id, None),
        };
        return proof::first(&own, &act);
    }
    let (stream, command) = match verdict {
        Verdict::Same => {
            let (evidence, now) = (SupersessionEvidence::Administrator, staff.now());
            (earlier.stream(), Command::Supersede { by: later, evidence, now })
        }
        Verdict::Different => (later.stream(), Command::DismissClaim { other: earlier }),
    };
    match staff.app().perform::<Aggregate>(&stream, &command, &staff.context()).await {
        Ok(performed) => {
            if let Some(appended) = performed.appended {
                wait(staff.app(), appended.position).await;
            }
        }
        Err(PerformError::Refused(refusal)) => {
            return Err(Problem::Refused(format!("This cannot be done: {refusal}.")));
        }
        Err(error) => return Err(staff.broken(error)),
    }
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, href(id, None))).finish())
}
