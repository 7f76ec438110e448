//! Whole enrollments: in the portal and from Settings.

use super::device;
use super::identity::{IDENTITY_DAYS, identity, transaction};
use super::sign_in::{self, Known, Visit, secret};
use crate::phone::{Phone, TOPIC, build};
use crate::scene::Scene;
use crate::who::Who;
use events::device::DeviceId;
use events::enrollment::{
    ChosenBy, DeviceAttributes, DeviceSignature, EnrollmentEvent, EnrollmentKind, Evidence, FoundImport, FoundRecord,
    Refresh, ServedProfile, ServedProfileService,
};
use events::invitation::{InvitationEvent, InvitationId, InvitationToken};
use events::person::PersonEvent;
use events::record::{PreviousAnswer, RecordId};
use events::{Event, EventId, Personal};
use population::date;
use std::sync::Arc;

/// From this day on, the certificate step is skipped: the server has a publicly trusted certificate.
pub(crate) const PUBLIC_CERTIFICATE: i64 = date(2024, 6, 3);

/// From this day on, terms of use have to be accepted.
pub(crate) const TERMS: i64 = date(2026, 3, 2);
pub(crate) const TERMS_VERSION: &str = "2026-03";

/// From this day on, devices get authorization codes instead of tokens.
pub(crate) const CODES: i64 = date(2026, 8, 3);

/// From this day on, devices of the organization identify themselves before they get their profile.
pub(crate) const PROFILE_SERVICE: i64 = date(2026, 5, 4);

/// An enrollment with all that precedes it.
#[derive(Debug)]
pub(crate) struct Enrolling {
    pub(crate) phone: Arc<Phone>,
    /// Who signs in: the owner, or somebody who enrolls the device for them.
    pub(crate) by: Arc<Who>,
    pub(crate) by_known: Known,
    pub(crate) owner_known: Known,
    /// The owner accepted the terms before.
    pub(crate) accepted: bool,
    /// Enrollments of the person that are managed.
    pub(crate) earlier: Vec<Earlier>,
    /// Records of the other product that name the person.
    pub(crate) imported: Vec<RecordId>,
    pub(crate) answer: Option<(RecordId, PreviousAnswer)>,
    pub(crate) invitation: Option<(InvitationId, InvitationToken)>,
    /// An earlier record of the same hardware that did not end.
    pub(crate) claims: Option<Arc<Phone>>,
    pub(crate) is_attested: bool,
    /// The earlier enrollment that the server proposes as the same device, and whether it checked out before.
    pub(crate) link: Option<super::records::Link>,
}

/// An earlier enrollment of the person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Earlier {
    pub(crate) device: DeviceId,
    pub(crate) is_same_family: bool,
}

/// Plays an enrollment.
pub(crate) fn enroll(scene: &mut Scene, enrolling: &Enrolling) {
    let phone = &*enrolling.phone;
    let visit = Visit::of(scene, phone, &enrolling.by);
    let begun = phone.mode().map(|mode| EnrollmentEvent::AccountDrivenBegun { mode, state: None });
    sign_in::open(scene, &visit, begun);
    if let Some((invitation, token)) = enrolling.invitation {
        let opened = InvitationEvent::InvitationOpened { enrollment: visit.id, token };
        scene.say(&invitation.stream(), &visit.visitor(), opened);
        let presented = EnrollmentEvent::InvitationPresented { invitation, token };
        scene.say(&visit.stream(), &visit.visitor(), presented);
    }
    let is_for_other = enrolling.by.person != phone.owner.person;
    let found = found(enrolling);
    let first = if is_for_other {
        vec![EnrollmentEvent::AssignmentOffered { for_oneself: true }]
    } else if found.is_empty() {
        chosen(scene, phone, enrolling.accepted)
    } else {
        found.clone()
    };
    sign_in::sign_in(scene, &visit, enrolling.by_known, first);
    if is_for_other {
        assign(scene, &visit, enrolling, &found);
    }
    if let Some((invitation, token)) = enrolling.invitation {
        let used = InvitationEvent::InvitationUsed { enrollment: visit.id, person: phone.owner.person, token };
        scene.say(&invitation.stream(), &visit.person(), used);
    }
    if !found.is_empty() {
        read_about_earlier(scene, &visit, enrolling);
    }
    accept_terms(scene, &visit, enrolling);
    if phone.by_account {
        from_settings(scene, &visit, phone)
    } else {
        through_portal(scene, &visit, phone)
    }
    let enrolled = device::enroll(scene, phone);
    if let Some(older) = &enrolling.claims {
        super::renewal::claim(scene, (phone, enrolling.is_attested), older, enrolled);
    }
    if let Some(link) = &enrolling.link {
        super::records::propose(scene, phone, link, enrolled);
    }
}

fn found(enrolling: &Enrolling) -> Vec<EnrollmentEvent> {
    let mut found = Vec::new();
    if !enrolling.earlier.is_empty() {
        let records = enrolling.earlier.iter().take(5).map(|earlier| {
            let family = earlier.is_same_family.then_some(Evidence::SameFamily);
            let evidence = [Evidence::SamePerson].into_iter().chain(family).collect();
            FoundRecord { device: earlier.device, evidence }
        });
        let count = enrolling.earlier.len() as u64;
        found.push(EnrollmentEvent::PreviousRecordFound { records: records.collect(), count });
    }
    if !enrolling.imported.is_empty() {
        let evidence = vec![Evidence::SamePerson, Evidence::SameFamily];
        let records =
            enrolling.imported.iter().take(5).map(|record| FoundImport { record: *record, evidence: evidence.clone() });
        let count = enrolling.imported.len() as u64;
        found.push(EnrollmentEvent::ImportedRecordFound { records: records.collect(), count });
    }
    found
}

// The device is enrolled for somebody else.
fn assign(scene: &mut Scene, visit: &Visit, enrolling: &Enrolling, found: &[EnrollmentEvent]) {
    let phone = &enrolling.phone;
    scene.wait(10, 60);
    let owner = &phone.owner;
    let cue = visit.person().with(owner.key());
    sign_in::know(scene, owner, &cue, enrolling.owner_known);
    let assigned = EnrollmentEvent::EnrollmentAssigned {
        method: owner.provider().method,
        person: owner.person,
        account: owner.account_name(scene.secrets()),
        user_name: owner.user_name(),
    };
    let then = if found.is_empty() { chosen(scene, phone, enrolling.accepted) } else { found.to_vec() };
    scene.append(&visit.stream(), &cue, [assigned].into_iter().chain(then));
}

fn read_about_earlier(scene: &mut Scene, visit: &Visit, enrolling: &Enrolling) {
    scene.wait(5, 120);
    let answered = enrolling.answer.map(|(record, answer)| EnrollmentEvent::PreviousRecordAnswered {
        record,
        answer,
        removed: (answer == PreviousAnswer::ThisDevice).then_some(true),
    });
    if let Some(answered) = answered {
        scene.say(&visit.stream(), &visit.person(), answered);
    }
    let agrees = enrolling.earlier.iter().find(|earlier| earlier.is_same_family).filter(|_| scene.dice.chance(30));
    if let Some(earlier) = agrees {
        let record = RecordId::of_device(earlier.device);
        scene.say(&visit.stream(), &visit.person(), EnrollmentEvent::OldManagementRemovalAgreed { record });
    }
    let chosen = chosen(scene, &enrolling.phone, enrolling.accepted);
    let noted = EnrollmentEvent::PreviousRecordsNoted {};
    let cue = visit.person().with(enrolling.phone.owner.key());
    if enrolling.phone.by_account {
        scene.append(&visit.stream(), &cue, [noted].into_iter().chain(chosen));
    } else {
        scene.say(&visit.stream(), &cue, noted);
        scene.wait(2, 30);
        scene.append(&visit.stream(), &cue, chosen);
    }
}

// The ownership, and what follows from it at once.
fn chosen(scene: &Scene, phone: &Phone, accepted: bool) -> Vec<EnrollmentEvent> {
    let chosen_by = if phone.by_account { ChosenBy::Policy } else { ChosenBy::User };
    let mut events = vec![EnrollmentEvent::OwnershipChosen { ownership: phone.ownership(), chosen_by }];
    if is_since(scene, TERMS) && !accepted {
        let version = TERMS_VERSION.to_owned();
        events.push(EnrollmentEvent::TermsRequested { ownership: phone.ownership(), version });
    }
    if phone.by_account {
        let assigned = (phone.kind == EnrollmentKind::UserEnrollment).then(|| phone.owner.managed_apple_id());
        let assigned = assigned.map(|managed_apple_id| EnrollmentEvent::ManagedAppleIdAssigned { managed_apple_id });
        events.extend(assigned);
    } else if is_since(scene, PUBLIC_CERTIFICATE) {
        events.push(EnrollmentEvent::CaStepSkipped {});
    }
    events
}

pub(crate) fn is_since(scene: &Scene, day: i64) -> bool {
    scene.at >= day * crate::scene::SECOND
}

fn accept_terms(scene: &mut Scene, visit: &Visit, enrolling: &Enrolling) {
    if !is_since(scene, TERMS) || enrolling.accepted {
        return;
    }
    scene.wait(5, 60);
    let ownership = enrolling.phone.ownership();
    let accepted = EnrollmentEvent::TermsAccepted {
        ownership,
        version: TERMS_VERSION.to_owned(),
        language: visit.who.language().to_owned(),
        text_hash: crate::dice::Dice::of(&[scene.stage.seed, 20]).hash(),
    };
    let accepted = scene.say(&visit.stream(), &visit.person(), accepted);
    if enrolling.by.person == enrolling.phone.owner.person {
        let version = TERMS_VERSION.to_owned();
        let kept = PersonEvent::TermsAcceptanceKept { ownership, version, enrollment: visit.id };
        remember(scene, visit, (accepted, "remember-terms-acceptance"), kept);
    }
}

fn remember(scene: &mut Scene, visit: &Visit, (cause, effect): (EventId, &str), event: PersonEvent) {
    let cue = crate::scene::Cue::system(effect, visit.id.0).with(visit.who.key());
    scene.effect(&visit.who.person.stream(), (cause, effect), &cue, [event]);
}

fn through_portal(scene: &mut Scene, visit: &Visit, phone: &Phone) {
    let (stream, person) = (visit.stream(), visit.person().with(phone.owner.key()));
    if !is_since(scene, PUBLIC_CERTIFICATE) {
        scene.wait(5, 30);
        let profile_uuid = scene.dice.uuid();
        let ca_fingerprint = crate::dice::Dice::of(&[scene.stage.seed, 21]).hash();
        scene.say(&stream, &person, EnrollmentEvent::CaProfileServed { profile_uuid, ca_fingerprint });
        scene.wait(20, 120);
        scene.say(&stream, &person, EnrollmentEvent::CaInstallReported {});
    }
    if phone.kind == EnrollmentKind::UserEnrollment {
        give_managed_apple_id(scene, visit, phone);
    }
    let verified_by = (phone.kind == EnrollmentKind::DeviceEnrollment && is_since(scene, PROFILE_SERVICE))
        .then(|| identify(scene, visit, phone));
    scene.wait(3, 20);
    install(scene, visit, phone, verified_by);
}

fn give_managed_apple_id(scene: &mut Scene, visit: &Visit, phone: &Phone) {
    scene.wait(5, 40);
    let (owner, cue) = (&phone.owner, visit.person().with(phone.owner.key()));
    let managed_apple_id = owner.managed_apple_id();
    if owner.states_managed_apple_id() {
        scene.say(&visit.stream(), &cue, EnrollmentEvent::ManagedAppleIdAssigned { managed_apple_id });
        return;
    }
    let given = EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id: managed_apple_id.clone() };
    let given = scene.say(&visit.stream(), &cue, given);
    let learned = PersonEvent::ManagedAppleIdLearned { managed_apple_id };
    let effect = "remember-managed-apple-id";
    let cue = crate::scene::Cue::system(effect, visit.id.0).with(owner.key());
    scene.effect(&owner.person.stream(), (given, effect), &cue, [learned]);
}

// The Profile Service and the verification identity. Returns the fingerprint of that identity.
fn identify(scene: &mut Scene, visit: &Visit, phone: &Phone) -> String {
    let (stream, person, device) = (visit.stream(), visit.person(), visit.device().with(phone.owner.key()));
    let service = secret(scene);
    let served = EnrollmentEvent::ProfileServiceServed {
        service: ServedProfileService {
            identifier: format!("org.example.mdm.muster.identify.{}", visit.id),
            payload_uuid: scene.dice.uuid(),
            url: scene.url("/profile-service"),
            attributes: ["UDID", "VERSION", "PRODUCT", "SERIAL", "IMEI", "MEID"].map(str::to_owned).into(),
        },
        challenge: service.clone(),
        challenge_expires: scene.later(3_600),
    };
    scene.say(&stream, &person, served);
    scene.wait(10, 60);
    let sealed = |text: &str| Personal::new(phone.owner.key(), text.to_owned());
    let (serial, udid) = phone.hardware.clone().unwrap_or_default();
    let attributes = DeviceAttributes {
        udid: sealed(&udid),
        serial_number: Some(sealed(&serial)),
        imei: None,
        meid: None,
        product: Some(phone.product.to_owned()),
        build_version: Some(build(phone.os)),
    };
    let reported = EnrollmentEvent::DeviceAttributesReported {
        challenge: service.clone(),
        signature: DeviceSignature::Genuine,
        certificate: scene.dice.hash(),
        attributes,
    };
    let challenge = secret(scene);
    let served = EnrollmentEvent::VerificationProfileServed {
        service,
        profile_uuid: scene.dice.uuid(),
        identity_uuid: scene.dice.uuid(),
        scep_url: scene.url("/scep"),
        challenge: challenge.clone(),
        challenge_expires: scene.later(3_600),
    };
    scene.append(&stream, &device, [reported, served]);
    let identity = identity(scene, phone, 100, 1);
    let fingerprint = identity.fingerprint.clone();
    let transaction = transaction(scene);
    scene.say(&stream, &device, EnrollmentEvent::VerificationIdentityIssued { identity, transaction, challenge });
    fingerprint
}

fn from_settings(scene: &mut Scene, visit: &Visit, phone: &Phone) {
    let (stream, person, device) = (visit.stream(), visit.person(), visit.device().with(phone.owner.key()));
    scene.wait(1, 20);
    let (token, issued) = (secret(scene), scene.now());
    if is_since(scene, CODES) {
        let code = secret(scene);
        let coded = EnrollmentEvent::AuthorizationCodeIssued { code: code.clone(), issued };
        scene.say(&stream, &person, coded);
        let refresh = Some(Refresh { refresh_token: secret(scene), code });
        scene.say(&stream, &device, EnrollmentEvent::AccessTokenIssued { token, issued: scene.now(), refresh });
    } else {
        scene.say(&stream, &person, EnrollmentEvent::AccessTokenIssued { token, issued, refresh: None });
    }
    let machine = EnrollmentEvent::MachineInformationReceived {
        signature: if scene.dice.chance(600) { DeviceSignature::Genuine } else { DeviceSignature::UnknownIssuer },
        product: Some(phone.product.to_owned()),
        build_version: Some(build(phone.os)),
        os_version: (phone.os.major >= 17).then_some(phone.os),
    };
    scene.say(&stream, &device, machine);
    install(scene, visit, phone, None);
}

// The MDM profile and the identity.
fn install(scene: &mut Scene, visit: &Visit, phone: &Phone, verified_by: Option<String>) {
    let stream = visit.stream();
    let challenge = secret(scene);
    let served = EnrollmentEvent::MdmProfileServed {
        profile: profile(scene, visit, phone),
        challenge: challenge.clone(),
        challenge_expires: scene.later(3_600),
        verified_by,
    };
    let by_device = visit.device().with(phone.owner.key());
    let cue = if phone.by_account { by_device.clone() } else { visit.person().with(phone.owner.key()) };
    scene.say(&stream, &cue, served);
    scene.wait(5, 90);
    let (identity, transaction) = (identity(scene, phone, 0, IDENTITY_DAYS), transaction(scene));
    scene.say(&stream, &by_device, EnrollmentEvent::IdentityIssued { identity, transaction, challenge });
}

fn profile(scene: &mut Scene, visit: &Visit, phone: &Phone) -> ServedProfile {
    let is_user = phone.kind == EnrollmentKind::UserEnrollment;
    ServedProfile {
        kind: phone.kind,
        identifier: format!("org.example.mdm.muster.mdm.{}", visit.id),
        profile_uuid: scene.dice.uuid(),
        identity_uuid: scene.dice.uuid(),
        mdm_uuid: scene.dice.uuid(),
        topic: TOPIC.to_owned(),
        server_url: scene.url("/mdm/command"),
        check_in_url: scene.url("/mdm/checkin"),
        scep_url: scene.url("/scep"),
        access_rights: (!is_user).then_some(8_191),
        managed_apple_id: is_user.then(|| phone.owner.managed_apple_id()),
        enrollment_mode: phone.mode(),
        required_app_id: None,
        sign_message: Some(true),
    }
}

/// The person of an enrolled device signs in again, as the device was told.
pub(crate) fn sign_in_again(scene: &mut Scene, phone: &Phone) {
    let visit = Visit::of(scene, phone, &phone.owner);
    let (stream, person, device) = (visit.stream(), visit.person(), visit.device());
    let why = events::enrollment::SignInAgainReason::TokenExpired;
    scene.say(&stream, &device, EnrollmentEvent::SignInAgainAsked { why });
    scene.wait(60, 86_400);
    let resumed = EnrollmentEvent::VisitResumed {
        session: secret(scene),
        user_agent: Personal::new(visit.who.key(), sign_in::user_agent(visit.platform)),
        begun: scene.now(),
        state: None,
    };
    scene.say(&stream, &person, resumed);
    scene.wait(5, 60);
    let method = visit.who.provider().method;
    let again = EnrollmentEvent::UserSignedInAgain { method, session: secret(scene) };
    scene.say(&stream, &person, again);
    let (token, issued) = (secret(scene), scene.now());
    scene.say(&stream, &person, Event::from(EnrollmentEvent::AccessTokenIssued { token, issued, refresh: None }));
}

/// The device refreshes its access token.
pub(crate) fn refresh_token(scene: &mut Scene, phone: &Phone) {
    let visit = Visit::of(scene, phone, &phone.owner);
    let refreshed = EnrollmentEvent::AccessTokenRefreshed {
        token: secret(scene),
        issued: scene.now(),
        refresh_token: secret(scene),
    };
    scene.say(&visit.stream(), &visit.device(), refreshed);
}
