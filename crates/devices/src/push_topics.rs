//! Which push topics enrolled devices listen to: a certificate for another one wakes none of them.

use events::log::Log;
use events::store::ReadError;
use platform::held;
use std::collections::BTreeMap;

/// The devices under management, counted by topic. Reads the whole log.
///
/// # Errors
/// If the log cannot be read.
pub async fn in_use(log: &Log) -> Result<BTreeMap<String, usize>, ReadError> {
    let mut count = BTreeMap::new();
    let held = held::by_enrolled_devices(log).await?;
    held.into_iter().for_each(|held| *count.entry(held.topic).or_default() += 1);
    Ok(count)
}
