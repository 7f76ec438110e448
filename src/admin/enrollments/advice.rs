//! Advice for the help desk: what a person has to do next, in the words of the person's screen.

mod old;
mod sign_in;

use events::enrollment::EnrollmentRefusal;
use projections::enrollments::{Enrollment, Reason, State, Step};

/// The person's current situation, and what to tell them.
pub(crate) struct Advice {
    pub now: &'static str,
    pub tell: Vec<String>,
}

/// Returns the advice for an enrollment. `refused` is the reason of the last refused sign-in; `old` means that old
/// management may still be on the device; `enroll_url` is the address where enrollment begins.
pub(crate) fn advice(enrollment: &Enrollment, (refused, old): (Option<Reason>, bool), enroll_url: &str) -> Advice {
    let again = match enrollment.by_account {
        true => format!("Open Settings › {}, tap Sign In to Work or School Account and start again.", row(enrollment)),
        false => format!("Open {enroll_url} in Safari on the device and start again."),
    };
    match enrollment.state {
        State::Enrolled => Advice { now: "The device is enrolled. There is nothing more to do.", tell: vec![] },
        State::Abandoned => {
            Advice { now: "The enrollment was closed because nothing happened for a long time.", tell: vec![again] }
        }
        State::SignedOut => Advice { now: "The person signed out before the device was enrolled.", tell: vec![again] },
        State::Refused => stopped(enrollment, again),
        State::Open if enrollment.by_account => by_account(enrollment, (refused, old), again),
        State::Open => Advice { now: standing(enrollment.step), tell: advice_for(enrollment, (refused, old)) },
    }
}

fn standing(step: Step) -> &'static str {
    match step {
        Step::SignIn => "Has to sign in.",
        Step::ForWhom => "Has to enter the person who will use the device.",
        Step::PreviousRecords => "Has to read about their earlier device and continue.",
        Step::Ownership => "Has to choose who owns the device.",
        Step::Terms => "Has to read and accept the terms of use.",
        Step::CaProfile => "Has to install the organization’s certificate.",
        Step::ManagedAppleId => "Has to enter the Managed Apple ID (Managed Apple Account).",
        Step::MdmProfile => "Has to download the MDM profile.",
        Step::Install => "Has downloaded the MDM profile and has to install it in Settings.",
        Step::Connect | Step::Enrolled => "The device has its identity, but has not reported yet that it is enrolled.",
    }
}

// The sheet that Settings opened is lost when it is closed; the person must start again in Settings.
fn by_account(enrollment: &Enrollment, (refused, old): (Option<Reason>, bool), again: String) -> Advice {
    let (now, tell) = match enrollment.step {
        Step::MdmProfile => ("Signed in. The device has not downloaded its profile yet.", vec![]),
        Step::Install => (
            "The device has its profile. The person has to continue in Settings.",
            old::among(
                vec![
                    "Enter the password of the Managed Apple Account when the device asks for it.".to_owned(),
                    "Then tap Allow Remote Management.".to_owned(),
                ],
                row(enrollment),
                old,
            ),
        ),
        Step::Connect | Step::Enrolled => {
            (standing(enrollment.step), vec!["Keep the device on and online for a minute.".to_owned()])
        }
        _ => (standing(enrollment.step), advice_for(enrollment, (refused, old))),
    };
    let tell = tell.into_iter().chain([format!("If nothing else happens: {again}")]).collect();
    Advice { now, tell }
}

fn advice_for(enrollment: &Enrollment, (refused, old): (Option<Reason>, bool)) -> Vec<String> {
    let lines: &[&str] = match enrollment.step {
        Step::SignIn if let Some(reason) = refused => sign_in::advice_for(reason),
        Step::SignIn => &["Use your work or school account, not the Apple Account of the device."],
        Step::ForWhom => &["Type the user name of the person who will use the device, and tap “Continue”."],
        Step::PreviousRecords => &[
            "If one of the listed devices is this one, first remove its old management. Then come back and tap “Continue”.",
            "Before that, turn on mobile data or another Wi-Fi network: Wi-Fi, mail and certificates of the old management go with it.",
            "If it is another device, there is nothing to remove. Tap “Continue”.",
            "Every question can be left open.",
        ],
        Step::Ownership => &["Choose “It is mine” for your own device. Your own data stays private."],
        Step::Terms => &["Read the terms to the end, then tap “I accept”."],
        Step::CaProfile => &[
            "Tap “Continue” on the page, then Allow.",
            "Open Settings, tap Profile Downloaded and install it.",
            "In Settings › General › About › Certificate Trust Settings, turn on the certificate.",
            "Come back to Safari and tap “I have installed it”.",
        ],
        Step::ManagedAppleId => &["It is the account that the organization gave you. It looks like an email address."],
        Step::MdmProfile => &["Tap “Continue” on the page, then Allow."],
        Step::Install => &[
            "Open Settings and tap Profile Downloaded, or Enroll in …, and follow the steps there.",
            "The device keeps a downloaded profile for eight minutes. After that, tap “Download the profile again”.",
        ],
        Step::Connect | Step::Enrolled => &[
            "Keep the device on and online for a minute.",
            "If Settings says “Profile Installation Failed”, come back to Safari and tap “Download the profile again”.",
        ],
    };
    let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    match enrollment.step {
        Step::PreviousRecords => lines.insert(1, old::taps(row(enrollment))),
        Step::Install | Step::Connect => return old::among(lines, row(enrollment), old),
        _ => {}
    }
    lines
}

// Returns the name of the row in Settings, which changed with iOS 15.
fn row(enrollment: &Enrollment) -> &'static str {
    let major = enrollment.version.as_deref().and_then(|version| version.split('.').next()?.parse::<u16>().ok());
    match major {
        Some(..15) => "General › Device Management",
        _ => "General › VPN & Device Management",
    }
}

fn stopped(enrollment: &Enrollment, again: String) -> Advice {
    let Some(why) = enrollment.why else {
        return Advice { now: "The enrollment was refused.", tell: vec![again] };
    };
    let (now, first) = match why {
        EnrollmentRefusal::VersionTooOld => (
            "A personal device needs iOS 13.1 or later.",
            "Update the device in Settings › General › Software Update.".to_owned(),
        ),
        EnrollmentRefusal::AccountDrivenOnly => (
            "Since iOS 18 a personal device enrolls in Settings, not with a profile.",
            format!("Open Settings › {} and tap Sign In to Work or School Account.", row(enrollment)),
        ),
        EnrollmentRefusal::AccountDrivenNotOffered => (
            "The device can enroll only in Settings, and Muster’s settings do not offer that for this device.",
            "An administrator can turn it on: account_driven in Muster’s settings.".to_owned(),
        ),
        EnrollmentRefusal::WrongMode => (
            "The device enrolled in a different mode than its profile says.",
            format!("If a profile of the organization is in Settings › {}, remove it.", row(enrollment)),
        ),
        EnrollmentRefusal::NotPermitted => (
            "The access rules do not let this person enroll the device here.",
            "An administrator decides who may enroll. Ask one if the person should be able to.".to_owned(),
        ),
        EnrollmentRefusal::AccessUnknown => (
            "The access rules need groups or claims that the person’s provider did not send, so Muster could not decide.",
            "An administrator has to make the provider send them. The history below says what is missing.".to_owned(),
        ),
        EnrollmentRefusal::TooManyDevices => (
            "The person has the maximum number of devices.",
            "Remove the profile from a device that is no longer used, or ask an administrator to unenroll it."
                .to_owned(),
        ),
        EnrollmentRefusal::VersionBelowMinimum => (
            "The device has an older version than the organization allows.",
            "Update the device in Settings › General › Software Update.".to_owned(),
        ),
        EnrollmentRefusal::VersionAboveMaximum => (
            "The device has a newer version than the organization allows.",
            "It has to wait until the organization allows this version.".to_owned(),
        ),
        EnrollmentRefusal::ModelNotPermitted => (
            "The organization does not enroll devices of this model.",
            "Use another device, or ask an administrator.".to_owned(),
        ),
        EnrollmentRefusal::NotGenuine => (
            "The device did not prove that it is a genuine Apple device.",
            "An administrator can accept devices whose CA is unknown to Muster (genuine_devices_only), or add the CA."
                .to_owned(),
        ),
        EnrollmentRefusal::OtherDevice => (
            "A different device used the profile than the one that was verified before.",
            "Download and install the profile on the same device.".to_owned(),
        ),
        EnrollmentRefusal::RestrictedToOwner => (
            "Another person has a managed record of this device, and the settings let only its owner enroll it again.",
            "An administrator unenrolls the old record, or staff who may enroll for others enroll the device."
                .to_owned(),
        ),
    };
    let waits = matches!(why, EnrollmentRefusal::VersionAboveMaximum | EnrollmentRefusal::ModelNotPermitted);
    let by_account = why == EnrollmentRefusal::AccountDrivenOnly;
    let again = (!waits && !by_account).then(|| format!("Then: {}", again));
    Advice { now, tell: std::iter::once(first).chain(again).collect() }
}

#[cfg(test)]
mod tests {
    /// The texts of the pages.
    const PAGE: &str = include_str!("../../../templates/texts/en.ftl");
    /// Texts of iOS.
    const IOS: [&str; 1] = ["Profile Installation Failed"];

    #[test]
    fn what_is_quoted_is_what_the_page_says() {
        let advice = include_str!("advice.rs");
        let code = advice.split("#[cfg(test)]").next().unwrap();
        let quoted: Vec<&str> = code.split('“').skip(1).map(|rest| rest.split('”').next().unwrap()).collect();
        assert!(quoted.len() >= 5, "{quoted:?}");
        for words in quoted {
            let is_a_text = PAGE.lines().any(|line| line.split_once(" = ").is_some_and(|(_, text)| text == words));
            assert!(is_a_text || IOS.contains(&words), "{words:?}");
        }
    }
}
