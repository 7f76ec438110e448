//! Prints the proposal that links a device to an earlier record, confirms it, and prints the lineage of the device.

use super::{PATIENCE, catch_up, say};
use crate::app::App;
use anyhow::Context as _;
use decisions::record::Record;
use events::Timestamp;
use events::device::DeviceId;
use events::record::RecordId;
use platform::context::Context;
use projections::audit::evidence_words;
use projections::devices::{Enrolled, State, enrolled};
use projections::links::{self, LinkRow, LinkState};
use reenrollment::Pair;
use std::time::Duration;

/// Maximum number of records in a lineage.
const MOST_RECORDS: usize = 16;

/// Waits for the proposal about the device, prints and confirms it.
pub(super) async fn confirm(app: &App, device: DeviceId) -> anyhow::Result<()> {
    let link =
        tokio::time::timeout(PATIENCE, proposed(app, device)).await.context("no earlier record is proposed")??;
    let evidence = evidence_words(&link.evidence);
    let old = imported(app, link.record).await?;
    let (name, end) = match &old {
        Some(old) => (format!("the {} in the records of {}", old.model, old.source), "another product managed it"),
        None => ("the iPhone that was enrolled here before".into(), "its management has ended"),
    };
    say(format_args!("\n  Muster proposes that this iPhone is {name}."));
    say(format_args!("  Evidence, {} points ({}): {evidence}.", link.score, link.band.as_str()));
    say(format_args!(
        "  May the old record be retired? {}",
        match link.proof.may_be_retired {
            true => format!("Proven: its only owner signed in, and {end}."),
            false => "Not proven.".into(),
        }
    ));
    say(format_args!(
        "  Is it the same device? {}",
        match link.proof.is_same_device {
            true => "Proven.",
            false => "Not proven: User Enrollment shows neither serial number nor UDID.",
        }
    ));
    let pair = Pair { record: link.record, successor: link.successor };
    app.reenrollment.confirm(pair, &Context::operator(app.platform.world.uuid())).await?;
    catch_up(app).await?;
    say("  It is confirmed: the iPhone takes the place of the old record.");
    Ok(())
}

async fn proposed(app: &App, device: DeviceId) -> anyhow::Result<LinkRow> {
    loop {
        catch_up(app).await?;
        let links = links::of_successor(&app.platform.projections, device, None, MOST_RECORDS).await?;
        if let Some(link) = links.into_iter().find(|link| link.state == LinkState::Proposed) {
            return Ok(link);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Prints the confirmed earlier records of the device, the oldest first, and the device.
pub(super) async fn show(app: &App, device: DeviceId) -> anyhow::Result<()> {
    let (mut lines, mut next) = (Vec::new(), Some(device));
    while let Some(id) = next.take().filter(|_| lines.len() < MOST_RECORDS) {
        let own = enrolled(&app.platform.projections, id).await?.context("the device is not in the inventory")?;
        lines.push(own_line(&own));
        let links = links::of_successor(&app.platform.projections, id, None, MOST_RECORDS).await?;
        for link in links.iter().filter(|link| link.state == LinkState::Confirmed) {
            match imported(app, link.record).await? {
                Some(old) => lines.push(old.line),
                None => next = Some(link.record.device()),
            }
        }
    }
    say("\n  The lineage of Grace’s iPhone:\n");
    lines.iter().rev().for_each(|line| say(format_args!("  {line}")));
    Ok(())
}

/// A record of another product, in words.
struct Imported {
    model: String,
    source: String,
    line: String,
}

async fn imported(app: &App, record: RecordId) -> anyhow::Result<Option<Imported>> {
    let (record, _) = app.platform.load::<Record>(&record.stream()).await?;
    let (Some(details), Some(source)) = (record.details.as_ref(), record.source.clone()) else { return Ok(None) };
    let model = details.model_name.clone().unwrap_or_else(|| "device".into());
    let (kind, version) = (details.kind.name(), details.os_version.as_deref().unwrap_or("unknown"));
    let (from, last) = (day(details.enrolled_at), day(details.last_contact));
    let line = line(&from, &source, &format!("{model}, iOS {version}, {kind}, last contact {last}"));
    Ok(Some(Imported { model, source, line }))
}

fn own_line(own: &Enrolled) -> String {
    let product = own.product_name.as_deref().unwrap_or("device");
    let model = apple::models::name(product).unwrap_or(product);
    let version = own.os_version().map_or_else(|| "unknown".into(), |version| version.to_string());
    let state = match own.state {
        State::CheckedOut => format!("removed {}", minute(own.ended_at)),
        state => state.as_str().to_owned(),
    };
    line(&minute(own.enrolled_at), "Muster", &format!("{model}, iOS {version}, User Enrollment, {state}"))
}

fn line(from: &str, source: &str, what: &str) -> String {
    format!("{from:<16}  {source:<8}  {what}")
}

fn minute(at: Option<Timestamp>) -> String {
    told(at, "2026-11-30T14:10".len()).replace('T', " ")
}

fn day(at: Option<Timestamp>) -> String {
    told(at, "2026-11-30".len())
}

fn told(at: Option<Timestamp>, length: usize) -> String {
    at.map_or_else(|| "unknown".into(), |at| at.to_rfc3339().chars().take(length).collect())
}
