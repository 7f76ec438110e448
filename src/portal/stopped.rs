//! Page that says why an enrollment was refused and what to do.

use super::earlier::{Listed, listed};
use super::managed_apple_id;
use super::problem::Problem;
use super::render::Page;
use super::steps;
use super::visitor::{Answered, Session, Visitor};
use crate::web::content::content;
use decisions::enrollment::{End, Step};
use enroll::previous_records;
use events::enrollment::{EnrollmentRefusal, OsVersion};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct StoppedPage {
    pub title: &'static str,
    pub lead: &'static str,
    /// Version of iOS, or `unknown`.
    pub version: String,
    /// What is allowed: a version, models, or a number of devices. `none` if it is unknown.
    pub limit: String,
    /// Text keys of the instructions, in order.
    pub steps: &'static [&'static str],
    /// The enrollment continues in Settings.
    pub by_settings: bool,
    /// Managed Apple ID to type in Settings, if known.
    pub account: Option<String>,
    /// The person's enrolled devices, if there are too many.
    pub devices: Vec<Listed>,
    /// Number of further devices that are not listed.
    pub more: Option<u64>,
}

impl Page for StoppedPage {
    const TEMPLATE: &'static str = "stopped";
}

content!(StoppedPage {
    title among ["stopped-old-title"],
    lead among ["stopped-many-lead", "stopped-above-lead"],
    version among ["12.4", "unknown"],
    limit among ["2", "none"],
    steps among [StoppedPage::of(EnrollmentRefusal::VersionTooOld, None, None).steps, &[]],
    by_settings,
    account,
    devices,
    more,
});

pub(crate) async fn show(visitor: Visitor) -> Answered {
    let session = visitor.signed_in()?;
    let Step::Ended(End::Refused(why)) = session.enrollment.step() else {
        return Err(Problem::Elsewhere(steps::path(session.enrollment.step())));
    };
    let mut page = StoppedPage::of(why, visitor.version(), limit(why, &visitor, session));
    if why == EnrollmentRefusal::AccountDrivenOnly {
        page.account = managed_apple_id::known(&visitor, session).await?;
    }
    if let (EnrollmentRefusal::TooManyDevices, Some(owner)) = (why, session.enrollment.owner()) {
        let platform = visitor.on_ios()?;
        // Without the records the page only lacks its list of devices.
        let previous = previous_records(&visitor.app.enroll, owner.person, platform).await.unwrap_or_default();
        (page.devices, page.more) = listed(&visitor, &previous).await;
    }
    visitor.page(&page)
}

// Returns the limit of the current rule and settings, which may differ from the ones at the refusal. The refusal
// itself is in the log.
fn limit(why: EnrollmentRefusal, visitor: &Visitor, session: &Session) -> Option<String> {
    let limits = &visitor.settings.limits;
    let versions = || limits.versions.get(&session.enrollment.ownership?);
    match why {
        EnrollmentRefusal::TooManyDevices => {
            session.enrollment.access.as_ref()?.devices_per_person.map(|most| most.to_string())
        }
        EnrollmentRefusal::VersionBelowMinimum => versions()?.minimum.map(short),
        EnrollmentRefusal::VersionAboveMaximum => versions()?.maximum.map(short),
        EnrollmentRefusal::ModelNotPermitted => families(&limits.models),
        _ => None,
    }
}

/// Formats `17.0.0` as `17`, because the settings mean all of 17.
fn short(version: OsVersion) -> String {
    if version.minor == 0 && version.patch == 0 { version.major.to_string() } else { version.to_string() }
}

// People know the name iPad, but not `iPad13,`. The models are shown only if whole families are allowed.
fn families(models: &BTreeSet<String>) -> Option<String> {
    let whole = !models.is_empty() && models.iter().all(|model| matches!(model.as_str(), "iPad" | "iPhone"));
    whole.then(|| models.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
}

impl StoppedPage {
    pub(crate) fn of(why: EnrollmentRefusal, version: Option<OsVersion>, limit: Option<String>) -> StoppedPage {
        let (title, lead, steps): (_, _, &'static [&'static str]) = match why {
            EnrollmentRefusal::VersionTooOld => {
                ("stopped-old-title", "stopped-old-lead", &["stopped-old-update", "stopped-old-again"])
            }
            EnrollmentRefusal::AccountDrivenOnly => (
                "stopped-account-title",
                "stopped-account-lead",
                &[
                    "stopped-account-open",
                    "stopped-account-sign-in",
                    "stopped-account-account",
                    "stopped-account-page",
                    "stopped-account-password",
                    "stopped-account-allow",
                ],
            ),
            EnrollmentRefusal::AccountDrivenNotOffered => {
                ("stopped-no-account-title", "stopped-no-account-lead", &["stopped-permitted-ask"])
            }
            EnrollmentRefusal::WrongMode => (
                "stopped-mode-title",
                "stopped-mode-lead",
                &["stopped-mode-remove", "stopped-mode-version", "stopped-mode-again"],
            ),
            EnrollmentRefusal::NotPermitted => (
                "stopped-permitted-title",
                "stopped-permitted-lead",
                &["stopped-permitted-ask", "stopped-permitted-again"],
            ),
            EnrollmentRefusal::AccessUnknown => {
                ("stopped-unknown-title", "stopped-unknown-lead", &["stopped-unknown-ask", "stopped-permitted-again"])
            }
            EnrollmentRefusal::TooManyDevices => (
                "stopped-many-title",
                "stopped-many-lead",
                &["stopped-many-remove", "stopped-many-gone", "stopped-many-again"],
            ),
            EnrollmentRefusal::VersionBelowMinimum => (
                "stopped-below-title",
                "stopped-below-lead",
                &["stopped-old-update", "stopped-many-again", "stopped-below-no-update"],
            ),
            EnrollmentRefusal::VersionAboveMaximum => {
                ("stopped-above-title", "stopped-above-lead", &["stopped-above-ask"])
            }
            EnrollmentRefusal::ModelNotPermitted => {
                ("stopped-model-title", "stopped-model-lead", &["stopped-permitted-ask"])
            }
            EnrollmentRefusal::NotGenuine => {
                ("stopped-genuine-title", "stopped-genuine-lead", &["stopped-permitted-ask"])
            }
            EnrollmentRefusal::OtherDevice => {
                ("stopped-other-title", "stopped-other-lead", &["stopped-mode-remove", "stopped-other-again"])
            }
            EnrollmentRefusal::RestrictedToOwner => {
                ("stopped-restricted-title", "stopped-restricted-lead", &["stopped-restricted-ask"])
            }
        };
        StoppedPage {
            title,
            lead,
            version: version.map_or_else(|| "unknown".to_owned(), |version| version.to_string()),
            limit: limit.unwrap_or_else(|| "none".to_owned()),
            steps,
            by_settings: why == EnrollmentRefusal::AccountDrivenOnly,
            account: None,
            devices: vec![],
            more: None,
        }
    }
}
