//! Tests of queries of the settings, and of the defaults of a new installation.

use super::{AccountDriven, Changes, Settings};
use crate::enrollment::{DeviceFamily, EnrollmentMode, Ownership};
use serde_json::json;
use std::collections::BTreeSet;

fn both() -> BTreeSet<Ownership> {
    [Ownership::Personal, Ownership::Institutional].into()
}

#[test]
fn a_family_enrolls_by_account_as_the_settings_say_and_only_as_a_kind_that_may_enroll() {
    let families = [(DeviceFamily::IPhone, Ownership::Personal), (DeviceFamily::IPad, Ownership::Institutional)].into();
    let settings = AccountDriven { families, ..AccountDriven::default() };
    assert_eq!(settings.mode(DeviceFamily::IPhone, &both()), Some(EnrollmentMode::Byod));
    assert_eq!(settings.mode(DeviceFamily::IPad, &both()), Some(EnrollmentMode::Adde));
    assert_eq!(settings.mode(DeviceFamily::IPad, &[Ownership::Personal].into()), None);
    let none = AccountDriven { families: [].into(), ..settings };
    assert_eq!(none.mode(DeviceFamily::IPhone, &both()), None);
}

#[test]
fn a_change_tells_what_was_and_what_is_of_the_settings_that_changed() {
    let before = Settings::default();
    let after = Settings { help: Some("Room 12".into()), abandon_after_hours: 48, ..before.clone() };
    let changes = Changes::between(&before, &after);
    assert_eq!(changes.keys().collect::<Vec<_>>(), ["abandon_after_hours", "help"]);
    assert_eq!(json!(changes.before()), json!({ "abandon_after_hours": 24, "help": null }));
    assert_eq!(json!(changes.after()), json!({ "abandon_after_hours": 48, "help": "Room 12" }));
    assert_eq!(changes.value::<u32>("abandon_after_hours"), Some(48));
    assert_eq!(changes.value::<String>("organization"), None, "the organization did not change");
    assert_eq!(Changes::between(&before, &before).keys().count(), 0);
}

#[test]
fn a_new_installation_lets_local_accounts_enroll_both_kinds_of_device() {
    let settings = Settings::default();
    assert_eq!(settings.ownership_kinds, both());
    assert!(settings.sign_in.enrollment.local_accounts && settings.sign_in.staff.local_accounts);
    assert!(settings.access.is_empty() && settings.terms.is_empty() && settings.limits.versions.is_empty());
    assert!(!settings.skip_ca_profile && !settings.profile_service.enabled);
}
