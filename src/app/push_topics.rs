//! Which push topics enrolled devices listen to, as the log tells: a certificate for another one wakes none of them.

use events::Event;
use events::device::{DeviceEvent, DeviceId};
use events::log::{Entry, Log};
use events::store::ReadError;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// How many events are read at once.
const PAGE: usize = 1_000;

/// What can change the answer; the other events are not even opened.
const TELLING: [&str; 6] = [
    "DeviceAuthenticated",
    "DeviceEnrolled",
    "DeviceCheckedOut",
    "DeviceUnenrolled",
    "DeviceSuperseded",
    "DeviceRevived",
];

struct Listens {
    topic: String,
    /// A device that got no further than `Authenticate` gave no token to wake it by.
    enrolled: bool,
}

/// The devices under management, counted by topic. Reads the whole log.
///
/// # Errors
/// If the log cannot be read.
pub async fn in_use(log: &Log) -> Result<BTreeMap<String, usize>, ReadError> {
    let (mut topics, mut after) = (HashMap::new(), None);
    loop {
        let mut page = log.store().read_all(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.position);
        page.retain(|recorded| TELLING.contains(&recorded.event.event_type.as_str()));
        log.open(page).await?.iter().for_each(|entry| tell(&mut topics, entry));
    }
    let mut count = BTreeMap::new();
    let enrolled = topics.into_values().filter(|listens| listens.enrolled);
    enrolled.for_each(|listens| *count.entry(listens.topic).or_default() += 1);
    Ok(count)
}

fn tell(topics: &mut HashMap<DeviceId, Listens>, entry: &Entry) {
    let (Event::Device(event), Ok(id)) = (&entry.event, Uuid::parse_str(entry.stream.id())) else { return };
    match event {
        DeviceEvent::DeviceAuthenticated { topic, .. } => {
            topics.insert(DeviceId(id), Listens { topic: topic.clone(), enrolled: false });
        }
        DeviceEvent::DeviceEnrolled { .. } | DeviceEvent::DeviceRevived { .. } => {
            topics.entry(DeviceId(id)).and_modify(|listens| listens.enrolled = true);
        }
        // It may come back, with the topic that it has.
        DeviceEvent::DeviceSuperseded { evidence, .. } if evidence.is_reversible() => {
            topics.entry(DeviceId(id)).and_modify(|listens| listens.enrolled = false);
        }
        _ => {
            topics.remove(&DeviceId(id));
        }
    }
}
