//! Where devices find us: the discovery document, the same for everybody, and what leads a device to sign in.

use super::link::{AccountLink, Purpose};
use crate::Enroll;
use events::enrollment::{DeviceFamily, EnrollmentId, EnrollmentMode};
use events::settings::{AuthenticationMethod, Settings};
use serde_json::{Value, json};

/// Where the document is on the host of a person's domain.
pub const WELL_KNOWN: &str = "/.well-known/com.apple.remotemanagement";

/// Where a device redeems codes and refreshes tokens.
pub const TOKEN_PATH: &str = "/mdm/account-token";
/// Where our pages send a device back to with a code; only Settings understands it.
pub const REDIRECT_URL: &str = "apple-remotemanagement-user-login:/oauth2/redirection";
/// Devices are public clients: all are the same one.
pub const CLIENT_ID: &str = "muster";
pub const SCOPE: &str = "mdm";

/// Families as devices call them (`model-family`).
pub const FAMILIES: [(DeviceFamily, &str); 2] = [(DeviceFamily::IPhone, "iPhone"), (DeviceFamily::IPad, "iPad")];

/// The family of a `model-family` or of a model such as `iPad13,1`.
pub fn family(model: &str) -> Option<DeviceFamily> {
    FAMILIES.into_iter().find(|(_, name)| model.starts_with(name)).map(|(family, _)| family)
}

/// The document for devices that enroll in this mode: one server, since a device takes the first.
pub fn document(public_url: &str, mode: EnrollmentMode) -> Value {
    json!({ "Servers": [{ "Version": mode.version(), "BaseURL": base_url(public_url, mode) }] })
}

/// Where a device of this mode asks for its profile.
pub fn base_url(public_url: &str, mode: EnrollmentMode) -> String {
    format!("{}/mdm/account/{}", public_url.trim_end_matches('/'), mode.version())
}

/// The mode in which a family enrolls by account, if it does.
pub fn mode(settings: &Settings, family: DeviceFamily) -> Option<EnrollmentMode> {
    settings.account_driven.mode(family, &settings.ownership_kinds)
}

impl Enroll {
    /// The value of `WWW-Authenticate` that sends a device to our pages. A bare 401 would remove management.
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
