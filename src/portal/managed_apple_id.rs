//! The Managed Apple ID step, for personal devices.

use super::account_name::{self, Problem as Wrong};
use super::onward::onward;
use super::problem::Problem;
use super::render::{Back, Page};
use super::steps;
use super::submission::Submission;
use super::visitor::{Answered, Session, Visitor};
use crate::web::content::content;
use actix_web::http::StatusCode;
use actix_web::web;
use decisions::enrollment::{Command, Step};
use decisions::person::{self, Person};
use events::Personal;
use events::enrollment::{FormRefusal, Ownership};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize)]
pub(crate) struct ManagedAppleIdPage {
    pub value: String,
    /// Text key of the error message.
    pub problem: Option<&'static str>,
    /// Allowed domains as shown to people ("@a.example, @b.example"); empty if any domain is allowed.
    pub domains: String,
}

impl Page for ManagedAppleIdPage {
    const TEMPLATE: &'static str = "managed_apple_id";

    fn back(&self) -> Back {
        Back::ManagedAppleId
    }
}

content!(ManagedAppleIdPage { value, problem among [Some("maid-domain"), None], domains });

/// `?change`: the person returns to correct the Managed Apple ID.
#[derive(Deserialize)]
pub(crate) struct Change {
    change: Option<String>,
}

pub(crate) async fn show(visitor: Visitor, query: web::Query<Change>) -> Answered {
    let session = at(&visitor, query.change.is_some())?;
    let value = match &session.enrollment.managed_apple_id {
        Some(given) => given.text().to_owned(),
        None => known(&visitor, session).await?.unwrap_or_default(),
    };
    visitor.page(&page(&visitor, value, None))
}

pub(crate) async fn take(mut form: Submission) -> Answered {
    let typed = form.take("managed_apple_id").ok_or(Problem::Bad)?;
    let visitor = form.visitor;
    let session = at(&visitor, true)?;
    let wrong = async |why, problem| {
        visitor.refuse(session, why).await?;
        visitor.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&visitor, typed.clone(), Some(problem)))
    };
    let managed_apple_id = match account_name::check(&typed, &visitor.settings.managed_apple_id_domains) {
        Ok(managed_apple_id) => managed_apple_id,
        Err(Wrong::Invalid) => return wrong(FormRefusal::ManagedAppleIdInvalid, "maid-invalid").await,
        Err(Wrong::Domain) => return wrong(FormRefusal::ManagedAppleIdDomain, "maid-domain").await,
    };
    let person = session.enrollment.owner().map(|owner| owner.person).ok_or(Problem::Forged)?;
    let managed_apple_id = Personal::new(person.key(), managed_apple_id);
    let context = session.context(visitor.source);
    let give = Command::GiveManagedAppleId { managed_apple_id: managed_apple_id.clone() };
    let enrollment = visitor.perform_counted(session, &give).await?;
    let learn = person::Command::LearnManagedAppleId { managed_apple_id };
    visitor.app.platform.perform::<Person>(&person.stream(), &learn, &context).await?;
    onward(&visitor, session, &enrollment).await
}

// Permits the page at its step and, for a correction, until the profile is installed.
fn at(visitor: &Visitor, change: bool) -> Result<&Session, Problem> {
    let session = visitor.signed_in()?;
    let personal = session.enrollment.ownership == Some(Ownership::Personal);
    match session.enrollment.step() {
        Step::ManagedAppleId => Ok(session),
        Step::MdmProfile if change && personal => Ok(session),
        step => Err(Problem::Elsewhere(steps::path(step))),
    }
}

/// Returns the user's Managed Apple ID from the directory or an earlier enrollment.
///
/// # Errors
/// Returns an error if the event log cannot be read.
pub(crate) async fn known(visitor: &Visitor, session: &Session) -> Result<Option<String>, Problem> {
    let Some(owner) = session.enrollment.owner() else { return Ok(None) };
    let (person, _) = visitor.app.platform.load::<Person>(&owner.person.stream()).await?;
    Ok(person.managed_apple_id().and_then(|known| known.get().cloned()))
}

fn page(visitor: &Visitor, value: String, problem: Option<&'static str>) -> ManagedAppleIdPage {
    let domains: Vec<String> =
        visitor.settings.managed_apple_id_domains.iter().map(|domain| format!("@{domain}")).collect();
    ManagedAppleIdPage { value, problem, domains: domains.join(", ") }
}
