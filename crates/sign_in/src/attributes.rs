//! Converts the groups and claims that a provider reported, and those it did not report, for access rules and events.

use crate::SignIn;
use decisions::access::Claimant;
use decisions::enrollment::Received;
use events::enrollment::{Absence, AttributeName, EnrollmentEvent, EnrollmentId, ReceivedAttributes, Untold};
use events::person::PersonId;
use events::store::ReadError;
use events::{Event, Personal};
use identity::{Account, LOCAL};

/// Returns the input of the access rules for `account`.
pub fn claimant(account: &Account) -> Claimant<'_> {
    Claimant::new(&account.provider, &account.groups, &account.claims, untold(&account.untold))
}

/// Returns the received attributes, sealed with the key of `person`. `None` for local accounts, which have neither
/// groups nor claims.
pub fn received(account: &Account, person: PersonId) -> Option<Received> {
    if account.provider == LOCAL {
        return None;
    }
    let attributes = ReceivedAttributes::bounded(&account.groups, &account.claims, untold(&account.untold));
    Some(Received { provider: account.provider.clone(), attributes: Personal::new(person.key(), attributes) })
}

/// Returns the attributes that an enrollment received last, and the name of their provider. The attributes are `None`
/// if the person was erased.
///
/// # Errors
/// Returns an error if the enrollment cannot be read.
pub async fn of_enrollment(
    sign_in: &SignIn,
    enrollment: EnrollmentId,
) -> Result<Option<(String, Option<ReceivedAttributes>)>, ReadError> {
    let entries = sign_in.platform.log.read(&enrollment.stream()).await?;
    Ok(entries.into_iter().rev().find_map(|entry| {
        let Event::Enrollment(EnrollmentEvent::AttributesReceived { provider, attributes }) = entry.event else {
            return None;
        };
        Some((provider, attributes.get().cloned()))
    }))
}

/// Converts the attributes that the provider did not report to the form that events record.
pub fn untold(untold: &identity::Untold) -> Vec<Untold> {
    let groups = untold.groups.map(|why| Untold { attribute: AttributeName::Groups, why: absence(why) });
    let claim = |(name, why): (&String, &identity::Absence)| Untold {
        attribute: AttributeName::Claim(name.clone()),
        why: absence(*why),
    };
    groups.into_iter().chain(untold.claims.iter().map(claim)).collect()
}

/// Restores the attributes that the provider did not report from their recorded form: the inverse of [`untold`].
pub fn untold_of(kept: &[Untold]) -> identity::Untold {
    let mut untold = identity::Untold::default();
    for Untold { attribute, why } in kept {
        let why = match why {
            Absence::Silent => identity::Absence::Silent,
            Absence::Elsewhere => identity::Absence::Elsewhere,
        };
        match attribute {
            AttributeName::Groups => untold.groups = Some(why),
            AttributeName::Claim(name) => {
                untold.claims.insert(name.clone(), why);
            }
        }
    }
    untold
}

fn absence(why: identity::Absence) -> Absence {
    match why {
        identity::Absence::Silent => Absence::Silent,
        identity::Absence::Elsewhere => Absence::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_told_is_kept_and_read_again() {
        let claims = [("status".to_owned(), identity::Absence::Silent)].into();
        let told = identity::Untold { groups: Some(identity::Absence::Elsewhere), claims };
        assert_eq!(untold_of(&untold(&told)), told);
    }
}
