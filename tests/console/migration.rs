//! The migration board at the console: states, filters, pages, exports, exceptions, notes; who may do what; the alarm.

mod bulk;
mod lists;
mod roles;

use events::device::DeviceId;
use events::invitation::{
    InvitationDelivery, InvitationEvent, InvitationId, Recipient, RecipientDetails, WaveEvent, WaveId,
};
use events::record::{
    ImportId, OwnerAttribute, OwnerKey, PersonalDetails, PreviousKind, RecordDetails, RecordEvent, RecordId,
    RecordOwner,
};
use events::staff::Privilege;
use events::{Personal, Timestamp};
use harness::TestServer;
use harness::desk::{Answer, Browser, write};
use uuid::Uuid;

pub const BOARD: &str = "/console/migration";

pub async fn administrator(server: &TestServer) -> Browser {
    Browser::signed_in(server, "root", &[Privilege::Administrator]).await
}

/// A record of another product as an import writes it.
pub struct Old {
    pub nth: u128,
    pub source: &'static str,
    pub site: Option<&'static str>,
    pub model: &'static str,
    pub owner: Option<RecordOwner>,
    /// Days since the last contact.
    pub silent: Option<i64>,
}

impl Old {
    pub fn new(nth: u128) -> Old {
        Old { nth, source: "Jamf Pro", site: Some("Graz"), model: "iPhone12,1", owner: None, silent: Some(1) }
    }

    pub fn id(&self) -> RecordId {
        record(self.nth)
    }

    fn event(&self, now: Timestamp) -> RecordEvent {
        let nth = self.nth;
        let personal = PersonalDetails {
            source_id: nth.to_string(),
            device_name: Some(format!("old phone {nth}")),
            user_name: Some(format!("user{nth}")),
            full_name: Some(format!("User Number {nth}")),
            ..PersonalDetails::default()
        };
        let hmac = format!("{nth:032x}");
        RecordEvent::PreviousRecordImported {
            import: ImportId(Uuid::from_u128(0x6001)),
            source: self.source.into(),
            details: Box::new(RecordDetails {
                kind: PreviousKind::PersonalDeviceProfile,
                product_name: Some(self.model.into()),
                model_name: None,
                os_version: Some("15.7.1".into()),
                last_contact: self.silent.map(|days| now.plus_seconds(-days * 86_400)),
                enrolled_at: None,
                profile_identifier: None,
                site: self.site.map(str::to_owned),
                personal: Personal::new(self.id().key(), personal),
            }),
            owner_keys: vec![OwnerKey { provider: "main".into(), attribute: OwnerAttribute::Mail, hmac }],
            names: vec![],
            owner: self.owner,
        }
    }
}

/// The id of an imported record.
pub fn record(nth: u128) -> RecordId {
    RecordId(uuid::Builder::from_custom_bytes((0x5000 + nth).to_be_bytes()).into_uuid())
}

pub async fn import(server: &TestServer, records: &[Old]) {
    let now = server.app().platform.world.now();
    for old in records {
        write(server, &old.id().stream(), now, old.event(now)).await;
    }
    server.caught_up().await;
}

pub async fn note(server: &TestServer, record: RecordId, event: RecordEvent) {
    write(server, &record.stream(), server.app().platform.world.now(), event).await;
    server.caught_up().await;
}

pub async fn invite(server: &TestServer, nth: u128, record: RecordId, wave: Option<WaveId>) {
    let now = server.app().platform.world.now();
    let id = InvitationId(Uuid::from_u128(0x7000 + nth));
    let details = Personal::new(record.key(), RecipientDetails::default());
    let issued = InvitationEvent::InvitationIssued {
        recipient: Recipient { person: None, keys: vec![], details },
        record: Some(record),
        wave,
        delivery: InvitationDelivery::ByHand,
        language: "en".into(),
        expires: now.plus_seconds(86_400),
    };
    write(server, &id.stream(), now, issued).await;
    server.caught_up().await;
}

pub async fn wave(server: &TestServer, name: &str) -> WaveId {
    let now = server.app().platform.world.now();
    let wave = WaveId(server.app().platform.world.random_uuid());
    let begun = WaveEvent::WaveBegun {
        name: name.into(),
        delivery: InvitationDelivery::Mail,
        language: "en".into(),
        most_per_hour: 50,
        valid_days: 14,
        remind_after_days: 3,
        most_reminders: 2,
        deadline: now.plus_seconds(30 * 86_400),
    };
    write(server, &wave.stream(), now, begun).await;
    wave
}

/// The labels of the listed records, in order of the alphabet.
pub fn listed(page: &Answer) -> Vec<String> {
    let mut labels = page.texts(".board tbody th a");
    labels.sort();
    labels
}

/// The number of a state's tile.
pub fn number(page: &Answer, label: &str) -> String {
    let tiles = page.texts(".tile");
    let tile = tiles.iter().find(|tile| tile.ends_with(label)).unwrap_or_else(|| panic!("{label} in {tiles:?}"));
    tile.trim_end_matches(label).trim().to_owned()
}

pub async fn propose(server: &TestServer, record: RecordId, successor: DeviceId) {
    crate::links::propose(server, record, successor, 6).await;
}
