//! Begins a wave: the form, and the act on the list that was rehearsed.

use super::plan::{Fields, Typed, deliveries};
use super::records::Records;
use super::rehearsal::rehearsal;
use crate::admin::act::wait_for_all;
use crate::admin::devices::Choice;
use crate::admin::form::Genuine;
use crate::admin::invitations::words::wave_href;
use crate::admin::mails::{USUAL, language_name};
use crate::admin::pages::{show, show_as};
use crate::admin::problem::Problem;
use crate::admin::query::filled;
use crate::admin::render::view;
use crate::admin::session::{Invites, May, see_other};
use crate::web::content::content;
use ::invitations::WaveError;
use ::settings::LANGUAGES;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use events::invitation::InvitationDelivery;
use events::record::RecordId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The fields of the forms.
#[derive(Deserialize)]
pub(crate) struct Sent {
    /// Id of the wave's form; empty if the list comes from another page.
    #[serde(default)]
    request: String,
    /// Ids of records, as text.
    #[serde(default)]
    ids: String,
    /// The chosen records, as [`Records::written`].
    #[serde(default)]
    list: String,
    /// The rehearsed records, as [`Records::sealed`].
    #[serde(default)]
    rehearsed: String,
    #[serde(flatten)]
    typed: Typed,
}

#[derive(Serialize)]
struct NewWavePage {
    request: Uuid,
    /// The number of records that another page has chosen; `None`: the form asks for them.
    chosen: Option<u64>,
    list: String,
    ids: String,
    typed: Fields,
    deliveries: Vec<Delivery>,
    languages: Vec<Choice>,
    no_mail: bool,
    wrong: Option<String>,
    /// The rehearsed list is no longer valid.
    stale: bool,
}

view!(wave_new, Menu, NewWavePage { request, chosen, list, ids, typed, deliveries, languages, no_mail, wrong, stale });

#[derive(Serialize)]
struct Delivery {
    value: &'static str,
    label: &'static str,
    checked: bool,
}

content!(Delivery { value, label, checked });

/// What the form has.
struct Form {
    request: Uuid,
    records: Option<Records>,
    ids: String,
    typed: Typed,
}

/// Why the form is shown again.
enum Wrong {
    Field(String),
    /// The rehearsed list is no longer valid.
    Stale,
}

/// Shows the empty form.
///
/// # Errors
/// Returns an error if the settings cannot be read.
pub(crate) async fn page(staff: May<Invites>) -> Result<HttpResponse, Problem> {
    show_form(&staff, &empty(&staff).await?, None)
}

/// Shows the form for records that another page has chosen, as ids in the field `ids`.
///
/// # Errors
/// Returns an error if the settings cannot be read.
pub(crate) async fn chosen(staff: May<Invites>, form: Genuine<Sent>) -> Result<HttpResponse, Problem> {
    let empty = empty(&staff).await?;
    match Records::typed(&form.0.ids) {
        Ok(records) => show_form(&staff, &Form { records: Some(records), ..empty }, None),
        Err(wrong) => show_form(&staff, &Form { ids: form.0.ids, ..empty }, Some(Wrong::Field(wrong))),
    }
}

/// Shows the form for records that a page of the console has chosen.
///
/// # Errors
/// Returns an error if the settings cannot be read.
pub(crate) async fn with(staff: &May<Invites>, records: Vec<RecordId>) -> Result<HttpResponse, Problem> {
    let empty = empty(staff).await?;
    match Records::chosen(records) {
        Ok(records) => show_form(staff, &Form { records: Some(records), ..empty }, None),
        Err(wrong) => show_form(staff, &empty, Some(Wrong::Field(wrong))),
    }
}

async fn empty(staff: &May<Invites>) -> Result<Form, Problem> {
    let typed = Typed::usual(&staff.settings().await?, staff.now());
    Ok(Form { request: staff.random_uuid(), records: None, ids: String::new(), typed })
}

fn show_form(staff: &May<Invites>, form: &Form, wrong: Option<Wrong>) -> Result<HttpResponse, Problem> {
    let typed = &form.typed;
    let first = deliveries(staff.has_mail()).next().map(|(delivery, _)| delivery.as_str());
    let delivery = filled(Some(&typed.delivery)).or(first);
    let language = filled(Some(&typed.language)).unwrap_or(USUAL);
    let offered = |(offered, label): (InvitationDelivery, &'static str)| {
        let value = offered.as_str();
        Delivery { value, label, checked: delivery == Some(value) }
    };
    let status = match &wrong {
        None => StatusCode::OK,
        Some(Wrong::Field(_)) => StatusCode::BAD_REQUEST,
        Some(Wrong::Stale) => StatusCode::CONFLICT,
    };
    let page = NewWavePage {
        request: form.request,
        chosen: form.records.as_ref().map(|records| records.0.len() as u64),
        list: form.records.as_ref().map(Records::written).unwrap_or_default(),
        ids: form.ids.clone(),
        typed: Fields::from(typed),
        deliveries: deliveries(staff.has_mail()).map(offered).collect(),
        languages: LANGUAGES.map(|tag| Choice::new(tag, language_name(tag), Some(language))).into(),
        no_mail: !staff.has_mail(),
        stale: matches!(wrong, Some(Wrong::Stale)),
        wrong: if let Some(Wrong::Field(why)) = wrong { Some(why) } else { None },
    };
    show_as(status, "Begin a wave", "again", staff, &page)
}

fn parse_request(sent: &Sent) -> Result<Uuid, Problem> {
    Uuid::parse_str(&sent.request).map_err(|_| Problem::Bad("The form is incomplete."))
}

/// Shows for how many records somebody can be invited. Nothing is changed.
///
/// # Errors
/// Returns an error if the event log is unavailable. If a field is wrong, the form is shown again.
pub(crate) async fn rehearse(staff: May<Invites>, form: Genuine<Sent>) -> Result<HttpResponse, Problem> {
    let sent = form.0;
    let request = parse_request(&sent)?;
    let chosen = if sent.list.is_empty() { Records::typed(&sent.ids) } else { of_list(&sent.list) };
    let (records, plan) = match chosen.clone().and_then(|records| Ok((records, sent.typed.plan(&staff)?))) {
        Ok(read) => read,
        Err(wrong) => {
            // A pasted list stays as it was typed, so that it can be corrected.
            let records = chosen.ok().filter(|_| !sent.list.is_empty());
            let form = Form { request, records, ids: sent.ids, typed: sent.typed };
            return show_form(&staff, &form, Some(Wrong::Field(wrong)));
        }
    };
    let found = staff.app().invitations.rehearse_wave(&records.0, plan.delivery).await;
    let found = found.map_err(|error| staff.broken(error))?;
    let page = rehearsal(&staff, (request, &sent.typed), &plan, &records, &found);
    show(&format!("Rehearsal: {}", plan.name), "again", &staff, &page)
}

fn of_list(list: &str) -> Result<Records, String> {
    Records::read(list).ok_or_else(|| "The list of records is not complete. Choose the records again.".to_owned())
}

/// Begins the wave with the records of the rehearsal. A form that is sent twice begins one wave.
///
/// # Errors
/// Returns an error if the form is incomplete, the wave has ended meanwhile, or the event log is unavailable. If the
/// list is no longer valid, the form is shown again.
pub(crate) async fn begin(staff: May<Invites>, form: Genuine<Sent>) -> Result<HttpResponse, Problem> {
    let sent = form.0;
    let request = parse_request(&sent)?;
    let Some(records) = Records::open(&sent.rehearsed, &staff, request, &sent.typed.written()) else {
        let form = Form { request, records: Records::read(&sent.list), ids: sent.ids, typed: sent.typed };
        return show_form(&staff, &form, Some(Wrong::Stale));
    };
    let plan = match sent.typed.plan(&staff) {
        Ok(plan) => plan,
        Err(wrong) => {
            let form = Form { request, records: Some(records), ids: sent.ids, typed: sent.typed };
            return show_form(&staff, &form, Some(Wrong::Field(wrong)));
        }
    };
    let invitations = &staff.app().invitations;
    let wave = invitations.wave_of(&format!("form {request}"));
    match invitations.begin_wave(wave, &plan, &records.0, &staff.context()).await {
        Ok(_) => {}
        Err(WaveError::Refused(refusal)) => {
            return Err(Problem::Refused(format!("This is not possible: {refusal}.")));
        }
        Err(WaveError::Failed(error)) => return Err(staff.broken(error)),
    }
    wait_for_all(staff.app()).await;
    Ok(see_other(&wave_href(wave)))
}
