//! Checks a device's OS version and model against the limits in the settings. The check is made twice: with the
//! browser's data at the portal, and with the device's own data at `Authenticate`. A missing version or model is not
//! refused. Both messages may omit them (mdm/checkin/authenticate.yaml: optional), and the person could do nothing
//! about it.

use events::enrollment::{DeviceFamily, EnrollmentRefusal, OsVersion, Ownership};
use events::settings::{Limits, VersionRange};

/// Returns why this OS version may not enroll; `None` if it may.
pub fn version(limits: &Limits, ownership: Ownership, version: OsVersion) -> Option<EnrollmentRefusal> {
    let VersionRange { minimum, maximum } = limits.versions.get(&ownership).copied().unwrap_or_default();
    if minimum.is_some_and(|minimum| version < minimum) {
        Some(EnrollmentRefusal::VersionBelowMinimum)
    } else if maximum.is_some_and(|maximum| version > maximum && !within(version, maximum)) {
        Some(EnrollmentRefusal::VersionAboveMaximum)
    } else {
        None
    }
}

// The maximum `17` includes every 17.x, and `17.5` every 17.5.x.
fn within(version: OsVersion, maximum: OsVersion) -> bool {
    let minor = maximum.minor == 0 || maximum.minor == version.minor;
    version.major == maximum.major && minor && maximum.patch == 0
}

/// Returns why a device with this build, such as `21F79`, may not enroll; `None` if it may. A build only determines the
/// major version. What depends on the other numbers is checked when the device reports its version.
pub fn build(limits: &Limits, ownership: Ownership, build: &str) -> Option<EnrollmentRefusal> {
    let major = major_of_build(build)?;
    let VersionRange { minimum, maximum } = limits.versions.get(&ownership).copied().unwrap_or_default();
    if minimum.is_some_and(|minimum| major < minimum.major) {
        Some(EnrollmentRefusal::VersionBelowMinimum)
    } else if maximum.is_some_and(|maximum| major > maximum.major) {
        Some(EnrollmentRefusal::VersionAboveMaximum)
    } else {
        None
    }
}

/// Returns the major version of a build. Builds of iOS 12 begin with 16, and so on. iOS 18 is followed by 26, whose
/// builds begin with 23.
pub fn major_of_build(build: &str) -> Option<u16> {
    let digits = build.split(|c: char| !c.is_ascii_digit()).next()?;
    let year: u16 = digits.parse().ok()?;
    if year >= 23 { year.checked_add(3) } else { year.checked_sub(4) }
}

/// Returns why a model, such as `iPhone14,5`, may not enroll; `None` if it may.
pub fn model(limits: &Limits, product_name: &str) -> Option<EnrollmentRefusal> {
    let may = limits.models.is_empty() || limits.models.iter().any(|model| product_name.starts_with(model));
    (!may).then_some(EnrollmentRefusal::ModelNotPermitted)
}

/// Returns why no device of this family may enroll. A browser only reports the family, so the check passes if any model
/// of the family is permitted, such as `iPad13,`.
pub fn family(limits: &Limits, family: DeviceFamily) -> Option<EnrollmentRefusal> {
    let name = family.name();
    let may = |model: &String| model.starts_with(name) || name.starts_with(model);
    let may = limits.models.is_empty() || limits.models.iter().any(may);
    (!may).then_some(EnrollmentRefusal::ModelNotPermitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(minimum: Option<&str>, maximum: Option<&str>, text: &str) -> Option<EnrollmentRefusal> {
        let parse = |text| OsVersion::parse(text).unwrap();
        let range = VersionRange { minimum: minimum.map(parse), maximum: maximum.map(parse) };
        let limits = Limits { versions: [(Ownership::Personal, range)].into(), ..Limits::default() };
        assert_eq!(version(&limits, Ownership::Institutional, parse(text)), None, "the other kind is not limited");
        version(&limits, Ownership::Personal, parse(text))
    }

    #[test]
    fn both_ends_of_the_versions_are_included() {
        assert_eq!(refused(Some("16.1"), None, "16.0.9"), Some(EnrollmentRefusal::VersionBelowMinimum));
        assert_eq!(refused(Some("16.1"), None, "16.1"), None);
        assert_eq!(refused(None, Some("17"), "17.6.1"), None, "17 means every 17.x");
        assert_eq!(refused(None, Some("17"), "18.0"), Some(EnrollmentRefusal::VersionAboveMaximum));
        assert_eq!(refused(None, Some("17.5"), "17.5.1"), None);
        assert_eq!(refused(None, Some("17.5"), "17.6"), Some(EnrollmentRefusal::VersionAboveMaximum));
        assert_eq!(refused(None, Some("17.5.1"), "17.5.1"), None);
        assert_eq!(refused(None, Some("17.5.1"), "17.5.2"), Some(EnrollmentRefusal::VersionAboveMaximum));
    }

    #[test]
    fn of_a_build_only_the_first_number_counts() {
        let parse = |text| OsVersion::parse(text).unwrap();
        let range = VersionRange { minimum: Some(parse("16.5")), maximum: Some(parse("18.2")) };
        let limits = Limits { versions: [(Ownership::Institutional, range)].into(), ..Limits::default() };
        let refused = |text| build(&limits, Ownership::Institutional, text);
        assert_eq!(refused("19H12"), Some(EnrollmentRefusal::VersionBelowMinimum));
        for fine in ["20A362", "20F66", "21F79", "22H10", "beta", ""] {
            assert_eq!(refused(fine), None, "{fine:?}");
        }
        assert_eq!(refused("23A341"), Some(EnrollmentRefusal::VersionAboveMaximum), "iOS 26 follows on 18");
        assert_eq!(build(&limits, Ownership::Personal, "16A366"), None, "the other kind is not limited");
        let majors = ["16A366", "22A3354", "23A341", "24A335"].map(major_of_build);
        assert_eq!(majors, [Some(12), Some(18), Some(26), Some(27)]);
    }

    #[test]
    fn a_model_is_allowed_by_its_beginning() {
        let limits = |models: &[&str]| Limits {
            models: models.iter().map(|model| (*model).to_owned()).collect(),
            ..Limits::default()
        };
        assert_eq!(model(&limits(&[]), "iPhone14,5"), None);
        assert_eq!(model(&limits(&["iPad", "iPhone14,"]), "iPhone14,5"), None);
        assert_eq!(model(&limits(&["iPhone1,"]), "iPhone14,5"), Some(EnrollmentRefusal::ModelNotPermitted));
        assert_eq!(family(&limits(&["iPad13,"]), DeviceFamily::IPad), None);
        assert_eq!(family(&limits(&["iPad13,"]), DeviceFamily::IPhone), Some(EnrollmentRefusal::ModelNotPermitted));
    }
}
