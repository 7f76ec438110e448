//! Invitations that staff and waves issue.

use super::console::by_staff;
use crate::scene::{Cue, Scene};
use crate::who::Who;
use events::envelope::EventId;
use events::invitation::{
    CodeEvent, InvitationDelivery, InvitationEvent, InvitationId, InvitationRefusal, MailFailure, Recipient,
    RecipientDetails, RenewalCause, WaveId,
};
use events::record::RecordId;
use events::{Actor, ActorKind, Personal, StreamName};
use std::sync::Arc;

/// Days after which an invitation expires.
const VALID_DAYS: i64 = 30;

/// An invitation and what becomes of it, as far as no enrollment is concerned.
#[derive(Debug)]
pub(crate) struct Inviting {
    pub(crate) invitation: InvitationId,
    pub(crate) to: Arc<Who>,
    pub(crate) is_known: bool,
    pub(crate) record: Option<RecordId>,
    pub(crate) wave: Option<WaveId>,
    pub(crate) delivery: InvitationDelivery,
    /// When somebody uses it, in seconds since 1970.
    pub(crate) used: Option<i64>,
}

/// Plays an invitation from its issue to its end, without its use.
pub(crate) fn invite(scene: &mut Scene, inviting: &Inviting) {
    let Inviting { invitation, to, record, wave, delivery, used, .. } = inviting;
    let stream = invitation.stream();
    let cue = match wave {
        Some(wave) => Cue::system("timer", wave.0),
        None => by_staff(scene),
    };
    reserve_code(scene, *invitation, &cue);
    // A person who is not known yet has no key; the invitation has one of its own then.
    let key = match record {
        Some(record) if record.is_imported() => record.key(),
        _ if inviting.is_known => to.key(),
        _ => invitation.key(),
    };
    let details =
        RecipientDetails { full_name: Some(to.names.full_name.to_string()), mail: Some(to.names.mail.to_string()) };
    let (keys, _) = to.owner_keys(scene.secrets());
    let person = inviting.is_known.then_some(to.person);
    let recipient = Recipient { person, keys, details: Personal::new(key.clone(), details) };
    let expires = scene.later(VALID_DAYS * 86_400);
    let issued = InvitationEvent::InvitationIssued {
        recipient,
        record: *record,
        wave: *wave,
        delivery: *delivery,
        language: to.language().to_owned(),
        expires,
    };
    let mut last = scene.say(&stream, &cue.clone().with(key), issued);
    let end = scene.at + VALID_DAYS * 86_400 * crate::scene::SECOND;
    let used = used.map_or(i64::MAX, |used| used * crate::scene::SECOND);
    if *delivery == InvitationDelivery::Mail {
        last = mail(scene, *invitation, 0, last);
        let reminded = scene.at + 7 * 86_400 * crate::scene::SECOND;
        if used > reminded + crate::scene::SECOND * 3_600 && scene.dice.chance(500) {
            scene.at = reminded;
            last = remind(scene, *invitation, last, end);
        }
    }
    if used < end {
        return;
    }
    match scene.dice.below(12) {
        0 => revoke(scene, *invitation),
        1 => refuse(scene, *invitation),
        _ => {
            scene.at = end;
            scene.wait(1, 60);
            let timer = Cue::system("timer", invitation.0);
            scene.effect(&stream, (last, "expire"), &timer, [InvitationEvent::InvitationExpired {}]);
        }
    }
}

fn reserve_code(scene: &mut Scene, invitation: InvitationId, cue: &Cue) {
    let stream = StreamName::of("code", scene.dice.hash());
    scene.say(&stream, cue, CodeEvent::CodeReserved { invitation });
}

fn mail(scene: &mut Scene, invitation: InvitationId, generation: u32, cause: EventId) -> EventId {
    let cue = Cue::system("mails", invitation.0);
    scene.wait(1, 30);
    if scene.dice.chance(60) {
        let (why, code) = (MailFailure::RefusedForNow, Some(451));
        let not_sent = InvitationEvent::InvitationNotSent { generation, why, code, is_final: false };
        scene.effect(&invitation.stream(), (cause, "mail"), &cue, [not_sent]);
        scene.wait(300, 400);
    }
    scene.effect(&invitation.stream(), (cause, "mail-again"), &cue, [InvitationEvent::InvitationSent { generation }])
}

fn remind(scene: &mut Scene, invitation: InvitationId, cause: EventId, end: i64) -> EventId {
    let timer = Cue::system("timer", invitation.0);
    reserve_code(scene, invitation, &timer);
    let (generation, expires) = (1, events::Timestamp(end));
    let renewed = InvitationEvent::InvitationRenewed { generation, cause: RenewalCause::Reminder, expires };
    let renewed = scene.effect(&invitation.stream(), (cause, "remind"), &timer, [renewed]);
    mail(scene, invitation, generation, renewed)
}

fn revoke(scene: &mut Scene, invitation: InvitationId) {
    scene.wait(86_400, 12 * 86_400);
    let staff = by_staff(scene);
    scene.say(&invitation.stream(), &staff, InvitationEvent::InvitationRevoked {});
}

// Somebody else opens the link. The invitation stays open and expires.
fn refuse(scene: &mut Scene, invitation: InvitationId) {
    scene.wait(86_400, 12 * 86_400);
    let visitor = Actor::new(ActorKind::Visitor, scene.dice.uuid());
    let cue = Cue { actor: visitor, source: None, correlation: scene.dice.uuid(), keys: vec![] };
    let why = InvitationRefusal::Replaced;
    scene.say(&invitation.stream(), &cue, InvitationEvent::InvitationRefused { why, enrollment: None });
}

/// The page of a device-bound invitation shows a code.
pub(crate) fn show_code(scene: &mut Scene, invitation: InvitationId) {
    let code = scene.dice.hash();
    let cue = Cue::system("portal", invitation.0);
    scene.say(&StreamName::of("code", &code), &cue, CodeEvent::CodeReserved { invitation });
    let expires = scene.later(900);
    scene.say(&invitation.stream(), &cue, InvitationEvent::InvitationCodeIssued { code, expires });
}
