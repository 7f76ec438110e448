//! Decides whether a person who signed in earlier may still continue. A permission that an administrator withdraws ends
//! at once.
//!
//! Each request checks everything that is known without asking a directory or identity provider again: the local
//! account and its privileges, the enabled sign-in methods and kinds of ownership, and whether the access rule that
//! decided still grants as much. If a person left a group or was disabled in their directory, this becomes known at
//! their next sign-in. An enrollment lasts at most one day.

use super::{Assignment, Enrollment, SignedIn};
use crate::access;
use crate::staff::LocalAccount;
use events::enrollment::SignInMethodName;
use events::settings::{Settings, Ways};
use events::staff::Privilege;

impl Enrollment {
    /// Returns whether the settings still permit this enrollment to continue. An enrollment without a sign-in may
    /// always continue. After a sign-in with a local account, [`Enrollment::is_permitted_by`] must also return true.
    pub fn is_permitted_by_settings(&self, settings: &Settings) -> bool {
        let Some(signed_in) = &self.signed_in else { return true };
        let holds = self.owner().is_none() || is_granted(settings, self);
        holds && is_offered(&settings.sign_in.enrollment, self, signed_in)
    }

    /// Returns whether the local account of the person who signed in still permits this enrollment to continue.
    pub fn is_permitted_by(&self, account: &LocalAccount) -> bool {
        let needed: &[Privilege] = match self.assignment {
            Assignment::To(_) => &[Privilege::EnrollForOthers],
            Assignment::Oneself => &[Privilege::Enroll],
            Assignment::Asked { .. } => &[Privilege::Enroll, Privilege::EnrollForOthers],
        };
        !account.disabled && needed.iter().any(|one| account.privileges.contains(one))
    }
}

// Checks the access rule and the ownership: the chosen kind is still offered, or at least one can be chosen.
fn is_granted(settings: &Settings, enrollment: &Enrollment) -> bool {
    let kinds = &settings.ownership_kinds;
    let offered = match (enrollment.end, enrollment.ownership) {
        // After its end, an enrollment only shows the page with the reason.
        (Some(_), _) => true,
        (None, Some(chosen)) => kinds.contains(&chosen),
        (None, None) => !enrollment.permitted(kinds).is_empty(),
    };
    offered && access::still_grants(&settings.access, enrollment.access.as_ref())
}

// Checks whether the method of the sign-in is still enabled. The name of the provider is known from the answer of an
// identity provider or from the access rules. Without access rules, the name of a directory is not known.
fn is_offered(ways: &Ways, enrollment: &Enrollment, signed_in: &SignedIn) -> bool {
    let decided = enrollment.access.as_ref().map(|access| &access.provider);
    let (of_owner, of_visitor) = match enrollment.assignment {
        Assignment::To(_) => (decided, None),
        Assignment::Oneself | Assignment::Asked { .. } => (None, decided),
    };
    let directory = |name: Option<&String>| match name {
        Some(name) => ways.directories.contains(name),
        None => !ways.directories.is_empty(),
    };
    let owner_is_known = of_owner.is_none() || directory(of_owner);
    owner_is_known
        && match signed_in.method {
            SignInMethodName::LocalAccount => ways.local_accounts,
            SignInMethodName::Directory => directory(of_visitor),
            SignInMethodName::OpenIdConnect | SignInMethodName::Saml => {
                enrollment.signed_in_at.as_ref().or(of_visitor).is_some_and(|name| ways.single_sign_on.contains(name))
            }
        }
}
