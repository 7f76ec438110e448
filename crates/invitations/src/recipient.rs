//! Who is invited: the owner of an earlier record, a person, or whoever has a mail address.

use crate::Invitations;
use crate::error::{InvitationError, IssueError, NotIssued};
use decisions::migration::Migration;
use decisions::person::Person;
use decisions::record::Record;
use events::KeyName;
use events::invitation::{InvitationId, Recipient, RecipientDetails};
use events::person::PersonId;
use events::personal::{Gone, Personal, is_placeholder};
use events::record::{OwnerKey, RecordId, RecordOwner};
use identity::{Identifier, LOCAL};
use sign_in::{attribute_of, owner_key};
use std::collections::BTreeSet;

/// Longest mail address in bytes (RFC 5321 section 4.5.3.1.3).
const LONGEST_MAIL: usize = 254;

/// Characters that an address has in quotes alone (RFC 5322 section 3.2.3), besides the dot and the at sign.
const QUOTED: &str = "()<>[]:;\\,\"";
/// Longest name of a person in characters. A mail server refuses a line that is much longer.
const LONGEST_NAME: usize = 200;

/// Who an invitation is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitee {
    /// The owner of this record. An enrollment of this installation is named by [`RecordId::of_device`].
    Record(RecordId),
    Person(PersonId),
    /// Whoever has this address as mail address, user name or user principal name at a provider of this server.
    Mail {
        address: String,
        full_name: Option<String>,
    },
}

impl Invitee {
    /// Returns the earlier record, if the invitation is for one.
    pub(crate) fn record(&self) -> Option<RecordId> {
        match self {
            Invitee::Record(record) => Some(*record),
            Invitee::Person(_) | Invitee::Mail { .. } => None,
        }
    }
}

impl Invitations {
    pub(crate) async fn recipient(&self, invitation: InvitationId, invitee: &Invitee) -> Result<Recipient, IssueError> {
        match invitee {
            Invitee::Record(record) if record.is_imported() => self.owner_of_imported(*record).await,
            Invitee::Record(record) => self.owner_of_enrollment(*record).await,
            Invitee::Person(person) => self.person(*person).await,
            Invitee::Mail { address, full_name } => self.holder(invitation, address, full_name.as_deref()).await,
        }
    }

    async fn owner_of_imported(&self, id: RecordId) -> Result<Recipient, IssueError> {
        let (record, _) = self.platform.load::<Record>(&id.stream()).await?;
        let details = record.details.as_ref().ok_or(NotIssued::UnknownRecord)?;
        if record.is_shredded || details.personal.gone() == Some(Gone::Erased) {
            return Err(NotIssued::RecordErased.into());
        }
        is_to_enroll(&record)?;
        if self.is_closed(record.source.as_deref()).await? {
            return Err(NotIssued::MigrationClosed.into());
        }
        let person = match record.owner {
            Some(RecordOwner::Several {}) => return Err(NotIssued::SeveralOwners.into()),
            Some(RecordOwner::Left {}) => return Err(NotIssued::OwnerLeft.into()),
            owner => owner.and_then(RecordOwner::person),
        };
        let keys: Vec<OwnerKey> = record.owner_keys.iter().cloned().collect();
        if person.is_none() && keys.is_empty() {
            return Err(NotIssued::NoOwner.into());
        }
        let of_person = match person {
            Some(person) => self.details_of(person).await?.ok_or(NotIssued::RecordErased)?,
            None => RecipientDetails::default(),
        };
        let personal = details.personal.get();
        let of_record = |field: fn(&events::record::PersonalDetails) -> &Option<String>| field(personal?).clone();
        let details = RecipientDetails {
            full_name: of_record(|personal| &personal.full_name).or(of_person.full_name),
            mail: of_record(|personal| &personal.mail).or(of_person.mail),
        };
        Ok(recipient(person, keys, id.key(), details))
    }

    async fn is_closed(&self, source: Option<&str>) -> Result<bool, InvitationError> {
        let Some(source) = source else { return Ok(false) };
        let (migration, _) = self.platform.load::<Migration>(&self.platform.secrets.migration(source).stream()).await?;
        Ok(migration.is_closed)
    }

    // The record of an enrollment of this installation has no personal fields, and its owner is the person who
    // enrolled.
    async fn owner_of_enrollment(&self, id: RecordId) -> Result<Recipient, IssueError> {
        let enrollment = self.platform.enrollment(id.device().enrollment()).await?;
        let owner = enrollment.owner().ok_or(NotIssued::UnknownRecord)?.person;
        let (record, _) = self.platform.load::<Record>(&id.stream()).await?;
        is_to_enroll(&record)?;
        let details = self.details_of(owner).await?.ok_or(NotIssued::RecordErased)?;
        Ok(recipient(Some(owner), vec![], owner.key(), details))
    }

    async fn person(&self, person: PersonId) -> Result<Recipient, IssueError> {
        let (known, _) = self.platform.load::<Person>(&person.stream()).await?;
        if !known.known && !known.erased {
            return Err(NotIssued::UnknownPerson.into());
        }
        let details = self.details_of(person).await?.ok_or(NotIssued::PersonErased)?;
        Ok(recipient(Some(person), vec![], person.key(), details))
    }

    // Returns `None` if the person was erased.
    async fn details_of(&self, person: PersonId) -> Result<Option<RecipientDetails>, InvitationError> {
        let (known, _) = self.platform.load::<Person>(&person.stream()).await?;
        let text = |value: &Option<Personal<String>>| {
            let text = value.as_ref()?.get()?;
            (!is_placeholder(text)).then(|| text.clone())
        };
        let attributes = &known.attributes;
        let full_name = text(&attributes.display_name).or_else(|| text(&attributes.user_name));
        Ok((!known.erased).then(|| RecipientDetails { full_name, mail: text(&attributes.mail) }))
    }

    // If exactly one person is known to have the address, only they can use the invitation.
    async fn holder(
        &self,
        invitation: InvitationId,
        address: &str,
        full_name: Option<&str>,
    ) -> Result<Recipient, IssueError> {
        let address = address.trim();
        if !is_mail(address) {
            return Err(NotIssued::MailInvalid.into());
        }
        let keys = self.keys_of(address);
        if keys.is_empty() {
            return Err(NotIssued::NoProvider.into());
        }
        let hmacs: BTreeSet<String> = keys.iter().map(|key| key.hmac.clone()).collect();
        let known = projections::records::known_people(&self.platform.projections, hmacs).await;
        let mut people = known.map_err(InvitationError::from)?.into_keys();
        let person = people.next().filter(|_| people.next().is_none());
        let full_name = full_name.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        if full_name
            .as_deref()
            .is_some_and(|name| name.chars().any(char::is_control) || name.chars().count() > LONGEST_NAME)
        {
            return Err(NotIssued::NameInvalid.into());
        }
        let details = RecipientDetails { full_name, mail: Some(address.to_owned()) };
        let key = person.map_or_else(|| invitation.key(), PersonId::key);
        Ok(recipient(person, keys, key, details))
    }

    // The keys that an account with this address has at each provider.
    fn keys_of(&self, address: &str) -> Vec<OwnerKey> {
        let identifiers = [Identifier::UserName, Identifier::UserPrincipalName, Identifier::Mail];
        let (directories, providers) = (&self.sign_in.directories, &self.sign_in.providers);
        let names = [LOCAL].into_iter().chain(directories.names()).chain(providers.names());
        let stated = |name: &str, identifier: Identifier| match (directories.named(name), providers.find(name)) {
            _ if name == LOCAL => matches!(identifier, Identifier::UserName | Identifier::Mail),
            (Some(directory), _) => directory.has(identifier),
            (None, Some(provider)) => provider.has(identifier),
            (None, None) => false,
        };
        let all = names.flat_map(|name| identifiers.map(|identifier| (name, identifier)));
        let key = |(name, identifier)| owner_key(&self.platform.secrets, name, attribute_of(identifier), address);
        all.filter(|(name, identifier)| stated(name, *identifier)).filter_map(key).collect()
    }
}

fn is_to_enroll(record: &Record) -> Result<(), NotIssued> {
    match (record.successor(), record.exception) {
        (Some(_), _) => Err(NotIssued::AlreadyEnrolled),
        (None, Some(exception)) => Err(NotIssued::Exception(exception)),
        (None, None) => Ok(()),
    }
}

fn recipient(person: Option<PersonId>, keys: Vec<OwnerKey>, key: KeyName, details: RecipientDetails) -> Recipient {
    Recipient { person, keys, details: Personal::new(key, details) }
}

// Whether the address exists is only known after a mail was sent to it.
fn is_mail(address: &str) -> bool {
    let is_plain = !address.chars().any(|c| c.is_whitespace() || c.is_control() || QUOTED.contains(c));
    let parts = address.rsplit_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'));
    is_plain && parts && address.len() <= LONGEST_MAIL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_address_has_a_name_and_a_domain() {
        assert!(is_mail("ada@example.org") && is_mail("ada.\u{e9}@sub.example.org"));
        let long = format!("{}@example.org", "a".repeat(300));
        for wrong in [
            "",
            "ada",
            "@example.org",
            "ada@example",
            "ada @example.org",
            "ada@exa\nmple.org",
            "<b>@example.org",
            "a,b@example.org",
            &long,
        ] {
            assert!(!is_mail(wrong), "{wrong}");
        }
    }
}
