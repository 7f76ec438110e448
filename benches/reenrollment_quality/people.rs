//! Accounts of the directory, and the people that Muster makes of them at sign-in.

use super::installation::Installation;
use decisions::enrollment::SignedIn;
use events::enrollment::SignInMethodName;
use events::{Actor, ActorKind};
use identity::{Account, Identifier, Identifiers, LOCAL};
use platform::context::Context;
use population::{AccountId, Names};
use sign_in::{Proof, find_or_create_person};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The names that the directory has at present.
#[derive(Default)]
pub struct Directory(Mutex<HashMap<AccountId, Names>>);

impl Directory {
    /// A later sign-in notes the changed names, as the server does: it learns them from the provider.
    pub fn set(&self, account: AccountId, names: Names) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(account, names);
    }

    pub fn account(&self, id: AccountId) -> Account {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        account(id, &names.expect("the account was opened"))
    }
}

fn account(id: AccountId, names: &Names) -> Account {
    let mut identifiers = Identifiers::default();
    identifiers.add(Identifier::UserName, [names.user_name.to_string()]);
    identifiers.add(Identifier::Mail, [names.mail.to_string()]);
    Account {
        provider: LOCAL.into(),
        issuer: LOCAL.into(),
        subject: id.0.to_string(),
        user_name: names.user_name.to_string(),
        display_name: Some(names.full_name.to_string()),
        mail: Some(names.mail.to_string()),
        managed_apple_id: None,
        groups: Default::default(),
        claims: Default::default(),
        untold: Default::default(),
        identifiers,
    }
}

impl Installation {
    /// Finds or makes the person of an account, as a sign-in does.
    pub async fn sign_in(&self, account: &Account) -> SignedIn {
        let platform = &self.app.platform;
        let proof = Proof { method: SignInMethodName::LocalAccount, account: account.clone(), local: None };
        let context = |person| Context::of(Actor::new(ActorKind::Person, person), None, platform.world.uuid());
        find_or_create_person(platform, &proof, context).await.expect("a person")
    }
}
