//! Events about the owner of the device and their earlier records.

use super::super::{Assignment, Enrollment, NEAREST_RECORDS, SignedIn};
use events::enrollment::{Evidence, FoundImport, FoundRecord, SignInMethodName};
use events::person::PersonId;
use events::personal::Personal;

pub(super) fn ask_for_whom(enrollment: &mut Enrollment, for_oneself: bool) {
    enrollment.assignment = Assignment::Asked { for_oneself };
}

pub(super) fn assign(
    enrollment: &mut Enrollment,
    method: SignInMethodName,
    person: PersonId,
    account: &str,
    user_name: &Personal<String>,
) {
    let (account, user_name) = (account.to_owned(), user_name.clone());
    enrollment.assignment = Assignment::To(SignedIn { method, person, account, user_name });
}

pub(super) fn find_imports(enrollment: &mut Enrollment, records: &[FoundImport], count: u64) {
    let free = NEAREST_RECORDS.saturating_sub(enrollment.imported.nearest.len());
    enrollment.imported.nearest.extend(records.iter().take(free).cloned());
    enrollment.imported.count += count;
}

pub(super) fn find(enrollment: &mut Enrollment, records: &[FoundRecord], count: u64) {
    // Found from the device's attributes: the person is no longer asked to read about it.
    if records.iter().any(|found| found.evidence.contains(&Evidence::SameHardware)) {
        return;
    }
    let free = NEAREST_RECORDS.saturating_sub(enrollment.previous.nearest.len());
    enrollment.previous.nearest.extend(records.iter().take(free).cloned());
    enrollment.previous.count += count;
}
