//! The form that invites a person: whoever has a mail address, a person, or the owner of an earlier record.

use super::change::done;
use super::words::{self, PATH};
use crate::admin::act::wait_for_all;
use crate::admin::devices::Choice;
use crate::admin::form::Genuine;
use crate::admin::lineage::{person_href, side};
use crate::admin::mails::{USUAL, language_name};
use crate::admin::pages::show_as;
use crate::admin::problem::Problem;
use crate::admin::query::{Parameters, filled, read};
use crate::admin::records::parse_record;
use crate::admin::render::view;
use crate::admin::session::{Invites, May, see_other};
use crate::admin::words::{UNNAMED, capital};
use crate::web::content::content;
use ::invitations::{Invitee, IssueError, NotIssued, Request};
use ::settings::LANGUAGES;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use events::invitation::InvitationDelivery;
use events::person::PersonId;
use events::record::RecordId;
use names::visible;
use projections::people;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Seconds in a day.
const DAY: i64 = 86_400;
/// Days for which an invitation can be valid.
pub(crate) const DAYS: std::ops::RangeInclusive<u32> = 1..=365;

/// Whom to invite, as query parameters.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    person: Option<String>,
    record: Option<String>,
}

/// The fields of the form.
#[derive(Default, Deserialize)]
pub(crate) struct Sent {
    #[serde(default)]
    request: String,
    #[serde(default)]
    person: String,
    #[serde(default)]
    record: String,
    #[serde(default)]
    mail: String,
    #[serde(default)]
    full_name: String,
    #[serde(default)]
    delivery: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    days: String,
}

#[derive(Serialize)]
struct NewPage {
    request: String,
    /// `None`: whoever has the mail address.
    who: Option<Who>,
    person: String,
    record: String,
    mail: String,
    full_name: String,
    deliveries: Vec<Delivery>,
    languages: Vec<Choice>,
    days: String,
    no_mail: bool,
    /// Why the form is shown again.
    wrong: Option<String>,
    back: String,
}

view!(
    invitation_new,
    Menu,
    NewPage { request, who, person, record, mail, full_name, deliveries, languages, days, no_mail, wrong, back }
);

/// The recipient, if the form is about a person or a record.
#[derive(Serialize)]
struct Who {
    label: String,
    href: Option<String>,
    sub: String,
}

content!(Who { label, href, sub });

#[derive(Serialize)]
struct Delivery {
    value: &'static str,
    label: &'static str,
    checked: bool,
}

content!(Delivery { value, label, checked });

/// Whom the form is about.
#[derive(Clone, Copy)]
enum Subject {
    Anybody,
    Person(PersonId),
    Record(RecordId),
}

impl Subject {
    fn read(person: Option<&str>, record: Option<&str>) -> Result<Subject, Problem> {
        match (read("person", person, words::parse_person)?, read("record", record, parse_record)?) {
            (None, None) => Ok(Subject::Anybody),
            (Some(person), None) => Ok(Subject::Person(person)),
            (None, Some(record)) => Ok(Subject::Record(record)),
            (Some(_), Some(_)) => Err(Problem::Bad("Choose a person or a record, not both.")),
        }
    }
}

/// Shows the form.
///
/// # Errors
/// Returns an error if there is no such person or record, or the event log or the projections are unavailable.
pub(crate) async fn page(staff: May<Invites>, address: Parameters<Wanted>) -> Result<HttpResponse, Problem> {
    let Parameters(Wanted { person, record }, _) = address;
    let subject = Subject::read(person.as_deref(), record.as_deref())?;
    let days = staff.settings().await?.invitations.valid_days.to_string();
    let sent = Sent {
        request: staff.random_uuid().to_string(),
        person: person.unwrap_or_default(),
        record: record.unwrap_or_default(),
        days,
        ..Sent::default()
    };
    show_form(&staff, &sent, subject, None).await
}

async fn show_form(
    staff: &May<Invites>,
    sent: &Sent,
    subject: Subject,
    wrong: Option<(StatusCode, String)>,
) -> Result<HttpResponse, Problem> {
    let language = filled(Some(&sent.language)).unwrap_or(USUAL);
    let page = NewPage {
        request: sent.request.clone(),
        who: who(staff, subject).await?,
        person: sent.person.clone(),
        record: sent.record.clone(),
        mail: sent.mail.clone(),
        full_name: sent.full_name.clone(),
        deliveries: deliveries(staff.has_mail(), subject, &sent.delivery),
        languages: LANGUAGES.map(|tag| Choice::new(tag, language_name(tag), Some(language))).into(),
        days: sent.days.clone(),
        no_mail: !staff.has_mail(),
        wrong: wrong.as_ref().map(|(_, why)| why.clone()),
        back: match subject {
            Subject::Anybody => PATH.to_owned(),
            Subject::Person(person) => person_href(person, None),
            Subject::Record(record) => side(staff, record, None).await?.href.unwrap_or_else(|| PATH.to_owned()),
        },
    };
    let status = wrong.map_or(StatusCode::OK, |(status, _)| status);
    show_as(status, "Invite a person", "again", staff, &page)
}

async fn who(staff: &May<Invites>, subject: Subject) -> Result<Option<Who>, Problem> {
    match subject {
        Subject::Anybody => Ok(None),
        Subject::Person(person) => {
            let known = people::get(staff.projections(), person).await.map_err(|error| staff.broken(error))?;
            let known = known.ok_or(Problem::NotFound)?;
            let names = [known.display_name.as_deref(), known.user_name.as_deref()];
            let label = names.into_iter().find_map(visible::name).unwrap_or_else(|| UNNAMED.to_owned());
            let sub = known.mail.unwrap_or_else(|| "without a mail address".to_owned());
            Ok(Some(Who { label, href: Some(person_href(person, None)), sub }))
        }
        Subject::Record(record) => {
            let side = side(staff, record, None).await?;
            if !side.is_known {
                return Err(Problem::NotFound);
            }
            let owner = side.user_name.as_deref().and_then(|name| visible::name(Some(name)));
            let sub = [Some(side.source), Some(side.kind), owner].into_iter().flatten().collect::<Vec<_>>().join(" · ");
            Ok(Some(Who { label: format!("the owner of {}", side.label), href: side.href, sub }))
        }
    }
}

// Mail is offered only if a mail server is configured, a Web Clip only for the device of a record.
fn deliveries(has_mail: bool, subject: Subject, chosen: &str) -> Vec<Delivery> {
    let is_offered = |delivery: &InvitationDelivery| match delivery {
        InvitationDelivery::Mail => has_mail,
        InvitationDelivery::ByHand => true,
        InvitationDelivery::WebClip => matches!(subject, Subject::Record(_)),
    };
    let offered: Vec<InvitationDelivery> = InvitationDelivery::ALL.into_iter().filter(is_offered).collect();
    let first = offered.first().copied();
    let chosen = InvitationDelivery::parse(chosen).filter(|chosen| offered.contains(chosen)).or(first);
    let delivery = |delivery: InvitationDelivery| Delivery {
        value: delivery.as_str(),
        label: words::delivery_explained(delivery),
        checked: Some(delivery) == chosen,
    };
    offered.into_iter().map(delivery).collect()
}

/// Issues the invitation. A form that is sent twice gives one invitation.
///
/// # Errors
/// Returns an error if the form is incomplete, or the event log or the projections are unavailable. If nobody can be
/// invited, the form is shown again with the reason.
pub(crate) async fn issue(staff: May<Invites>, form: Genuine<Sent>) -> Result<HttpResponse, Problem> {
    let sent = form.0;
    Uuid::parse_str(&sent.request).map_err(|_| Problem::Bad("The form is incomplete."))?;
    let subject = Subject::read(Some(&sent.person), Some(&sent.record))?;
    let wanted = match wanted(&staff, &sent, subject) {
        Ok(wanted) => wanted,
        Err(wrong) => {
            return show_form(&staff, &sent, subject, Some((StatusCode::BAD_REQUEST, wrong.to_owned()))).await;
        }
    };
    match staff.app().invitations.issue(&wanted, &staff.context()).await {
        Ok(_) => {
            wait_for_all(staff.app()).await;
            Ok(see_other(&done(wanted.id, "issued")))
        }
        Err(IssueError::Refused(why)) => {
            let wrong = (StatusCode::CONFLICT, refused(why));
            show_form(&staff, &sent, subject, Some(wrong)).await
        }
        Err(IssueError::Failed(error)) => Err(staff.broken(error)),
    }
}

fn refused(why: NotIssued) -> String {
    format!("{}.", capital(&why.to_string()))
}

fn wanted(staff: &May<Invites>, sent: &Sent, subject: Subject) -> Result<Request, &'static str> {
    let delivery = InvitationDelivery::parse(&sent.delivery).ok_or("Choose how the person gets the invitation.")?;
    if delivery == InvitationDelivery::Mail && !staff.has_mail() {
        return Err("This server sends no mails. Choose another way.");
    }
    let language = LANGUAGES.into_iter().find(|tag| *tag == sent.language).ok_or("Choose a language.")?;
    let days = sent.days.trim().parse().ok().filter(|days| DAYS.contains(days));
    let days: u32 = days.ok_or("An invitation is valid for 1 to 365 days.")?;
    let invitee = match subject {
        Subject::Person(person) => Invitee::Person(person),
        Subject::Record(record) => Invitee::Record(record),
        Subject::Anybody => Invitee::Mail {
            address: sent.mail.trim().to_owned(),
            full_name: filled(Some(&sent.full_name)).map(str::to_owned),
        },
    };
    Ok(Request {
        id: staff.app().invitations.id_of(&format!("form {}", sent.request)),
        invitee,
        wave: None,
        delivery,
        language: language.to_owned(),
        expires: staff.now().plus_seconds(i64::from(days) * DAY),
    })
}
