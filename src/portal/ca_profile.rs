//! The certificate step: installs the root certificate that makes the device trust this server.

use super::profile_link::{Kind, ProfileLink};
use super::render::Page;
use super::steps;
use super::submission::Submission;
use super::visitor::{Answered, Visitor, see_other};
use crate::portal::Portal;
use crate::web::content::content;
use actix_web::http::StatusCode;
use decisions::enrollment::{CaStep, Command, Enrollment, Refusal, Step};
use events::enrollment::{FormRefusal, OsVersion};
use events::settings::Settings;
use openssl::nid::Nid;
use platform::PerformError;
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct CaProfilePage {
    /// Text keys of the instructions, in order.
    pub steps: Vec<&'static str>,
    /// The profile was already downloaded; only its installation remains.
    pub taken: bool,
    /// Path of the profile, with its token.
    pub profile: String,
    /// Name of the certificate as Certificate Trust Settings shows it.
    pub certificate: String,
    /// Show the hint that iOS keeps a downloaded profile for eight minutes only.
    pub minutes: bool,
    /// The person tapped "I have installed it" before downloading the profile.
    pub too_early: bool,
}

impl Page for CaProfilePage {
    const TEMPLATE: &'static str = "ca_profile";
}

content!(CaProfilePage {
    steps among [instructions(None), vec![]],
    taken,
    profile,
    certificate,
    minutes,
    too_early,
});

/// First version in which Safari asks before it passes a profile to Settings.
pub(crate) const FIRST_ALLOW: OsVersion = OsVersion::new(11, 0);
/// First version in which Safari only downloads a profile; the person opens Settings to install it.
pub(crate) const FIRST_DOWNLOADED: OsVersion = OsVersion::new(12, 2);
/// First version in which a manually installed root must be enabled in Certificate Trust Settings.
const FIRST_TRUST_SETTINGS: OsVersion = OsVersion::new(10, 3);

pub(crate) async fn show(visitor: Visitor) -> Answered {
    visitor.at(Step::CaProfile)?;
    visitor.page(&page(&visitor, false)?)
}

pub(crate) async fn take(form: Submission) -> Answered {
    let visitor = form.visitor;
    // A second tap arrives at a later step and must not count as a second report.
    let session = visitor.signed_in()?;
    let too_early = session.enrollment.step() == Step::CaProfile && session.enrollment.ca == CaStep::Pending;
    let context = session.context(visitor.source);
    match visitor.app.platform.perform::<Enrollment>(&session.id.stream(), &Command::ReportCaInstall, &context).await {
        Ok(performed) => Ok(see_other(steps::path(performed.state.step()))),
        Err(PerformError::Refused(Refusal::OutOfStep(_))) if too_early => {
            visitor.refuse(session, FormRefusal::CaProfileNotTaken).await?;
            visitor.page_with(StatusCode::CONFLICT, &page(&visitor, true)?)
        }
        Err(error) => Err(error.into()),
    }
}

fn page(visitor: &Visitor, too_early: bool) -> Result<CaProfilePage, super::problem::Problem> {
    let session = visitor.at(Step::CaProfile)?;
    let version = visitor.version();
    let taken = session.enrollment.ca == CaStep::Served;
    Ok(CaProfilePage {
        steps: remaining(instructions(version), taken),
        taken,
        profile: ProfileLink::new(Kind::Ca, session.id, &visitor.app.platform.world)
            .path(&visitor.app.platform.secrets),
        certificate: name_of_root(&visitor.app, &visitor.settings),
        minutes: at_least(version, FIRST_DOWNLOADED),
        too_early,
    })
}

/// Returns the name under which iOS shows the installed root certificate: its common name, else the organization's
/// name.
pub(crate) fn name_of_root(app: &Portal, settings: &Settings) -> String {
    let anchors = app.devices.pki.trust_anchors();
    let name = anchors.first().and_then(|anchor| anchor.subject_name().entries_by_nid(Nid::COMMONNAME).next());
    let name = name.and_then(|name| name.data().to_string().ok());
    name.unwrap_or_else(|| settings.organization.clone())
}

/// Returns whether the device has at least this version. An unknown version counts as new.
pub(crate) fn at_least(version: Option<OsVersion>, first: OsVersion) -> bool {
    version.is_none_or(|version| version >= first)
}

/// Returns the remaining instructions. A downloaded profile means that the first instruction is done.
pub(crate) fn remaining(steps: Vec<&'static str>, taken: bool) -> Vec<&'static str> {
    steps.into_iter().skip(usize::from(taken)).collect()
}

/// Returns the instructions for this version of iOS.
pub(crate) fn instructions(version: Option<OsVersion>) -> Vec<&'static str> {
    let mut steps = Vec::new();
    if at_least(version, FIRST_DOWNLOADED) {
        steps.extend(["ca-tap-continue-close", "open-downloaded"]);
    } else if at_least(version, FIRST_ALLOW) {
        steps.push("ca-tap-continue-settings");
    } else {
        steps.push("ca-tap-continue");
    }
    steps.push("ca-install");
    if at_least(version, FIRST_TRUST_SETTINGS) {
        steps.push("ca-trust");
    }
    steps.push("ca-come-back");
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notes_are_those_of_the_device_s_version() {
        let of = |version: &str| instructions(OsVersion::parse(version));
        assert_eq!(of("10.2"), ["ca-tap-continue", "ca-install", "ca-come-back"]);
        assert_eq!(of("10.3"), ["ca-tap-continue", "ca-install", "ca-trust", "ca-come-back"]);
        assert_eq!(of("11.4"), ["ca-tap-continue-settings", "ca-install", "ca-trust", "ca-come-back"]);
        let newest = ["ca-tap-continue-close", "open-downloaded", "ca-install", "ca-trust", "ca-come-back"];
        assert_eq!(of("12.2"), newest);
        assert_eq!(instructions(None), newest);
    }
}
