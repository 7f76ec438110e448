//! Staff: their accounts, their sign-ins and factors, and what they view.

use super::console::{self, password};
use crate::scene::{Cue, Scene};
use events::enrollment::{SecretHash, SignInMethodName, SignInRefusal};
use events::invitation::{InvitationId, WaveId};
use events::record::RecordId;
use events::staff::{
    ApiRefusal, ApiResource, ExportFormat, FactorRefusal, PasskeyId, Privilege, Purpose, SecondFactor,
    StaffActivityEvent, StaffEvent, StaffId, UserNameEvent,
};
use events::system::{SuppressedRefusals, SuppressedSource};
use events::{Actor, ActorKind, Personal, Timestamp};
use std::collections::BTreeSet;

const NAMES: [&str; 12] = [
    "amira.saleh",
    "bo.lindqvist",
    "carla.neri",
    "dieter.voss",
    "esther.okafor",
    "finn.larsen",
    "greta.hauser",
    "hiro.tanaka",
    "ines.duarte",
    "jonas.weber",
    "kofi.mensah",
    "lin.zhao",
];

fn role(nth: u64) -> Privilege {
    match nth {
        0..=2 => Privilege::Administrator,
        nth if nth % 4 == 3 => Privilege::Auditor,
        _ => Privilege::HelpDesk,
    }
}

fn cue(scene: &mut Scene, staff: StaffId) -> Cue {
    let address = format!("192.0.2.{}", 1 + scene.dice.below(60));
    Cue::from(Actor::new(ActorKind::Staff, staff), address, staff.key(), scene.dice.uuid())
}

/// An operator adds the staff with this number; every fourth comes from the directory.
pub(crate) fn add(scene: &mut Scene, nth: u64) {
    let staff = console::staff(scene.stage.seed, nth);
    let name = format!("{}{}", NAMES[nth as usize % NAMES.len()], nth / NAMES.len() as u64);
    let sealed = |text: &str| Personal::new(staff.key(), text.to_owned());
    let operator = Cue::operator(scene.dice.uuid()).with(staff.key());
    let reserved = UserNameEvent::UserNameReserved { account: staff };
    scene.say(&scene.secrets().user_name(&name), &operator, reserved);
    let mail = Some(sealed(&format!("{name}@example.org")));
    if nth % 4 == 2 {
        let own = cue(scene, staff);
        let known = StaffEvent::ExternalStaffKnown {
            method: SignInMethodName::Directory,
            provider: "campus".to_owned(),
            user_name: sealed(&name),
            display_name: Some(sealed(&name.replace('.', " "))),
            mail,
        };
        scene.say(&staff.stream(), &own, known);
        return;
    }
    let added = StaffEvent::LocalAccountAdded {
        user_name: sealed(&name),
        password: sealed(&password(scene)),
        privileges: [role(nth)].into(),
        display_name: None,
        mail,
        managed_apple_id: None,
    };
    scene.say(&staff.stream(), &operator, added);
    factors(scene, staff);
}

// Second factors are set up, used, and removed again.
fn factors(scene: &mut Scene, staff: StaffId) {
    let (stream, own) = (staff.stream(), cue(scene, staff));
    let sealed = |text: String| Personal::new(staff.key(), text);
    let passkey = PasskeyId(scene.dice.uuid());
    let hashes = (0..8).map(|_| SecretHash(scene.dice.hash())).collect::<Vec<_>>();
    let used = hashes[0].clone();
    let credential = sealed(scene.dice.base64::<300>());
    let events = vec![
        StaffEvent::PasswordConfirmed {},
        StaffEvent::PasskeyAdded { passkey, label: sealed("Laptop".to_owned()), credential },
        StaffEvent::OneTimeCodesAdded { seed: sealed("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".to_owned()), step: 50_000_000 },
        StaffEvent::RecoveryCodesMade { hashes },
        StaffEvent::OneTimeCodeUsed { step: 50_000_001, purpose: Purpose::Confirmation },
        StaffEvent::RecoveryCodeUsed { code_hash: used },
        StaffEvent::PasskeyUsed { passkey, purpose: Purpose::SignIn, credential: None },
        StaffEvent::OneTimeCodesRemoved {},
        StaffEvent::RecoveryCodesRemoved {},
        StaffEvent::PasskeyRemoved { passkey },
    ];
    for event in events {
        scene.wait(2, 30);
        scene.say(&stream, &own, event);
    }
}

/// A day of the staff with this number: a sign-in, and a few pages.
pub(crate) fn work(scene: &mut Scene, nth: u64) {
    let staff = console::staff(scene.stage.seed, nth);
    let method = if nth % 4 == 2 { SignInMethodName::Directory } else { SignInMethodName::LocalAccount };
    let (stream, own) = (staff.stream(), cue(scene, staff));
    match scene.dice.below(24) {
        0 => {
            let refused = StaffEvent::StaffSignInRefused { method, reason: SignInRefusal::WrongPassword };
            scene.say(&stream, &own, refused);
        }
        1 => {
            let proven = StaffEvent::FirstFactorProven { method };
            let refused =
                StaffEvent::SecondFactorRefused { factor: SecondFactor::OneTimeCode, reason: FactorRefusal::Wrong };
            scene.append(&stream, &own, [proven, refused]);
        }
        2 => {
            let sources =
                vec![SuppressedSource { source: Personal::new(staff.key(), "203.0.113.9".to_owned()), count: 7 }];
            let counted = SuppressedRefusals { count: 7, sources, others: 0 };
            scene.say(&stream, &own, StaffEvent::StaffRefusalsSuppressed(counted));
        }
        3 => {
            let reason = SignInRefusal::WrongPassword;
            scene.say(&stream, &own, StaffEvent::PasswordConfirmationRefused { reason });
        }
        _ => {}
    }
    scene.wait(2, 40);
    scene.say(&stream, &own, StaffEvent::StaffSignedIn { method });
    let access = staff.activity_stream(&Timestamp(scene.at).day());
    let views = 2 + scene.dice.below(5);
    for _ in 0..views {
        scene.wait(3, 240);
        let viewed = view(scene, staff);
        scene.say(&access, &own, viewed);
    }
    let end = match scene.dice.below(8) {
        0 => StaffEvent::StaffSessionEnded { session: own.correlation },
        1 => StaffEvent::StaffSessionsEnded {},
        _ => StaffEvent::StaffSignedOut {},
    };
    scene.say(&stream, &own, end);
}

fn view(scene: &mut Scene, staff: StaffId) -> StaffActivityEvent {
    let lately = scene.stage.lately.get(scene.dice.below(64) as usize).copied();
    let Some(lately) = lately else { return StaffActivityEvent::DeviceListViewed {} };
    let (device, person) = (lately.device, lately.person);
    let (enrollment, record) = (device.enrollment(), RecordId::of_device(device));
    let (format, rows) = (ExportFormat::Csv, 20 + scene.dice.below(5_000));
    let filters = vec!["kind=user_enrollment".to_owned()];
    let names = vec!["type".to_owned(), "person".to_owned()];
    match scene.dice.below(60) {
        0..=11 => StaffActivityEvent::DeviceListViewed {},
        12..=25 => StaffActivityEvent::DeviceViewed { device },
        26..=29 => StaffActivityEvent::AuditTrailViewed { filters: names },
        30..=35 => StaffActivityEvent::VisitListViewed { filters: names },
        36..=39 => StaffActivityEvent::VisitViewed { enrollment },
        40 => StaffActivityEvent::FunnelViewed { filters: vec![] },
        41 => StaffActivityEvent::SettingsViewed {},
        42 => StaffActivityEvent::AuditTrailExported { filters, format, rows },
        43 => StaffActivityEvent::InventoryExported { filters, format: ExportFormat::Jsonl, rows },
        44 => StaffActivityEvent::StaffListViewed {},
        45 => StaffActivityEvent::StaffViewed { staff },
        46 => StaffActivityEvent::PreviousRecordListViewed {},
        47 => StaffActivityEvent::PreviousRecordViewed { record },
        48 => StaffActivityEvent::ImportListViewed {},
        49 => StaffActivityEvent::LinkListViewed {},
        50 | 51 => StaffActivityEvent::PersonViewed { person },
        52 => StaffActivityEvent::LineageExported { filters: vec![], format, rows: 12 },
        53 => StaffActivityEvent::PreviousRecordsExported { filters: vec![], format, rows },
        54 => StaffActivityEvent::MigrationBoardViewed { filters: vec!["state".to_owned()] },
        55 => StaffActivityEvent::MigrationBoardExported { filters: vec![], format, rows },
        56 => StaffActivityEvent::InvitationListViewed {},
        57 => {
            let invitation = InvitationId(scene.dice.uuid_derived());
            match scene.dice.chance(700) {
                true => StaffActivityEvent::InvitationViewed { invitation },
                false => StaffActivityEvent::InvitationsExported { wave: WaveId(invitation.0), format, rows: 40 },
            }
        }
        58 => StaffActivityEvent::ActRefused { act: "erase".to_owned(), device: Some(device) },
        _ => StaffActivityEvent::AccessRefused { act: "see the inventory".to_owned(), device: None },
    }
}

/// What an account goes through in a year: a new password, other roles, a pause.
pub(crate) fn maintain(scene: &mut Scene, nth: u64) {
    let staff = console::staff(scene.stage.seed, nth);
    let (stream, operator) = (staff.stream(), Cue::operator(scene.dice.uuid()).with(staff.key()));
    let password = Personal::new(staff.key(), password(scene));
    let before = BTreeSet::from([role(nth)]);
    let after = BTreeSet::from([role(nth), Privilege::Enroll]);
    let events = [
        StaffEvent::PasswordChanged { password },
        StaffEvent::PrivilegesChanged { before: before.clone(), after: after.clone() },
        StaffEvent::PrivilegesChanged { before: after, after: before },
        StaffEvent::LocalAccountDisabled {},
        StaffEvent::LocalAccountEnabled {},
    ];
    for event in events {
        scene.wait(60, 90_000);
        scene.say(&stream, &operator, event);
    }
}

/// A client of the API, which reads for an hour.
pub(crate) fn read_by_api(scene: &mut Scene, is_new: bool) {
    let client = console::staff(scene.stage.seed, 1_000_000);
    let own = cue(scene, client);
    if is_new {
        let operator = Cue::operator(scene.dice.uuid()).with(client.key());
        let reserved = UserNameEvent::UserNameReserved { account: client };
        scene.say(&scene.secrets().user_name("inventory-sync"), &operator, reserved);
        let user_name = Personal::new(client.key(), "inventory-sync".to_owned());
        let added = StaffEvent::ApiClientAdded { user_name, display_name: None };
        let issued = StaffEvent::ApiTokenIssued { token: SecretHash(scene.dice.hash()) };
        scene.append(&client.stream(), &operator, [added, issued]);
        let refused = StaffEvent::ApiTokenRefused { reason: ApiRefusal::WrongToken };
        scene.say(&client.stream(), &own, refused);
    }
    let hour = scene.at.div_euclid(3_600_000_000);
    for resource in [ApiResource::Devices, ApiResource::Audit] {
        let stream = events::StreamName::of("access", format!("{client}-{hour}-{}", scene.dice.hash()));
        scene.say(&stream, &own, StaffActivityEvent::ApiRead { resource, filters: vec![] });
    }
}
