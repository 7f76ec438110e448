//! Replaces the enrollment profile by `InstallProfile`: the device gets another identity and announces itself with
//! it. If anything goes wrong, it keeps the old profile and identity.

use crate::acts::{Act, Nobody};
use crate::commands::{error, status};
use crate::device::{Device, DeviceError};
use crate::management::Management;
use crate::profile::{self, Profile, ProfileError};
use plist::{Dictionary, Value};

/// Scripted faults of a renewal.
#[derive(Debug, Clone, Default)]
pub struct RenewalScript {
    /// The next renewal stops before this act.
    pub breaks_off_before: Option<Act>,
    /// The command is acknowledged with the replaced identity.
    pub answers_with_the_old: bool,
}

/// `ErrorCode` for a profile that could not be installed.
const INSTALLATION_FAILED: i64 = 4001;

/// Keys that an update must not change, and how devices name them. `ServerURL`: as observed on a device
/// (fleetdm/fleet#27450); all: mdm/profiles/com.apple.mdm.yaml.
const IMMUTABLE: [(&str, &str); 6] = [
    ("ServerURL", "server URL"),
    ("CheckInURL", "check-in URL"),
    ("Topic", "topic"),
    ("AssignedManagedAppleID", "assigned Managed Apple ID"),
    ("EnrollmentMode", "enrollment mode"),
    ("RequiredAppIDForMDM", "required app"),
];

/// Returns the profile in an `InstallProfile`, if it is an MDM profile.
pub(crate) fn mdm_profile(command: &Dictionary) -> Option<(Dictionary, bool)> {
    let file = command.get("Payload").and_then(Value::as_data)?;
    let (dictionary, signed) = profile::open(file).ok()?;
    mdm_payload(&dictionary).is_some().then_some((dictionary, signed))
}

fn mdm_payload(profile: &Dictionary) -> Option<&Dictionary> {
    let payloads = profile.get("PayloadContent").and_then(Value::as_array)?;
    let is_mdm = |payload: &&Dictionary| {
        payload.get("PayloadType").and_then(Value::as_string).is_some_and(|name| name == "com.apple.mdm")
    };
    payloads.iter().filter_map(Value::as_dictionary).find(is_mdm)
}

/// Checks whether `update` may replace the installed MDM profile.
///
/// # Errors
/// Returns the first forbidden change.
pub(crate) fn check_update(installed: &Dictionary, update: &Dictionary) -> Result<(), ProfileError> {
    let identifier = |profile: &Dictionary| profile::text(profile, "PayloadIdentifier");
    if identifier(installed) != identifier(update) {
        return Err(ProfileError::new("the device is managed already, by another profile"));
    }
    let (Some(before), Some(after)) = (mdm_payload(installed), mdm_payload(update)) else {
        return Err(ProfileError::new("Update to MDM profile contains no MDM payload"));
    };
    for (key, name) in IMMUTABLE {
        if before.get(key) != after.get(key) {
            return Err(ProfileError::new(format!("Update to MDM profile contains different {name}")));
        }
    }
    let rights = |payload: &Dictionary| payload.get("AccessRights").and_then(Value::as_unsigned_integer).unwrap_or(0);
    if rights(after) & !rights(before) != 0 {
        return Err(ProfileError::new("Update to MDM profile contains more access rights"));
    }
    Ok(())
}

impl Device {
    /// Replaces the MDM profile and returns the answer to the command. If the answer is an error, nothing has
    /// changed.
    pub(crate) async fn renew(&mut self, management: &mut Management, profile: (Dictionary, bool)) -> Dictionary {
        match self.replace_profile(management, profile).await {
            Ok(()) => status("Acknowledged"),
            Err(why) => error(INSTALLATION_FAILED, "MCInstallationErrorDomain", &why.to_string()),
        }
    }

    async fn replace_profile(
        &mut self,
        management: &mut Management,
        (dictionary, signed): (Dictionary, bool),
    ) -> Result<(), DeviceError> {
        check_update(&management.profile.dictionary, &dictionary)?;
        let profile = match management.mdm.enrollment_mode.as_deref() {
            Some("ADDE") => profile::check_by_account(dictionary, signed, self.hardware.ios, "mdm-adde")?,
            Some(_) => profile::check_by_account(dictionary, signed, self.hardware.ios, "mdm-byod")?,
            None => profile::check(dictionary, signed, self.hardware.ios)?,
        };
        let mut renewed = self.relationship_anew(management, &profile).await?;
        self.goes_on(Act::Authenticate)?;
        self.announce(&renewed, &mut Nobody).await?;
        self.goes_on(Act::TokenUpdate)?;
        self.hand_over_token(&mut renewed, &mut Nobody).await?;
        let old = std::mem::replace(management, renewed);
        management.answers_as = self.renewal.answers_with_the_old.then_some(old.identity);
        Ok(())
    }

    // A new identity and a new PushMagic. The identifier of the device stays the same.
    async fn relationship_anew(
        &mut self,
        management: &Management,
        profile: &Profile,
    ) -> Result<Management, DeviceError> {
        let (Some(mdm), Some(scep)) = (&profile.mdm, &profile.scep) else {
            return Err(ProfileError::new("Update to MDM profile contains no identity").into());
        };
        self.goes_on(Act::GetIdentity)?;
        let identity = self.get_identity(scep, &mut Nobody).await?;
        let renewed = self.relationship(profile, mdm, scep, identity, management.tokens.clone());
        Ok(Management { identifier: management.identifier.clone(), ..renewed })
    }

    fn goes_on(&mut self, next: Act) -> Result<(), DeviceError> {
        if self.renewal.breaks_off_before == Some(next) {
            self.renewal.breaks_off_before = None;
            return Err(DeviceError::BrokenOff(next));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::dictionary;

    fn profile(change: &[(&str, Value)]) -> Dictionary {
        let mut mdm = dictionary([
            ("PayloadType", "com.apple.mdm".into()),
            ("ServerURL", "https://muster.example/mdm/command".into()),
            ("CheckInURL", "https://muster.example/mdm/checkin".into()),
            ("Topic", "com.apple.mgmt.External.1".into()),
            ("AccessRights", 8191.into()),
        ]);
        for (key, value) in change {
            mdm.insert((*key).into(), value.clone());
        }
        dictionary([
            ("PayloadIdentifier", "org.example.muster".into()),
            ("PayloadContent", Value::Array(vec![mdm.into()])),
        ])
    }

    #[test]
    fn an_update_may_change_nothing_that_ties_the_device_to_its_server() {
        let installed = profile(&[]);
        assert_eq!(check_update(&installed, &profile(&[])), Ok(()));
        assert_eq!(check_update(&installed, &profile(&[("AccessRights", 1.into())])), Ok(()), "fewer rights are fine");
        for (key, value, said) in [
            ("ServerURL", Value::from("https://muster.example/mdm/command?id=1"), "different server URL"),
            ("CheckInURL", "https://other.example/".into(), "different check-in URL"),
            ("Topic", "com.apple.mgmt.External.2".into(), "different topic"),
            ("AssignedManagedAppleID", "ada@example.com".into(), "different assigned Managed Apple ID"),
            ("EnrollmentMode", "BYOD".into(), "different enrollment mode"),
            ("RequiredAppIDForMDM", 7.into(), "different required app"),
        ] {
            let refused = check_update(&installed, &profile(&[(key, value)])).unwrap_err();
            assert_eq!(refused, ProfileError(format!("Update to MDM profile contains {said}")));
        }
        let narrow = profile(&[("AccessRights", 3.into())]);
        assert!(check_update(&narrow, &profile(&[("AccessRights", 5.into())])).is_err(), "none may come");
        let mut other = profile(&[]);
        other.insert("PayloadIdentifier".into(), "org.example.other".into());
        assert!(check_update(&installed, &other).is_err());
    }
}
