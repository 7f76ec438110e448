//! What Apple's schema permits, by version of iOS and kind of enrollment.

use events::enrollment::{EnrollmentKind, OsVersion};

/// Whether a device of this kind and version takes this command; if not, why.
///
/// # Errors
/// The reason in words.
pub fn command_allowed(_request_type: &str, _kind: EnrollmentKind, _version: Option<OsVersion>) -> Result<(), String> {
    Ok(())
}
