//! The events of each stream, folded by the decisions of the server: no event comes in a state in which the server does
//! not write it.

use super::APPENDS;
use decisions::Aggregate;
use decisions::device::{Device, Phase};
use decisions::enrollment::Enrollment;
use decisions::invitation::Invitation;
use decisions::person::Person;
use decisions::record::Record;
use events::ActorKind;
use events::device::DeviceEvent;
use events::enrollment::EnrollmentEvent;
use events::invitation::InvitationEvent;
use events::person::PersonEvent;
use events::record::RecordEvent;
use events::{Draft, StreamName};
use std::collections::HashMap;

/// Folds all streams of an aggregate. `wrong` says what is wrong with an event in a state, if anything is.
fn fold<A: Aggregate>(wrong: impl Fn(&A, &A::Event, &Draft) -> Option<&'static str>) {
    let mut states: HashMap<&StreamName, A> = HashMap::new();
    let mut faults: HashMap<(&'static str, String), Vec<&StreamName>> = HashMap::new();
    let mut count = 0;
    for append in APPENDS.iter() {
        for draft in &append.drafts {
            let Ok(event) = A::Event::try_from(draft.event.clone()) else { continue };
            count += 1;
            let state = states.remove(&append.stream).unwrap_or_default();
            if let Some(why) = wrong(&state, &event, draft) {
                faults.entry((why, draft.event.type_name())).or_default().push(&append.stream);
            }
            states.insert(&append.stream, state.evolve(&event));
        }
    }
    assert!(count > 100, "{count} events");
    let faults: Vec<_> = faults.iter().map(|(fault, streams)| (fault, streams.len(), streams[0])).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_device_does_only_what_its_state_permits() {
    fold::<Device>(|device, event, draft| {
        let is_enrolled = device.phase == Phase::Enrolled;
        let waits = |id| device.command(id).is_some_and(|command| command.status.is_waiting());
        let wrong = |is_wrong: bool, why| is_wrong.then_some(why);
        match event {
            DeviceEvent::DeviceAuthenticated { .. } => wrong(device.phase != Phase::Unknown, "known before"),
            DeviceEvent::DeviceEnrolled { .. } => wrong(device.phase != Phase::Authenticated, "not authenticated"),
            DeviceEvent::MdmCommandDelivered { command }
            | DeviceEvent::MdmCommandExpired { command }
            | DeviceEvent::MdmCommandCancelled { command }
            | DeviceEvent::MdmAnswerUnreadable { command, .. }
            | DeviceEvent::MdmCommandAnswered { command, .. } => wrong(!waits(*command), "the command does not wait"),
            DeviceEvent::DeviceSuperseded { .. } => wrong(!is_enrolled, "not enrolled"),
            DeviceEvent::DeviceRevived { .. } => wrong(device.phase != Phase::Superseded, "not superseded"),
            DeviceEvent::RecordArchived {} => wrong(device.archived, "archived before"),
            DeviceEvent::RecordRestored {} => wrong(!device.archived, "not archived"),
            DeviceEvent::ContactWatchBegun { .. } => wrong(device.contact_watched || !is_enrolled, "watched or ended"),
            DeviceEvent::IdentityRenewalCompleted { fingerprint, .. } => {
                wrong(!device.is_renewed(fingerprint), "no such certificate")
            }
            DeviceEvent::MdmCommandQueued { .. } => wrong(!is_enrolled, "a command after the end"),
            DeviceEvent::EarlierViewsCleared { .. }
            | DeviceEvent::HardwareClaimNoted { .. }
            | DeviceEvent::HardwareClaimDismissed { .. } => wrong(device.phase == Phase::Unknown, "unknown"),
            _ if draft.actor.kind == ActorKind::Device => {
                wrong(!is_enrolled, "a message of a device that is not enrolled")
            }
            _ => wrong(device.phase == Phase::Unknown, "unknown"),
        }
    });
}

#[test]
fn a_visit_goes_on_as_the_portal_leads_it() {
    fold::<Enrollment>(|visit, event, _| {
        let wrong = |is_wrong: bool, why| is_wrong.then_some(why);
        match event {
            EnrollmentEvent::VisitOpened { .. } => wrong(visit.opened.is_some(), "opened before"),
            _ if visit.opened.is_none() => Some("not opened"),
            EnrollmentEvent::SignedOut {} => None,
            EnrollmentEvent::EnrollmentAbandoned {} => wrong(visit.end.is_some(), "ended before"),
            EnrollmentEvent::UserSignedIn { .. } => wrong(visit.signed_in.is_some(), "signed in before"),
            EnrollmentEvent::TermsAccepted { .. } => {
                let is_asked = matches!(visit.terms, decisions::enrollment::TermsStep::Asked { .. });
                wrong(!is_asked, "not asked for terms")
            }
            EnrollmentEvent::IdentityIssued { .. } => wrong(visit.servings.is_empty(), "no profile was served"),
            EnrollmentEvent::MdmProfileServed { .. } => wrong(visit.ownership.is_none(), "no ownership was chosen"),
            _ => wrong(visit.end.is_some(), "the visit has ended"),
        }
    });
}

#[test]
fn a_person_is_known_first_and_erased_last() {
    fold::<Person>(|person, event, _| match event {
        PersonEvent::PersonKnown { .. } => person.known.then_some("known before"),
        _ if !person.known => Some("not known"),
        _ => person.erased.then_some("erased before"),
    });
}

#[test]
fn a_record_is_imported_before_it_changes_and_linked_before_the_link_is_decided() {
    fold::<Record>(|record, event, _| {
        let wrong = |is_wrong: bool, why| is_wrong.then_some(why);
        match event {
            RecordEvent::PreviousRecordImported { .. } => wrong(record.details.is_some(), "imported before"),
            RecordEvent::LinkProposed { .. } => None,
            RecordEvent::SilenceAsked { successor, .. }
            | RecordEvent::LinkConfirmed { successor, .. }
            | RecordEvent::LinkRejected { successor }
            | RecordEvent::LinkUndone { successor }
            | RecordEvent::RetirementNotified { successor, .. } => {
                wrong(!record.links.contains_key(successor), "no such link")
            }
            RecordEvent::PreviousRecordReturned { .. } => wrong(record.missing_since.is_none(), "not missing"),
            _ => wrong(record.details.is_none() || record.is_shredded, "not there"),
        }
    });
}

#[test]
fn an_invitation_is_opened_and_used_while_it_is_open() {
    fold::<Invitation>(|invitation, event, _| {
        let wrong = |is_wrong: bool, why| is_wrong.then_some(why);
        let is_over = invitation.used.is_some() || invitation.is_expired || invitation.is_revoked;
        match event {
            InvitationEvent::InvitationIssued { .. } => wrong(invitation.issued.is_some(), "issued before"),
            _ if invitation.issued.is_none() => Some("not issued"),
            InvitationEvent::InvitationUsed { enrollment, .. } => {
                wrong(!invitation.opened.contains_key(enrollment) || is_over, "not opened, or over")
            }
            InvitationEvent::InvitationSent { .. } => None,
            _ => wrong(is_over, "over"),
        }
    });
}
