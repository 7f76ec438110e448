//! The console under `/console`: the inventory, the audit trail, and actions of administrators on records. Its pages
//! have no scripts, except the page that asks the browser for a passkey. Lists and records come from projections, and
//! viewing them is recorded as an event.
//!
//! Permissions are types: a handler takes a permit such as `May<SeesInventory>` and can only read what this permit
//! gives. Only permits that act, such as `May<Acts>`, give access to commands, and their handlers also take a verified
//! form, such as `form::Genuine`.

mod account;
mod act;
mod api;
mod audit;
mod carried;
mod claims;
mod cleared;
mod commands;
mod devices;
mod enrollments;
mod event;
mod export;
mod form;
mod funnel;
mod imports;
mod invitations;
mod leaving;
mod lineage;
mod links;
mod mails;
mod migration;
mod pages;
mod passkey;
mod people;
mod portal_preview;
mod problem;
mod proof;
mod query;
mod record;
mod records;
mod render;
mod session;
mod set_up;
mod settings;
mod sign_in;
mod single_sign_on;
mod staff;
mod waves;
mod words;

use crate::web::Web;
use crate::web::headers;
use crate::web::methods::{Read as _, refused};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::{Error, HttpResponse, ResponseError as _, web};
use platform::Platform;
use problem::Problem;
use query::ReadWhole as _;
use session::{IsStaff, May, note_refusal};
use std::sync::Arc;

/// What the console and the API need.
#[derive(Clone)]
pub(crate) struct Console {
    pub platform: Platform,
    pub settings: Arc<::settings::SettingsService>,
    pub sign_in: Arc<::sign_in::SignIn>,
    pub devices: Arc<::devices::Devices>,
    pub staff: Arc<::staff::Staff>,
    pub uploads: Arc<::imports::uploads::Uploads>,
    pub reenrollment: Arc<::reenrollment::Reenrollment>,
    pub invitations: Arc<::invitations::Invitations>,
    /// A mail server is configured.
    pub has_mail: bool,
    pub web: Web,
}

/// Maximum size of a form in bytes; most forms have a few short fields.
const LARGEST_FORM: usize = 16 * 1024;

/// Maximum size of a settings form in bytes: settings contain texts in several languages, and form encoding can triple
/// their size.
const LARGEST_SETTINGS: usize = 2 * 1024 * 1024;

/// Registers the routes of the console and of the API. Only stylesheets and files are compressed. A page contains its
/// CSRF token next to text from its address, and the length of both compressed together would reveal the token
/// (BREACH).
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.service(api::routes()).service(
        web::scope("/console")
            .wrap(from_fn(secure))
            .app_data(web::FormConfig::default().limit(LARGEST_FORM))
            .app_data(
                web::QueryConfig::default().error_handler(|_, _| Problem::bad("The address is not understood.").into()),
            )
            .service(web::resource(["", "/"]).read_whole(home))
            .service(web::resource("/console.css").read(stylesheet).wrap(Compress::default()))
            .service(web::resource("/sign-in").read(sign_in::page).post(sign_in::submit))
            .service(web::resource("/sign-in/with/{provider}").post(single_sign_on::begin))
            .service(web::resource("/sso/{provider}/callback").get(single_sign_on::finish))
            .service(
                web::resource("/sso/{provider}/acs")
                    .app_data(web::FormConfig::default().limit(single_sign_on::LIMIT))
                    .post(single_sign_on::consume),
            )
            .service(web::resource("/sso/{provider}/return").get(single_sign_on::return_from_post))
            .service(web::resource("/sign-out").post(sign_in::sign_out))
            .service(web::resource("/set-up/{token}").read_whole(set_up::page).post(set_up::submit))
            .service(web::resource("/passkey.js").read(passkey::script))
            .configure(proofs)
            .configure(own_account)
            .configure(of_staff)
            .service(web::resource("/devices").read(devices::list))
            .service(web::resource("/devices/export").read(devices::export).wrap(Compress::default()))
            .service(web::resource("/devices/{device}").read(devices::page))
            .service(web::resource("/devices/{device}/{verb:unenroll|archive|restore}").post(act::submit))
            .service(web::resource("/devices/{device}/claims/{other}/{verb:same|different}").post(claims::decide))
            .configure(commands::routes)
            .configure(of_records)
            .configure(of_links)
            .configure(of_migration)
            .configure(invitations::routes)
            .configure(waves::routes)
            .service(web::resource("/mails").read(mails::page))
            .service(web::resource("/funnel").read(funnel::page))
            .service(web::resource("/preview").read(portal_preview::page))
            .service(web::resource("/visits").read(enrollments::list))
            .service(web::resource("/visits/{enrollment}").read_whole(enrollments::page))
            .service(web::resource("/settings").read_whole(settings::page))
            .service(web::resource("/settings/change").read_whole(settings::edit))
            .service(
                web::scope("/settings")
                    .app_data(web::FormConfig::default().limit(LARGEST_SETTINGS))
                    .service(web::resource("/preview").post(settings::preview))
                    .service(web::resource("/apply").post(settings::apply)),
            )
            .service(web::resource("/audit").read(audit::list))
            .service(web::resource("/audit/export").read(audit::export).wrap(Compress::default()))
            .service(web::resource("/audit/{event}").read_whole(event::page))
            .default_service(web::to(nothing_here)),
    );
}

// Routes for the second factor at sign-in and for the confirmation before changes.
fn proofs(config: &mut web::ServiceConfig) {
    let limit = || web::FormConfig::default().limit(carried::LARGEST);
    config
        .service(web::resource("/second-factor").read(proof::second_factor))
        .service(web::resource("/second-factor/code").post(proof::second_factor_code))
        .service(web::resource("/second-factor/passkey/begin").post(proof::second_factor_begin))
        .service(
            web::resource("/second-factor/passkey")
                .read(proof::second_factor_passkey)
                .post(proof::second_factor_answer),
        )
        .service(web::resource("/confirm").app_data(limit()).read(proof::confirm).post(proof::confirm_carried))
        .service(web::resource("/confirm/code").app_data(limit()).post(proof::confirm_code))
        .service(web::resource("/confirm/password").app_data(limit()).post(proof::confirm_password))
        .service(web::resource("/confirm/passkey/begin").app_data(limit()).post(proof::confirm_begin))
        .service(
            web::resource("/confirm/passkey")
                .app_data(limit())
                .read(proof::confirm_passkey)
                .post(proof::confirm_answer),
        );
}

fn own_account(config: &mut web::ServiceConfig) {
    use account::factors;
    config
        .service(web::resource("/account").read_whole(account::page))
        .service(web::resource("/account/password").post(account::change_password))
        .service(web::resource("/account/sessions/end-others").post(account::end_other_sessions))
        .service(web::resource("/account/sessions/{session}/end").post(account::end_session))
        .service(web::resource("/account/factors/new").read_whole(factors::new))
        .service(web::resource("/account/factors/one-time-codes/begin").post(factors::begin_codes))
        .service(
            web::resource("/account/factors/one-time-codes").read_whole(factors::codes).post(factors::finish_codes),
        )
        .service(web::resource("/account/factors/passkey/begin").post(factors::begin_passkey))
        .service(
            web::resource("/account/factors/passkey").read_whole(factors::passkey_page).post(factors::finish_passkey),
        )
        .service(web::resource("/account/recovery-codes").post(factors::recovery_codes))
        .service(web::resource("/account/passkeys/{passkey}/remove").post(factors::remove_passkey))
        .service(web::resource("/account/one-time-codes/remove").post(factors::remove_codes));
}

// The files of uploads have a limit of their own, which is checked while they are received.
fn of_records(config: &mut web::ServiceConfig) {
    use imports::{closing, import, received, undo, upload};
    config
        .service(web::resource("/records").read(records::list))
        .service(web::resource("/records/export").read(records::export).wrap(Compress::default()))
        .service(web::resource("/records/deletable").read(records::deletable).wrap(Compress::default()))
        .service(web::resource("/records/{record}").read(records::page))
        .service(web::resource("/imports").read(imports::list).post(upload::receive))
        .service(web::resource("/imports/uploads/{upload}").read_whole(upload::page))
        .service(web::resource("/imports/uploads/{upload}/set-aside").read_whole(upload::set_aside))
        .service(web::resource("/imports/uploads/{upload}/import").post(upload::import))
        .service(
            web::resource("/imports/uploads/{upload}/check")
                .app_data(web::FormConfig::default().limit(received::LARGEST_FORM))
                .post(upload::check_again),
        )
        .service(web::resource("/imports/uploads/{upload}/discard").post(upload::discard))
        .service(web::resource("/migration/{verb:close|reopen}").post(closing::submit))
        .service(web::resource("/imports/{import}").read_whole(import::page))
        .service(web::resource("/imports/{import}/undo").read_whole(undo::ask).post(undo::undo));
}

fn of_links(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/links").read(links::list))
        .service(web::resource("/links/{record}/{device}/{decision:confirm|reject|undo}").post(links::decide))
        // The address of earlier versions.
        .service(web::resource("/earlier").read_whole(links::moved))
        .service(web::resource("/people/{person}").read(people::page))
        .service(web::resource("/people/{person}/export").read(people::export).wrap(Compress::default()));
}

// A form of the board can carry a frozen list of records.
fn of_migration(config: &mut web::ServiceConfig) {
    use migration::{bulk, one};
    let limit = || web::FormConfig::default().limit(carried::LARGEST);
    config
        .service(web::resource("/migration").read(migration::board))
        .service(web::resource("/migration/export").read(migration::export).wrap(Compress::default()))
        .service(web::resource("/migration/{verb:except|end-exception}/try").app_data(limit()).post(bulk::rehearse))
        .service(web::resource("/migration/{verb:except|end-exception}/do").app_data(limit()).post(bulk::perform))
        .service(web::resource("/migration/invite").app_data(limit()).post(migration::invite::invite))
        .service(web::resource("/records/{record}/exception").post(one::except))
        .service(web::resource("/records/{record}/exception/end").post(one::end_exception))
        .service(web::resource("/records/{record}/notes").post(one::note));
}

fn of_staff(config: &mut web::ServiceConfig) {
    use staff::act;
    config
        .service(web::resource("/staff").read_whole(staff::list))
        .service(web::resource("/staff/{staff}").read_whole(staff::page))
        .service(web::resource("/staff/{staff}/roles").post(act::roles))
        .service(web::resource("/staff/{staff}/disable").post(act::disable))
        .service(web::resource("/staff/{staff}/enable").post(act::enable))
        .service(web::resource("/staff/{staff}/remove-factors").post(act::remove_factors))
        .service(web::resource("/staff/{staff}/password").post(act::password))
        .service(web::resource("/staff/{staff}/end-sessions").post(act::end_sessions))
        .service(web::resource("/staff/{staff}/sessions/{session}/end").post(act::end_session));
}

async fn home(staff: May<IsStaff>) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, session::home(&staff.roles))).finish()
}

async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/css; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "public, max-age=600"))
        .body(include_str!("../templates/admin/console.css"))
}

async fn nothing_here() -> Problem {
    Problem::NotFound
}

// Returns the `Problem::Unavailable` of a response, if it has one.
fn unavailable(response: &ServiceResponse<BoxBody>) -> Option<Problem> {
    match response.response().error()?.as_error::<Problem>()? {
        Problem::Unavailable { code, during, building } => {
            Some(Problem::Unavailable { code: *code, during: *during, building: *building })
        }
        _ => None,
    }
}

// Middleware for every response of the console, including errors.
async fn secure(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // If people install this server's root, a remembered HSTS would lock out a person who removed the root.
    let public = request.app_data::<web::Data<Console>>().is_some_and(|app| !app.web.private_root);
    let reads = request.method().is_safe();
    let mut response = next.call(request).await?.map_into_boxed_body();
    if response.status() == StatusCode::CONFLICT && response.request().method() == Method::POST {
        let app = response.request().app_data::<web::Data<Console>>().cloned();
        let noted = match app {
            Some(app) => note_refusal(&app, response.request()).await,
            None => Ok(()),
        };
        if let Err(problem) = noted {
            response = response.into_response(problem.error_response());
        }
    }
    if let Some(problem) = unavailable(&response).filter(|_| reads) {
        response = response.into_response(problem.reading().error_response());
    }
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response = refused(response, Problem::Method.error_response());
    }
    let mut policy = headers::content_security_policy("");
    if passkey::has_script(response.request().path()) {
        policy.push_str("; script-src 'self'");
    }
    if response.request().path() == portal_preview::PATH {
        policy.push_str("; frame-src 'self'");
    }
    headers::secure(response.headers_mut(), &policy);
    if public {
        headers::strict_transport(response.headers_mut());
    }
    Ok(response)
}
