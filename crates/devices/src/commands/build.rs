//! Builds `Command` dictionaries (Apple's schema: mdm/commands/*.yaml).

use crate::inventory::queries::queries;
use decisions::device::Device;
use events::enrollment::{EnrollmentKind, OsVersion};
use plist::{Dictionary, Value};

/// Value of `ManagementFlags`: the app is removed when management ends (mdm/commands/application.install.yaml).
const REMOVE_WITH_MANAGEMENT: u32 = 1;

/// The name of an app in a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppName {
    /// Its App Store number, as in `https://apps.apple.com/app/id<number>`.
    Store(u64),
    /// Its bundle identifier.
    Bundle(String),
}

/// Builds `DeviceInformation` with the queries that this kind of enrollment and version support.
pub fn device_information(kind: EnrollmentKind, version: Option<OsVersion>) -> Dictionary {
    let queries = queries(kind, version).into_iter().map(Value::from).collect();
    request("DeviceInformation", [("Queries", Value::Array(queries))])
}

/// Builds `DeviceInformation` that requests only an attestation with this nonce.
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

/// Builds `InstalledApplicationList`. For a personal device it requests managed apps only.
pub fn installed_apps(kind: EnrollmentKind) -> Dictionary {
    match kind {
        EnrollmentKind::UserEnrollment => request("InstalledApplicationList", [("ManagedAppsOnly", true.into())]),
        EnrollmentKind::DeviceEnrollment => request("InstalledApplicationList", []),
    }
}

/// Builds `ManagedApplicationList`, which requests the state of these apps. Without identifiers it requests all managed
/// apps.
pub fn managed_apps(identifiers: &[String]) -> Dictionary {
    if identifiers.is_empty() {
        return request("ManagedApplicationList", []);
    }
    let identifiers = identifiers.iter().cloned().map(Value::from).collect();
    request("ManagedApplicationList", [("Identifiers", Value::Array(identifiers))])
}

/// Builds `DeviceLock`, with a message and a phone number for the lock screen.
pub fn lock(message: Option<&str>, phone_number: Option<&str>) -> Dictionary {
    let mut command = request("DeviceLock", []);
    for (key, text) in [("Message", message), ("PhoneNumber", phone_number)] {
        if let Some(text) = text {
            command.insert(key.into(), text.into());
        }
    }
    command
}

/// Builds `ClearPasscode` without the unlock token, which is added when the command is sent.
pub fn clear_passcode() -> Dictionary {
    request("ClearPasscode", [])
}

pub fn erase() -> Dictionary {
    request("EraseDevice", [])
}

pub fn install_profile(file: &[u8]) -> Dictionary {
    request("InstallProfile", [("Payload", Value::Data(file.to_vec()))])
}

/// Builds `RemoveProfile`. Removing the enrollment profile ends management and needs no access right.
pub fn remove_profile(identifier: &str) -> Dictionary {
    request("RemoveProfile", [("Identifier", identifier.into())])
}

/// Builds `InstallApplication`. `licensed`: the organization assigned a licence to the person or the device (Apps and
/// Books). Otherwise the person gets the app with their own Apple ID, which User Enrollment does not support.
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

/// Builds `Settings` that set the name of the organization, which prompts on the device show.
pub fn organization_info(name: &str) -> Dictionary {
    let organization: Dictionary = [("OrganizationName".to_owned(), Value::from(name))].into_iter().collect();
    let item: Dictionary =
        [("Item".to_owned(), Value::from("OrganizationInfo")), ("OrganizationInfo".to_owned(), organization.into())]
            .into_iter()
            .collect();
    request("Settings", [("Settings", Value::Array(vec![item.into()]))])
}

/// Returns the queries for a newly enrolled device, each with the name of the effect that queues it.
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
