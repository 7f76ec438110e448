//! The keys of invitations. What the key of an invitation sealed about a person is erased with the person.

use crate::{InvitationError, Invitations};
use events::person::{PersonEvent, PersonId};
use events::record::OwnerKey;
use events::store::AppendError;
use events::{Event, KeyName};
use std::sync::Arc;

impl Invitations {
    /// Hands the keys of invitations that name a person to that person, also of those that they never used. Destroying
    /// the person's key then destroys them. Call it before the key is destroyed, and again after the person was erased.
    ///
    /// # Errors
    /// Returns an error if the person or the projections cannot be read, or the keys cannot be written.
    pub async fn hand_over(&self, person: PersonId) -> Result<(), InvitationError> {
        // The state of an erased person has no keys.
        let past = self.platform.log.read(&person.stream()).await?;
        let hmacs = past.into_iter().flat_map(|entry| keys_of(entry.event)).map(|key| key.hmac).collect();
        let named = projections::invitations::sealed_for(&self.platform.projections, person, hmacs).await?;
        let mut owners = Vec::new();
        for invitation in named {
            let state = self.state(invitation).await?;
            let details = state.issued.as_ref().map(|issued| &issued.recipient.details);
            if details.is_some_and(|details| details.key().first() == invitation.key()) {
                owners.push((invitation.key(), person.key()));
            }
        }
        self.set_owners(owners).await
    }

    pub(crate) async fn set_owners(&self, owners: Vec<(KeyName, KeyName)>) -> Result<(), InvitationError> {
        if owners.is_empty() {
            return Ok(());
        }
        let keys = Arc::clone(self.platform.log.keys());
        let set = tokio::task::spawn_blocking(move || keys.set_owners(&owners)).await;
        Ok(set.map_err(|error| AppendError::Unavailable(error.to_string()))??)
    }
}

fn keys_of(event: Event) -> Vec<OwnerKey> {
    let Event::Person(event) = event else { return vec![] };
    match event {
        PersonEvent::PersonKnown { keys, .. } | PersonEvent::PersonKeysNoted { keys, .. } => keys,
        PersonEvent::PersonAttributesChanged { .. } | PersonEvent::ManagedAppleIdLearned { .. } => vec![],
        PersonEvent::TermsAcceptanceKept { .. } | PersonEvent::PersonRecordsResolved { .. } => vec![],
        PersonEvent::PersonErased {} => vec![],
    }
}
