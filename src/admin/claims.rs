//! Records that claim the same hardware: how a device's page shows the claim, and how an administrator decides it.

use super::act::wait;
use super::audit::event_href;
use super::carried::{About, Act};
use super::devices::{after, href, parse_device};
use super::form::{Empty, Genuine};
use super::problem::Problem;
use super::proof;
use super::session::{Acts, May, Own, is_fresh, see_other};
use super::words::{self, Instant};
use crate::web::content::content;
use actix_web::{HttpResponse, web};
use decisions::device::{Command, Device as Aggregate};
use events::Timestamp;
use events::device::{DeviceId, SupersessionEvidence};
use events::log::Log;
use platform::PerformError;
use projections::audit::{AuditFilter, Match};
use projections::claims::{Claim, open_of};
use projections::devices::Device;
use projections::{ProjectionError, Projections};
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

    /// Returns the label that opens the form of the verdict.
    fn question(self) -> &'static str {
        match self {
            Verdict::Same => "Is it the same device?",
            Verdict::Different => "Are they different devices?",
        }
    }

    /// `on_earlier`: the label is shown on the page of the earlier record.
    fn label(self, on_earlier: bool) -> &'static str {
        match (self, on_earlier) {
            (Verdict::Same, true) => "Same device: end this, the earlier record",
            (Verdict::Same, false) => "Same device: end the earlier record",
            (Verdict::Different, _) => "Different devices: keep both records",
        }
    }

    fn consequence(self, on_earlier: bool) -> &'static str {
        match (self, on_earlier) {
            (Verdict::Same, true) => {
                "This is the earlier record: its management ends permanently. Muster no longer serves its device, and you cannot \
                 lock or erase the device through it. Decide this only if you have seen that the device was enrolled again."
            }
            (Verdict::Same, false) => {
                "Ends the management of the earlier record, the other one, permanently. Muster no longer serves its device, and \
                 you cannot lock or erase the device through it. Decide this only if you have seen that the device was \
                 enrolled again."
            }
            (Verdict::Different, _) => {
                "Both records stay, and the mark is removed. If Apple attests the later device, the earlier record still ends."
            }
        }
    }
}

/// A claim as shown on the page of one of its two records.
#[derive(Serialize)]
pub(crate) struct Shown {
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
    question: &'static str,
    label: &'static str,
    consequence: &'static str,
    action: String,
    class: &'static str,
}

content!(Offered { question, label, consequence, action, class });

/// Returns a claim as the page of `device` shows it.
/// `asked`: when Apple’s attestation was last requested.
pub(crate) fn shown(
    device: DeviceId,
    (claim, asked): (&Claim, Option<Timestamp>),
    other: Option<&Device>,
    acts: bool,
    now: Timestamp,
) -> Shown {
    let (other_id, sentence) = match device == claim.later {
        true => (claim.earlier, "Claims the same hardware as"),
        false => (claim.later, "Its hardware is claimed by"),
    };
    let offered = |verdict: Verdict| Offered {
        question: verdict.question(),
        label: verdict.label(device == claim.earlier),
        consequence: verdict.consequence(device == claim.earlier),
        action: format!("{}/claims/{other_id}/{}", href(device, None), verdict.as_str()),
        class: if verdict == Verdict::Same { "bad" } else { "" },
    };
    Shown {
        sentence,
        other: other.map_or_else(|| words::short(&other_id.to_string()).to_owned(), words::label),
        other_href: href(other_id, None),
        proof: proof(claim, asked.map(|at| Instant::of(at, now))),
        at: Instant::of(claim.at, now),
        event_href: event_href(claim.event),
        verdicts: Verdict::ALL.into_iter().filter(|_| acts).map(offered).collect(),
    }
}

fn proof(claim: &Claim, asked: Option<Instant>) -> String {
    match (claim.attestation, asked) {
        (Some(why), _) => {
            format!("Apple’s attestation proves nothing: {}.", projections::audit::attestation_refusal(why))
        }
        (None, Some(at)) => format!(
            "Apple’s attestation was requested on {} ({}) and has not arrived yet. The device answers when it is next online.",
            at.words, at.ago
        ),
        (None, None) => "Apple’s attestation has not been requested: older devices do not support it.".to_owned(),
    }
}

/// Returns when Apple’s attestation was last requested from a device.
///
/// # Errors
/// Returns an error if the projections are unavailable.
pub(crate) async fn asked(
    projections: &Projections,
    log: &Log,
    device: DeviceId,
) -> Result<Option<Timestamp>, ProjectionError> {
    let event_type = Some(Match::is("HardwareAttestationRequested".to_owned()));
    let filter = AuditFilter { device: Some(device), event_type, ..AuditFilter::default() };
    Ok(projections::audit::query(projections, log, filter, 1).await?.rows.pop().map(|row| row.at))
}

// Labels the two devices, which are given in this order: the earlier record, then the later.
fn pair_named(about: About) -> About {
    let devices = about.devices.iter().zip(["The earlier record", "The later record"]);
    About { devices: devices.map(|(device, which)| format!("{which}: {device}")).collect(), ..about }
}

/// Decides the claim between two records.
///
/// # Errors
/// Returns an error if there is no open claim between the records, or the event log or the projections are
/// unavailable.
pub(crate) async fn decide(
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
        let about = About::many(verdict.label(id == earlier), &[earlier, later], &staff).await?;
        let act = Act {
            path: format!("{}/claims/{other}/{}", href(id, None), verdict.as_str()),
            about: pair_named(about),
            consequence: verdict.consequence(id == earlier).to_owned(),
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
    match staff.app().platform.perform::<Aggregate>(&stream, &command, &staff.context()).await {
        Ok(performed) => {
            if let Some(appended) = performed.appended {
                wait(staff.app(), appended.position).await;
            }
        }
        Err(PerformError::Refused(refusal)) => {
            return Err(Problem::Refused(format!("This is not possible: {refusal}.")));
        }
        Err(error) => return Err(staff.broken(error)),
    }
    Ok(see_other(&after(id, verdict.as_str(), Some(other))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::EventId;
    use events::device::AttestationRefusal;
    use uuid::Uuid;

    #[test]
    fn an_attestation_that_was_asked_for_is_not_said_to_be_missing_before_the_device_could_answer() {
        let at = Timestamp(1_700_000_000_000_000);
        let [later, earlier] = [DeviceId(Uuid::nil()), DeviceId(Uuid::max())];
        let claim = |attestation| Claim { later, earlier, at, event: EventId(Uuid::nil()), attestation };
        let asked = || Some(Instant::of(at, at.plus_seconds(120)));
        let said = proof(&claim(None), asked());
        assert!(said.contains("was requested on 14 Nov 2023, 22:13:20 (2 minutes ago)"), "{said}");
        assert!(!said.contains("older devices"), "{said}");
        assert!(proof(&claim(None), None).contains("has not been requested"));
        assert!(proof(&claim(Some(AttestationRefusal::NotGiven)), asked()).contains("proves nothing"));
    }

    #[test]
    fn the_page_of_the_earlier_record_says_that_it_is_the_one_that_ends() {
        assert!(Verdict::Same.consequence(true).starts_with("This is the earlier record"));
        assert!(Verdict::Same.label(true).contains("this, the earlier record"));
        assert!(Verdict::Same.consequence(false).contains("the other one"));
    }
}
