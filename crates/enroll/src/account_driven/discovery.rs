//! The discovery document, by which devices find the server, and the `WWW-Authenticate` header that sends a device to
//! the sign-in page.

use super::link::{AccountLink, Purpose};
use crate::Enroll;
use events::enrollment::{DeviceFamily, EnrollmentId, EnrollmentMode};
use events::settings::{AuthenticationMethod, Settings};
use serde_json::{Value, json};

/// Path of the document on the host of a person's domain.
pub const WELL_KNOWN: &str = "/.well-known/com.apple.remotemanagement";

/// Path of the OAuth 2 token endpoint.
pub(crate) const TOKEN_PATH: &str = "/mdm/account-token";
/// The URL to which the portal redirects a device with a code. Only Settings handles it.
pub const REDIRECT_URL: &str = "apple-remotemanagement-user-login:/oauth2/redirection";
/// The OAuth 2 client id of all devices, which are public clients.
pub const CLIENT_ID: &str = "muster";
pub(crate) const SCOPE: &str = "mdm";

/// Returns the family of a `model-family` or of a model such as `iPad13,1`.
pub fn family(model: &str) -> Option<DeviceFamily> {
    DeviceFamily::ALL.into_iter().find(|family| model.starts_with(family.name()))
}

/// Returns the document for devices that enroll in this mode. It contains one server, because a device uses the first.
pub fn document(public_url: &str, mode: EnrollmentMode) -> Value {
    json!({ "Servers": [{ "Version": mode.version(), "BaseURL": base_url(public_url, mode) }] })
}

/// Returns the URL where a device of this mode requests its profile.
pub fn base_url(public_url: &str, mode: EnrollmentMode) -> String {
    format!("{}/mdm/account/{}", public_url.trim_end_matches('/'), mode.version())
}

/// Returns the mode in which a family enrolls by account. `None` if the settings do not enable it.
pub fn mode(settings: &Settings, family: DeviceFamily) -> Option<EnrollmentMode> {
    settings.account_driven.mode(family, &settings.ownership_kinds)
}

impl Enroll {
    /// Returns the value of `WWW-Authenticate` that sends a device to the sign-in page. A 401 without this header would
    /// make the device remove the management.
    pub fn authenticate(&self, method: AuthenticationMethod, enrollment: EnrollmentId, purpose: Purpose) -> String {
        let token = AccountLink::new(enrollment, purpose, &self.platform.world).token(&self.platform.secrets);
        let here = self.platform.public_url.as_str();
        let page = format!("{here}/enroll/account/{token}");
        match method {
            AuthenticationMethod::AppleAsWeb => format!("Bearer method=\"apple-as-web\", url=\"{page}\""),
            AuthenticationMethod::AppleOAuth2 => format!(
                "Bearer method=\"apple-oauth2\", authorization-url=\"{page}\", token-url=\"{here}{TOKEN_PATH}\", \
                 redirect-url=\"{REDIRECT_URL}\", client-id=\"{CLIENT_ID}\", scope=\"{SCOPE}\""
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_one_server_by_its_mode() {
        let told = document("https://enroll.example.com/", EnrollmentMode::Byod);
        let url = "https://enroll.example.com/mdm/account/mdm-byod";
        assert_eq!(told, json!({ "Servers": [{ "Version": "mdm-byod", "BaseURL": url }] }));
    }

    #[test]
    fn families_are_told_by_how_models_begin() {
        assert_eq!(family("iPhone17,2"), Some(DeviceFamily::IPhone));
        assert_eq!(family("iPad"), Some(DeviceFamily::IPad));
        assert_eq!((family("Mac"), family("RealityDevice")), (None, None));
    }
}
