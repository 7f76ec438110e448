//! Visits that lead to no device.

use super::sign_in::{self, Known, Visit, secret};
use super::visit::{PUBLIC_CERTIFICATE, TERMS, TERMS_VERSION, is_since};
use crate::phone::TOPIC;
use crate::scene::{Cue, Scene};
use crate::who::Who;
use events::Personal;
use events::enrollment::{
    Access, ChosenBy, EnrollmentEvent, EnrollmentId, EnrollmentKind, EnrollmentRefusal, FormRefusal, IdentityRefusal,
    Ownership, Platform, ProfileServiceRefusal, ServedProfile, ServedProfileService, SignInMethodName, SignInRefusal,
    SingleSignOnFault,
};
use events::envelope::EventId;
use events::person::AccountEvent;
use events::{Event, StreamName};
use std::collections::BTreeSet;

/// Number of ways in which a visit fails.
pub(crate) const COUNT: u64 = 12;

/// Whether the person signs in during the visit that fails in this way.
pub(crate) fn signs_in(nth: u64) -> bool {
    !matches!(nth, 1 | 5 | 11)
}

/// Plays a visit that fails in the way with this number, from 0 to below [`COUNT`].
pub(crate) fn play(scene: &mut Scene, who: &Who, known: Known, platform: Platform, nth: u64) {
    let id = EnrollmentId(scene.dice.uuid_at(scene.at));
    let address = who.address(scene.at, &mut scene.dice);
    let visit = Visit { id, who, platform, address };
    sign_in::open(scene, &visit, []);
    match nth {
        0 => abandon_after(scene, &visit, known, chosen(scene)),
        1 => mistype(scene, &visit),
        2 => refuse(scene, &visit, known, EnrollmentRefusal::NotPermitted),
        3 => sign_out(scene, &visit, known),
        4 => decline(scene, &visit, known),
        5 => fail_at_provider(scene, &visit),
        6 => refuse(scene, &visit, known, EnrollmentRefusal::VersionTooOld),
        7 => refuse_forms(scene, &visit, known),
        8 => refuse(scene, &visit, known, EnrollmentRefusal::AccountDrivenOnly),
        9 => refuse_identity(scene, &visit, known),
        10 => refuse_device(scene, &visit, known),
        _ => throttle(scene, &visit),
    }
}

fn abandon(scene: &mut Scene, visit: &Visit, last: EventId) {
    scene.wait(24 * 3_600, 24 * 3_600 + 60);
    let timer = Cue::system("timer", visit.id.0);
    let abandoned = EnrollmentEvent::EnrollmentAbandoned {};
    scene.effect(&visit.stream(), (last, "abandon-enrollment"), &timer, [abandoned]);
}

fn abandon_after(scene: &mut Scene, visit: &Visit, known: Known, then: Vec<EnrollmentEvent>) {
    sign_in::sign_in(scene, visit, known, vec![]);
    scene.wait(5, 60);
    let last = scene.append(&visit.stream(), &visit.person(), then);
    abandon(scene, visit, last);
}

fn chosen(scene: &Scene) -> Vec<EnrollmentEvent> {
    let ownership = Ownership::Personal;
    let mut events = vec![EnrollmentEvent::OwnershipChosen { ownership, chosen_by: ChosenBy::User }];
    if is_since(scene, TERMS) {
        events.push(EnrollmentEvent::TermsRequested { ownership, version: TERMS_VERSION.to_owned() });
    }
    if is_since(scene, PUBLIC_CERTIFICATE) {
        events.push(EnrollmentEvent::CaStepSkipped {});
    }
    events
}

// A wrong password, twice, and nothing more.
fn mistype(scene: &mut Scene, visit: &Visit) {
    let method = match visit.who.provider().method {
        SignInMethodName::LocalAccount => SignInMethodName::LocalAccount,
        _ => SignInMethodName::Directory,
    };
    let mut last = EventId(visit.id.0);
    for reason in [SignInRefusal::WrongPassword, SignInRefusal::UnknownName] {
        scene.wait(3, 40);
        let hmac = scene.secrets().name("typed-name", &[&visit.who.names.user_name]);
        let is_known = reason == SignInRefusal::WrongPassword;
        let account = is_known.then(|| visit.who.account_name(scene.secrets()));
        let name = (!is_known).then_some(hmac);
        let refused = EnrollmentEvent::SignInRefused { method, reason, account, name };
        last = scene.say(&visit.stream(), &visit.visitor(), refused);
    }
    abandon(scene, visit, last);
}

fn refuse(scene: &mut Scene, visit: &Visit, known: Known, why: EnrollmentRefusal) {
    let access = Access {
        provider: visit.who.provider().name.to_owned(),
        rule: None,
        offered: BTreeSet::new(),
        account_driven: false,
        terms_required: false,
        devices_per_person: None,
        untold: vec![],
    };
    let decided = (why == EnrollmentRefusal::NotPermitted && !is_since(scene, sign_in::ACCESS_RULES))
        .then_some(EnrollmentEvent::AccessDecided { access });
    let then = decided.into_iter().chain([EnrollmentEvent::EnrollmentRefused { why }]).collect();
    sign_in::sign_in(scene, visit, known, then);
}

fn sign_out(scene: &mut Scene, visit: &Visit, known: Known) {
    sign_in::sign_in(scene, visit, known, vec![]);
    scene.wait(5, 300);
    scene.say(&visit.stream(), &visit.person(), EnrollmentEvent::SignedOut {});
}

fn decline(scene: &mut Scene, visit: &Visit, known: Known) {
    if !is_since(scene, TERMS) {
        return sign_out(scene, visit, known);
    }
    sign_in::sign_in(scene, visit, known, chosen(scene));
    scene.wait(10, 120);
    let (ownership, version) = (Ownership::Personal, TERMS_VERSION.to_owned());
    let declined = EnrollmentEvent::TermsDeclined { ownership, version };
    scene.append(&visit.stream(), &visit.person(), [declined, EnrollmentEvent::SignedOut {}]);
}

fn fail_at_provider(scene: &mut Scene, visit: &Visit) {
    let (method, provider) = (SignInMethodName::OpenIdConnect, "cloud".to_owned());
    scene.wait(3, 30);
    let request = secret(scene);
    let begun = EnrollmentEvent::SingleSignOnBegun { method, provider: provider.clone(), request };
    scene.say(&visit.stream(), &visit.visitor(), begun);
    scene.wait(5, 120);
    let why = *scene.dice.pick(&[SingleSignOnFault::ProviderRefused, SingleSignOnFault::OutsideValidity]);
    let refused = EnrollmentEvent::SingleSignOnRefused { method, provider, why };
    let last = scene.say(&visit.stream(), &visit.visitor(), refused);
    abandon(scene, visit, last);
}

// The person chooses another language, and sends forms with mistakes.
fn refuse_forms(scene: &mut Scene, visit: &Visit, known: Known) {
    sign_in::sign_in(scene, visit, known, vec![]);
    let language = *scene.dice.pick(&["de", "en", "ja"]);
    scene.say(&visit.stream(), &visit.person(), EnrollmentEvent::LanguageChosen { language: language.to_owned() });
    let mut last = EventId(visit.id.0);
    for why in [FormRefusal::OwnershipNotChosen, FormRefusal::PersonUnknown] {
        scene.wait(5, 40);
        last = scene.say(&visit.stream(), &visit.person(), EnrollmentEvent::FormRefused { why });
    }
    let declined = EnrollmentEvent::AssignmentDeclined {};
    if scene.dice.chance(500) {
        last = scene.append(
            &visit.stream(),
            &visit.person(),
            [EnrollmentEvent::AssignmentOffered { for_oneself: true }, declined],
        );
    }
    abandon(scene, visit, last);
}

fn refuse_identity(scene: &mut Scene, visit: &Visit, known: Known) {
    sign_in::sign_in(scene, visit, known, chosen(scene));
    scene.wait(20, 200);
    let served = EnrollmentEvent::MdmProfileServed {
        profile: profile(scene, visit),
        challenge: secret(scene),
        challenge_expires: scene.later(3_600),
        verified_by: None,
    };
    scene.say(&visit.stream(), &visit.person(), served);
    let device = visit.device();
    scene.wait(60, 4_000);
    let why = IdentityRefusal::ChallengeExpired;
    let mut last = scene.say(&visit.stream(), &device, EnrollmentEvent::IdentityRefused { why });
    if scene.dice.chance(500) {
        let fingerprint = scene.dice.hash();
        last = scene.say(&visit.stream(), &device, EnrollmentEvent::IdentityRevoked { fingerprint });
    }
    abandon(scene, visit, last);
}

fn profile(scene: &mut Scene, visit: &Visit) -> ServedProfile {
    ServedProfile {
        kind: EnrollmentKind::DeviceEnrollment,
        identifier: format!("org.example.mdm.muster.mdm.{}", visit.id),
        profile_uuid: scene.dice.uuid(),
        identity_uuid: scene.dice.uuid(),
        mdm_uuid: scene.dice.uuid(),
        topic: TOPIC.to_owned(),
        server_url: scene.url("/mdm/command"),
        check_in_url: scene.url("/mdm/checkin"),
        scep_url: scene.url("/scep"),
        access_rights: Some(8_191),
        managed_apple_id: None,
        enrollment_mode: None,
        required_app_id: None,
        sign_message: Some(true),
    }
}

fn refuse_device(scene: &mut Scene, visit: &Visit, known: Known) {
    sign_in::sign_in(scene, visit, known, vec![]);
    let challenge = secret(scene);
    let served = EnrollmentEvent::ProfileServiceServed {
        service: ServedProfileService {
            identifier: format!("org.example.mdm.muster.identify.{}", visit.id),
            payload_uuid: scene.dice.uuid(),
            url: scene.url("/profile-service"),
            attributes: vec!["UDID".to_owned()],
        },
        challenge: challenge.clone(),
        challenge_expires: scene.later(3_600),
    };
    scene.say(&visit.stream(), &visit.person(), served);
    scene.wait(30, 300);
    let why = ProfileServiceRefusal::AnotherDevice;
    let refused = EnrollmentEvent::ProfileServiceRefused { challenge, why };
    let last = scene.say(&visit.stream(), &visit.device(), refused);
    abandon(scene, visit, last);
}

// So many wrong passwords that the later ones are counted only.
fn throttle(scene: &mut Scene, visit: &Visit) {
    let who = visit.who;
    let method = SignInMethodName::Directory;
    let account = Some(who.account_name(scene.secrets()));
    let reason = SignInRefusal::Throttled;
    let refused = EnrollmentEvent::SignInRefused { method, reason, account, name: None };
    let last = scene.say(&visit.stream(), &visit.visitor(), refused);
    let stream = StreamName::of("account", who.account_name(scene.secrets()));
    let key = events::KeyName::of("refusals", events::Timestamp(scene.at).day());
    let cue = Cue::system("refusals", visit.id.0).with(key.clone());
    let count = 5 + scene.dice.below(40);
    let source = Personal::new(key, visit.address.clone());
    let sources = vec![events::system::SuppressedSource { source, count }];
    let suppressed = events::system::SuppressedRefusals { count, sources, others: 0 };
    let one = AccountEvent::AccountSignInRefused { method, reason: SignInRefusal::WrongPassword };
    scene.say(&stream, &visit.visitor(), Event::from(one));
    scene.say(&stream, &cue, AccountEvent::AccountRefusalsSuppressed(suppressed));
    abandon(scene, visit, last);
}
