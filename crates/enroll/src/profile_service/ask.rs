//! Phases 1 and 2: what the device is asked, and the profile by which it gets an identity to be verified by.

use crate::Enroll;
use decisions::visit::{AttributesReport, Visit};
use devices::enrollment_profile;
use devices::enrollment_profile::{names_target, reverse_dns};
use events::enrollment::{EnrollmentId, ServedProfileService};
use pki::profile::{ProfileError, ProfileService, Texts, VerificationProfile};
use platform::named_secret::{self, Kind};

/// What devices are asked for. Each tells which piece of hardware it is or what it can run; nothing of its network, its SIM
/// card or its person.
const ATTRIBUTES: [&str; 6] = ["UDID", "SERIAL", "PRODUCT", "VERSION", "IMEI", "MEID"];

fn texts(organization: &str) -> Texts<'_> {
    Texts {
        organization,
        display_name: organization,
        description: "Asks this device what it is, before it is enrolled in management.",
    }
}

impl Enroll {
    /// What a Profile Service is made of when it is served now.
    pub fn new_profile_service(&self, enrollment: EnrollmentId) -> ServedProfileService {
        let base = self.platform.public_url.as_str();
        ServedProfileService {
            identifier: format!("{}.muster.device.{enrollment}", reverse_dns(base)),
            payload_uuid: self.platform.world.random_uuid(),
            url: format!("{base}/mdm/profile-service"),
            attributes: ATTRIBUTES.map(str::to_owned).to_vec(),
        }
    }

    /// The Profile Service as XML.
    ///
    /// # Errors
    /// If a device would refuse it.
    pub fn profile_service_xml(
        &self,
        enrollment: EnrollmentId,
        service: &ServedProfileService,
        organization: &str,
        secret: &str,
    ) -> Result<Vec<u8>, ProfileError> {
        let payload = ProfileService {
            texts: texts(organization),
            identifier: &service.identifier,
            uuid: service.payload_uuid,
            url: &service.url,
            attributes: &service.attributes,
            challenge: &named_secret::text(Kind::ProfileService, enrollment.0, secret),
        };
        payload.xml()
    }

    pub(super) fn verification_profile_xml(
        &self,
        enrollment: EnrollmentId,
        visit: &Visit,
        report: &AttributesReport,
        organization: &str,
        secret: &str,
    ) -> Result<Vec<u8>, ProfileError> {
        let base = self.platform.public_url.as_str();
        let profile = VerificationProfile {
            texts: texts(organization),
            // Another than the payload before: that one is still being installed.
            identifier: &format!("{}.muster.verification.{enrollment}", reverse_dns(base)),
            profile_uuid: report.profile_uuid,
            identity_uuid: report.identity_uuid,
            names_target: names_target(visit.opened.as_ref().and_then(|opened| opened.platform.version)),
            scep_url: &report.scep_url,
            challenge: &enrollment_profile::challenge(enrollment, secret),
            device: enrollment.0,
        };
        profile.xml(&self.devices.pki)
    }
}
