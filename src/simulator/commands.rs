//! What a device answers to a command, and scripts with which a test has it answer otherwise.

use crate::simulator::device::Device;
use crate::simulator::management::Management;
use crate::simulator::messages::{Identifier, dictionary};
use plist::{Dictionary, Value};
use std::collections::{HashMap, VecDeque};

/// An answer that a test asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Says so and does nothing.
    Acknowledged,
    NotNow,
    Error {
        code: i64,
        domain: String,
        description: String,
    },
    CommandFormatError,
}

/// Answers by `RequestType`, used up in order; when there are none left the device answers as it would.
#[derive(Debug, Clone, Default)]
pub struct Script {
    replies: HashMap<String, VecDeque<Reply>>,
}

impl Script {
    pub fn reply(&mut self, request_type: &str, reply: Reply) {
        self.replies.entry(request_type.to_owned()).or_default().push_back(reply);
    }

    fn next(&mut self, request_type: &str) -> Option<Reply> {
        self.replies.get_mut(request_type)?.pop_front()
    }
}

/// Queries that User Enrollment leaves unanswered (mdm/commands/information.device.yaml, `userenrollment.mode: forbidden`).
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

/// Commands that User Enrollment refuses (mdm/commands/*.yaml).
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

fn status(status: &str) -> Dictionary {
    dictionary([("Status", status.into())])
}

fn error(code: i64, domain: &str, description: &str) -> Dictionary {
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
    /// The answer to a command, without the identifiers, and whether a script gave it: then nothing was done.
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
            "SecurityInfo" => security_info(personal),
            "ProfileList" => self.profile_list(management),
            "InstallApplication" => self.install_application(command),
            "RemoveProfile" => self.remove_profile(management, command),
            "Settings" | "DeviceLock" => status("Acknowledged"),
            _ => error(12021, "MCMDMErrorDomain", &format!("Unknown command: {request_type}")),
        }
    }

    fn device_information(&self, command: &Dictionary, personal: bool) -> Dictionary {
        let Some(queries) = command.get("Queries").and_then(Value::as_array) else {
            return status("CommandFormatError");
        };
        let asked = queries.iter().filter_map(Value::as_string);
        let allowed = asked.filter(|query| !(personal && FORBIDDEN_QUERIES.contains(query)));
        let known = allowed.filter_map(|query| Some((query.to_owned(), self.tell(query)?)));
        let mut answer = status("Acknowledged");
        answer.insert("QueryResponses".into(), Value::Dictionary(known.collect()));
        answer.insert("RequestType".into(), "DeviceInformation".into());
        answer
    }

    fn tell(&self, query: &str) -> Option<Value> {
        let hardware = &self.hardware;
        Some(match query {
            "DeviceName" => self.name.clone().into(),
            "OSVersion" => hardware.ios.to_string().into(),
            "BuildVersion" => hardware.ios.build().into(),
            "ProductName" | "Model" => hardware.product.into(),
            "ModelName" => hardware.marketing_name.into(),
            "DeviceCapacity" => Value::Real(128.0),
            "AvailableDeviceCapacity" => Value::Real(83.5),
            "BatteryLevel" => Value::Real(0.75),
            "IsSupervised" | "IsMultiUser" => false.into(),
            "UDID" => hardware.udid.clone().into(),
            "SerialNumber" => hardware.serial_number.clone().into(),
            "IMEI" => hardware.imei.clone()?.into(),
            _ => return None,
        })
    }

    fn profile_list(&self, management: &Management) -> Dictionary {
        let one = |profile: &crate::simulator::profile::Profile| {
            Value::Dictionary(dictionary([
                ("PayloadIdentifier", profile.identifier.clone().into()),
                ("PayloadUUID", profile.uuid.clone().into()),
                ("PayloadDisplayName", profile.display_name.clone().into()),
            ]))
        };
        let all = self.profiles.iter().chain(std::iter::once(&management.profile));
        let mut answer = status("Acknowledged");
        answer.insert("ProfileList".into(), Value::Array(all.map(one).collect()));
        answer
    }

    fn install_application(&mut self, command: &Dictionary) -> Dictionary {
        let store_id = command.get("iTunesStoreID").and_then(Value::as_signed_integer).map(|id| id.to_string());
        let identifier = command.get("Identifier").and_then(Value::as_string).map(str::to_owned);
        let Some(app) = identifier.or(store_id) else { return status("CommandFormatError") };
        self.apps.push(app.clone());
        let mut answer = status("Acknowledged");
        answer.insert("Identifier".into(), app.into());
        answer.insert("State".into(), "Prompting".into());
        answer
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
