//! Page between the sign-in and ownership steps: tells a person who already has an enrolled device what to do about it
//! first.

use super::onward::onward;
use super::render::Page;
use super::submission::Submission;
use super::visitor::{Answered, Visitor};
use crate::web::content::content;
use decisions::enrollment::{Command, Enrollment, NEAREST_RECORDS, PreviousRecords, Step};
use events::device::DeviceId;
use names::visible;
use projections::devices::{self, Naming};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct PreviousPage {
    pub records: Vec<Record>,
    /// Number of further records that are not listed; `None` if all are listed.
    pub more: Option<u64>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Record {
    pub label: String,
    /// Day of enrollment, formatted for the page's language.
    pub since: Option<String>,
}

content!(Record { label, since });

impl Page for PreviousPage {
    const TEMPLATE: &'static str = "previous";
}

content!(PreviousPage { records, more });

pub(crate) async fn show(visitor: Visitor) -> Answered {
    let session = visitor.at(Step::PreviousRecords)?;
    let (records, more) = records(&visitor, &session.enrollment.previous).await;
    visitor.page(&PreviousPage { records, more })
}

/// Returns the nearest records with the names that people know, and the number of further ones. If the inventory cannot
/// be read or lacks a record, the record is listed without its name, so it does not block an enrollment.
pub(crate) async fn records(visitor: &Visitor, previous: &PreviousRecords) -> (Vec<Record>, Option<u64>) {
    let nearest: Vec<DeviceId> = previous.nearest.iter().take(NEAREST_RECORDS).map(|record| record.device).collect();
    let namings = devices::namings(&visitor.app.platform.projections, nearest.clone()).await;
    let mut namings = namings.unwrap_or_else(|error| {
        tracing::error!(%error, "the names of earlier device records cannot be read");
        BTreeMap::new()
    });
    let unnamed = visitor.language.text("record-unnamed").unwrap_or_default();
    let record = |device| {
        let naming: Option<Naming> = namings.remove(&device);
        let since = naming.as_ref().and_then(|naming| visitor.language.date(naming.enrolled_at?));
        Record { label: naming.and_then(label).unwrap_or_else(|| unnamed.clone()), since }
    };
    let records: Vec<Record> = nearest.into_iter().map(record).collect();
    let more = previous.count.saturating_sub(records.len() as u64);
    (records, (more > 0).then_some(more))
}

pub(crate) async fn take(form: Submission) -> Answered {
    let visitor = form.visitor;
    let session = visitor.at(Step::PreviousRecords)?;
    let command = Command::NotePreviousRecords { policy: visitor.policy(session).await?, answers: Vec::new() };
    let context = session.context(visitor.source);
    let performed = visitor.app.platform.perform::<Enrollment>(&session.id.stream(), &command, &context).await?;
    onward(&visitor, session, &performed.state).await
}

// Returns the device's name, else its model name, else Apple's product name. A name without visible characters is
// skipped.
fn label(naming: Naming) -> Option<String> {
    naming.names.into_iter().find_map(|name| visible::name(Some(&name)))
}
