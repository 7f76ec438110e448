//! Applies settings from a file.

use super::Answer;
use crate::Staff;
use decisions::settings::Current;
use events::settings::{Settings, SettingsEvent};
use events::{Event, Revision};
use platform::context::Context;
use projections::audit::actor_name;
use settings::{Applied, ApplyError};

/// Applies settings. `over` is the revision of the settings that the file was made from.
///
/// # Errors
/// Returns why nothing was applied and what to do: the settings have errors or were changed meanwhile, or the log
/// cannot be read or written.
pub(crate) async fn apply(
    service: &Staff,
    after: Settings,
    over: Option<u64>,
    context: &Context,
) -> Result<Answer, String> {
    match settings::apply(&service.settings, over, after.clone(), context).await {
        Ok(Applied { before, warnings, .. }) => {
            Ok(Answer::SettingsApplied { before: Box::new(before), after: Box::new(after), warnings })
        }
        Err(ApplyError::Wrong(wrong)) => Err(wrong.join("\n")),
        Err(ApplyError::ChangedMeanwhile) => Err(meanwhile(service, over.unwrap_or_default()).await?),
        Err(ApplyError::Broken(why)) => Err(why),
    }
}

// Returns a message with all changes since `over` and the two ways to continue.
async fn meanwhile(service: &Staff, over: u64) -> Result<String, String> {
    let since = service
        .platform
        .log
        .read_from(&events::settings::stream(), Revision(over))
        .await
        .map_err(|error| error.to_string())?;
    let Some(last) = since.last().map(|entry| entry.revision.0 + 1) else { return ahead(service, over).await };
    let mut lines = vec![format!("the settings were changed since this file was made (revision {over}, now {last}):")];
    for entry in since {
        let Event::Settings(SettingsEvent::SettingsChanged { changes, .. }) = entry.event else { continue };
        let keys = changes.keys().collect::<Vec<_>>().join(", ");
        let (at, who) = (entry.at.to_rfc3339(), actor_name(entry.actor.kind));
        lines.push(format!("  {at}, {who} {}: {keys}", entry.actor.id));
    }
    lines.push(format!(
        "Run `muster settings show` again and make your change there; or, to overwrite these changes, apply the file with \
         `--over {last}`."
    ));
    Ok(lines.join("\n"))
}

// Returns the message for a revision that is greater than the current one.
async fn ahead(service: &Staff, over: u64) -> Result<String, String> {
    let (current, _) =
        service.platform.load::<Current>(&events::settings::stream()).await.map_err(|error| error.to_string())?;
    let last = current.changes;
    Ok(format!(
        "this file was made from revision {over}, but the settings are at revision {last}: the file is from another server, \
         or an older backup was restored.\nRun `muster settings show` and make your change there; or, to overwrite the \
         current settings, apply the file with `--over {last}`."
    ))
}
