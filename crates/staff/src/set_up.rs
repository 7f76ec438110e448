//! First run: the set-up link, with which the first administrator creates their account. It is printed once. There is
//! no default account.
//!
//! The token contains the id of the stream. Only one link is valid at a time: as long as no account was created with
//! it, a new link goes to the same stream and replaces the earlier one.

use crate::Staff;
use crate::naming::{check_display_name, reserve_name};
use decisions::staff::{Command, LocalAccount, NewAccount, Refusal, SetUpLink};
use events::Personal;
use events::enrollment::SecretHash;
use events::envelope::{Actor, ActorKind};
use events::staff::{Privilege, StaffId};
use events::store::ReadError;
use events::system::RefusalEvent;
use identity::password::{WeakPassword, check_new_password, hash_password};
use platform::PerformError;
use platform::context::Context;
use platform::named_secret::{self, Kind};
use platform::secrets::{Secrets, hash};
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use uuid::Uuid;
use world::World;

/// Lifetime of a link in seconds.
pub(crate) const LINK_SECONDS: i64 = 24 * 60 * 60;

/// A new link: the stored part and the token, which is printed.
pub struct NewLink {
    pub staff: StaffId,
    pub link: SetUpLink,
    pub token: String,
}

/// The data that the first administrator enters.
pub struct FirstAdministrator {
    pub user_name: String,
    pub display_name: Option<String>,
    pub password: SecretString,
    pub source: Option<IpAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The link was used, replaced, has expired or never existed.
    #[error("the link is not valid: wrong, used, replaced or expired; `muster user set-up-link` creates a new one")]
    Link,
    /// The name is refused. The text is shown to the person.
    #[error("{0}")]
    Name(String),
    #[error(transparent)]
    Password(#[from] WeakPassword),
    #[error("{0}")]
    Broken(String),
}

impl From<ReadError> for SetUpError {
    fn from(error: ReadError) -> SetUpError {
        SetUpError::Broken(error.to_string())
    }
}

/// Returns the id of the account of the `nth` link of this installation, from 0.
pub fn staff_of(secrets: &Secrets, nth: usize) -> StaffId {
    let name = secrets.name("set-up", &[&nth.to_string()]);
    StaffId(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
}

/// Creates a link.
pub fn new_link(world: &World, staff: StaffId) -> NewLink {
    let secret = world.secret();
    let link = SetUpLink { hash: hash(&secret), expires: world.now().plus_seconds(LINK_SECONDS) };
    NewLink { staff, link, token: named_secret::text(Kind::SetUp, staff.0, &secret) }
}

/// Returns the URL of a link.
pub fn address(public_url: &str, token: &str) -> String {
    format!("{public_url}/console/set-up/{token}")
}

/// Creates a link and returns its URL. The earlier link is no longer valid.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn issue(service: &Staff, context: &Context) -> Result<String, SetUpError> {
    let (staff, _) = current(service).await?;
    let new = new_link(&service.platform.world, staff);
    let issued =
        service.platform.perform::<LocalAccount>(&staff.stream(), &Command::IssueSetUpLink(new.link), context).await;
    issued.map_err(|error| SetUpError::Broken(error.to_string()))?;
    Ok(address(&service.platform.public_url, &new.token))
}

/// Revokes the open link, if there is one, because an administrator was created in another way.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn revoke(service: &Staff, context: &Context) -> Result<(), SetUpError> {
    let (staff, _) = current(service).await?;
    let revoked = service.platform.perform::<LocalAccount>(&staff.stream(), &Command::RevokeSetUpLink, context).await;
    revoked.map(drop).map_err(|error| SetUpError::Broken(error.to_string()))
}

// Returns the first of the accounts for set-up links that does not exist yet.
async fn current(service: &Staff) -> Result<(StaffId, Arc<LocalAccount>), ReadError> {
    let mut nth = 0;
    loop {
        let staff = staff_of(&service.platform.secrets, nth);
        let (account, _) = service.platform.load::<LocalAccount>(&staff.stream()).await?;
        if !account.exists {
            return Ok((staff, account));
        }
        nth += 1;
    }
}

/// Checks that the link with this token is valid.
///
/// # Errors
/// Returns an error if it is not, or if the log cannot be read.
pub async fn check(service: &Staff, token: &str) -> Result<(), SetUpError> {
    let (staff, secret) = parse(token).ok_or(SetUpError::Link)?;
    let (account, _) = service.platform.load::<LocalAccount>(&staff.stream()).await?;
    let link = account.open_link(&secret).map_err(|_| SetUpError::Link)?;
    if link.expires <= service.platform.world.now() { Err(SetUpError::Link) } else { Ok(()) }
}

fn parse(token: &str) -> Option<(StaffId, SecretHash)> {
    named_secret::parse(Kind::SetUp, token).map(|(staff, hash)| (StaffId(staff), hash))
}

/// Creates the first administrator's account.
///
/// # Errors
/// Returns an error if the link is not valid, the user name, display name or password is refused, or the log cannot be
/// read or written.
pub async fn set_up(service: &Staff, token: &str, first: FirstAdministrator) -> Result<(), SetUpError> {
    let source = first.source;
    let done = make(service, token, first).await;
    if let Err(SetUpError::Link) = done {
        let told = service.sign_in.record_refusal_of_stranger(RefusalEvent::SetUpLinkRefused {}, source).await;
        told.map_err(|error| SetUpError::Broken(error.to_string()))?;
    }
    done
}

async fn make(service: &Staff, token: &str, first: FirstAdministrator) -> Result<(), SetUpError> {
    let (staff, secret) = parse(token).ok_or(SetUpError::Link)?;
    check(service, token).await?;
    check_display_name("the display name", first.display_name.as_deref()).map_err(SetUpError::Name)?;
    check_new_password(&first.user_name, &first.password)?;
    let actor = Actor::new(ActorKind::Visitor, staff);
    let context = Context::of(actor, first.source.map(|source| (source, staff.key())), service.platform.world.uuid());
    if reserve_name(service, &first.user_name, staff, &context).await.map_err(SetUpError::Name)? != staff {
        return Err(SetUpError::Name("there is a user of that name already".into()));
    }
    let world = service.platform.world.clone();
    let hashed = tokio::task::spawn_blocking(move || hash_password(&world, &first.password)).await;
    let sealed = |text: String| Personal::new(staff.key(), text);
    let account = NewAccount {
        user_name: sealed(first.user_name),
        password: sealed(hashed.map_err(|error| SetUpError::Broken(error.to_string()))?),
        privileges: BTreeSet::from([Privilege::Administrator]),
        display_name: first.display_name.map(sealed),
        mail: None,
        managed_apple_id: None,
    };
    let command = Command::SetUp { secret, now: service.platform.world.now(), account };
    match service.platform.perform::<LocalAccount>(&staff.stream(), &command, &context).await {
        Ok(_) => Ok(()),
        Err(PerformError::Refused(Refusal::LinkUnknown | Refusal::LinkExpired | Refusal::Exists)) => {
            Err(SetUpError::Link)
        }
        Err(error) => Err(SetUpError::Broken(error.to_string())),
    }
}
