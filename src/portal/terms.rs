//! The terms-of-use step: terms are shown in full and accepted or declined before anything is installed.

use super::description;
use super::onward::onward;
use super::problem::Problem;
use super::render::Page;
use super::sign_in::end_session;
use super::submission::Submission;
use super::texts::Language;
use super::visitor::{Answered, Session, Visitor};
use crate::web::content::content;
use actix_web::http::StatusCode;
use decisions::enrollment::{Command, Enrollment, Step, TermsStep};
use decisions::person::{self, Person};
use events::enrollment::FormRefusal;
use events::settings::Terms;
use platform::secrets::hash;
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct TermsPage {
    /// `None` if the administrator removed the terms while the person was enrolling.
    pub terms: Option<Shown>,
    /// The terms changed while the person read them.
    pub changed: bool,
}

/// The terms as shown on the page.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Shown {
    pub version: String,
    /// Sanitized HTML.
    pub html: String,
    /// Language tag of the text.
    pub language: &'static str,
    /// Language tag of the text if it differs from the page's. The page must declare it, or screen readers read the
    /// text in the wrong language.
    pub lang: Option<&'static str>,
    /// SHA-256 of the Markdown in lower-case hex. It proves that the accepted text is the shown one.
    pub text_hash: String,
}

content!(Shown {
    version,
    html among ["<p>Be <em>kind</em>.</p>"],
    language among ["en"],
    lang among [Some("en"), None],
    text_hash,
});

impl Page for TermsPage {
    const TEMPLATE: &'static str = "terms";
}

content!(TermsPage { terms, changed });

pub(crate) async fn show(visitor: Visitor) -> Answered {
    let session = visitor.at(Step::Terms)?;
    visitor.page(&page(&visitor, session, false))
}

pub(crate) async fn take(mut form: Submission) -> Answered {
    let (version, text_hash) = (form.take("version"), form.take("text_hash"));
    let language = form.take("text_language").and_then(|tag| Language::parse(&tag));
    let (Some(version), Some(text_hash), Some(language)) = (version, text_hash, language) else {
        return Err(Problem::Bad);
    };
    let visitor = form.visitor;
    let session = visitor.at(Step::Terms)?;
    let again = async || {
        visitor.refuse(session, FormRefusal::TermsChanged).await?;
        visitor.page_with(StatusCode::CONFLICT, &page(&visitor, session, true))
    };
    // The person can only accept the text that they read. For another version, the command records that the new
    // version is asked for. For another text of the same version, the page shows the current text.
    let Some(now) = shown(&visitor, session, language.tag()) else { return again().await };
    if now.version == version && (now.text_hash != text_hash || now.language != language.tag()) {
        return again().await;
    }
    let language = language.tag().to_owned();
    let command = Command::AcceptTerms { version, language, text_hash, policy: visitor.policy(session).await? };
    let context = session.context(visitor.source);
    let performed = visitor.app.platform.perform::<Enrollment>(&session.id.stream(), &command, &context).await?;
    keep(&visitor, session, &performed.state).await?;
    match performed.state.step() {
        Step::Terms => again().await,
        _ => onward(&visitor, session, &performed.state).await,
    }
}

/// Handles a person who declines the terms, and signs them out.
pub(crate) async fn decline(form: Submission) -> Answered {
    form.visitor.at(Step::Terms)?;
    end_session(form.visitor, &Command::DeclineTerms).await
}

// Stores the acceptance with the person. A reaction does the same after a crash; here it happens before another
// enrollment can begin.
async fn keep(visitor: &Visitor, session: &Session, enrollment: &Enrollment) -> Result<(), Problem> {
    let (TermsStep::Accepted { version }, Some(ownership)) = (&enrollment.terms, enrollment.ownership) else {
        return Ok(());
    };
    let Some(person) = enrollment.accepts_for_themself() else { return Ok(()) };
    let id = session.id;
    let keep = person::Command::KeepTermsAcceptance { ownership, version: version.clone(), enrollment: id };
    visitor.app.platform.perform::<Person>(&person.stream(), &keep, &session.context(visitor.source)).await?;
    Ok(())
}

fn page(visitor: &Visitor, session: &Session, changed: bool) -> TermsPage {
    TermsPage { terms: shown(visitor, session, visitor.language.tag()), changed }
}

/// Returns the terms that apply to this enrollment, in the given language or in English.
fn shown(visitor: &Visitor, session: &Session, language: &'static str) -> Option<Shown> {
    let terms = visitor.settings.terms.get(&session.enrollment.ownership?)?;
    Shown::of(terms, language, visitor.language.tag())
}

impl Shown {
    /// Returns the text in this language or in English, for a page in the language `of_page`.
    pub(crate) fn of(terms: &Terms, language: &'static str, of_page: &str) -> Option<Shown> {
        let (text, tag) = description::in_language(&terms.text, language)?;
        Some(Shown {
            version: terms.version.clone(),
            html: description::render(text),
            language: tag,
            lang: (tag != of_page).then_some(tag),
            text_hash: hash(text).0,
        })
    }
}
