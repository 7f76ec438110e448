//! Phases 1 and 2: the request for attributes, and the profile with which a device gets its verification identity.

use crate::Enroll;
use decisions::enrollment::{AttributesReport, Enrollment};
use devices::enrollment_profile;
use devices::enrollment_profile::{names_target, reverse_dns};
use events::enrollment::{EnrollmentId, ServedProfileService};
use pki::profile::{ProfileError, ProfileService, Texts, VerificationProfile};
use platform::named_secret::{self, Kind};

/// The attributes that devices are asked for. They identify the hardware or its software. None is about its network,
/// its SIM card or its person.
const ATTRIBUTES: [&str; 6] = ["UDID", "SERIAL", "PRODUCT", "VERSION", "IMEI", "MEID"];

fn texts(organization: &str) -> Texts<'_> {
    Texts {
        organization,
        display_name: organization,
        description: "Identifies this device before it is enrolled in management.",
    }
}

impl Enroll {
    /// Creates the values of a Profile Service that is served now.
    pub fn new_profile_service(&self, id: EnrollmentId) -> ServedProfileService {
        let base = self.platform.public_url.as_str();
        ServedProfileService {
            identifier: format!("{}.muster.device.{id}", reverse_dns(base)),
            payload_uuid: self.platform.world.random_uuid(),
            url: format!("{base}/mdm/profile-service"),
            attributes: ATTRIBUTES.map(str::to_owned).to_vec(),
        }
    }

    /// Returns the Profile Service payload as XML. `secret` is the secret of its challenge.
    ///
    /// # Errors
    /// Returns an error if the payload is not valid, so that a device would refuse it.
    pub fn profile_service_xml(
        &self,
        id: EnrollmentId,
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
            challenge: &named_secret::text(Kind::ProfileService, id.0, secret),
        };
        payload.xml()
    }

    pub(super) fn verification_profile_xml(
        &self,
        id: EnrollmentId,
        enrollment: &Enrollment,
        report: &AttributesReport,
        organization: &str,
        secret: &str,
    ) -> Result<Vec<u8>, ProfileError> {
        let base = self.platform.public_url.as_str();
        let profile = VerificationProfile {
            texts: texts(organization),
            // Must differ from the identifier of the payload before, which is still being installed.
            identifier: &format!("{}.muster.verification.{id}", reverse_dns(base)),
            profile_uuid: report.profile_uuid,
            identity_uuid: report.identity_uuid,
            names_target: names_target(enrollment.opened.as_ref().and_then(|opened| opened.platform.version)),
            scep_url: &report.scep_url,
            challenge: &enrollment_profile::challenge(id, secret),
            device: id.0,
        };
        profile.xml(&self.devices.pki)
    }
}
