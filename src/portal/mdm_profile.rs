//! The profile step: the person downloads and installs the MDM profile for the chosen kind.

use super::ca_profile::{FIRST_ALLOW, FIRST_DOWNLOADED, at_least, remaining};
use super::problem::Problem;
use super::profile_link::{Kind, ProfileLink};
use super::render::{Back, Page};
use super::submission::Submission;
use super::visitor::{Answered, Visitor, see_other};
use crate::web::content::content;
use decisions::enrollment::Step;
use events::enrollment::{OsVersion, Ownership};
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct MdmProfilePage {
    pub personal: bool,
    /// Text keys of the instructions, in order.
    pub steps: Vec<&'static str>,
    /// The profile was already downloaded; only its installation remains.
    pub taken: bool,
    /// Path of the profile, with its token.
    pub profile: String,
    pub minutes: bool,
    pub managed_apple_id: Option<String>,
}

impl Page for MdmProfilePage {
    const TEMPLATE: &'static str = "mdm_profile";

    fn back(&self) -> Back {
        Back::MdmProfile
    }
}

content!(MdmProfilePage {
    personal,
    steps among [instructions(Way::ProfileService, None), vec![]],
    taken,
    profile,
    minutes,
    managed_apple_id,
});

pub(crate) async fn show(visitor: Visitor) -> Answered {
    let session = visitor.at(Step::MdmProfile)?;
    let device = visitor.device_of(session).await?;
    if device.lives_by_its_identity(visitor.app.platform.world.now()) {
        return Err(Problem::Elsewhere("/enroll/complete"));
    }
    // Without a push topic the server can never wake the device, and the device would reject the profile.
    visitor.app.devices.pki.push_topic().ok_or(Problem::NoPush)?;
    let personal = session.enrollment.ownership == Some(Ownership::Personal);
    let way = match personal {
        true => Way::UserEnrollment,
        false if visitor.settings.profile_service.enabled => Way::ProfileService,
        false => Way::DeviceEnrollment,
    };
    let taken = session.enrollment.profile_was_taken();
    let page = MdmProfilePage {
        personal,
        steps: remaining(instructions(way, visitor.version()), taken),
        taken,
        profile: ProfileLink::new(Kind::Mdm, session.id, &visitor.app.platform.world)
            .path(&visitor.app.platform.secrets),
        minutes: at_least(visitor.version(), FIRST_DOWNLOADED),
        managed_apple_id: session.enrollment.managed_apple_id.as_ref().map(|id| id.text().to_owned()),
    };
    visitor.page(&page)
}

/// Handles "I have installed it". Nothing is recorded, because the device itself reports the enrollment; the last page
/// waits for that report.
pub(crate) async fn take(form: Submission) -> Answered {
    form.visitor.at(Step::MdmProfile)?;
    Ok(see_other("/enroll/complete"))
}

/// Kind of installation in Settings, which decides the instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    UserEnrollment,
    DeviceEnrollment,
    /// Device Enrollment in which the device first reports what it is.
    ProfileService,
}

/// Returns text keys of the instructions for this kind of installation and this version of iOS.
pub(crate) fn instructions(way: Way, version: Option<OsVersion>) -> Vec<&'static str> {
    let mut steps = if at_least(version, FIRST_DOWNLOADED) {
        vec!["mdm-tap-continue-close", "mdm-open-downloaded"]
    } else if at_least(version, FIRST_ALLOW) {
        vec!["mdm-tap-continue-settings"]
    } else {
        vec!["mdm-tap-continue"]
    };
    steps.extend(match way {
        Way::UserEnrollment => &["mdm-enroll-my", "mdm-account-password"][..],
        Way::DeviceEnrollment => &["mdm-install", "mdm-trust"],
        Way::ProfileService => &["mdm-install", "mdm-verified", "mdm-trust"],
    });
    steps.push("mdm-come-back");
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_those_of_kind_and_version() {
        let close = ["mdm-tap-continue-close", "mdm-open-downloaded"];
        assert_eq!(
            instructions(Way::UserEnrollment, OsVersion::parse("17.5")),
            [&close[..], &["mdm-enroll-my", "mdm-account-password", "mdm-come-back"]].concat()
        );
        assert_eq!(
            instructions(Way::DeviceEnrollment, OsVersion::parse("18.1")),
            [&close[..], &["mdm-install", "mdm-trust", "mdm-come-back"]].concat()
        );
        assert_eq!(
            instructions(Way::ProfileService, OsVersion::parse("26.1")),
            [&close[..], &["mdm-install", "mdm-verified", "mdm-trust", "mdm-come-back"]].concat()
        );
        assert_eq!(instructions(Way::DeviceEnrollment, OsVersion::parse("11.4"))[0], "mdm-tap-continue-settings");
        assert_eq!(instructions(Way::DeviceEnrollment, OsVersion::parse("10.3"))[0], "mdm-tap-continue");
    }
}
