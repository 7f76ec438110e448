//! The records of other products that belong to a person, at sign-in. At the first sign-in, the effect that finds the
//! owners of records has not run yet, so the first records of the person are resolved here.

use crate::Enroll;
use decisions::enrollment::{ImportedRecords, NEAREST_RECORDS};
use events::enrollment::{DeviceFamily, Evidence, FoundImport, Platform};
use events::person::PersonId;
use events::{Actor, ActorKind};
use identity::Account;
use imports::ImportError;
use platform::context::Context;
use projections::records::{self, RecordRow};
use projections::{ProjectionError, links};
use sign_in::owner_keys;
use std::time::Duration;

/// Number of records of a person that are read. Further ones are not counted.
const MOST_READ: u32 = 100;

/// How long a sign-in waits until its records are resolved. A directory may not answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Returns the person's records of other products that no enrollment has taken the place of. Those of the device's
/// family come first, each family with the latest contact first. An error is logged and means none: such records block
/// no enrollment, and no limit counts them.
pub async fn imported_records(
    enroll: &Enroll,
    account: &Account,
    person: PersonId,
    platform: Platform,
) -> ImportedRecords {
    match tokio::time::timeout(PATIENCE, resolve(enroll, account, person)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "records of other products have no owner yet"),
        Err(_) => tracing::warn!("records of other products have no owner yet: it takes too long to find them"),
    }
    match read(enroll, person).await {
        Ok(owned) => found(owned, platform.family),
        Err(error) => {
            tracing::error!(%error, "records of other products cannot be read");
            ImportedRecords::default()
        }
    }
}

async fn resolve(enroll: &Enroll, account: &Account, person: PersonId) -> Result<(), ImportError> {
    let (platform, keys) = (&enroll.platform, owner_keys(&enroll.platform.secrets, account));
    let context = |_| Context::of(Actor::new(ActorKind::System, "sign-in"), None, platform.world.uuid());
    // Most people have no such record.
    if !enroll.imports.resolve_at_sign_in(person, &keys, context).await? {
        return Ok(());
    }
    match platform.log.store().head().await? {
        Some(head) => Ok(platform.projections.wait_for(head).await?),
        None => Ok(()),
    }
}

async fn read(enroll: &Enroll, person: PersonId) -> Result<Vec<RecordRow>, ProjectionError> {
    let projections = &enroll.platform.projections;
    let mut owned = records::owned_by(projections, person, MOST_READ).await?;
    let confirmed = links::confirmed_among(projections, owned.iter().map(|record| record.record).collect()).await?;
    owned.retain(|record| !confirmed.contains(&record.record));
    Ok(owned)
}

fn found(owned: Vec<RecordRow>, family: DeviceFamily) -> ImportedRecords {
    let count = owned.len() as u64;
    let mut all: Vec<(bool, RecordRow)> =
        owned.into_iter().map(|record| (is_of_family(&record, family), record)).collect();
    all.sort_by_key(|(is_same, _)| !is_same);
    let import = |(is_same, record): (bool, RecordRow)| {
        let family = is_same.then_some(Evidence::SameFamily);
        let evidence = std::iter::once(Evidence::SamePerson).chain(family).collect();
        FoundImport { record: record.record, evidence }
    };
    ImportedRecords { nearest: all.into_iter().take(NEAREST_RECORDS).map(import).collect(), count }
}

// Model identifiers and marketing names both begin with the name of the family.
fn is_of_family(record: &RecordRow, family: DeviceFamily) -> bool {
    let names = [&record.product_name, &record.model_name];
    names.into_iter().flatten().any(|name| name.starts_with(family.name()))
}
