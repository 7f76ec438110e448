//! Page between the sign-in and ownership steps: tells a person who already has an enrolled device what to do about it
//! first.

use super::onward::onward;
use super::problem::Problem;
use super::render::Page;
use super::submission::Submission;
use super::visitor::{Answered, Visitor};
use crate::web::content::content;
use decisions::device::Device;
use decisions::enrollment::{Command, Enrollment, NEAREST_RECORDS, PreviousRecords, Step};
use events::device::InventoryValue;
use names::visible;
use serde::Serialize;

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
    let (records, more) = records(&visitor, &session.enrollment.previous).await?;
    visitor.page(&PreviousPage { records, more })
}

/// Returns the nearest records with the names that people know, and the number of further ones. A corrupt record is
/// listed without its name, so it does not block an enrollment.
///
/// # Errors
/// Returns an error if the event log cannot be read.
pub(crate) async fn records(
    visitor: &Visitor,
    previous: &PreviousRecords,
) -> Result<(Vec<Record>, Option<u64>), Problem> {
    let unnamed = visitor.language.text("record-unnamed").unwrap_or_default();
    let mut records = Vec::new();
    for record in previous.nearest.iter().take(NEAREST_RECORDS) {
        let Some(device) = visitor.app.platform.other_device(record.device).await? else {
            records.push(Record { label: unnamed.clone(), since: None });
            continue;
        };
        let entries = visitor.app.platform.log.read(&record.device.stream()).await?;
        let since = entries.first().and_then(|entry| visitor.language.date(entry.at));
        records.push(Record { label: label(&device).unwrap_or_else(|| unnamed.clone()), since });
    }
    let more = previous.count.saturating_sub(records.len() as u64);
    Ok((records, (more > 0).then_some(more)))
}

pub(crate) async fn take(form: Submission) -> Answered {
    let visitor = form.visitor;
    let session = visitor.at(Step::PreviousRecords)?;
    let command = Command::NotePreviousRecords { policy: visitor.policy(session).await? };
    let context = session.context(visitor.source);
    let performed = visitor.app.platform.perform::<Enrollment>(&session.id.stream(), &command, &context).await?;
    onward(&visitor, session, &performed.state).await
}

// Returns the device's name, else its model name, else Apple's product name. A name without visible characters is
// skipped.
fn label(device: &Device) -> Option<String> {
    let reported = |name: &str| match device.inventory.get(name)? {
        InventoryValue::Personal(value) => value.get()?.as_str().map(str::to_owned),
        InventoryValue::Plain(value) => value.as_str().map(str::to_owned),
    };
    let names = [reported("DeviceName"), reported("ModelName"), device.product_name.clone()];
    names.into_iter().find_map(|name| visible::name(name.as_deref()))
}
