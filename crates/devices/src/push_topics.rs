//! Push topics of the enrolled devices. A push certificate for another topic cannot wake them.

use events::log::Log;
use events::store::ReadError;
use platform::held;
use std::collections::BTreeMap;

/// Returns the number of enrolled devices for each topic. Reads the whole log.
///
/// # Errors
/// Returns an error if the log cannot be read.
pub async fn in_use(log: &Log) -> Result<BTreeMap<String, usize>, ReadError> {
    let mut count = BTreeMap::new();
    let held = held::by_enrolled_devices(log).await?;
    held.into_iter().for_each(|held| *count.entry(held.topic).or_default() += 1);
    Ok(count)
}
