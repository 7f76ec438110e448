//! Prints the migration board, and invites the owners of the records that are on it.

use super::{PATIENCE, catch_up, say};
use crate::app::App;
use anyhow::{Context as _, bail};
use decisions::wave::Plan;
use events::invitation::{InvitationDelivery, InvitationId, WaveId};
use events::record::RecordId;
use platform::context::Context;
use plural::counted;
use projections::migration::{BoardFilter, MigrationState, by_id, counts};
use projections::waves::{MemberState, members};
use std::collections::BTreeMap;
use std::time::Duration;

/// Maximum number of records of the demo.
const MOST: usize = 100;

/// Prints how many records are in each state.
pub(super) async fn show(app: &App, when: &str) -> anyhow::Result<()> {
    catch_up(app).await?;
    let counts = counts(&app.platform.projections, BoardFilter::default()).await?;
    let words = |state: MigrationState| state.as_str().replace('_', " ");
    let states = MigrationState::ALL.into_iter().filter_map(|state| Some((words(state), counts.get(&state)?)));
    let line = states.map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", ");
    say(format_args!("\n  The migration board {when}: {line}."));
    Ok(())
}

/// Invites the owners of all records in a wave. Returns the link of the invitation of this owner.
pub(super) async fn invite(app: &App, user_name: &str) -> anyhow::Result<String> {
    let found = by_id(&app.platform.projections, BoardFilter::default(), MOST).await?;
    let records: Vec<_> = found.rows.iter().map(|row| row.record).collect();
    let theirs = found.rows.iter().find(|row| row.owner.user_name.as_deref() == Some(user_name));
    let theirs = theirs.with_context(|| format!("{user_name} owns no record"))?.record;
    let plan = Plan {
        name: "Personal phones".into(),
        delivery: InvitationDelivery::WebClip,
        language: "en".into(),
        most_per_hour: 100,
        valid_days: 30,
        remind_after_days: 7,
        most_reminders: 2,
        deadline: app.platform.world.now().plus_seconds(30 * 86_400),
    };
    let wave = app.invitations.wave_of("demo");
    let context = Context::operator(app.platform.world.uuid());
    app.invitations.begin_wave(wave, &plan, &records, &context).await?;
    let (invited, skipped) =
        tokio::time::timeout(PATIENCE, all_are_settled(app, wave)).await.context("the wave does not end")??;
    let Some(link) = invited.get(&theirs).map(|invitation| app.invitations.link(*invitation, 0)) else {
        bail!("{user_name} was not invited")
    };
    say(format_args!(
        "  A wave invites the owners by a Web Clip that Jamf Pro puts on each phone: {} invited.",
        counted(invited.len(), "owner")
    ));
    if skipped > 0 {
        say(format_args!("  {} skipped: nobody can be invited for them.", counted(skipped, "record")));
    }
    Ok(link)
}

// Returns the invitation of each record whose owner was invited, and how many records were skipped.
async fn all_are_settled(app: &App, wave: WaveId) -> anyhow::Result<(BTreeMap<RecordId, InvitationId>, usize)> {
    loop {
        catch_up(app).await?;
        let members = members(&app.platform.projections, wave, None, MOST).await?;
        let is_waiting = members.iter().any(|member| member.state == MemberState::Waiting);
        if !is_waiting && !members.is_empty() {
            let invited = members.iter().filter_map(|member| match member.state {
                MemberState::Invited(invitation, _) => Some((member.record, invitation)),
                MemberState::Waiting | MemberState::Skipped(_) => None,
            });
            let invited: BTreeMap<RecordId, InvitationId> = invited.collect();
            let skipped = members.len() - invited.len();
            return Ok((invited, skipped));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
