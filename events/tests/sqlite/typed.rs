//! Drafts, keys and logs for these tests.

use events::enrollment::{ChosenBy, DeviceFamily, EnrollmentEvent, EnrollmentId, Ownership, Platform, SecretHash};
use events::envelope::EventId;
use events::personal::keys::{self, MasterKey, SqliteKeyStore};
use events::store::sqlite::SqliteStore;
use events::{Actor, ActorKind, Draft, Log, Personal, Timestamp};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

#[expect(clippy::disallowed_methods, reason = "tests have no World")]
pub(crate) fn randomness(bytes: &mut [u8]) {
    openssl::rand::rand_bytes(bytes).unwrap();
}

pub(crate) fn master() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}

pub(crate) fn key_store(directory: &Path) -> SqliteKeyStore {
    let path = directory.join(keys::FILE);
    if path.exists() {
        SqliteKeyStore::open(&path, master(), randomness).unwrap()
    } else {
        SqliteKeyStore::create(&path, master(), randomness).unwrap()
    }
}

pub(crate) fn log(store: &Arc<SqliteStore>) -> Log {
    Log::new(store.clone(), Arc::new(key_store(store.directory())))
}

pub(crate) fn enrollment(number: u128) -> EnrollmentId {
    EnrollmentId(Uuid::from_u128(number))
}

/// Returns the first event of an enrollment, sealed with the enrollment's own key.
pub(crate) fn opened(enrollment: EnrollmentId, agent: &str) -> Draft {
    draft(
        enrollment,
        0,
        EnrollmentEvent::VisitOpened {
            session: SecretHash("00".repeat(32)),
            user_agent: Personal::new(enrollment.enrollment_key(), agent.to_owned()),
            platform: Platform { family: DeviceFamily::IPhone, version: None },
            language: "en".into(),
        },
    )
}

pub(crate) fn chosen(enrollment: EnrollmentId, nth: u128) -> Draft {
    let event = EnrollmentEvent::OwnershipChosen { ownership: Ownership::Personal, chosen_by: ChosenBy::User };
    draft(enrollment, nth, event)
}

fn draft(enrollment: EnrollmentId, nth: u128, event: EnrollmentEvent) -> Draft {
    Draft {
        id: EventId(Uuid::from_u128((enrollment.0.as_u128() << 32) + nth)),
        at: Timestamp(1_700_000_000_000_000),
        actor: Actor::new(ActorKind::Visitor, enrollment),
        source: Some(Personal::new(enrollment.enrollment_key(), "192.0.2.7".to_owned())),
        correlation: enrollment.0,
        causation: None,
        event: event.into(),
    }
}
