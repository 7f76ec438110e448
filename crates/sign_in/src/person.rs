//! Finds or creates the person of an account.

use crate::owner_keys::{name_keys, owner_keys};
use crate::{Proof, SignInError};
use decisions::enrollment::SignedIn;
use decisions::person::{self, Person, ReserveAccount};
use events::person::{PersonAttributes, PersonId};
use events::{Personal, StreamName};
use identity::Account;
use platform::Platform;
use platform::context::Context;

/// Returns the person of an account, and creates them if the account is new. Also notes the keys by which previous
/// records find them. `context` returns the context of the events for a person.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn find_or_create_person(
    platform: &Platform,
    proof: &Proof,
    context: impl Fn(PersonId) -> Context,
) -> Result<SignedIn, SignInError> {
    let (account, name) = (&proof.account, proof.account_name(&platform.secrets));
    let person = person_of(platform, &name, &context).await?;
    let know = person::Command::Know {
        method: proof.method,
        account: name.clone(),
        attributes: Box::new(attributes(account, person)),
        keys: owner_keys(&platform.secrets, account),
        names: name_keys(&platform.secrets, account),
    };
    platform.perform::<Person>(&person.stream(), &know, &context(person)).await?;
    let user_name = Personal::new(person.key(), account.user_name.clone());
    Ok(SignedIn { method: proof.method, person, account: name, user_name })
}

// The first reservation binds the account to a person; later ones return that person. If that person was erased, the
// account is bound to a new person without a history.
async fn person_of(
    platform: &Platform,
    account: &str,
    context: impl Fn(PersonId) -> Context,
) -> Result<PersonId, SignInError> {
    let stream = StreamName::of("account", account);
    let mut in_place_of = None;
    loop {
        let fresh = PersonId(platform.world.random_uuid());
        let command = ReserveAccount { person: fresh, in_place_of };
        let performed = platform.perform::<person::Account>(&stream, &command, &context(fresh)).await?;
        let person = performed.state.person.unwrap_or(fresh);
        let (known, _) = platform.load::<Person>(&person.stream()).await?;
        if !known.erased {
            return Ok(person);
        }
        in_place_of = Some(person);
    }
}

fn attributes(account: &Account, person: PersonId) -> PersonAttributes {
    let sealed = |value: &String| Personal::new(person.key(), value.clone());
    PersonAttributes {
        user_name: Some(sealed(&account.user_name)),
        display_name: account.display_name.as_ref().map(sealed),
        mail: account.mail.as_ref().map(sealed),
        managed_apple_id: account.managed_apple_id.as_ref().map(sealed),
    }
}
