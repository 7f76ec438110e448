//! Page between the sign-in and ownership steps: a person who may enroll devices for others enters for whom this
//! device is.

use super::onward::onward_from_sign_in;
use super::problem::Problem;
use super::render::Page;
use super::submission::Submission;
use super::visitor::{Answered, Session, Visitor};
use crate::web::content::content;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use decisions::enrollment::{Assignment, Step};
use enroll::{Assigned, Assigning, assign, assign_to_oneself};
use events::enrollment::FormRefusal;
use serde::Serialize;

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ForWhomPage {
    /// User name that was typed.
    pub value: String,
    /// The person may also enroll a device for themself.
    pub for_oneself: bool,
    /// Text key of the error message.
    pub problem: Option<&'static str>,
    pub minutes: i64,
}

impl Page for ForWhomPage {
    const TEMPLATE: &'static str = "for_whom";
}

content!(ForWhomPage {
    value,
    for_oneself,
    problem among [Some("for-whom-throttled"), None],
    minutes among [2, 1],
});

pub(crate) async fn show(visitor: Visitor) -> Answered {
    let session = visitor.at(Step::Assignment)?;
    visitor.page(&ForWhomPage { for_oneself: may_for_oneself(session), ..ForWhomPage::default() })
}

pub(crate) async fn take(mut form: Submission) -> Answered {
    let (for_user, oneself) = (form.take("for_user"), form.take("oneself"));
    let visitor = form.visitor;
    let session = visitor.at(Step::Assignment)?;
    let signed_in = session.person().ok_or(Problem::Forged)?;
    let assigning = Assigning {
        enrollment: session.id,
        signed_in,
        platform: visitor.on_ios()?,
        source: visitor.source,
        context: session.context(visitor.source),
    };
    if oneself.is_some() {
        return if may_for_oneself(session) {
            let to = assign_to_oneself(&visitor.app.enroll, &assigning).await?;
            onward_from_sign_in(&visitor, session, &to.enrollment, to.not_invited).await
        } else {
            Err(Problem::Bad)
        };
    }
    let value = for_user.ok_or(Problem::Bad)?;
    let again = async |status, why, problem, minutes| {
        visitor.refuse(session, why).await?;
        let page = ForWhomPage {
            value: value.clone(),
            for_oneself: may_for_oneself(session),
            problem: Some(problem),
            minutes,
        };
        visitor.page_with(status, &page)
    };
    match assign(&visitor.app.enroll, &assigning, &value).await? {
        Assigned::To(to) => onward_from_sign_in(&visitor, session, &to.enrollment, to.not_invited).await,
        Assigned::Unknown => {
            again(StatusCode::UNPROCESSABLE_ENTITY, FormRefusal::PersonUnknown, "for-whom-unknown", 0).await
        }
        Assigned::NoDirectory => {
            again(StatusCode::UNPROCESSABLE_ENTITY, FormRefusal::DirectoryUnavailable, "for-whom-no-directory", 0).await
        }
        Assigned::Unavailable => {
            again(StatusCode::SERVICE_UNAVAILABLE, FormRefusal::DirectoryUnavailable, "for-whom-unavailable", 0).await
        }
        Assigned::Throttled(seconds) => {
            let mut response =
                again(StatusCode::TOO_MANY_REQUESTS, FormRefusal::Throttled, "for-whom-throttled", (seconds + 59) / 60)
                    .await?;
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
            Ok(response)
        }
    }
}

fn may_for_oneself(session: &Session) -> bool {
    session.enrollment.assignment == Assignment::Asked { for_oneself: true }
}
