//! Links to the preview of the portal's pages with sample data. The console and the demo create them; they expire.

use platform::Platform;

/// Purpose of the tag of the link.
const PURPOSE: &str = "portal-preview";
/// The link contains only this word and its expiry time.
const WHAT: &str = "pages";
/// Lifetime of a link in minutes. It stays valid after a sign-out at the console, so it is short. The console creates a
/// new link for each chosen page.
const MINUTES: i64 = 10;

/// The pages: the name in the URL and the title in the console.
pub const PAGES: [(&str, &str); 31] = [
    ("desktop", "Opened on a computer"),
    ("which-device", "What are you using?"),
    ("other-browser", "Opened in a browser other than Safari"),
    ("sign-in", "Sign in"),
    ("sign-in-refused", "Sign in: refused"),
    ("sign-in-throttled", "Sign in: too many attempts"),
    ("sign-in-change-password", "Sign in: password must be changed"),
    ("sign-in-not-now", "Sign in: not possible right now"),
    ("sign-in-too-late", "Sign in: timed out"),
    ("leaving", "Redirect to the identity provider"),
    ("for-whom", "Who the device is for"),
    ("previous", "Earlier enrollments"),
    ("ownership", "Device ownership"),
    ("terms", "Terms of use"),
    ("ca", "Certificate"),
    ("managed-apple-id", "Managed Apple ID"),
    ("mdm", "MDM profile, personal device"),
    ("mdm-institutional", "MDM profile, device of the organization"),
    ("waiting", "Waiting for the device"),
    ("enrolled", "Enrolled"),
    ("invitation", "Invitation"),
    ("invitation-again", "Invitation to enroll a device again"),
    ("invitation-code", "Invitation: code for Settings"),
    ("invitation-expired", "Invitation: expired"),
    ("not-invited", "Invitation: for somebody else"),
    ("hand-over", "Back to Settings"),
    ("stopped", "Stopped: enroll in Settings instead"),
    ("stopped-permitted", "Stopped: not allowed to enroll"),
    ("stopped-unknown", "Stopped: permission could not be checked"),
    ("about", "What the organization can see"),
    ("problem", "Something went wrong"),
];

/// Returns the path of the preview pages with a new link.
pub fn path(platform: &Platform) -> String {
    let expires = platform.world.now().plus_seconds(MINUTES * 60).0 / 1_000_000;
    format!("/enroll/preview/{}", platform.secrets.link(PURPOSE, &[WHAT], expires))
}

/// Returns whether this server created the link and it has not expired.
pub fn permits(platform: &Platform, token: &str) -> bool {
    platform.secrets.open_link::<1>(token, PURPOSE, platform.world.now()).is_some_and(|([what], _)| what == WHAT)
}
