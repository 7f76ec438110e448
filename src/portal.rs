//! The enrollment portal: the web pages that a person follows step by step. docs/glossary.md lists the steps.
//!
//! The event stream of the enrollment decides which step the person is at; the URL does not. A request for the page of
//! another step is redirected to the page of the current step. Each page is a template with its own typed context
//! (`render`); its texts are in catalogues ([`texts`]). A handler receives a form only as a
//! `submission::Submission`, which proves that the form came from a page of this portal.

pub(crate) mod about;
pub(crate) mod account;
mod account_link;
mod account_name;
pub(crate) mod arrival;
mod assets;
mod before;
pub(crate) mod browser;
pub(crate) mod ca_profile;
pub(crate) mod complete;
mod description;
mod download;
mod earlier;
pub(crate) mod for_whom;
mod help;
mod leaving;
pub(crate) mod managed_apple_id;
pub(crate) mod mdm_profile;
mod onward;
pub(crate) mod ownership;
mod preview;
pub(crate) mod previous;
pub(crate) mod problem;
mod profile_link;
mod removal;
pub(crate) mod render;
pub(crate) mod sign_in;
pub(crate) mod single_sign_on;
mod steps;
pub(crate) mod stopped;
mod submission;
pub mod surround;
pub(crate) mod terms;
#[cfg(test)]
mod tests;
pub mod texts;
mod visitor;

use crate::web::Web;
use crate::web::methods::Read as _;
use ::sign_in::SignIn;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, FormConfig, ServiceConfig, get, post};
use actix_web::{HttpResponse, ResponseError as _};
use devices::Devices;
use enroll::Enroll;
use platform::Platform;
use problem::Problem;
use settings::SettingsService;
use std::sync::Arc;

/// What the portal's pages need.
#[derive(Clone)]
pub struct Portal {
    pub platform: Platform,
    pub settings: Arc<SettingsService>,
    pub sign_in: Arc<SignIn>,
    pub devices: Arc<Devices>,
    pub enroll: Arc<Enroll>,
    pub web: Web,
}

/// Routes for a page with a form: GET shows the page, POST handles the form.
macro_rules! form {
    ($path:literal, $module:ident) => {
        page($path).read($module::show).route(post().to($module::take))
    };
}

/// Route for a page without a form: GET only.
macro_rules! shown {
    ($path:literal, $handler:path) => {
        page($path).read($handler)
    };
}

/// Registers the portal's routes. Call it after the other surfaces are configured: its scope is empty, so it also
/// answers every path that they do not know.
pub fn routes(config: &mut ServiceConfig) {
    let scope = web::scope("")
        .wrap(from_fn(surround::surround))
        .app_data(FormConfig::default().limit(submission::LIMIT))
        .service(shown!("/assets/portal.css", assets::stylesheet).wrap(Compress::default()))
        .service(shown!("/assets/portal.js", assets::script))
        .service(shown!("/", arrival::root))
        .service(shown!("/enroll", arrival::show))
        .service(page("/enroll/device").route(post().to(arrival::device)))
        .service(page("/enroll/language").route(post().to(arrival::language)))
        .service(form!("/enroll/sign-in", sign_in))
        .service(shown!("/enroll/account/{link}", account::show))
        .service(page("/enroll/hand-over").read(account::show_hand_over).route(post().to(account::take_hand_over)))
        .service(page("/enroll/sign-in/{provider}").route(post().to(single_sign_on::begin)))
        .service(page("/enroll/sso/{provider}/callback").route(get().to(single_sign_on::finish)))
        .service(page("/enroll/sso/{provider}/return").route(get().to(single_sign_on::return_from_post)))
        .service(
            page("/enroll/sso/{provider}/acs")
                .app_data(FormConfig::default().limit(single_sign_on::LIMIT))
                .route(post().to(single_sign_on::consume)),
        )
        .service(page("/saml/{provider}/metadata").read(single_sign_on::metadata))
        .service(page("/enroll/sign-out").route(post().to(sign_in::sign_out)))
        .service(form!("/enroll/for-whom", for_whom))
        .service(form!("/enroll/previous", previous))
        .service(form!("/enroll/ownership", ownership))
        .service(form!("/enroll/terms", terms))
        .service(page("/enroll/terms/decline").route(post().to(terms::decline)))
        .service(form!("/enroll/ca", ca_profile))
        .service(form!("/enroll/managed-apple-id", managed_apple_id))
        .service(form!("/enroll/mdm", mdm_profile))
        .service(shown!("/enroll/profile/{token}.mobileconfig", download::profile))
        .service(shown!("/enroll/about", about::show))
        .service(shown!("/enroll/complete", complete::show))
        .service(shown!("/enroll/stopped", stopped::show))
        .service(shown!("/enroll/preview/{token}", preview::show))
        .default_service(web::to(not_found));
    config.service(scope);
}

fn page(path: &str) -> actix_web::Resource {
    web::resource(path.to_owned())
}

async fn not_found() -> HttpResponse {
    Problem::NotFound.error_response()
}
