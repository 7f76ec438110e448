//! Addresses of the pages of invitations, which other pages lead to.

use events::invitation::InvitationRefusal;

/// Name of the form field that holds the token of a link.
pub(crate) const FIELD: &str = "invitation";

/// Returns the path of the page of an invitation. `token`: that of its link.
pub(crate) fn path(token: &str) -> String {
    format!("/invitation/{token}")
}

/// Returns the path of the page that tells a person who has signed in why the invitation is not used.
pub(crate) fn not_invited_path(why: InvitationRefusal) -> String {
    format!("/enroll/not-invited?why={}", why.as_str())
}
