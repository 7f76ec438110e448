//! Refusals of clients that no person and no device is known to be.

use crate::scene::{Cue, Scene};
use events::enrollment::{EnrollmentRefusal, IdentityRefusal, SignInMethodName, SignInRefusal, SingleSignOnFault};
use events::system::{DeviceRequestRefusal, RefusalEvent, SuppressedRefusals, SuppressedSource};
use events::{Actor, ActorKind, KeyName, Personal, StreamName};

/// Plays a few refusals of one day.
pub(crate) fn play(scene: &mut Scene) {
    let day = events::Timestamp(scene.at).day();
    let (stream, key) = (StreamName::of("refusals", &day), KeyName::of("refusals", &day));
    let count = 2 + scene.dice.below(5);
    for _ in 0..count {
        let event = refusal(scene, &key);
        let actor = Actor::new(ActorKind::Visitor, "unknown");
        let address = format!("203.0.113.{}", 1 + scene.dice.below(254));
        let cue = Cue::from(actor, address, key.clone(), scene.dice.uuid());
        scene.say(&stream, &cue, event);
        scene.wait(5, 1_200);
    }
}

fn refusal(scene: &mut Scene, key: &KeyName) -> RefusalEvent {
    match scene.dice.below(9) {
        0 => RefusalEvent::UnknownStaffRefused {
            method: SignInMethodName::LocalAccount,
            reason: SignInRefusal::UnknownName,
            provider: None,
            name: scene.dice.hash(),
        },
        1 => RefusalEvent::UnknownApiTokenRefused {},
        2 => RefusalEvent::SetUpLinkRefused {},
        3 => RefusalEvent::InvitationCodeRefused {},
        4 => RefusalEvent::ResponseRefused { provider: "federation".to_owned(), why: SingleSignOnFault::Unsolicited },
        5 => {
            RefusalEvent::DeviceRefused { why: EnrollmentRefusal::VersionTooOld, product: Some("iPhone8,1".to_owned()) }
        }
        6 => RefusalEvent::IdentityRequestRefused { why: IdentityRefusal::ChallengeUnknown },
        7 => RefusalEvent::DeviceRequestRefused { why: DeviceRequestRefusal::CertificateUnknown, device: None },
        _ => {
            let count = 20 + scene.dice.below(400);
            let source = Personal::new(key.clone(), format!("198.51.100.{}", 1 + scene.dice.below(254)));
            let sources = vec![SuppressedSource { source, count: count - 5 }];
            RefusalEvent::RefusalsSuppressed(SuppressedRefusals { count, sources, others: 5 })
        }
    }
}
