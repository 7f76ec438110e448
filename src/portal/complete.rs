//! Step 11: the page that notices by itself that the device has enrolled, and the page that says why it did not.

use super::problem::Problem;
use super::render::Page;
use super::steps;
use super::visitor::{Answered, Visitor};
use crate::enrollment::device::Phase;
use crate::enrollment::visit::{End, Step};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web;
use events::enrollment::{EnrollmentRefusal, Ownership};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize)]
pub struct CompletePage {
    pub title: &'static str,
    pub lead: &'static str,
    pub waiting: bool,
    pub refreshing: bool,
    pub enrolled: bool,
    /// Its owner may take it out again.
    pub personal: bool,
    pub ended: bool,
    /// The app's page in the App Store, once the device is enrolled.
    pub self_service: Option<String>,
}

impl Page for CompletePage {
    const TEMPLATE: &'static str = "complete";
}

/// `?still`: the person does not want the page to load by itself.
#[derive(Deserialize)]
pub struct Still {
    still: Option<String>,
}

/// Seconds until the page looks again.
const REFRESH: &str = "5";

pub async fn show(visitor: Visitor, query: web::Query<Still>) -> Answered {
    let session = visitor.at(Step::MdmProfile)?;
    if session.visit.servings.is_empty() {
        return Err(Problem::Elsewhere(steps::path(Step::MdmProfile)));
    }
    let device = visitor.app.device(session.enrollment.device()).await?;
    let page = CompletePage {
        personal: session.visit.ownership == Some(Ownership::Personal),
        ..CompletePage::of(device.phase, query.still.is_none(), visitor.settings.self_service_url.clone())
    };
    let mut response = visitor.page(&page)?;
    // The header does what <meta http-equiv="refresh"> does. The element itself fails WCAG 2.2.1 as axe-core checks it;
    // here the person can turn it off. A timer also outlives the time that Safari sleeps behind Settings, which a held
    // connection does not.
    if page.waiting && page.refreshing {
        response.headers_mut().insert(HeaderName::from_static("refresh"), HeaderValue::from_static(REFRESH));
    }
    Ok(response)
}

impl CompletePage {
    pub fn of(phase: Phase, refreshing: bool, self_service: Option<String>) -> CompletePage {
        let (title, lead) = match phase {
            Phase::Unknown => ("complete-title-waiting", "complete-lead-waiting"),
            Phase::Authenticated => ("complete-title-installing", "complete-lead-installing"),
            Phase::Enrolled => ("complete-title-enrolled", "complete-lead-enrolled"),
            Phase::CheckedOut | Phase::Unenrolled | Phase::Superseded => {
                ("complete-title-ended", "complete-lead-ended")
            }
        };
        let enrolled = phase == Phase::Enrolled;
        CompletePage {
            title,
            lead,
            waiting: matches!(phase, Phase::Unknown | Phase::Authenticated),
            refreshing,
            enrolled,
            personal: true,
            ended: matches!(phase, Phase::CheckedOut | Phase::Unenrolled | Phase::Superseded),
            self_service: self_service.filter(|_| enrolled),
        }
    }
}

/// Why the enrollment came to an end, and what to do.
#[derive(Debug, Clone, Serialize)]
pub struct StoppedPage {
    pub title: &'static str,
    pub lead: &'static str,
    pub version: String,
    /// Keys of what to do, in order.
    pub steps: &'static [&'static str],
}

impl Page for StoppedPage {
    const TEMPLATE: &'static str = "stopped";
}

pub async fn stopped(visitor: Visitor) -> Answered {
    let session = visitor.signed_in()?;
    match session.visit.step() {
        Step::Ended(End::Refused(why)) => {
            let version = visitor.version().map(|version| version.to_string()).unwrap_or_default();
            visitor.page(&StoppedPage::of(why, version))
        }
        step => Err(Problem::Elsewhere(steps::path(step))),
    }
}

impl StoppedPage {
    pub fn of(why: EnrollmentRefusal, version: String) -> StoppedPage {
        let (title, lead, steps): (_, _, &'static [&'static str]) = match why {
            EnrollmentRefusal::VersionTooOld => {
                ("stopped-old-title", "stopped-old-lead", &["stopped-old-update", "stopped-old-again"])
            }
            EnrollmentRefusal::AccountDrivenOnly => (
                "stopped-account-title",
                "stopped-account-lead",
                &["stopped-account-open", "stopped-account-sign-in", "stopped-account-account"],
            ),
            EnrollmentRefusal::WrongMode => (
                "stopped-mode-title",
                "stopped-mode-lead",
                &["stopped-mode-remove", "stopped-mode-version", "stopped-mode-again"],
            ),
            EnrollmentRefusal::NotPermitted => {
                ("stopped-permitted-title", "stopped-permitted-lead", &["stopped-permitted-ask"])
            }
            EnrollmentRefusal::TooManyDevices => {
                ("stopped-many-title", "stopped-many-lead", &["stopped-many-remove", "stopped-many-again"])
            }
            EnrollmentRefusal::VersionBelowMinimum => {
                ("stopped-below-title", "stopped-below-lead", &["stopped-old-update", "stopped-old-again"])
            }
            EnrollmentRefusal::VersionAboveMaximum => {
                ("stopped-above-title", "stopped-above-lead", &["stopped-permitted-ask"])
            }
            EnrollmentRefusal::ModelNotPermitted => {
                ("stopped-model-title", "stopped-model-lead", &["stopped-permitted-ask"])
            }
        };
        StoppedPage { title, lead, version, steps }
    }
}
