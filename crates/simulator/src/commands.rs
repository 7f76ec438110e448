//! A device's answers to commands, and scripts with which a test replaces them.

use crate::apps::{Apps, Taken};
use crate::device::Device;
use crate::management::Management;
use crate::messages::{Identifier, dictionary};
use crate::model::IosVersion;
use crate::profile::{self, Profile};
use plist::{Dictionary, Value};
use std::collections::{HashMap, VecDeque};

/// An answer that a test asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Reports `Acknowledged` but does nothing.
    Acknowledged,
    NotNow,
    Error {
        code: i64,
        domain: String,
        description: String,
    },
    CommandFormatError,
}

/// Scripted answers by `RequestType`, used in order. Without one, the device answers normally.
#[derive(Debug, Clone, Default)]
pub struct Script {
    replies: HashMap<String, VecDeque<Reply>>,
}

impl Script {
    pub fn reply(&mut self, request_type: &str, reply: Reply) {
        self.replies.entry(request_type.to_owned()).or_default().push_back(reply);
    }

    pub(crate) fn has(&self, request_type: &str) -> bool {
        self.replies.get(request_type).is_some_and(|replies| !replies.is_empty())
    }

    fn next(&mut self, request_type: &str) -> Option<Reply> {
        self.replies.get_mut(request_type)?.pop_front()
    }
}

/// Queries that a device in User Enrollment does not answer (mdm/commands/information.device.yaml,
/// `userenrollment.mode: forbidden`).
const FORBIDDEN_QUERIES: &[&str] = &[
    "UDID",
    "SerialNumber",
    "IMEI",
    "MEID",
    "ICCID",
    "PhoneNumber",
    "WiFiMAC",
    "BluetoothMAC",
    "PushToken",
    "SoftwareUpdateDeviceID",
    "IsActivationLockEnabled",
    "IsCloudBackupEnabled",
];

/// Commands that a device in User Enrollment refuses (mdm/commands/*.yaml).
const FORBIDDEN_COMMANDS: &[&str] = &[
    "EraseDevice",
    "ClearPasscode",
    "RequestUnlockToken",
    "EnableLostMode",
    "DisableLostMode",
    "DeviceLocation",
    "RestartDevice",
    "ShutDownDevice",
    "Restrictions",
    "ScheduleOSUpdate",
];

pub(crate) fn status(status: &str) -> Dictionary {
    dictionary([("Status", status.into())])
}

pub(crate) fn error(code: i64, domain: &str, description: &str) -> Dictionary {
    let item = dictionary([
        ("ErrorCode", code.into()),
        ("ErrorDomain", domain.into()),
        ("LocalizedDescription", description.into()),
        ("USEnglishDescription", description.into()),
    ]);
    let mut answer = status("Error");
    answer.insert("ErrorChain".into(), Value::Array(vec![item.into()]));
    answer
}

impl Device {
    /// Returns the answer to a command without the identifiers, and whether it was scripted. After a scripted answer
    /// nothing was done.
    pub(crate) fn answer(
        &mut self,
        management: &Management,
        request_type: &str,
        command: &Dictionary,
    ) -> (Dictionary, bool) {
        let scripted = match self.script.next(request_type) {
            None => return (self.honest_answer(management, request_type, command), false),
            Some(Reply::Acknowledged) => status("Acknowledged"),
            Some(Reply::NotNow) => status("NotNow"),
            Some(Reply::CommandFormatError) => status("CommandFormatError"),
            Some(Reply::Error { code, domain, description }) => error(code, &domain, &description),
        };
        (scripted, true)
    }

    fn honest_answer(&mut self, management: &Management, request_type: &str, command: &Dictionary) -> Dictionary {
        let personal = matches!(management.identifier, Identifier::EnrollmentId(_));
        if personal && FORBIDDEN_COMMANDS.contains(&request_type) {
            return error(12021, "MCMDMErrorDomain", "The command is not supported in a User Enrollment.");
        }
        match request_type {
            "DeviceInformation" => self.device_information(command, personal),
            "SecurityInfo" => security_info(personal && !self.tells_too_much),
            "ProfileList" => self.profile_list(management, personal),
            "CertificateList" => self.certificate_list(management, personal),
            "InstallApplication" => self.install_application(command, personal),
            "ManagedApplicationList" => self.managed_apps(command),
            "InstalledApplicationList" => self.installed_apps(command, personal),
            "RemoveApplication" => self.remove_application(command),
            "InstallProfile" => self.install_profile(command),
            "RemoveProfile" => self.remove_profile(management, command),
            "Settings" => self.settings(command),
            "DeviceLock" => self.lock(command),
            "ClearPasscode" => self.clear_passcode(command),
            "EraseDevice" => self.erase(),
            _ => error(12021, "MCMDMErrorDomain", &format!("Unknown command: {request_type}")),
        }
    }

    fn device_information(&mut self, command: &Dictionary, personal: bool) -> Dictionary {
        let Some(queries) = command.get("Queries").and_then(Value::as_array) else {
            return status("CommandFormatError");
        };
        let asked = queries.iter().filter_map(Value::as_string);
        let too_much = self.tells_too_much;
        let allowed = asked.filter(|query| too_much || !(personal && FORBIDDEN_QUERIES.contains(query)));
        let unasked = FORBIDDEN_QUERIES.iter().copied().filter(|_| too_much);
        let known = allowed.chain(unasked).filter_map(|query| Some((query.to_owned(), self.value_of(query)?)));
        let mut told: Dictionary = known.collect();
        if queries.iter().any(|query| query.as_string() == Some("DevicePropertiesAttestation"))
            && let Some(attestation) = self.attest(command)
        {
            told.insert("DevicePropertiesAttestation".into(), attestation);
        }
        let mut answer = status("Acknowledged");
        answer.insert("QueryResponses".into(), Value::Dictionary(told));
        answer.insert("RequestType".into(), "DeviceInformation".into());
        answer
    }

    fn value_of(&self, query: &str) -> Option<Value> {
        let hardware = self.tells_to_be.as_ref().unwrap_or(&self.hardware);
        Some(match query {
            "DeviceName" => self.name.clone().into(),
            "OSVersion" => hardware.ios.to_string().into(),
            "BuildVersion" => hardware.ios.build().into(),
            "ProductName" | "Model" => hardware.product.into(),
            "ModelName" => hardware.marketing_name.into(),
            "DeviceCapacity" => Value::Real(128.0),
            "AvailableDeviceCapacity" => Value::Real(83.5),
            "BatteryLevel" => Value::Real(0.75),
            "IsSupervised" => hardware.supervised.into(),
            "IsMultiUser" => false.into(),
            "UDID" => hardware.udid.clone().into(),
            "SerialNumber" => hardware.serial_number.clone().into(),
            // From iOS 26 on, only ServiceSubscriptions reports carrier data.
            "IMEI" | "PhoneNumber" if hardware.ios >= IosVersion::new(26, 0) && !self.tells_too_much => return None,
            "IMEI" => hardware.imei.clone()?.into(),
            "PhoneNumber" if self.tells_too_much => "+1 555 0100".into(),
            "WiFiMAC" if self.tells_too_much => "02:00:00:00:00:01".into(),
            _ => return None,
        })
    }

    fn profile_list(&self, management: &Management, personal: bool) -> Dictionary {
        let one = |profile: &crate::profile::Profile| {
            Value::Dictionary(dictionary([
                ("PayloadIdentifier", profile.identifier.clone().into()),
                ("PayloadUUID", profile.uuid.clone().into()),
                ("PayloadDisplayName", profile.display_name.clone().into()),
            ]))
        };
        let all = self.profiles.iter().chain(std::iter::once(&management.profile));
        let mut list: Vec<Value> = all.map(one).collect();
        if personal && self.tells_too_much {
            list.push(dictionary([("PayloadIdentifier", "org.private.club".into())]).into());
        }
        let mut answer = status("Acknowledged");
        answer.insert("ProfileList".into(), Value::Array(list));
        answer
    }

    fn install_application(&mut self, command: &Dictionary, personal: bool) -> Dictionary {
        match self.apps.install(command, personal) {
            Taken::Prompting(app) => {
                let organization = self.organization.clone().unwrap_or_else(|| "Somebody".to_owned());
                self.shown.push(format!("{organization} is about to install and manage the app “{app}”."));
                let mut answer = status("Acknowledged");
                answer.insert("Identifier".into(), app.into());
                answer.insert("State".into(), "Prompting".into());
                answer
            }
            Taken::Rejected(reason) => {
                let mut answer = error(12026, "MCMDMErrorDomain", "The app cannot be installed.");
                answer.insert("RejectionReason".into(), reason.into());
                answer
            }
            Taken::Malformed => status("CommandFormatError"),
        }
    }

    fn managed_apps(&mut self, command: &Dictionary) -> Dictionary {
        let told = self.apps.list(command.get("Identifiers").and_then(Value::as_array));
        let mut answer = status("Acknowledged");
        answer.insert("ManagedApplicationList".into(), told.into());
        answer
    }

    fn installed_apps(&self, command: &Dictionary, personal: bool) -> Dictionary {
        let managed_only = personal || command.get("ManagedAppsOnly").and_then(Value::as_boolean) == Some(true);
        let private = self.apps.private.iter().filter(|_| !managed_only || self.tells_too_much);
        let one = |app: &String| {
            Value::Dictionary(dictionary([
                ("Identifier", app.clone().into()),
                ("Name", app.rsplit('.').next().unwrap_or_default().into()),
                ("ShortVersion", "1.0".into()),
                ("BundleSize", 1_000_000.into()),
            ]))
        };
        let installed = self.apps.managed.iter().filter(|(_, status)| *status == "Managed").map(|(app, _)| app);
        let mut answer = status("Acknowledged");
        answer.insert("InstalledApplicationList".into(), Value::Array(installed.chain(private).map(one).collect()));
        answer
    }

    fn remove_application(&mut self, command: &Dictionary) -> Dictionary {
        let Some(app) = command.get("Identifier").and_then(Value::as_string) else {
            return status("CommandFormatError");
        };
        match self.apps.managed.remove(app) {
            Some(_) => status("Acknowledged"),
            None => error(12024, "MCMDMErrorDomain", &format!("The app “{app}” is not managed.")),
        }
    }

    fn certificate_list(&self, management: &Management, personal: bool) -> Dictionary {
        let one = |name: &str, der: Vec<u8>| {
            let entry = [("CommonName", name.into()), ("IsIdentity", true.into()), ("Data", Value::Data(der))];
            Value::Dictionary(dictionary(entry))
        };
        let mut list = vec![one("Identity", management.identity.certificate.to_der().unwrap_or_default())];
        if personal && self.tells_too_much {
            list.push(one("Ada's tax office", vec![1, 2, 3]));
        }
        let mut answer = status("Acknowledged");
        answer.insert("CertificateList".into(), Value::Array(list));
        answer
    }

    fn install_profile(&mut self, command: &Dictionary) -> Dictionary {
        let Some(Value::Data(file)) = command.get("Payload") else { return status("CommandFormatError") };
        let Ok((dictionary, signed)) = profile::open(file) else {
            return error(1000, "MCProfileErrorDomain", "The profile is invalid.");
        };
        let text = |key: &str| dictionary.get(key).and_then(Value::as_string).unwrap_or_default().to_owned();
        let profile = Profile {
            identifier: text("PayloadIdentifier"),
            uuid: text("PayloadUUID"),
            display_name: text("PayloadDisplayName"),
            certificates: Vec::new(),
            scep: None,
            mdm: None,
            service: None,
            signed,
            dictionary,
        };
        self.profiles.retain(|installed| installed.identifier != profile.identifier);
        self.profiles.push(profile);
        status("Acknowledged")
    }

    fn settings(&mut self, command: &Dictionary) -> Dictionary {
        let items = command.get("Settings").and_then(Value::as_array).into_iter().flatten();
        for item in items.filter_map(Value::as_dictionary) {
            let info = item.get("OrganizationInfo").and_then(Value::as_dictionary);
            let name = info.and_then(|info| info.get("OrganizationName")).and_then(Value::as_string);
            self.organization = name.map(str::to_owned).or(self.organization.take());
        }
        // One dictionary for all settings (mdm/commands/settings.yaml, responsekeys).
        let mut answer = status("Acknowledged");
        answer.insert("Settings".into(), dictionary([("Status", "Acknowledged".into())]).into());
        answer
    }

    fn lock(&mut self, command: &Dictionary) -> Dictionary {
        if let Some(message) = command.get("Message").and_then(Value::as_string) {
            self.shown.push(message.to_owned());
        }
        let mut answer = status("Acknowledged");
        answer.insert("MessageResult".into(), "Success".into());
        answer
    }

    fn clear_passcode(&mut self, command: &Dictionary) -> Dictionary {
        if command.get("UnlockToken").and_then(Value::as_data) != Some(self.unlock_token.as_slice()) {
            return error(12067, "MCMDMErrorDomain", "The unlock token is not this device's.");
        }
        self.passcode = None;
        status("Acknowledged")
    }

    // The device answers, and then all its data is gone.
    fn erase(&mut self) -> Dictionary {
        self.profiles.clear();
        self.apps = Apps::default();
        self.erased = true;
        status("Acknowledged")
    }

    fn remove_profile(&mut self, management: &Management, command: &Dictionary) -> Dictionary {
        let Some(identifier) = command.get("Identifier").and_then(Value::as_string) else {
            return status("CommandFormatError");
        };
        let before = self.profiles.len();
        self.profiles.retain(|profile| profile.identifier != identifier);
        if identifier == management.profile.identifier || self.profiles.len() < before {
            return status("Acknowledged");
        }
        error(12075, "MCMDMErrorDomain", &format!("The profile “{identifier}” is not installed."))
    }
}

fn security_info(personal: bool) -> Dictionary {
    let management = dictionary([("IsUserEnrollment", personal.into())]);
    let mut info = dictionary([
        ("HardwareEncryptionCaps", 3.into()),
        ("PasscodeCompliant", true.into()),
        ("ManagementStatus", management.into()),
    ]);
    if !personal {
        info.insert("PasscodePresent".into(), true.into());
        info.insert("PasscodeCompliantWithProfiles".into(), true.into());
    }
    let mut answer = status("Acknowledged");
    answer.insert("SecurityInfo".into(), info.into());
    answer
}
