//! The ownership step: the person chooses whose device it is.

use super::description;
use super::problem::Problem;
use super::render::Page;
use super::steps;
use super::submission::Submission;
use super::visitor::{Answered, Session, Visitor, see_other};
use crate::web::content::content;
use actix_web::http::StatusCode;
use decisions::enrollment::{Command, Enrollment, Refusal, Step};
use events::enrollment::{FormRefusal, Ownership};
use platform::PerformError;
use serde::Serialize;

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct OwnershipPage {
    /// The administrator's text for people with personal devices, as sanitized HTML.
    pub description: String,
    /// Language tag of the description if it differs from the page's language.
    pub description_lang: Option<&'static str>,
    /// The person may choose "personal".
    pub personal: bool,
    pub institutional: bool,
    pub unanswered: bool,
}

impl Page for OwnershipPage {
    const TEMPLATE: &'static str = "ownership";
}

content!(OwnershipPage {
    description among ["<p>Your <em>own</em>.</p>", ""],
    description_lang among [Some("en"), None],
    personal,
    institutional,
    unanswered,
});

pub(crate) async fn show(visitor: Visitor) -> Answered {
    let session = visitor.at(Step::Ownership)?;
    visitor.page(&page(&visitor, session, false))
}

pub(crate) async fn take(mut form: Submission) -> Answered {
    let answer = form.take("ownership");
    let visitor = form.visitor;
    let session = visitor.at(Step::Ownership)?;
    let ownership = match answer.as_deref().map(Ownership::parse) {
        Some(Some(ownership)) => ownership,
        Some(None) => return Err(Problem::Bad),
        None => {
            visitor.refuse(session, FormRefusal::OwnershipNotChosen).await?;
            return visitor.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&visitor, session, true));
        }
    };
    let command = Command::ChooseOwnership { ownership, policy: visitor.policy(session).await? };
    let context = session.context(visitor.source);
    match visitor.app.platform.perform::<Enrollment>(&session.id.stream(), &command, &context).await {
        Ok(performed) => Ok(see_other(steps::path(performed.state.step()))),
        // The settings stopped offering this kind after the page was shown.
        Err(PerformError::Refused(Refusal::OwnershipNotOffered)) => {
            visitor.refuse(session, FormRefusal::OwnershipNotOffered).await?;
            visitor.page_with(StatusCode::CONFLICT, &page(&visitor, session, true))
        }
        Err(error) => Err(error.into()),
    }
}

fn page(visitor: &Visitor, session: &Session, unanswered: bool) -> OwnershipPage {
    let permitted = session.enrollment.permitted(&visitor.settings.ownership_kinds);
    let (personal, institutional) =
        (permitted.contains(&Ownership::Personal), permitted.contains(&Ownership::Institutional));
    let (description, description_lang) = description::personal(&visitor.settings, visitor.language.tag());
    OwnershipPage { description, description_lang, personal, institutional, unanswered }
}
