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
const TELLING: [&str; 4] = ["DeviceAuthenticated", "DeviceCheckedOut", "DeviceUnenrolled", "DeviceSuperseded"];

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
    topics.into_values().for_each(|topic| *count.entry(topic).or_default() += 1);
    Ok(count)
}

fn tell(topics: &mut HashMap<DeviceId, String>, entry: &Entry) {
    let (Event::Device(event), Ok(id)) = (&entry.event, Uuid::parse_str(entry.stream.id())) else { return };
    match event {
        DeviceEvent::DeviceAuthenticated { topic, .. } => {
            topics.insert(DeviceId(id), topic.clone());
        }
        _ => {
            topics.remove(&DeviceId(id));
        }
    }
}
