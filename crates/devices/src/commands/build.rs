//! `Command` dictionaries (Apple's schema: mdm/commands/*.yaml).

use crate::inventory;
use decisions::device::Device;
use events::enrollment::{EnrollmentKind, OsVersion};
use plist::{Dictionary, Value};

/// Remove the app when management ends (`ManagementFlags`, application.install.yaml).
const REMOVE_WITH_MANAGEMENT: u32 = 1;

/// An app, as a command names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppName {
    /// Its number in the App Store.
    Store(u64),
    /// Its bundle identifier.
    Bundle(String),
}

/// `DeviceInformation` with the queries that this kind and version may be asked.
pub fn device_information(kind: EnrollmentKind, version: Option<OsVersion>) -> Dictionary {
    let queries = inventory::queries(kind, version).into_iter().map(Value::from).collect();
    request("DeviceInformation", [("Queries", Value::Array(queries))])
}

/// `DeviceInformation` that asks for nothing but an attestation which holds this nonce.
pub(crate) fn device_attestation(nonce: [u8; 32]) -> Dictionary {
    let queries = Value::Array(vec!["DevicePropertiesAttestation".into()]);
    request("DeviceInformation", [("Queries", queries), ("DeviceAttestationNonce", Value::Data(nonce.to_vec()))])
}

pub fn security_info() -> Dictionary {
    request("SecurityInfo", [])
}

pub fn profile_list() -> Dictionary {
    request("ProfileList", [])
}

pub fn certificate_list() -> Dictionary {
    request("CertificateList", [])
}

/// Of a personal device only what came by management is asked for.
pub fn installed_apps(kind: EnrollmentKind) -> Dictionary {
    match kind {
        EnrollmentKind::UserEnrollment => request("InstalledApplicationList", [("ManagedAppsOnly", true.into())]),
        EnrollmentKind::DeviceEnrollment => request("InstalledApplicationList", []),
    }
}

/// How managed apps stand; all, where none are named.
pub fn managed_apps(identifiers: &[String]) -> Dictionary {
    if identifiers.is_empty() {
        return request("ManagedApplicationList", []);
    }
    let identifiers = identifiers.iter().cloned().map(Value::from).collect();
    request("ManagedApplicationList", [("Identifiers", Value::Array(identifiers))])
}

/// Locks the screen, with words on it.
pub fn lock(message: Option<&str>, phone_number: Option<&str>) -> Dictionary {
    let mut command = request("DeviceLock", []);
    for (key, text) in [("Message", message), ("PhoneNumber", phone_number)] {
        if let Some(text) = text {
            command.insert(key.into(), text.into());
        }
    }
    command
}

/// The unlock token is added when it is sent.
pub fn clear_passcode() -> Dictionary {
    request("ClearPasscode", [])
}

pub fn erase() -> Dictionary {
    request("EraseDevice", [])
}

pub fn install_profile(file: &[u8]) -> Dictionary {
    request("InstallProfile", [("Payload", Value::Data(file.to_vec()))])
}

/// Of the enrollment profile: ends management, and is possible whatever the access rights.
pub fn remove_profile(identifier: &str) -> Dictionary {
    request("RemoveProfile", [("Identifier", identifier.into())])
}

/// `licensed`: the organization's licence is assigned to the person or device (Apps and Books); otherwise the person takes
/// the app with an Apple ID of their own, which User Enrollment does not know.
pub fn install_app(app: &AppName, licensed: bool) -> Dictionary {
    let (key, name) = match app {
        AppName::Store(number) => ("iTunesStoreID", Value::from(*number)),
        AppName::Bundle(identifier) => ("Identifier", Value::from(identifier.clone())),
    };
    let options: Dictionary = [("PurchaseMethod".to_owned(), Value::from(u32::from(licensed)))].into_iter().collect();
    request(
        "InstallApplication",
        [(key, name), ("Options", options.into()), ("ManagementFlags", REMOVE_WITH_MANAGEMENT.into())],
    )
}

pub fn remove_app(identifier: &str) -> Dictionary {
    request("RemoveApplication", [("Identifier", identifier.into())])
}

/// The name that prompts on the device say.
pub fn organization_info(name: &str) -> Dictionary {
    let organization: Dictionary = [("OrganizationName".to_owned(), Value::from(name))].into_iter().collect();
    let item: Dictionary =
        [("Item".to_owned(), Value::from("OrganizationInfo")), ("OrganizationInfo".to_owned(), organization.into())]
            .into_iter()
            .collect();
    request("Settings", [("Settings", Value::Array(vec![item.into()]))])
}

/// What a newly enrolled device is asked, each with the name of the effect that asks it.
pub fn first_questions(device: &Device) -> Vec<(&'static str, Dictionary)> {
    let Some(kind) = device.kind() else { return Vec::new() };
    vec![("ask-device-information", device_information(kind, device.version())), ("ask-security-info", security_info())]
}

fn request<const N: usize>(request_type: &str, fields: [(&str, Value); N]) -> Dictionary {
    let mut command = Dictionary::new();
    command.insert("RequestType".into(), request_type.into());
    for (key, value) in fields {
        command.insert(key.into(), value);
    }
    command
}

#[cfg(test)]
mod tests;
