//! The permit to look at the portal's pages with sample data: a link that the console or the demo hands out, and its end.

use platform::Platform;

/// What the tag of the link is for.
const PURPOSE: &str = "portal-preview";
/// The link holds nothing but its end.
const WHAT: &str = "pages";
/// The console makes another link for each page that is chosen: signing out there leaves this one valid for so long.
const MINUTES: i64 = 10;

/// The pages, by the name in the address, with what the console calls them.
pub const PAGES: [(&str, &str); 26] = [
    ("desktop", "Opened at a desk"),
    ("which-device", "What are you using?"),
    ("other-browser", "Opened in another browser than Safari"),
    ("sign-in", "Sign in"),
    ("sign-in-refused", "Sign in: refused"),
    ("sign-in-throttled", "Sign in: too many tries"),
    ("sign-in-change-password", "Sign in: another password first"),
    ("sign-in-not-now", "Sign in: not possible right now"),
    ("sign-in-too-late", "Sign in: took too long"),
    ("leaving", "On to the identity provider"),
    ("for-whom", "For whom the device is"),
    ("previous", "A device is enrolled already"),
    ("ownership", "Whose device it is"),
    ("terms", "Terms of use"),
    ("ca", "Certificate"),
    ("managed-apple-id", "Managed Apple ID"),
    ("mdm", "MDM profile, personal"),
    ("mdm-institutional", "MDM profile, of the organization"),
    ("waiting", "Waiting for the device"),
    ("enrolled", "Enrolled"),
    ("hand-over", "Back to Settings"),
    ("stopped", "Stopped: enroll in Settings instead"),
    ("stopped-permitted", "Stopped: may not enroll"),
    ("stopped-unknown", "Stopped: not known whether they may"),
    ("about", "What the organization sees"),
    ("problem", "Something went wrong"),
];

/// The path of the pages, with a permit that ends in some minutes.
pub fn path(platform: &Platform) -> String {
    let expires = platform.world.now().plus_seconds(MINUTES * 60).0 / 1_000_000;
    format!("/enroll/preview/{}", platform.secrets.link(PURPOSE, &[WHAT], expires))
}

/// Whether this link was handed out here and has not come to its end.
pub fn permits(platform: &Platform, token: &str) -> bool {
    platform.secrets.open_link::<1>(token, PURPOSE, platform.world.now()).is_some_and(|([what], _)| what == WHAT)
}
