//! Page between the sign-in and ownership steps: shows a person their earlier records, says what to do first, and asks
//! which device each of them is. Every question can be left open.

use super::earlier::{Earlier, Removal, Standing, earlier};
use super::onward::onward;
use super::problem::Problem;
use super::removal::Removing;
use super::render::Page;
use super::submission::Submission;
use super::texts::Argument;
use super::visitor::{Answered, Session, Visitor};
use crate::web::content::content;
use actix_web::http::StatusCode;
use decisions::enrollment::{Command, Enrollment, Said, Step};
use events::enrollment::DeviceFamily;
use events::record::{PreviousAnswer, RecordId};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct PreviousPage {
    pub title: &'static str,
    pub records: Vec<Record>,
    /// Number of further records that are not listed; `None` if all are listed.
    pub more: Option<u64>,
    /// Text keys of what to do first, in order. Empty: none is left.
    pub steps: Vec<&'static str>,
    /// A certificate is installed in a later step.
    pub certificate: bool,
    /// The person said that a record is this device, and nothing says that its management was removed.
    pub asks: bool,
    /// None of the records can be this device.
    pub elsewhere: bool,
    /// It asks about a device of ours, whose removal is reported to us: the page looks for the report.
    pub watches: bool,
    /// Text key: why the answers cannot be right.
    pub wrong: Option<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Record {
    pub id: String,
    pub label: String,
    /// When and with what it was enrolled.
    pub enrolled: String,
    /// Text key for the kind of its enrollment.
    pub kind: Option<&'static str>,
    pub ended: bool,
    /// It is ours, so its end is reported to us.
    pub ours: bool,
    /// It is of another family, so it cannot be this device.
    pub other: bool,
    /// Word of the answer that is chosen; empty if none.
    pub chosen: &'static str,
    /// The person can ask Muster to remove its management.
    pub offers: bool,
    /// Text key: what becomes of the removal that the person asked for.
    pub removing: Option<&'static str>,
}

content!(Record {
    id,
    label,
    enrolled,
    kind among [Some("previous-kind-user"), None],
    ended,
    ours,
    other,
    chosen among ["this_device", "another_device", "no_longer_have", ""],
    offers,
    removing among [
        Some("previous-remove-waiting"),
        Some("previous-remove-silent"),
        Some("previous-remove-failed"),
        None,
    ],
});

impl Page for PreviousPage {
    const TEMPLATE: &'static str = "previous";
}

content!(PreviousPage {
    title among [TITLE, ASKS],
    records, more, steps among [steps(Removal::Either, Again::SheetWithCode), vec![]], certificate, asks, elsewhere,
    watches,
    wrong among [Some(OTHER_FAMILY), Some(SEVERAL), None] });

/// Text keys of the titles: of the page, and of the page that asks whether the old management is removed.
pub(crate) const TITLE: &str = "previous-title";
pub(crate) const ASKS: &str = "previous-asks-title";

/// Text keys of why answers cannot be right.
pub(crate) const OTHER_FAMILY: &str = "previous-wrong-family";
pub(crate) const SEVERAL: &str = "previous-wrong-several";

/// What the page is shown for.
enum View<'a> {
    First,
    /// The answers after which the page asks whether the old management is removed.
    Asks(&'a Answers),
    /// Answers that cannot be right, and the text key of why.
    Wrong(&'a Answers, &'static str),
}

/// What the person said about the records.
type Answers = Vec<(RecordId, PreviousAnswer)>;

pub(crate) async fn show(visitor: Visitor) -> Answered {
    let session = visitor.at(Step::PreviousRecords)?;
    let all = earlier(&visitor, &session.enrollment).await;
    visitor.page(&page(&visitor, session, &all, &View::First))
}

pub(crate) async fn take(mut form: Submission) -> Answered {
    let all = match form.visitor.at(Step::PreviousRecords) {
        Ok(session) => earlier(&form.visitor, &session.enrollment).await,
        Err(problem) => return Err(problem),
    };
    let answers = answers(&mut form, &all)?;
    let all = match agreed(&mut form, &all) {
        agreed if agreed.is_empty() => all,
        agreed => agree(&form.visitor, &agreed).await?,
    };
    let removed = form.take("removed").map(|word| word == "yes");
    let visitor = form.visitor;
    let session = visitor.at(Step::PreviousRecords)?;
    if let Some(why) = wrong(&answers, &all, family(session)) {
        return visitor
            .page_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&visitor, session, &all, &View::Wrong(&answers, why)));
    }
    let is_left =
        |record: &Earlier| !record.has_ended() && answers.contains(&(record.record, PreviousAnswer::ThisDevice));
    if removed.is_none() && all.iter().any(is_left) {
        return visitor.page(&page(&visitor, session, &all, &View::Asks(&answers)));
    }
    let left: Vec<RecordId> = all.iter().filter(|record| is_left(record)).map(|record| record.record).collect();
    let said = |(record, answer)| Said { record, answer, removed: removed.filter(|_| left.contains(&record)) };
    let answers = answers.into_iter().map(said).collect();
    let command = Command::NotePreviousRecords { policy: visitor.policy(session).await?, answers };
    let context = session.context(visitor.source);
    let performed = visitor.app.platform.perform::<Enrollment>(&session.id.stream(), &command, &context).await?;
    onward(&visitor, session, &performed.state).await
}

// Takes the answers about the shown records out of the form. Others are ignored, and so is a second answer about one.
fn answers(form: &mut Submission, all: &[Earlier]) -> Result<Answers, Problem> {
    let mut answers = Vec::new();
    for record in all {
        if let Some(word) = form.take(&format!("answer-{}", record.record)) {
            answers.push((record.record, PreviousAnswer::parse(&word).ok_or(Problem::Bad)?));
        }
    }
    Ok(answers)
}

// Returns the records whose management the person asked Muster to remove.
fn agreed(form: &mut Submission, all: &[Earlier]) -> Vec<RecordId> {
    let offered = all.iter().filter(|record| record.removing == Removing::Offered).map(|record| record.record);
    offered.filter(|record| form.take(&format!("remove-{record}")).is_some_and(|word| word == "yes")).collect()
}

// Records the consent, which causes the removal, and returns the records as they are then.
async fn agree(visitor: &Visitor, agreed: &[RecordId]) -> Result<Vec<Earlier>, Problem> {
    let session = visitor.at(Step::PreviousRecords)?;
    let (platform, context) = (&visitor.app.platform, session.context(visitor.source));
    let mut enrollment = Arc::clone(&session.enrollment);
    for record in agreed {
        let command = Command::AgreeToRemoval { record: *record };
        enrollment = platform.perform::<Enrollment>(&session.id.stream(), &command, &context).await?.state;
    }
    Ok(earlier(visitor, &enrollment).await)
}

fn family(session: &Session) -> Option<DeviceFamily> {
    session.enrollment.opened.as_ref().map(|opened| opened.platform.family)
}

// Returns the text key of why the answers cannot be right. Each source has a device once.
fn wrong(answers: &Answers, all: &[Earlier], family: Option<DeviceFamily>) -> Option<&'static str> {
    let is_this = |record: &&Earlier| answers.contains(&(record.record, PreviousAnswer::ThisDevice));
    let mut sources = BTreeSet::new();
    let mut result = None;
    for record in all.iter().filter(is_this) {
        if record.is_other_than(family) {
            return Some(OTHER_FAMILY);
        }
        if !sources.insert(&record.source) {
            result = Some(SEVERAL);
        }
    }
    result
}

fn page(visitor: &Visitor, session: &Session, all: &[Earlier], view: &View<'_>) -> PreviousPage {
    let enrollment = &session.enrollment;
    let by_account = enrollment.account_driven.is_some();
    let (answers, asks, wrong) = match view {
        View::First => (None, false, None),
        View::Asks(answers) => (Some(*answers), true, None),
        View::Wrong(answers, why) => (Some(*answers), false, Some(*why)),
    };
    let chosen =
        |record: RecordId| answers.into_iter().flatten().find(|(of, _)| *of == record).map(|(_, answer)| *answer);
    let is_this = |record: &Earlier| chosen(record.record) == Some(PreviousAnswer::ThisDevice);
    let may_be_here = |record: &Earlier| if asks { is_this(record) } else { !record.is_other_than(family(session)) };
    let left: Vec<&Earlier> = all.iter().filter(|record| !record.has_ended() && may_be_here(record)).collect();
    let removal = Removal::of(left.iter().map(|record| record.removal));
    let mut possible = all.iter().filter(|record| !record.is_other_than(family(session))).peekable();
    let elsewhere = !all.is_empty() && possible.peek().is_none();
    let nothing_left = !all.is_empty() && possible.all(Earlier::has_ended);
    let shown = enrollment.previous.nearest.len() + enrollment.imported.nearest.len();
    let more = (enrollment.previous.count + enrollment.imported.count).saturating_sub(shown as u64);
    PreviousPage {
        records: all
            .iter()
            .map(|earlier| record(visitor, earlier, chosen(earlier.record), earlier.is_other_than(family(session))))
            .collect(),
        more: (more > 0).then_some(more),
        steps: if nothing_left { vec![] } else { steps(removal, Again::of(enrollment)) },
        certificate: !by_account && !visitor.settings.skip_ca_profile,
        asks,
        elsewhere,
        watches: asks && left.iter().any(|record| record.standing == Standing::Managed),
        wrong,
        title: if asks { ASKS } else { TITLE },
    }
}

/// Where the person is, and how they come back after they removed old management.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// At the portal: by going back to the page.
    Page,
    /// In the sheet that Settings opened, which has to be closed: by signing in again.
    Sheet,
    /// The same, with the code of their invitation.
    SheetWithCode,
}

impl Again {
    fn of(enrollment: &Enrollment) -> Again {
        match (&enrollment.account_driven, enrollment.invitation) {
            (None, _) => Again::Page,
            (Some(_), None) => Again::Sheet,
            (Some(_), Some(_)) => Again::SheetWithCode,
        }
    }
}

/// Returns the text keys of the taps that remove old management.
pub(crate) fn steps(removal: Removal, again: Again) -> Vec<&'static str> {
    let sheet = |again| vec!["previous-step-close", "previous-step-open", removal.step(), again];
    match again {
        Again::Page => vec!["previous-step-open", removal.step(), "previous-step-back"],
        Again::Sheet => sheet("previous-step-again"),
        Again::SheetWithCode => sheet("previous-step-again-code"),
    }
}

fn record(visitor: &Visitor, earlier: &Earlier, chosen: Option<PreviousAnswer>, other: bool) -> Record {
    Record {
        id: earlier.record.to_string(),
        label: earlier.label(visitor),
        enrolled: enrolled(visitor, earlier),
        kind: earlier.kind,
        ended: earlier.has_ended(),
        ours: earlier.standing != Standing::Unknown,
        other,
        chosen: chosen.map_or("", PreviousAnswer::as_str),
        offers: earlier.removing == Removing::Offered,
        removing: earlier.removing.text(),
    }
}

/// Returns when and with what a record was enrolled. Of another product's record, people remember the year at most.
pub(crate) fn enrolled(visitor: &Visitor, earlier: &Earlier) -> String {
    let language = visitor.language;
    let date = earlier.enrolled_at.and_then(|at| language.date(at));
    let text = |name: &str, value: String| (name.to_owned(), Argument::Text(value));
    let told = match (&earlier.source, date) {
        (Some(source), date) => {
            let year = earlier.enrolled_at.filter(|_| date.is_some()).map(|at| at.day()[..4].to_owned());
            let arguments = vec![text("source", source.clone()), text("year", year.unwrap_or_else(|| "none".into()))];
            language.plain("previous-imported", arguments)
        }
        (None, Some(date)) => language.plain("previous-own", vec![text("date", date)]),
        (None, None) => language.text("previous-own-undated"),
    };
    told.unwrap_or_default()
}
